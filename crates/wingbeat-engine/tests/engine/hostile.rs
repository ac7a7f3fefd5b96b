//! What was tried on no one in particular.

use crate::client::{Got, Ws, frame};
use crate::http_client::get;
use crate::memory::{POLLING, WEBSOCKET, start};
use crate::server::Server;
use std::future::{Ready, pending, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wingbeat_core::RawJson;
use wingbeat_engine::{Config, Engine, Listener, Peer, Unanswered};

#[tokio::test]
async fn deep_json_ends_its_session_wherever_it_stands() {
    let server = Server::start(Config::default()).await;
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    for packet in [
        format!("42[\"echo\",{}]", deep(257)),
        format!("42[\"echo\",{}]", deep(400_000)),
        format!("42{}", deep(100_000)),
        format!("42[\"echo\",{}", "[".repeat(900_000)),
        format!("430{}", deep(100_000)),
        format!("42[\"echo\",{}1{}]", "{\"a\":".repeat(100_000), "}".repeat(100_000)),
        format!("40/other,{{\"a\":{}}}", deep(100_000)),
        format!("451-[\"echo\",{}]", deep(100_000)),
    ] {
        let mut ws = Ws::connect(server.port).await;
        ws.send(&packet).await;
        if packet.starts_with("45") {
            ws.send_binary(b"x").await;
        }
        assert_eq!(ws.next().await, Got::Close(None), "{}", &packet[..20]);
    }
    let mut ws = Ws::connect(server.port).await;
    ws.send(&format!("421[\"echo\",{}]", deep(255))).await;
    assert_eq!(ws.text().await, format!("431[null,{}]", deep(255)));
}

#[tokio::test]
async fn prototypes_are_members_like_others() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    for value in [r#"{"__proto__":{"admin":true}}"#, r#"{"constructor":{"prototype":{"x":1}},"toString":null}"#] {
        ws.send(&format!("421[\"echo\",{value}]")).await;
        assert_eq!(ws.text().await, format!("431[null,{value}]"));
    }
    for name in ["__proto__", "constructor", "hasOwnProperty"] {
        ws.send(&format!("42[\"{name}\"]")).await;
    }
    ws.send("422[\"echo\",2]").await;
    assert_eq!(ws.text().await, "432[null,2]");
}

#[tokio::test]
async fn acknowledgements_that_nobody_asked_for_or_that_come_twice_are_ignored() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    for unasked in ["430[1]", "4318446744073709551615[1]", "4399999999999999999999999[1]", "43[1]", "430[]"] {
        ws.send(unasked).await;
    }
    ws.send("420[\"echo\",0]").await;
    assert_eq!(ws.text().await, "430[null,0]");
    let socket = server.seen.sockets.lock().unwrap()[0].clone();
    let asked = tokio::spawn(async move { socket.request("a", &[], Duration::from_secs(5)).await });
    let event = ws.text().await;
    let id = event.trim_start_matches("42").split('[').next().unwrap().to_owned();
    ws.send(&format!("43{id}[\"first\"]")).await;
    ws.send(&format!("43{id}[\"second\"]")).await;
    assert_eq!(asked.await.unwrap().unwrap().arg(0), RawJson::parse("\"first\"").ok());
    // One id for many calls: each is answered with it.
    ws.raw(&[frame(0x81, b"427[\"echo\",1]"), frame(0x81, b"427[\"echo\",2]")].concat()).await;
    assert_eq!((ws.text().await, ws.text().await), ("437[null,1]".into(), "437[null,2]".into()));
    let socket = server.seen.sockets.lock().unwrap()[0].clone();
    let asked = tokio::spawn(async move { socket.request("a", &[], Duration::from_secs(5)).await });
    ws.text().await;
    drop(ws);
    assert_eq!(asked.await.unwrap().unwrap_err(), Unanswered::Disconnected);
}

