//! Blocking handshakes: by WebSocket alone, or by long-polling and an upgrade.

use crate::args::Args;
use crate::frame::{TEXT, parse, write_frame};
use crate::http;
use crate::stream::{Stream, trust};
use rustls::ClientConfig;
use serde_json::Value;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

pub const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
pub const POLLING: &str = "/socket.io/?EIO=4&transport=polling";

/// What connections are opened to.
#[derive(Clone)]
pub struct Server {
    pub addr: SocketAddr,
    pub tls: Option<Arc<ClientConfig>>,
}

impl Server {
    pub fn new(args: &Args) -> Result<Server> {
        let file = args.text("tls", "");
        let tls = if file.is_empty() { None } else { Some(trust(&file)?) };
        Ok(Server { addr: args.addr(), tls })
    }
}

pub struct Handshake {
    stream: Stream<TcpStream>,
    /// What has been read and not been used.
    part: Vec<u8>,
}

impl Handshake {
    /// Connects to the namespace `/` by WebSocket only. `headers` are lines that the request has besides.
    pub fn websocket(server: &Server, headers: &str) -> Result<Handshake> {
        let mut ws = Handshake::tcp(server)?;
        ws.upgrade(WEBSOCKET, headers)?;
        ws.expect("0{")?;
        ws.send("40")?;
        ws.expect("40{")?;
        Ok(ws)
    }

    /// Connects by long-polling and joins the namespace `/`; also returns the target of further requests.
    pub fn polling(server: &Server) -> Result<(Handshake, String)> {
        let mut http = Handshake::tcp(server)?;
        let open = http.request(POLLING, None)?;
        let open: Value = serde_json::from_str(open.strip_prefix('0').ok_or_else(|| other("no open packet"))?)?;
        let sid = open["sid"].as_str().ok_or_else(|| other("no sid"))?;
        let target = format!("{POLLING}&sid={sid}");
        http.request(&target, Some("40"))?;
        http.poll_namespace(&target)?;
        Ok((http, target))
    }

    /// Connects by long-polling and upgrades to WebSocket, as a browser with the default transports does.
    pub fn polling_then_websocket(server: &Server) -> Result<Handshake> {
        let (_http, target) = Handshake::polling(server)?;
        let mut ws = Handshake::tcp(server)?;
        ws.upgrade(&target.replace("=polling", "=websocket"), "")?;
        ws.send("2probe")?;
        ws.expect("3probe")?;
        ws.send("5")?;
        Ok(ws)
    }

    /// A connection on which nothing has been said.
    pub fn tcp(server: &Server) -> Result<Handshake> {
        let socket = TcpStream::connect(server.addr)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Handshake { stream: Stream::new(socket, server.tls.as_ref())?, part: Vec::new() })
    }

    pub fn send(&mut self, message: &str) -> Result<()> {
        let mut out = Vec::with_capacity(message.len() + 16);
        write_frame(&mut out, TEXT, message.as_bytes());
        self.stream.write_all(&out)
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

    /// The stream, and what has been read from it beyond the handshake.
    pub fn into_parts(self) -> (Stream<TcpStream>, Vec<u8>) {
        (self.stream, self.part)
    }

    /// Polls until the server confirms the namespace. A polling answer may hold several
    /// packets, and a ping may come before the namespace's packet, with it or alone.
    fn poll_namespace(&mut self, target: &str) -> Result<()> {
        loop {
            for packet in self.request(target, None)?.split('\x1e') {
                match packet {
                    "2" => drop(self.request(target, Some("3"))?),
                    packet if packet.starts_with("40{") => return Ok(()),
                    packet => return Err(other(&format!("no namespace: {packet}"))),
                }
            }
        }
    }

    fn upgrade(&mut self, target: &str, headers: &str) -> Result<()> {
        let mut request = Vec::new();
        http::upgrade(&mut request, target, headers);
        self.stream.write_all(&request)?;
        loop {
            if let Some(used) = http::upgraded(&self.part)? {
                self.part.drain(..used);
                return Ok(());
            }
            self.fill()?;
        }
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
    fn request(&mut self, target: &str, body: Option<&str>) -> Result<String> {
        let mut request = Vec::new();
        http::request(&mut request, target, "", body);
        self.stream.write_all(&request)?;
        loop {
            if let Some((body, used)) = http::response(&self.part)? {
                self.part.drain(..used);
                return Ok(body);
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<()> {
        let mut buf = [0; 4096];
        match self.stream.read(&mut buf)? {
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
