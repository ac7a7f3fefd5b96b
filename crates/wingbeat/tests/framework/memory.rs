//! A server that is reached through memory: nothing but its clock decides what happens when, and that is paused.

use futures_util::{SinkExt, StreamExt};
use std::future::{Ready, ready};
use std::io;
use std::net::Ipv4Addr;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use wingbeat::engine::{Listener, Peer};

/// Longer than anything waits.
pub(crate) const AGES: Duration = Duration::from_secs(3600);
/// What the server can send without anybody reading.
const UNREAD: usize = 16 * 1024;

/// Where the server's ends of new pipes come from.
pub(crate) struct Pipes(UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Opening = Ready<io::Result<DuplexStream>>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Opening, Peer)>> {
        let peer = Peer::new((Ipv4Addr::LOCALHOST, 4000).into());
        match self.0.poll_recv(cx) {
            Poll::Ready(Some(pipe)) => Poll::Ready(Ok((ready(Ok(pipe)), peer))),
            _ => Poll::Pending,
        }
    }
}

/// The way to the server.
#[derive(Clone)]
pub(crate) struct Door(UnboundedSender<DuplexStream>);

impl Door {
    pub(crate) fn new() -> (Door, Pipes) {
        let (sender, receiver) = unbounded_channel();
        (Door(sender), Pipes(receiver))
    }

    /// `None` if nobody listens any more.
    fn knock(&self) -> Option<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(UNREAD);
        self.0.send(theirs).ok().map(|()| ours)
    }

    /// A WebSocket that has joined the main namespace; `None` if it is refused.
    pub(crate) async fn connect(&self) -> Option<Socket> {
        let url = "ws://server/socket.io/?EIO=4&transport=websocket";
        let mut socket = Socket(client_async(url, self.knock()?).await.ok()?.0);
        assert!(socket.read().await.is_some_and(|open| open.starts_with('0')));
        assert!(socket.send("40").await);
        assert!(socket.read().await.is_some_and(|joined| joined.starts_with("40{")));
        Some(socket)
    }

    /// The body that one request on a connection of its own is answered with.
    pub(crate) async fn request(&self, method: &str, path: &str, body: &str) -> String {
        let mut pipe = self.knock().expect("somebody listens");
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}", body.len());
        pipe.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(AGES, pipe.read_to_string(&mut answer)).await.expect("an answer").unwrap();
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or(answer)
    }

    /// A polling session that has joined the main namespace: the path of its requests.
    pub(crate) async fn poll(&self) -> String {
        let path = "/socket.io/?EIO=4&transport=polling";
        let open = self.request("GET", path, "").await;
        let path = format!("{path}&sid={}", open.split('"').nth(3).unwrap());
        assert_eq!(self.request("POST", &path, "40").await, "ok");
        assert!(self.request("GET", &path, "").await.starts_with("40{"));
        path
    }
}

/// A client's WebSocket.
pub(crate) struct Socket(WebSocketStream<DuplexStream>);

impl Socket {
    /// Whether the server took it; it need not.
    pub(crate) async fn send(&mut self, packet: &str) -> bool {
        timeout(Duration::from_secs(1), self.0.send(Message::text(packet))).await.is_ok_and(|sent| sent.is_ok())
    }

    /// The next packet; pings are answered. `None` at the end.
    pub(crate) async fn read(&mut self) -> Option<String> {
        loop {
            let packet = match timeout(AGES, self.0.next()).await.expect("the server is silent")?.ok()? {
                Message::Text(text) => text.to_string(),
                _ => return None,
            };
            if packet != "2" {
                return Some(packet);
            }
            self.send("3").await;
        }
    }
}
