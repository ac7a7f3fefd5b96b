//! A connected, non-blocking client socket.
//!
//! Written by hand, and not over a WebSocket crate, so that the client costs as little CPU
//! as it can: one `read` and at most one `write` per readiness event, no allocation per
//! message, and frames parsed in place.

use crate::frame::{PING, PONG, TEXT, parse, write_frame};
use crate::handshake::{Handshake, Server};
use crate::stream::Stream;
use mio::{Events, Interest, Poll, Token, net::TcpStream};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::time::{Duration, Instant};

/// A Socket.IO connection in the namespace `/`.
pub struct Conn {
    stream: Stream<TcpStream>,
    /// The beginning of a frame that has not arrived whole.
    part: Vec<u8>,
    /// Frames to send, from `sent` on.
    pub out: Vec<u8>,
    sent: usize,
}

impl Conn {
    /// Opens `n` connections one after another, each with more headers (whole lines); its token is its index.
    pub fn open(server: &Server, n: usize, poll: &mut Poll, headers: impl Fn(usize) -> String) -> Result<Vec<Conn>> {
        let mut conns = Vec::with_capacity(n);
        let mut kept = Instant::now();
        for i in 0..n {
            // Where the last ones take long, the first ones have pings to answer.
            if kept.elapsed() > Duration::from_secs(5) {
                Conn::keep_alive(&mut conns, poll, Duration::ZERO)?;
                kept = Instant::now();
            }
            conns.push(Conn::connect(server, &headers(i), i, poll)?);
        }
        Ok(conns)
    }

    /// Answers pings for a time, once at least; nothing else may come.
    pub fn keep_alive(conns: &mut [Conn], poll: &mut Poll, time: Duration) -> Result<()> {
        let mut events = Events::with_capacity(4096);
        let mut scratch = vec![0; 64 * 1024];
        let begin = Instant::now();
        loop {
            poll.poll(&mut events, Some(time.min(Duration::from_millis(50))))?;
            for event in &events {
                let conn = &mut conns[event.token().0];
                let mut unexpected = None;
                conn.read(&mut scratch, |message, _| {
                    unexpected = Some(String::from_utf8_lossy(message).into_owned());
                })?;
                if let Some(message) = unexpected {
                    return Err(Error::other(format!("unexpected: {message}")));
                }
                conn.flush()?;
            }
            if begin.elapsed() >= time {
                return Ok(());
            }
        }
    }

    /// Opens one, with more headers (whole lines), and a token of one's own choice.
    pub fn connect(server: &Server, headers: &str, token: usize, poll: &Poll) -> Result<Conn> {
        let open = || {
            let (stream, part) = Handshake::websocket(server, headers)?.into_parts();
            let mut stream = nonblocking(stream)?;
            poll.registry().register(stream.socket(), Token(token), Interest::READABLE | Interest::WRITABLE)?;
            Ok(Conn { stream, part, out: Vec::new(), sent: 0 })
        };
        open().map_err(|error: Error| Error::new(error.kind(), format!("connection {token}: {error}")))
    }

    /// Reads what is there and hands every Socket.IO message (with its leading `4`) to
    /// `on_message`, together with the bytes to send, to which it may append frames; answers
    /// pings by itself.
    pub fn read(&mut self, scratch: &mut [u8], mut on_message: impl FnMut(&[u8], &mut Vec<u8>)) -> Result<()> {
        loop {
            let n = match self.stream.read(scratch) {
                Ok(0) => return Err(Error::other("the server closed a connection")),
                Ok(n) => n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if self.part.is_empty() {
                let used = messages(&scratch[..n], &mut self.out, &mut on_message)?;
                self.part.extend_from_slice(&scratch[used..n]);
            } else {
                self.part.extend_from_slice(&scratch[..n]);
                let used = messages(&self.part, &mut self.out, &mut on_message)?;
                self.part.drain(..used);
            }
            // Edge-triggered epoll: a short read means that the socket is drained.
            if n < scratch.len() && self.stream.short_read_is_all() {
                return Ok(());
            }
        }
    }

    /// Sends what is queued, as far as the socket takes it.
    pub fn flush(&mut self) -> Result<()> {
        while self.sent < self.out.len() {
            match self.stream.write(&self.out[self.sent..]) {
                Ok(n) => self.sent += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.out.clear();
        self.sent = 0;
        match self.stream.flush() {
            Err(e) if e.kind() != ErrorKind::WouldBlock => Err(e),
            _ => Ok(()),
        }
    }
}

/// The same stream, as mio has it.
pub fn nonblocking(mut stream: Stream<std::net::TcpStream>) -> Result<Stream<TcpStream>> {
    stream.socket().set_nonblocking(true)?;
    Ok(stream.map(TcpStream::from_std))
}

/// Handles all whole frames and returns how many bytes they took.
fn messages(buf: &[u8], out: &mut Vec<u8>, on_message: &mut impl FnMut(&[u8], &mut Vec<u8>)) -> Result<usize> {
    let mut at = 0;
    while let Some((opcode, place)) = parse(&buf[at..])? {
        let payload = &buf[at + place.start..at + place.end];
        match (opcode, payload.first()) {
            (TEXT, Some(b'4')) => on_message(payload, out),
            (TEXT, Some(b'2')) => write_frame(out, TEXT, b"3"),
            (TEXT, Some(b'6')) | (PONG, _) => {}
            (PING, _) => write_frame(out, PONG, payload),
            _ => {
                let payload = String::from_utf8_lossy(payload);
                return Err(Error::other(format!("unexpected frame {opcode:x} {payload:?}")));
            }
        }
        at += place.end;
    }
    Ok(at)
}
