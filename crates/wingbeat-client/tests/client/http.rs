//! A server over plain HTTP that does what a test says.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct HttpListener(TcpListener);

impl HttpListener {
    pub(crate) async fn bind() -> HttpListener {
        HttpListener(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    pub(crate) async fn accept(&self) -> HttpPeer {
        HttpPeer(self.0.accept().await.unwrap().0)
    }

    /// Answers one request over a connection of its own, which then ends; gives the request.
    pub(crate) async fn once(&self, answer: &str) -> String {
        let mut peer = self.accept().await;
        let asked = peer.request().await.unwrap();
        peer.write(answer.as_bytes()).await;
        asked
    }
}

pub(crate) struct HttpPeer(TcpStream);

impl HttpPeer {
    /// The next request, head and body; `None` if the client has gone.
    pub(crate) async fn request(&mut self) -> Option<String> {
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            read.push(self.0.read_u8().await.ok()?);
        }
        let head = String::from_utf8(read).unwrap();
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).await.ok()?;
        Some(head + &String::from_utf8(body).unwrap())
    }

    /// False once the client has gone.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    pub(crate) async fn answer(&mut self, json: &str) {
        self.write(ok(json).as_bytes()).await;
    }
}

/// An answer of this JSON.
pub(crate) fn ok(json: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n{json}",
        json.len()
    )
}
