//! A connection over which one HTTP request after another is sent.

use crate::conn::nonblocking;
use crate::handshake::Handshake;
use crate::http;
use crate::stream::Stream;
use mio::{Interest, Poll, Token, net::TcpStream};
use std::io::{Error, ErrorKind, Read, Result, Write};

/// A kept-alive connection with one request at a time.
pub struct Http {
    stream: Stream<TcpStream>,
    part: Vec<u8>,
    out: Vec<u8>,
}

impl Http {
    pub fn new(opened: Handshake, token: usize, poll: &Poll) -> Result<Http> {
        let (stream, part) = opened.into_parts();
        let mut stream = nonblocking(stream)?;
        poll.registry().register(stream.socket(), Token(token), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Http { stream, part, out: Vec::new() })
    }

    pub fn request(&mut self, target: &str, body: Option<&str>) -> Result<()> {
        http::request(&mut self.out, target, "", body);
        self.flush()
    }

    pub fn flush(&mut self) -> Result<()> {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(n) => drop(self.out.drain(..n)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// The next answer that is whole; reads until nothing more is there.
    pub fn read(&mut self, scratch: &mut [u8]) -> Result<Option<String>> {
        self.flush()?;
        loop {
            if let Some((body, used)) = http::response(&self.part)? {
                self.part.drain(..used);
                return Ok(Some(body));
            }
            match self.stream.read(scratch) {
                Ok(0) => return Err(Error::other("the server closed a connection")),
                Ok(n) => self.part.extend_from_slice(&scratch[..n]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}
