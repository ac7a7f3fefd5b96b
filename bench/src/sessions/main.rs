//! More sessions than a process may open files: over connections in memory, in one process.
//!
//! `bench-sessions --sessions 1000000 --idle 25 --creates 5` opens that many, lets them be for a while (each is sent a
//! ping and answers it), publishes to all of them, and prints one JSON object: bytes each, what the heartbeats cost,
//! what a delivery costs. What the connections in memory take is part of the figures, and named beside them.

mod process;

use bench_memory::{Connections, Count, Wire};
use clap::Parser;
use process::{cpu, peak_rss, rss};
use serde_json::{Map, Value, json};
use std::io::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use wingbeat::engine::Config;
use wingbeat::prelude::*;

// As in every server binary of ours.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Handshakes under way at a time.
const AT_ONCE: u64 = 256;

#[derive(Parser)]
struct Options {
    /// How many sessions are opened.
    #[arg(long, default_value_t = 100_000)]
    sessions: u64,
    /// For how many seconds they are left alone. Also the interval of the heartbeats.
    #[arg(long, default_value_t = 25)]
    idle: u64,
    /// How many creates are published to all of them.
    #[arg(long, default_value_t = 5)]
    creates: u64,
}

#[derive(Default)]
struct Messages(AtomicU64);

impl RawService for Messages {
    fn methods(&self) -> Vec<Method> {
        vec![Create]
    }

    async fn create(&self, data: Option<Payload>, _params: &Params) -> Result<Payload> {
        let mut message: Value = data.unwrap_or(Payload::NULL).value_mut()?.clone();
        message["id"] = (self.0.fetch_add(1, Relaxed) + 1).into();
        Ok(message.into())
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(options))
}

async fn run(options: Options) -> Result<()> {
    let interval = Duration::from_secs(options.idle.max(1));
    let app = App::builder()
        .mount("messages", Mount::new(Messages::default()).publish(|_| channel("everybody")))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(SocketIo::with_config(Config::default().ping_interval(interval)))
        .build()?;
    let (connect, connections) = mpsc::channel(1);
    tokio::spawn(wingbeat::serve(Connections(connections), app).until(std::future::pending()).into_future());
    let count = Arc::new(Count::default());

    // One first, so that what is loaded lazily is not charged to the rest.
    let first = open(&connect, &count).await?;
    reach("joined", &count.joined, 1).await?;
    let (empty, began) = (rss()?, cpu()?);
    let since = Instant::now();
    for n in 1..options.sessions {
        while count.joined.load(Relaxed) + AT_ONCE < n {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        open(&connect, &count).await?;
    }
    reach("joined", &count.joined, options.sessions).await?;
    let (opened, opening) = (rss()?, cpu()? - began);
    let opened_in = since.elapsed();

    let (before, pongs) = (cpu()?, count.pongs.load(Relaxed));
    tokio::time::sleep(interval).await;
    let heartbeats = count.pongs.load(Relaxed) - pongs;
    let (idle, sweeping) = (rss()?, cpu()? - before);

    let before = cpu()?;
    let since = Instant::now();
    for n in 1..=options.creates {
        first.say(&format!(r#"42{n}["create","messages",{{"text":"hello to everybody"}},{{}}]"#));
        reach("delivered", &count.events, n * options.sessions).await?;
    }
    let (delivering, delivered_in) = (cpu()? - before, since.elapsed());
    reach("acknowledged", &count.acks, options.creates).await?;

    let per = |time: Duration, n: u64| time.as_secs_f64() * 1e6 / n.max(1) as f64;
    let mut figures = Map::new();
    let mut figure = |name: &str, value: f64| figures.insert(name.into(), json!((value * 1000.0).round() / 1000.0));
    figure("sessions", options.sessions as f64);
    figure("bytes_per_session", (opened - empty) as f64 / options.sessions as f64);
    figure("bytes_per_session_idle", (idle.saturating_sub(empty)) as f64 / options.sessions as f64);
    figure("bytes_of_connection", Wire::SIZE as f64);
    figure("rss_mib", opened as f64 / 1048576.0);
    figure("peak_rss_mib", peak_rss()? as f64 / 1048576.0);
    figure("open_us_per_session", per(opening, options.sessions));
    figure("open_seconds", opened_in.as_secs_f64());
    figure("heartbeats", heartbeats as f64);
    figure("heartbeat_us", per(sweeping, heartbeats));
    figure("heartbeat_cpu_share", sweeping.as_secs_f64() / interval.as_secs_f64());
    figure("delivery_us", per(delivering, options.creates * options.sessions));
    figure("delivery_ms_to_all", delivered_in.as_secs_f64() * 1e3 / options.creates.max(1) as f64);
    println!("{}", Value::Object(figures));
    Ok(())
}

async fn open(connect: &mpsc::Sender<Wire>, count: &Arc<Count>) -> Result<Wire> {
    let wire = Wire::new(count.clone());
    connect.send(wire.clone()).await.map_err(|_| Error::other("the server has ended"))?;
    Ok(wire)
}

/// Lets the server work until the counter has that value. Asleep, not yielding: turns of this task would be charged to
/// the server.
async fn reach(what: &str, counter: &AtomicU64, value: u64) -> Result<()> {
    let mut last = (counter.load(Relaxed), Instant::now());
    loop {
        let now = counter.load(Relaxed);
        if now >= value {
            return if now == value { Ok(()) } else { Err(Error::other(format!("{what}: {now}, not {value}")).into()) };
        }
        if now > last.0 {
            last = (now, Instant::now());
        } else if last.1.elapsed() > Duration::from_secs(30) {
            return Err(Error::other(format!("{what}: {now} of {value}, and nothing more in 30 s")).into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
