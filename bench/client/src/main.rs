//! What `wingbeat-client` costs the program that uses it.
//!
//! `client-bench rpc --url U --conns 50 --inflight 16` and `client-bench idle --url U --conns 10000` each print one line
//! of JSON, as the programs beside it do that measure other clients (bench/README.md).

mod proc;

use clap::{Parser, ValueEnum};
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use wingbeat_client::{Client, Service, TransportKind};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

// As in every binary of ours (bench/README.md says what it saves).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Parser)]
struct Options {
    scenario: Scenario,
    /// The server.
    #[arg(long, default_value = "http://127.0.0.1:3030")]
    url: String,
    /// How many clients.
    #[arg(long, default_value_t = 50)]
    conns: usize,
    /// How many calls each has in flight.
    #[arg(long, default_value_t = 16)]
    inflight: usize,
    /// Seconds before it is measured; with `--calls`, so many calls.
    #[arg(long, default_value_t = 1.0)]
    warmup: f64,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 3.0)]
    secs: f64,
    /// A fixed number of calls instead of a time: for counting instructions.
    #[arg(long)]
    calls: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// `get` in a closed loop: CPU per call.
    Rpc,
    /// Clients that do nothing: memory of each.
    Idle,
}

#[derive(Deserialize)]
struct Message {
    id: String,
    text: String,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match options.scenario {
            Scenario::Rpc => rpc(&options).await,
            Scenario::Idle => idle(&options).await,
        }
    })
}

async fn connect(url: &str) -> wingbeat_client::Result<Client> {
    Client::builder(url).transports([TransportKind::WebSocket]).connect().await
}

async fn rpc(options: &Options) -> Result<()> {
    let clients = try_join_all((0..options.conns).map(|_| connect(&options.url))).await?;
    let done = Arc::new(AtomicU64::new(0));
    let left = Arc::new(AtomicU64::new(options.calls.unwrap_or(u64::MAX)));
    let callers: Vec<_> = clients
        .iter()
        .flat_map(|client| (0..options.inflight).map(|_| client.service::<Message>("quiet")))
        .map(|service| tokio::spawn(caller(service, done.clone(), left.clone())))
        .collect();
    if options.calls.is_some() {
        for caller in callers {
            caller.await??;
        }
        println!("{}", json!({ "scenario": "rpc", "calls": done.load(Relaxed) }));
        return Ok(());
    }
    tokio::time::sleep(Duration::from_secs_f64(options.warmup)).await;
    let (cpu, calls) = (proc::cpu_ns()?, done.load(Relaxed));
    tokio::time::sleep(Duration::from_secs_f64(options.secs)).await;
    let (cpu, calls) = (proc::cpu_ns()? - cpu, done.load(Relaxed) - calls);
    let failed = callers.iter().filter(|caller| caller.is_finished()).count();
    let cpu_us = cpu as f64 / 1e3 / calls as f64;
    println!("{}", json!({ "scenario": "rpc", "calls": calls, "failed": failed, "client_cpu_us": cpu_us }));
    if failed > 0 || calls == 0 { Err("calls failed".into()) } else { Ok(()) }
}

async fn caller(service: Service<Message>, done: Arc<AtomicU64>, left: Arc<AtomicU64>) -> Result<()> {
    // One thread runs them all: nobody counts between a look and a change.
    while left.load(Relaxed) > 0 {
        left.store(left.load(Relaxed) - 1, Relaxed);
        let message = service.get("17").await?;
        if message.id != "17" || message.text != "hello" {
            return Err("a wrong answer".into());
        }
        done.store(done.load(Relaxed) + 1, Relaxed);
    }
    Ok(())
}

async fn idle(options: &Options) -> Result<()> {
    // One first, so that what is loaded lazily is not charged to the rest.
    connect(&options.url).await?.close().await;
    let before = proc::rss_kib()?;
    let mut clients = Vec::with_capacity(options.conns);
    while clients.len() < options.conns {
        let some = (options.conns - clients.len()).min(50);
        clients.extend(try_join_all((0..some).map(|_| connect(&options.url))).await?);
    }
    tokio::time::sleep(Duration::from_secs_f64(options.secs)).await;
    let after = proc::rss_kib()?;
    let connected = clients.iter().filter(|client| client.is_connected()).count();
    let each = (after as f64 - before as f64) / options.conns as f64;
    println!(
        "{}",
        json!({ "scenario": "idle", "clients": connected, "rss_before_kib": before, "rss_kib_per_client": each })
    );
    if connected == options.conns { Ok(()) } else { Err("some clients are not connected".into()) }
}
