//! Messages to one client beside broadcasts to very many: over connections in memory, in one process.
//!
//! `bench-direct --sessions 100000 --rate 500 --publish 3 --workers 1` sends direct messages at a rate, first alone,
//! then while broadcasts go to all, and prints one JSON object: until when 99% of them were heard, counted from when
//! they were due.

use bench_memory::{Connections, Count, Wire};
use clap::Parser;
use serde_json::json;
use std::io::{Error, Result};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use wingbeat::prelude::*;

// As in every server binary of ours.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Handshakes under way at a time.
const AT_ONCE: u64 = 256;
/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct Options {
    /// How many sessions hear the broadcasts.
    #[arg(long, default_value_t = 100_000)]
    sessions: u64,
    /// Direct messages a second.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Broadcasts a second.
    #[arg(long, default_value_t = 3.0)]
    publish: f64,
    /// For how many seconds each is measured: alone, and beside broadcasts.
    #[arg(long, default_value_t = 10)]
    secs: u64,
    /// How many threads the server has.
    #[arg(long, default_value_t = 1)]
    workers: usize,
}

struct Messages;

impl RawService for Messages {
    fn methods(&self) -> Vec<Method> {
        vec![Create]
    }

    async fn create(&self, data: Option<Payload>, _params: &Params) -> wingbeat::Result<Payload> {
        Ok(data.unwrap_or(Payload::NULL))
    }
}

fn main() -> wingbeat::Result<()> {
    let options = Options::parse();
    // The first connection is the one who hears the direct messages; it hears the broadcasts as well.
    let nobody_yet = AtomicU64::new(0);
    let app = App::builder()
        .mount("messages", Mount::new(Messages).publish(|_| channel("everybody")))
        .mount("direct", Mount::new(Messages).publish(|_| channel("one")))
        .on_connection(move |app, connection| {
            app.channel("everybody").join(connection);
            if nobody_yet.fetch_add(1, Relaxed) == 0 {
                app.channel("one").join(connection);
            }
        })
        .configure(SocketIo::new())
        .build()?;
    // The workers are threads of their own, also where there is one: this one is the clients.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(options.workers).enable_all().build()?;
    let clients = Clients::connect(&runtime, app, options.sessions)?;
    let alone = clients.measure(&options, 0.0)?;
    let beside = clients.measure(&options, options.publish)?;
    let figures = json!({
        "sessions": options.sessions,
        "workers": options.workers,
        "messages": beside.len(),
        "quiet_p50_us": quantile(&alone, 0.5),
        "quiet_p99_us": quantile(&alone, 0.99),
        "p50_us": quantile(&beside, 0.5),
        "p99_us": quantile(&beside, 0.99),
        "p999_us": quantile(&beside, 0.999),
        "p99_rise_ms": (quantile(&beside, 0.99) - quantile(&alone, 0.99)) / 1000.0,
    });
    println!("{figures}");
    Ok(())
}

struct Clients {
    /// What all count who only hear broadcasts.
    count: Arc<Count>,
    /// What the one counts who hears the direct messages.
    one: Arc<Count>,
    sender: Wire,
    sessions: u64,
}

impl Clients {
    fn connect(runtime: &Runtime, app: App, sessions: u64) -> Result<Clients> {
        let (connect, accepted) = mpsc::channel(1);
        runtime.spawn(wingbeat::serve(Connections(accepted), app).until(std::future::pending()).into_future());
        let open = |count: &Arc<Count>| {
            let wire = Wire::new(count.clone());
            connect.blocking_send(wire.clone()).map_err(|_| Error::other("the server has ended")).map(|()| wire)
        };
        let (count, one) = (Arc::new(Count::default()), Arc::new(Count::default()));
        open(&one)?;
        reach("joined", || one.joined.load(Relaxed), 1)?;
        let sender = open(&count)?;
        for n in 2..sessions {
            reach("joined", || count.joined.load(Relaxed), n.saturating_sub(AT_ONCE))?;
            open(&count)?;
        }
        reach("joined", || count.joined.load(Relaxed) + 1, sessions)?;
        Ok(Clients { count, one, sender, sessions })
    }

    /// Sends direct messages, and broadcasts if there are any a second: after how many microseconds each of the former
    /// was heard, in order.
    fn measure(&self, options: &Options, publish: f64) -> Result<Vec<f64>> {
        let mut due = Vec::new();
        let (begin, heard) = (Instant::now(), self.heard().len());
        let (mut next, mut next_broadcast, mut broadcasts) = (begin, begin, 0);
        let before = self.count.events.load(Relaxed);
        while begin.elapsed() < Duration::from_secs(options.secs) {
            let now = Instant::now();
            if publish > 0.0 && next_broadcast <= now {
                self.sender.say(r#"42["create","messages",{"text":"hello to everybody"}]"#);
                next_broadcast += Duration::from_secs_f64(1.0 / publish);
                broadcasts += 1;
            }
            if next <= now {
                self.sender.say(r#"42["create","direct",{"text":"hello"}]"#);
                due.push(next);
                next += Duration::from_secs_f64(1.0 / options.rate);
            }
            // It wakes up late by some 60 us, alone as well.
            sleep(next.saturating_duration_since(Instant::now()));
        }
        reach("direct messages heard", || self.heard().len() as u64, (heard + due.len()) as u64)?;
        let all = before + broadcasts * (self.sessions - 1);
        reach("broadcasts heard", || self.count.events.load(Relaxed), all)?;
        let heard = self.heard().split_off(heard);
        let mut times: Vec<f64> =
            due.iter().zip(heard).map(|(due, heard)| (heard - *due).as_secs_f64() * 1e6).collect();
        times.sort_by(f64::total_cmp);
        Ok(times)
    }

    fn heard(&self) -> Vec<Instant> {
        self.one.direct.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn quantile(sorted: &[f64], quantile: f64) -> f64 {
    let at = (sorted.len() as f64 * quantile) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).map_or(0.0, |us| us.round())
}

fn reach(what: &str, counter: impl Fn() -> u64, value: u64) -> Result<()> {
    let mut last = (counter(), Instant::now());
    while last.0 < value {
        sleep(Duration::from_millis(1));
        let now = counter();
        if now > last.0 {
            last = (now, Instant::now());
        } else if last.1.elapsed() > PATIENCE {
            return Err(Error::other(format!("{what}: {now} of {value}, and nothing more in {PATIENCE:?}")));
        }
    }
    Ok(())
}
