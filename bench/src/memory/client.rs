//! A connection in memory, and the client at its other end: so little of one that it is hardly to be seen in the
//! figures.

use std::io::{Error, IoSlice, Result};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const REQUEST: &[u8] = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n\
    Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// What all clients together have got.
#[derive(Debug, Default)]
pub struct Count {
    /// Clients that have joined the namespace `/`.
    pub joined: AtomicU64,
    /// Pings that were answered.
    pub pongs: AtomicU64,
    /// Events heard.
    pub events: AtomicU64,
    /// Answers to calls.
    pub acks: AtomicU64,
    /// When events of the service `direct` were heard, which are in `events` as well.
    pub direct: Mutex<Vec<Instant>>,
}

/// A connection: what the server writes is answered at once, and what it may read lies there until it does.
#[derive(Clone, Debug)]
pub struct Wire(Arc<Mutex<Client>>);

#[derive(Debug)]
struct Client {
    count: Arc<Count>,
    /// What the server has not read yet.
    said: Vec<u8>,
    /// The server, when it waits to read.
    reader: Option<Waker>,
    upgraded: bool,
}

impl Wire {
    /// The bytes of a connection that rests, the counts of its `Arc` included.
    pub const SIZE: usize = size_of::<Mutex<Client>>() + 2 * size_of::<usize>();

    /// A client that has just asked for a WebSocket.
    pub fn new(count: Arc<Count>) -> Wire {
        Wire(Arc::new(Mutex::new(Client { count, said: REQUEST.to_vec(), reader: None, upgraded: false })))
    }

    /// Sends a packet of less than 126 bytes to the server.
    pub fn say(&self, packet: &str) {
        self.client().say(packet.as_bytes());
    }

    fn client(&self) -> MutexGuard<'_, Client> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// A masked frame; the mask is 0, which leaves the text as it is.
    fn say(&mut self, packet: &[u8]) {
        self.said.extend_from_slice(&[0x81, 0x80 | packet.len() as u8, 0, 0, 0, 0]);
        self.said.extend_from_slice(packet);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Takes what the server has written: whole frames, since all of every write is taken.
    fn hear(&mut self, mut bytes: &[u8]) -> Result<()> {
        if !self.upgraded {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            let end = end.filter(|_| bytes.starts_with(b"HTTP/1.1 101")).ok_or_else(|| unexpected(bytes))?;
            self.upgraded = true;
            bytes = &bytes[end + 4..];
        }
        while let Some((packet, rest)) = frame(bytes)? {
            bytes = rest;
            match packet {
                b"2" => {
                    self.count.pongs.fetch_add(1, Relaxed);
                    self.say(b"3");
                }
                [b'0', ..] => self.say(b"40"),
                [b'4', b'0', ..] => _ = self.count.joined.fetch_add(1, Relaxed),
                [b'4', b'2', event @ ..] => {
                    if event.starts_with(b"[\"direct ") {
                        let mut direct = self.count.direct.lock().unwrap_or_else(PoisonError::into_inner);
                        direct.push(Instant::now());
                    }
                    self.count.events.fetch_add(1, Relaxed);
                }
                [b'4', b'3', ..] => _ = self.count.acks.fetch_add(1, Relaxed),
                _ => return Err(unexpected(packet)),
            }
        }
        Ok(())
    }
}

/// The packet in the frame that the bytes begin with, and what follows it.
fn frame(bytes: &[u8]) -> Result<Option<(&[u8], &[u8])>> {
    let (packet, at) = match bytes {
        [] => return Ok(None),
        [0x81, 126, a, b, rest @ ..] => (rest, usize::from(u16::from_be_bytes([*a, *b]))),
        [0x81, length @ 0..126, rest @ ..] => (rest, usize::from(*length)),
        _ => return Err(unexpected(bytes)),
    };
    packet.split_at_checked(at).map(Some).ok_or_else(|| unexpected(bytes))
}

fn unexpected(bytes: &[u8]) -> Error {
    Error::other(format!("unexpected {}", String::from_utf8_lossy(bytes)))
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let mut client = self.client();
        if client.said.is_empty() {
            client.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let n = client.said.len().min(buf.remaining());
        buf.put_slice(&client.said[..n]);
        if n == client.said.len() {
            client.said = Vec::new();
        } else {
            client.said.drain(..n);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Poll::Ready(self.client().hear(bytes).map(|()| bytes.len()))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, _: &mut Context<'_>, all: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        let mut client = self.client();
        Poll::Ready(all.iter().try_fold(0, |n, bytes| client.hear(bytes).map(|()| n + bytes.len())))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_joins_and_answers_pings() {
        let count = Arc::new(Count::default());
        let wire = Wire::new(count.clone());
        let mut client = wire.client();
        client.said.clear();
        client.hear(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x030{}").unwrap();
        assert_eq!(client.said, b"\x81\x82\0\0\0\x0040");
        client.said.clear();
        client.hear(b"\x81\x0440{}\x81\x012").unwrap();
        assert_eq!(client.said, b"\x81\x81\0\0\0\x003");
        assert_eq!((count.joined.load(Relaxed), count.pongs.load(Relaxed)), (1, 1));
    }

    #[test]
    fn half_a_frame_is_an_error_not_a_miscount() {
        let wire = Wire::new(Arc::default());
        let mut client = wire.client();
        client.upgraded = true;
        assert!(client.hear(b"\x81\x0542[").is_err());
        assert!(client.hear(b"\x81").is_err());
    }
}
