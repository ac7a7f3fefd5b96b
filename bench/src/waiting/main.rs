//! What it takes to keep what clients do not read: many connections in memory that have joined and never read again, and
//! many events that are published to all of them.
//!
//! `bench-waiting --sessions 1000 --events 10000 --bytes 2000 --at-once 1` prints one JSON object: the resident memory
//! gained, and what of it each session takes beside the events themselves, which are there once.

#[path = "../sessions/process.rs"]
#[expect(dead_code, reason = "time is not measured here")]
mod process;

use clap::Parser;
use process::rss;
use serde_json::json;
use std::future::{Ready, pending, ready};
use std::io::{Error, Result as IoResult};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use wingbeat::engine::{Config, Listener, Peer};
use wingbeat::prelude::*;

// As in every server binary of ours.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Clone, Copy, Parser)]
struct Options {
    /// How many sessions do not read.
    #[arg(long, default_value_t = 1000)]
    sessions: u64,
    /// How many events are published to them.
    #[arg(long, default_value_t = 10_000)]
    events: u64,
    /// How large the text of each is.
    #[arg(long, default_value_t = 2000)]
    bytes: usize,
    /// How many are published at a time: some of these are joined to one piece.
    #[arg(long, default_value_t = 1)]
    at_once: u64,
}

/// Connections come through a channel.
struct Pipes(mpsc::Receiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Opening = Ready<IoResult<DuplexStream>>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<IoResult<(Self::Opening, Peer)>> {
        match ready!(self.0.poll_recv(cx)) {
            Some(pipe) => Poll::Ready(Ok((ready(Ok(pipe)), Peer::new(([127, 0, 0, 1], 0).into())))),
            None => Poll::Pending,
        }
    }
}

struct Messages;

impl RawService for Messages {
    fn methods(&self) -> Vec<Method> {
        vec![Create]
    }

    async fn create(&self, data: Option<Payload>, _params: &Params) -> Result<Payload> {
        Ok(data.unwrap_or(Payload::NULL))
    }
}

fn main() -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(Options::parse()))
}

async fn run(options: Options) -> Result<()> {
    // Nobody is closed while this runs.
    let config = Config::default().ping_interval(Duration::from_secs(3600)).outbox_total(usize::MAX / 2);
    let app = App::builder()
        .mount("messages", Mount::new(Messages).publish(|_| channel("everybody")))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(SocketIo::with_config(config))
        .build()?;
    let (connect, pipes) = mpsc::channel(1);
    tokio::spawn(wingbeat::serve(Pipes(pipes), app.clone()).until(pending()).into_future());
    let mut clients = Vec::new();
    for _ in 0..options.sessions {
        clients.push(join(&connect).await?);
    }
    let (joined, text) = (rss()?, "x".repeat(options.bytes));
    let mut left = 0..options.events;
    while !left.is_empty() {
        let some = left.by_ref().take(options.at_once as usize);
        let creates = some.map(|n| {
            let (app, message) = (app.clone(), json!({"n": n, "text": text}));
            tokio::spawn(async move { app.service("messages").create(message, Params::new()).await.map(drop) })
        });
        for create in creates.collect::<Vec<_>>() {
            create.await.map_err(Error::other)??;
        }
    }
    // All is delivered by then, and the allocator has given back what it has no use for.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let waiting = rss()?;
    let (gained, once) = (waiting - joined, options.events * (options.bytes as u64 + 50));
    let figures = json!({
        "sessions": options.sessions,
        "events": options.events,
        "gained_mib": gained as f64 / 1048576.0,
        "once_mib": once as f64 / 1048576.0,
        "kib_per_session": gained.saturating_sub(once) as f64 / 1024.0 / options.sessions as f64,
        "still_connected": app.channel("everybody").len(),
    });
    println!("{figures}");
    Ok(())
}

/// A client that has joined the main namespace, and does not read on.
async fn join(connect: &mpsc::Sender<DuplexStream>) -> IoResult<DuplexStream> {
    let (mut ours, theirs) = tokio::io::duplex(4096);
    connect.send(theirs).await.map_err(|_| Error::other("the server has ended"))?;
    ours.write_all(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
          Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .await?;
    until(&mut ours, b"\"maxPayload\"").await?;
    ours.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'4', b'0']).await?;
    until(&mut ours, b"40{").await?;
    Ok(ours)
}

async fn until(stream: &mut DuplexStream, end: &[u8]) -> IoResult<()> {
    let mut seen = Vec::new();
    while !seen.windows(end.len()).any(|part| part == end) {
        if stream.read_buf(&mut seen).await? == 0 {
            return Err(Error::other("the server has closed the connection"));
        }
    }
    Ok(())
}
