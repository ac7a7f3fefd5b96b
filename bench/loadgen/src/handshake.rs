//! Blocking handshakes: by WebSocket alone, or by long-polling and an upgrade.

use crate::frame::{TEXT, parse, write_frame};
use serde_json::Value;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub struct Handshake {
    socket: TcpStream,
    /// What has been read and not been used.
    part: Vec<u8>,
}

impl Handshake {
    /// Connects to the namespace `/` by WebSocket only.
    pub fn websocket(addr: SocketAddr) -> Result<Handshake> {
        let mut ws = Handshake::tcp(addr)?;
        ws.upgrade("/socket.io/?EIO=4&transport=websocket")?;
        ws.expect("0{")?;
        ws.send("40")?;
        ws.expect("40{")?;
        Ok(ws)
    }

    /// Connects by long-polling, joins the namespace `/`, and upgrades to WebSocket, as
    /// a browser with the default transports does.
    pub fn polling_then_websocket(addr: SocketAddr) -> Result<Handshake> {
        let mut http = Handshake::tcp(addr)?;
        let target = "/socket.io/?EIO=4&transport=polling";
        let open = http.request("GET", target, "")?;
        let open: Value = serde_json::from_str(open.strip_prefix('0').ok_or_else(|| other("no open packet"))?)?;
        let sid = open["sid"].as_str().ok_or_else(|| other("no sid"))?;
        let target = format!("{target}&sid={sid}");
        http.request("POST", &target, "40")?;
        http.poll_namespace(&target)?;

        let mut ws = Handshake::tcp(addr)?;
        ws.upgrade(&format!("/socket.io/?EIO=4&transport=websocket&sid={sid}"))?;
        ws.send("2probe")?;
        ws.expect("3probe")?;
        ws.send("5")?;
        Ok(ws)
    }

    pub fn send(&mut self, message: &str) -> Result<()> {
        let mut out = Vec::with_capacity(message.len() + 16);
        write_frame(&mut out, TEXT, message.as_bytes());
        self.socket.write_all(&out)
    }

    /// Receives until a message with this prefix; answers pings on the way.
    pub fn expect(&mut self, prefix: &str) -> Result<String> {
        loop {
            let message = self.receive()?;
            if message.starts_with(prefix) {
                return Ok(message);
            }
            match message.as_str() {
                "2" => self.send("3")?,
                _ => return Err(other(&format!("expected {prefix}…, got {message}"))),
            }
        }
    }

    /// The socket, and what has been read from it beyond the handshake.
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.socket, self.part)
    }

    fn tcp(addr: SocketAddr) -> Result<Handshake> {
        let socket = TcpStream::connect(addr)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Handshake { socket, part: Vec::new() })
    }

    /// Polls until the server confirms the namespace. A polling answer may hold several
    /// packets, and a ping may come before the namespace's packet, with it or alone.
    fn poll_namespace(&mut self, target: &str) -> Result<()> {
        loop {
            for packet in self.request("GET", target, "")?.split('\x1e') {
                match packet {
                    "2" => drop(self.request("POST", target, "3")?),
                    packet if packet.starts_with("40{") => return Ok(()),
                    packet => return Err(other(&format!("no namespace: {packet}"))),
                }
            }
        }
    }

    fn upgrade(&mut self, target: &str) -> Result<()> {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        self.socket.write_all(request.as_bytes())?;
        let head = self.until(b"\r\n\r\n")?;
        if !head.starts_with("HTTP/1.1 101") || !head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
            return Err(other(&format!("no upgrade: {head}")));
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<String> {
        loop {
            match parse(&self.part)? {
                Some((opcode, place)) => {
                    let payload = self.part[place.clone()].to_vec();
                    self.part.drain(..place.end);
                    if opcode == TEXT {
                        return String::from_utf8(payload).map_err(Error::other);
                    }
                }
                None => self.fill()?,
            }
        }
    }

    /// One HTTP request over the kept-alive connection; returns the body of a 200.
    fn request(&mut self, method: &str, target: &str, body: &str) -> Result<String> {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
        if method == "POST" {
            let length = body.len();
            request += "Content-Type: text/plain;charset=UTF-8\r\n";
            request += &format!("Content-Length: {length}\r\n");
        }
        request += "\r\n";
        request += body;
        self.socket.write_all(request.as_bytes())?;
        let head = self.until(b"\r\n\r\n")?.to_ascii_lowercase();
        if !head.starts_with("http/1.1 200") {
            return Err(other(&format!("not a 200: {head}")));
        }
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if let Some(length) = header("content-length:") {
            let length = length.parse().map_err(Error::other)?;
            String::from_utf8(self.take(length)?).map_err(Error::other)
        } else if header("transfer-encoding:") == Some("chunked") {
            self.chunks()
        } else {
            Ok(String::new())
        }
    }

    fn chunks(&mut self) -> Result<String> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(self.until(b"\r\n")?.trim(), 16).map_err(Error::other)?;
            body.extend(self.take(size)?);
            self.until(b"\r\n")?;
            if size == 0 {
                return String::from_utf8(body).map_err(Error::other);
            }
        }
    }

    fn until(&mut self, end: &[u8]) -> Result<String> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.part, end) {
                let text = String::from_utf8_lossy(&self.part[..at]).into_owned();
                self.part.drain(..at + end.len());
                return Ok(text);
            }
            self.fill()?;
        }
    }

    fn take(&mut self, n: usize) -> Result<Vec<u8>> {
        while self.part.len() < n {
            self.fill()?;
        }
        Ok(self.part.drain(..n).collect())
    }

    fn fill(&mut self) -> Result<()> {
        let mut buf = [0; 4096];
        match self.socket.read(&mut buf)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            n => {
                self.part.extend_from_slice(&buf[..n]);
                Ok(())
            }
        }
    }
}

fn other(why: &str) -> Error {
    Error::other(why.to_owned())
}
