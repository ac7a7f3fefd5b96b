//! What the recordings' clients say, damaged: nothing of it may make the server panic, hang or grow; and connections
//! that end badly leave nothing behind.
//!
//! `make churn` makes the full run: 100,000 of each, by `WINGBEAT_MUTANTS` and `WINGBEAT_CHURN`; without them 3,000.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod churn;
mod recorded;

use futures_util::future::{join_all, select};
use recorded::{Rng, masked, sayings};
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wingbeat_core::RawJson;
use wingbeat_engine::{Answer, Config, Engine, Event, Handled, Handler, Socket};

const PATIENCE: Duration = Duration::from_secs(10);
const HANDSHAKE: &[u8] = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The tests measure the memory of the process: one at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Answers what it is told, and looks at all of it as a service would.
struct Echo;

impl Handler for Echo {
    fn event(&self, _: &Socket, event: Event<'_>, _: &mut Context<'_>) -> Handled {
        let args: Vec<RawJson> = event.args().collect();
        for arg in &args {
            // An error is as good.
            drop(arg.to::<serde_json::Value>().and_then(|value| RawJson::new(&value)));
        }
        Handled::now(Some(Answer::args(&args)))
    }
}

async fn start() -> (u16, Engine) {
    // Short times: the wheel keeps a few bytes of a session until its first deadline. Not for joining, because who has
    // not joined in time may fetch the news for ten seconds.
    let second = Duration::from_secs(1);
    let config = Config::default().ping_interval(second).ping_timeout(second);
    let engine = Engine::new(config, Echo).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = engine.service();
    tokio::spawn(wingbeat_engine::serve_http(listener, service, pending()));
    (port, engine)
}

/// Says something on a connection of its own, then ends its half of it. The server must end the other.
async fn say(port: u16, bytes: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let talk = async {
        // The server may have had enough.
        let _ = writer.write_all(bytes).await;
        let _ = writer.shutdown().await;
        pending::<()>().await
    };
    let listen = async {
        let mut scratch = vec![0; 16 * 1024];
        while reader.read(&mut scratch).await.is_ok_and(|read| read > 0) {}
    };
    tokio::time::timeout(PATIENCE, select(pin!(talk), pin!(listen))).await.expect("the server lets go of it");
}

async fn until_empty(engine: &Engine) {
    let empty = async {
        while engine.connections() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, empty).await.expect("no session stays");
}

/// Bytes that belong to this process.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn assert_flat(first: usize, last: usize) {
    assert!(last <= first + first / 10, "{} KiB have become {} KiB", first / 1024, last / 1024);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_packets_do_no_harm() {
    let _alone = ALONE.lock().await;
    let total: usize = std::env::var("WINGBEAT_MUTANTS").map_or(3_000, |count| count.parse().expect("a number"));
    let panics = Arc::new(AtomicUsize::new(0));
    let (counted, usual) = (panics.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        counted.fetch_add(1, Ordering::SeqCst);
        usual(panic);
    }));
    let (port, engine) = start().await;
    let (sayings, mut rng) = (sayings(), Rng::new(7));
    assert!(sayings.len() > 100, "the recordings are missing");
    let mut after_a_tenth = None;
    for begun in (0..total).step_by(25) {
        let batch: Vec<Vec<u8>> = (begun..total.min(begun + 25))
            .map(|_| {
                // Half of them are damaged inside their frames, half of them anywhere.
                let mut said = sayings[rng.below(sayings.len())].clone();
                let inside = rng.below(2) == 0;
                if inside {
                    said.iter_mut().for_each(|(_, payload)| rng.damage(payload));
                }
                let mut bytes: Vec<u8> = said.iter().flat_map(|(first, payload)| masked(*first, payload)).collect();
                if !inside {
                    rng.damage(&mut bytes);
                }
                [HANDSHAKE, &bytes].concat()
            })
            .collect();
        join_all(batch.iter().map(|bytes| say(port, bytes))).await;
        if begun % 20_000 == 0 {
            until_empty(&engine).await;
            eprintln!("{begun} {}", resident() / 1024);
        }
        if begun >= total / 10 && after_a_tenth.is_none() {
            until_empty(&engine).await;
            after_a_tenth = Some(resident());
        }
    }
    until_empty(&engine).await;
    assert_eq!(panics.load(Ordering::SeqCst), 0);
    assert_flat(after_a_tenth.unwrap(), resident());
    // It still works.
    say(port, &[HANDSHAKE, &masked(0x81, b"40"), &masked(0x88, b"")].concat()).await;
}
