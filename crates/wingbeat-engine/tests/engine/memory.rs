//! A server that is reached through memory: nothing but its clock decides what happens when, and that can be paused.

use crate::client::{Ws, frame};
use crate::http_client::{Answer, parse};
use crate::server::{Seen, Test};
use std::future::{Ready, pending, ready};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use wingbeat_engine::{Config, Engine, HttpLimits, Listener, Peer};

/// Longer than anything waits, on a clock that is paused.
pub(crate) const AGES: Duration = Duration::from_secs(3600);
/// What the server can send without anybody reading.
pub(crate) const UNREAD: usize = 16 * 1024;

/// Where the server's ends of new pipes come from.
pub(crate) struct Pipes(UnboundedReceiver<(DuplexStream, Peer)>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Opening = Ready<io::Result<DuplexStream>>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Opening, Peer)>> {
        match self.0.poll_recv(cx) {
            Poll::Ready(Some((pipe, peer))) => Poll::Ready(Ok((ready(Ok(pipe)), peer))),
            _ => Poll::Pending,
        }
    }
}

/// The way to the server.
#[derive(Clone)]
pub(crate) struct Door(UnboundedSender<(DuplexStream, Peer)>);

impl Door {
    pub(crate) fn new() -> (Door, Pipes) {
        let (sender, receiver) = unbounded_channel();
        (Door(sender), Pipes(receiver))
    }

    pub(crate) fn knock(&self) -> DuplexStream {
        self.knock_from("127.0.0.1")
    }

    pub(crate) fn knock_from(&self, address: &str) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(UNREAD);
        let address: IpAddr = address.parse().unwrap();
        self.0.send((theirs, Peer::new((address, 4000).into()))).unwrap();
        ours
    }

    /// A WebSocket, and what its handshake was answered.
    pub(crate) async fn try_open(&self, path: &str, address: &str, headers: &str) -> (Ws<DuplexStream>, String) {
        Ws::over(self.knock_from(address), path, headers, AGES).await
    }

    pub(crate) async fn open(&self, path: &str) -> Ws<DuplexStream> {
        let (ws, head) = self.try_open(path, "127.0.0.1", "").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        ws
    }

    /// A WebSocket that has joined the main namespace.
    pub(crate) async fn connect(&self) -> Ws<DuplexStream> {
        let mut ws = self.open(WEBSOCKET).await;
        assert!(ws.text().await.starts_with('0'));
        ws.send("40").await;
        assert!(ws.text().await.starts_with("40{\"sid\":\""));
        ws
    }

    /// One request on a connection of its own.
    pub(crate) async fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut pipe = self.knock();
        // Too large a body is answered before it is read.
        let _ = pipe.write_all(head(method, path, headers, body).as_bytes()).await;
        let mut bytes = Vec::new();
        tokio::time::timeout(AGES, pipe.read_to_end(&mut bytes)).await.expect("an answer").unwrap();
        parse(&bytes)
    }

    /// A polling session that has joined the main namespace: the path of its requests.
    pub(crate) async fn polling(&self) -> String {
        let answer = self.request("GET", POLLING, "", "").await;
        let path = format!("{POLLING}&sid={}", answer.text().split('"').nth(3).unwrap());
        assert_eq!(self.request("POST", &path, "", "40").await.text(), "ok");
        assert!(self.request("GET", &path, "", "").await.text().starts_with("40{"));
        path
    }
}

pub(crate) const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
pub(crate) const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// A request that ends its connection.
pub(crate) fn head(method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// A frame of text.
pub(crate) fn text(text: &str) -> Vec<u8> {
    frame(0x81, text.as_bytes())
}

/// A server behind a door.
pub(crate) fn start(config: Config) -> (Door, Engine, Arc<Seen>) {
    start_with(config, HttpLimits::default())
}

pub(crate) fn start_with(config: Config, limits: HttpLimits) -> (Door, Engine, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let _ = seen.patience.set(AGES);
    let engine = Engine::new(config, Test(seen.clone())).unwrap();
    let (door, pipes) = Door::new();
    tokio::spawn(wingbeat_engine::serve_http_with(pipes, limits, engine.service(), pending()));
    (door, engine, seen)
}
