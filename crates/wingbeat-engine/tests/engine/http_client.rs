//! HTTP, one request a connection.

use crate::client::PATIENCE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }
}

pub(crate) async fn get(port: u16, path: &str) -> Answer {
    request(port, "GET", path, "", "").await
}

pub(crate) async fn post(port: u16, path: &str, body: &str) -> Answer {
    request(port, "POST", path, "Content-Type: text/plain;charset=UTF-8\r\n", body).await
}

pub(crate) async fn request(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = send(port, method, path, headers, body).await;
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("an answer").unwrap();
    parse(&bytes)
}

/// Sends a request and leaves the answer to the caller.
pub(crate) async fn send(port: u16, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let length =
        if body.is_empty() && method == "GET" { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let text = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{length}{headers}\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

pub(crate) fn parse(bytes: &[u8]) -> Answer {
    let at = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or_else(|| panic!("no answer: {bytes:?}"));
    let head = std::str::from_utf8(&bytes[..at]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap()[9..12].parse().unwrap();
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned())).collect();
    Answer { status, headers, body: bytes[at + 4..].to_vec() }
}

/// A polling session.
pub(crate) struct Session {
    pub(crate) port: u16,
    pub(crate) sid: String,
}

impl Session {
    pub(crate) async fn open(port: u16) -> Session {
        let answer = get(port, "/socket.io/?EIO=4&transport=polling").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let sid = answer.text().split('"').nth(3).unwrap().to_owned();
        Session { port, sid }
    }

    /// Opens a session and joins the main namespace.
    pub(crate) async fn connect(port: u16) -> Session {
        let session = Session::open(port).await;
        assert_eq!(session.post("40").await.text(), "ok");
        assert!(session.poll().await.text().starts_with("40{\"sid\":\""));
        session
    }

    pub(crate) fn path(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&sid={}", self.sid)
    }

    pub(crate) async fn poll(&self) -> Answer {
        get(self.port, &self.path()).await
    }

    pub(crate) async fn post(&self, body: &str) -> Answer {
        post(self.port, &self.path(), body).await
    }
}