#[tokio::test]
async fn versions_are_not_confused() {
    let server = Server::start(Config::default()).await;
    for query in ["EIO=3", "EIO=5", "EIO=4.0", "EIO=04", "EIO=4&EIO=3", "EIO=+4", "eio=4", "EIO=4%20"] {
        let answer = get(server.port, &format!("/socket.io/?transport=polling&{query}")).await;
        assert_eq!(answer.text(), r#"{"code":5,"message":"Unsupported protocol version"}"#, "{query}");
        let (_, head) = Ws::try_open(server.port, &format!("/socket.io/?transport=websocket&{query}"), "").await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{query}: {head}");
    }
    // A session of version 4 is not reached as one of version 3, nor does it read its bodies.
    let answer = get(server.port, POLLING).await;
    let path = format!("{POLLING}&sid={}", answer.text().split('"').nth(3).unwrap());
    assert_eq!(get(server.port, &path.replace("EIO=4", "EIO=3")).await.status, 400);
    crate::http_client::post(server.port, &path, "2:40").await;
    assert_eq!(get(server.port, &path).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn joining_and_leaving_for_ever_keeps_nothing() {
    let (door, engine, seen) = start(Config::default());
    let mut ws = door.connect().await;
    for _ in 0..500 {
        ws.send("41").await;
        ws.send("40").await;
        assert!(ws.text().await.starts_with("40{"));
        seen.sockets.lock().unwrap().clear();
    }
    // One namespace too many ends it; those that are refused do not count.
    for _ in 0..100 {
        ws.send("40/nobody,").await;
        assert!(ws.text().await.starts_with("44/nobody,"));
    }
    assert_eq!(
        (engine.connections(), seen.count("connected"), seen.count("disconnect client namespace disconnect")),
        (1, 501, 500)
    );
}

#[tokio::test]
async fn joining_and_leaving_for_ever_leaves_others_their_turn() {
    let server = Server::start(Config::default()).await;
    let (mut hostile, mut good) = (Ws::connect(server.port).await, Ws::connect(server.port).await);
    let again = [frame(0x81, b"41"), frame(0x81, b"40")].concat().repeat(3000);
    hostile.raw(&again).await;
    good.send("421[\"echo\",1]").await;
    assert_eq!(good.text().await, "431[null,1]");
    let log = server.seen.log.lock().unwrap();
    let answered = log.iter().position(|line| line.starts_with("event echo")).unwrap();
    let joined = log[..answered].iter().filter(|line| *line == "connected").count();
    assert!(joined < 500, "{joined}");
}

/// Sends something, and then something else for ever: there is always more to read, and all that is written is taken.
struct Endless {
    first: Vec<u8>,
    then: Vec<u8>,
    /// How often it was read from.
    reads: Arc<AtomicUsize>,
}

/// More reads than anybody would allow in one turn: then there are no more.
const MANY: usize = 1000;

impl AsyncRead for Endless {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.reads.fetch_add(1, Ordering::SeqCst) < MANY {
            let first = std::mem::take(&mut self.first);
            buf.put_slice(if first.is_empty() { &self.then } else { &first });
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Where it comes from, once.
struct One(Option<Endless>);

impl Listener for One {
    type Io = Endless;
    type Opening = Ready<io::Result<Endless>>;

    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<(Self::Opening, Peer)>> {
        let peer = Peer::new(([127, 0, 0, 1], 4000).into());
        self.0.take().map_or(Poll::Pending, |endless| Poll::Ready(Ok((ready(Ok(endless)), peer))))
    }
}

/// How often a WebSocket was read from at most before others had their turn.
async fn most_reads_in_a_turn(engine: &Engine, path: &str, first: &[u8], then: &[u8]) -> usize {
    let reads = Arc::new(AtomicUsize::new(0));
    let handshake = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let first = [handshake.as_bytes(), first].concat();
    let endless = Endless { first, then: then.repeat(100), reads: reads.clone() };
    let serving = tokio::spawn(wingbeat_engine::serve_http(One(Some(endless)), engine.service(), pending()));
    // A task of its own: what a test does itself comes after many tasks.
    let other = tokio::spawn(async move {
        let (mut all, mut most) = (0, 0);
        while all < 200 {
            tokio::task::yield_now().await;
            let now = reads.swap(0, Ordering::SeqCst);
            (all, most) = (all + now, most.max(now));
        }
        most
    });
    let most = other.await.unwrap();
    serving.abort();
    most
}

#[tokio::test]
async fn who_goes_on_sending_after_the_end_leaves_others_their_turn() {
    let (_door, engine, _) = start(Config::default());
    let most = most_reads_in_a_turn(&engine, WEBSOCKET, &frame(0x81, b"1"), &frame(0x89, b"")).await;
    assert!(most < 10, "{most}");
}

#[tokio::test]
async fn who_sends_nothing_of_use_while_it_moves_leaves_others_their_turn() {
    let (door, engine, _) = start(Config::default());
    let path = door.polling().await.replace("polling", "websocket");
    let most = most_reads_in_a_turn(&engine, &path, &frame(0x81, b"2probe"), &frame(0x8a, b"")).await;
    assert!(most < 10, "{most}");
}
