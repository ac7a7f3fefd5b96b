//! A connected, non-blocking client socket.
//!
//! Written by hand, and not over a WebSocket crate, so that the client costs as little CPU
//! as it can: one `read` and at most one `write` per readiness event, no allocation per
//! message, and frames parsed in place.

use crate::frame::{PING, PONG, TEXT, parse, write_frame};
use crate::handshake::Handshake;
use mio::{Interest, Poll, Token, net::TcpStream};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::SocketAddr;

/// A Socket.IO connection in the namespace `/`.
pub struct Conn {
    socket: TcpStream,
    /// The beginning of a frame that has not arrived whole.
    part: Vec<u8>,
    /// Frames to send, from `sent` on.
    pub out: Vec<u8>,
    sent: usize,
}

impl Conn {
    /// Opens `n` connections one after another; each one's token is its index.
    pub fn open(addr: SocketAddr, n: usize, poll: &Poll) -> Result<Vec<Conn>> {
        (0..n)
            .map(|i| {
                Conn::connect(addr, i, poll)
                    .map_err(|error| Error::new(error.kind(), format!("connection {i}: {error}")))
            })
            .collect()
    }

    fn connect(addr: SocketAddr, index: usize, poll: &Poll) -> Result<Conn> {
        let (socket, part) = Handshake::websocket(addr)?.into_parts();
        socket.set_nonblocking(true)?;
        let mut socket = TcpStream::from_std(socket);
        let interests = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut socket, Token(index), interests)?;
        Ok(Conn { socket, part, out: Vec::new(), sent: 0 })
    }

    /// Reads what is there and hands every Socket.IO message (with its leading `4`) to
    /// `on_message`, together with the bytes to send, to which it may append frames; answers
    /// pings by itself.
    pub fn read(&mut self, scratch: &mut [u8], mut on_message: impl FnMut(&[u8], &mut Vec<u8>)) -> Result<()> {
        loop {
            let n = match self.socket.read(scratch) {
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
            if n < scratch.len() {
                return Ok(());
            }
        }
    }

    /// Sends what is queued, as far as the socket takes it.
    pub fn flush(&mut self) -> Result<()> {
        while self.sent < self.out.len() {
            match self.socket.write(&self.out[self.sent..]) {
                Ok(n) => self.sent += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(())
    }
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
