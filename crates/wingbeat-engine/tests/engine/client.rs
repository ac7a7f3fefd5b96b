//! A small client that speaks raw WebSocket and HTTP.

use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
    /// The connection is closed.
    End,
}

/// A WebSocket, taken literally: what is sent is what the test says.
pub(crate) struct Ws<S = TcpStream> {
    stream: S,
    buffer: Vec<u8>,
    patience: Duration,
}

impl Ws {
    pub(crate) async fn open(port: u16, path: &str) -> Ws {
        let (ws, head) = Ws::try_open(port, path, "").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        ws
    }

    /// Opens a session and joins the main namespace.
    pub(crate) async fn connect(port: u16) -> Ws {
        let mut ws = Ws::open(port, "/socket.io/?EIO=4&transport=websocket").await;
        assert!(ws.text().await.starts_with('0'));
        ws.send("40").await;
        assert!(ws.text().await.starts_with("40{\"sid\":\""));
        ws
    }

    pub(crate) async fn try_open(port: u16, path: &str, headers: &str) -> (Ws, String) {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        Ws::over(stream, path, headers, PATIENCE).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Ws<S> {
    /// Sends the handshake, and reads what is answered.
    pub(crate) async fn over(mut stream: S, path: &str, headers: &str, patience: Duration) -> (Ws<S>, String) {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut ws = Ws { stream, buffer: Vec::new(), patience };
        loop {
            if let Some(at) = ws.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8(ws.buffer.drain(..at + 4).collect()).unwrap();
                return (ws, head);
            }
            if !ws.fill().await {
                let head = String::from_utf8_lossy(&ws.buffer).into_owned();
                return (ws, head);
            }
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.frame(0x81, text.as_bytes()).await;
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        self.frame(0x82, bytes).await;
    }

    /// Sends one frame with this first byte.
    pub(crate) async fn frame(&mut self, first: u8, payload: &[u8]) {
        self.raw(&frame(first, payload)).await;
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        // A server that has closed may refuse to read on; the test looks at what it sent.
        let _ = tokio::time::timeout(self.patience, self.stream.write_all(bytes)).await.expect("the server reads");
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Got {
        loop {
            if let Some(got) = self.take() {
                return got;
            }
            if !self.fill().await {
                return Got::End;
            }
        }
    }

    /// The next frame, which has to be text.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Got::Text(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    /// Whatever one read of the connection yields: frames that the server wrote together.
    pub(crate) async fn one_read(&mut self) -> Vec<Got> {
        assert!(self.buffer.is_empty(), "frames were left");
        self.fill().await;
        std::iter::from_fn(|| self.take()).collect()
    }

    /// Nothing comes for a moment.
    pub(crate) async fn silent(&mut self) {
        let next = tokio::time::timeout(Duration::from_millis(100), self.next()).await;
        assert!(next.is_err(), "not silent: {next:?}");
    }

    /// Everything until the connection closes.
    pub(crate) async fn rest(&mut self) -> String {
        while self.fill().await {}
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    pub(crate) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    async fn fill(&mut self) -> bool {
        let mut chunk = vec![0; 256 * 1024];
        match tokio::time::timeout(self.patience, self.stream.read(&mut chunk)).await.expect("the server answers") {
            Ok(n) if n > 0 => {
                self.buffer.extend_from_slice(&chunk[..n]);
                true
            }
            _ => false,
        }
    }

    fn take(&mut self) -> Option<Got> {
        let b = &self.buffer;
        let (len, at) = match *b.get(1)? {
            126 => (usize::from(u16::from_be_bytes(b.get(2..4)?.try_into().unwrap())), 4),
            127 => (u64::from_be_bytes(b.get(2..10)?.try_into().unwrap()) as usize, 10),
            n => (usize::from(n), 2),
        };
        let payload = b.get(at..at + len)?.to_vec();
        let first = b[0];
        self.buffer.drain(..at + len);
        Some(match first {
            0x81 => Got::Text(String::from_utf8(payload).unwrap()),
            0x82 => Got::Binary(payload),
            0x89 => Got::Ping(payload),
            0x8a => Got::Pong(payload),
            0x88 => Got::Close(payload.get(..2).map(|code| u16::from_be_bytes(code.try_into().unwrap()))),
            other => panic!("a server does not send {other:#x}"),
        })
    }
}

/// A masked frame with this first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        n if n < 126 => out.push(0x80 | n as u8),
        n if n < 65_536 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    let key = [0x12, 0x34, 0x56, 0x78];
    out.extend_from_slice(&key);
    out.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    out
}
