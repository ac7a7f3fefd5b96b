//! What rust_socketio costs the program that uses it: `rpc` and `idle` as bench/client has them.
//!
//! usage: `peer_rust_socketio rpc|idle [--url U] [--conns 50] [--inflight 16] [--warmup 1] [--secs 3]`
//!
//! Its acknowledgement ids are random numbers below 999: with several calls in flight two soon share one, and its reading
//! task panics. A call without an answer is given up after a second and counted as lost; `clients.mjs` measures it with
//! one in flight.

use futures_util::FutureExt;
use futures_util::future::try_join_all;
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rust_socketio::{Payload, TransportType};
use serde_json::{Value, json};
use std::error::Error;
use std::fs::{read_dir, read_to_string};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Options {
    url: String,
    conns: usize,
    inflight: usize,
    warmup: f64,
    secs: f64,
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let scenario = words.next().unwrap_or_default();
    let mut options =
        Options { url: "http://127.0.0.1:3030".to_owned(), conns: 50, inflight: 16, warmup: 1.0, secs: 3.0 };
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        match name.as_str() {
            "--url" => options.url = value,
            "--conns" => options.conns = value.parse()?,
            "--inflight" => options.inflight = value.parse()?,
            "--warmup" => options.warmup = value.parse()?,
            "--secs" => options.secs = value.parse()?,
            _ => return Err(format!("no option {name}").into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match scenario.as_str() {
            "rpc" => rpc(&options).await,
            "idle" => idle(&options).await,
            other => Err(format!("no scenario {other}").into()),
        }
    })
}

/// A client that is connected: the builder itself does not wait for that.
async fn connect(url: &str) -> Result<Client> {
    let (joined, mut wait) = mpsc::channel(1);
    let builder = ClientBuilder::new(url).transport_type(TransportType::Websocket).on("open", move |_, _| {
        let joined = joined.clone();
        async move {
            let _ = joined.try_send(());
        }
        .boxed()
    });
    let client = builder.connect().await?;
    timeout(Duration::from_secs(20), wait.recv()).await?.ok_or("not connected")?;
    Ok(client)
}

async fn connect_all(options: &Options) -> Result<Vec<Client>> {
    let mut clients = Vec::with_capacity(options.conns);
    while clients.len() < options.conns {
        let some = (options.conns - clients.len()).min(50);
        clients.extend(try_join_all((0..some).map(|_| connect(&options.url))).await?);
    }
    Ok(clients)
}

#[derive(Default)]
struct Counts {
    done: AtomicU64,
    lost: AtomicU64,
    wrong: AtomicU64,
}

async fn rpc(options: &Options) -> Result<()> {
    let clients = connect_all(options).await?;
    let counts = Arc::new(Counts::default());
    for client in &clients {
        for _ in 0..options.inflight {
            tokio::spawn(caller(client.clone(), counts.clone()));
        }
    }
    sleep(Duration::from_secs_f64(options.warmup)).await;
    let (cpu, calls) = (cpu_ns()?, counts.done.load(Ordering::Relaxed));
    sleep(Duration::from_secs_f64(options.secs)).await;
    let (cpu, calls) = (cpu_ns()? - cpu, counts.done.load(Ordering::Relaxed) - calls);
    let (lost, wrong) = (counts.lost.load(Ordering::Relaxed), counts.wrong.load(Ordering::Relaxed));
    let each = cpu as f64 / 1e3 / calls as f64;
    println!("{}", json!({ "scenario": "rpc", "calls": calls, "failed": wrong, "lost": lost, "client_cpu_us": each }));
    if wrong > 0 || calls == 0 { Err("calls failed".into()) } else { Ok(()) }
}

async fn caller(client: Client, counts: Arc<Counts>) {
    let (answer, mut answers) = mpsc::channel(1);
    loop {
        let answer = answer.clone();
        let arguments = vec![json!("quiet"), json!("17"), json!({})];
        let sent = client.emit_with_ack("get", arguments, PATIENCE, move |payload, _| {
            let _ = answer.try_send(is_right(&payload));
            async {}.boxed()
        });
        if sent.await.is_err() {
            counts.wrong.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let count = match timeout(PATIENCE, answers.recv()).await {
            Ok(Some(true)) => &counts.done,
            Ok(_) => &counts.wrong,
            Err(_) => &counts.lost,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// An acknowledgement's arguments come as the only element of a list.
fn is_right(payload: &Payload) -> bool {
    let Payload::Text(values) = payload else { return false };
    let record = |values: &[Value]| values.get(1).is_some_and(|one| one["id"] == "17" && one["text"] == "hello");
    record(values) || values.first().and_then(Value::as_array).is_some_and(|inner| record(inner))
}

async fn idle(options: &Options) -> Result<()> {
    // One first, so that what is loaded lazily is not charged to the rest.
    connect(&options.url).await?.disconnect().await?;
    let before = rss_kib()?;
    let clients = connect_all(options).await?;
    sleep(Duration::from_secs_f64(options.secs)).await;
    let each = (rss_kib()? as f64 - before as f64) / options.conns as f64;
    println!(
        "{}",
        json!({ "scenario": "idle", "clients": clients.len(), "rss_before_kib": before, "rss_kib_per_client": each })
    );
    Ok(())
}

fn cpu_ns() -> Result<u64> {
    let mut total = 0;
    for thread in read_dir("/proc/self/task")? {
        let text = read_to_string(thread?.path().join("schedstat"))?;
        total += text.split_whitespace().next().ok_or("/proc is not as expected")?.parse::<u64>()?;
    }
    Ok(total)
}

fn rss_kib() -> Result<u64> {
    let status = read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("/proc is not as expected")?.parse()?)
}
