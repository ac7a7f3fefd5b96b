//! The server that the load generator measures: services `messages` (published to everybody), `room` (to those who say
//! in their handshake that they are in it) and `quiet` (to nobody), and `hashes`, which takes as long as a password.
//!
//! `bench-server --port P --mode engine|raw|typed|hooks5 --threads N --rest --recovery --cert FILE --key FILE`

mod bare;
mod services;

use clap::{Parser, ValueEnum};
use std::future::pending;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use tokio::net::TcpListener;
use wingbeat::Result;
use wingbeat::engine::{Listener, Tls, serve_http};

// As in every server binary of ours: after a reconnect storm glibc keeps ten times as much memory.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Parser)]
struct Options {
    /// The port on the loopback interface; 0 for any.
    #[arg(long, default_value_t = 3030)]
    port: u16,
    /// What stands behind the sockets.
    #[arg(long, value_enum, default_value_t = Mode::Typed)]
    mode: Mode,
    /// 1 for a current-thread runtime, more for that many workers.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// The same services over REST as well.
    #[arg(long)]
    rest: bool,
    /// Clients may come back after a loss.
    #[arg(long)]
    recovery: bool,
    /// A certificate as PEM: connections are encrypted.
    #[arg(long, requires = "key")]
    cert: Option<PathBuf>,
    /// The certificate's private key as PEM.
    #[arg(long, requires = "cert")]
    key: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// A handler on the engine itself, without services.
    Engine,
    /// Services of any JSON.
    Raw,
    /// Typed services.
    Typed,
    /// Typed services with five around hooks.
    Hooks5,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut runtime = match options.threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if options.threads > 1 {
        runtime.worker_threads(options.threads);
    }
    runtime.enable_all().build()?.block_on(run(options))
}

async fn run(options: Options) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    println!("listening {}", listener.local_addr()?);
    match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => {
            let tls = Tls::from_pem(listener, &std::fs::read(cert)?, &std::fs::read(key)?)?;
            serve(tls, &options).await
        }
        _ => serve(listener, &options).await,
    }
}

async fn serve(listener: impl Listener, options: &Options) -> Result<()> {
    match options.mode {
        Mode::Engine => Ok(serve_http(listener, bare::engine()?.service(), pending()).await?),
        mode => wingbeat::serve(listener, services::app(mode, options.rest, options.recovery)?).await,
    }
}
