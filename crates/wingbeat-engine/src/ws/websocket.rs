//! A WebSocket's connection: reading into lent memory, writing what the turn and the outbox have.

use super::{Fragments, Io, Item, Sender, Violation, next_item};
use crate::outbox::{Ledger, Outbox, WriteBuffer, append};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::task::{Context, Poll};
use tokio::io::ReadBuf;

/// Takes items from the bytes until they are used up or `each` says stop: how many bytes that were, and whether it did.
fn hand_over<E: From<Violation>>(
    fragments: &mut Fragments,
    bytes: &mut [u8],
    max: usize,
    mut each: impl FnMut(Item<'_>) -> Result<bool, E>,
) -> Result<(usize, bool), E> {
    let mut at = 0;
    while let Some((used, item)) = next_item(Sender::Client, fragments, &mut bytes[at..], max)? {
        at += used;
        if !each(item)? {
            return Ok((at, true));
        }
    }
    Ok((at, false))
}

/// The most pieces that one write takes.
const PIECES: usize = 64;
/// So much is written in one turn to a peer that takes all of it; then others have theirs.
const TURN: usize = 256 * 1024;

/// A WebSocket. An idle one owns no buffers.
pub(crate) struct WebSocket {
    io: Io,
    /// What was read of an incomplete frame, or what waits because the turn had done enough; used up to `at`.
    part: Vec<u8>,
    at: usize,
    fragments: Fragments,
    unsent: VecDeque<Bytes>,
}

/// What became of reading.
pub(crate) enum ReadOutcome {
    /// There are bytes to look at.
    Bytes,
    /// Nothing to read now; the task is woken when there is.
    Nothing,
    /// The peer is gone.
    SessionEnd,
}

/// The peer is gone.
#[derive(Debug)]
pub(crate) struct ConnectionLost;

impl WebSocket {
    /// `read` is what was read behind the handshake.
    pub(crate) fn new(io: Io, read: &[u8]) -> WebSocket {
        WebSocket { io, part: read.to_vec(), at: 0, fragments: Fragments::default(), unsent: VecDeque::new() }
    }

    /// Reads once, unless `leftover`: then what was kept from the last turn is to be looked at first.
    pub(crate) fn read(&mut self, buf: &mut [u8], leftover: bool, cx: &mut Context<'_>) -> (ReadOutcome, usize) {
        if leftover {
            return (ReadOutcome::Bytes, 0);
        }
        let mut read = ReadBuf::new(buf);
        match self.io.poll_read(cx, &mut read) {
            Poll::Pending => (ReadOutcome::Nothing, 0),
            Poll::Ready(Ok(())) if !read.filled().is_empty() => (ReadOutcome::Bytes, read.filled().len()),
            Poll::Ready(_) => (ReadOutcome::SessionEnd, 0),
        }
    }

    /// Hands every complete item of what was read to `each`, until that says stop. Whether it did and bytes are left
    /// that need no reading.
    pub(crate) fn items<E: From<Violation>>(
        &mut self,
        read: &mut [u8],
        max: usize,
        each: impl FnMut(Item<'_>) -> Result<bool, E>,
    ) -> Result<bool, E> {
        if self.part.is_empty() {
            let (used, stopped) = hand_over(&mut self.fragments, read, max, each)?;
            if used < read.len() {
                self.part = read[used..].to_vec();
            }
            return Ok(stopped && !self.part.is_empty());
        }
        self.part.extend_from_slice(read);
        let (used, stopped) = hand_over(&mut self.fragments, &mut self.part[self.at..], max, each)?;
        self.at += used;
        if self.at == self.part.len() {
            (self.part, self.at) = (Vec::new(), 0);
        } else if self.at > self.part.len() / 2 {
            self.part.drain(..self.at);
            self.at = 0;
        }
        Ok(stopped && !self.part.is_empty())
    }

    /// Whether bytes of an earlier read are kept.
    pub(crate) fn has_leftover(&self) -> bool {
        !self.part.is_empty()
    }

    /// Whether everything was taken by the peer.
    pub(crate) fn is_flushed(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Bytes that the peer has not taken.
    pub(crate) fn unsent(&self) -> usize {
        self.unsent.iter().map(Bytes::len).sum()
    }

    /// Sends what waited elsewhere.
    pub(crate) fn append(&mut self, frames: impl IntoIterator<Item = Bytes>) {
        self.unsent.extend(frames);
    }

    /// Writes what the turn has written, then what is queued, with as few writes as possible. Of the queue it takes what it
    /// can write: what the peer does not take of that is kept, and the task is woken when it can take more. Whether there
    /// is more to write now, after others had their turn.
    pub(crate) fn write(
        &mut self,
        out: &mut WriteBuffer,
        outbox: &Outbox,
        ledger: &Ledger,
        cx: &mut Context<'_>,
    ) -> Result<bool, ConnectionLost> {
        while !(out.is_empty() && self.unsent.is_empty() && outbox.is_empty()) {
            let fresh = self.unsent.is_empty();
            let one = if fresh && out.is_empty() { outbox.take_one() } else { None };
            let more = if let Some(mut frame) = one {
                // Most deliveries: one frame, written from where it lies for all receivers.
                let taken = self.write_piece(&frame, cx)?;
                out.taken += taken.unwrap_or(0);
                frame.advance(taken.unwrap_or(0));
                if !frame.is_empty() {
                    outbox.count(frame.len());
                    self.unsent.push_back(frame);
                }
                taken.is_some()
            } else {
                if fresh {
                    out.refill(outbox, ledger);
                }
                if !fresh || out.has_pieces() {
                    self.write_pieces(out, outbox, cx)?
                } else {
                    let taken = self.write_piece(&out.bytes, cx)?;
                    out.taken += taken.unwrap_or(0);
                    let rest = &out.bytes[taken.unwrap_or(0)..];
                    if !rest.is_empty() {
                        outbox.count(rest.len());
                        self.unsent.push_back(Bytes::copy_from_slice(rest));
                    }
                    out.bytes.clear();
                    taken.is_some()
                }
            };
            if !more {
                break;
            }
            if out.taken >= TURN {
                self.flush(cx)?;
                return Ok(!(self.unsent.is_empty() && outbox.is_empty()));
            }
        }
        self.flush(cx)?;
        Ok(false)
    }

    /// Ends the direction to the peer, which sees that nothing more comes. What is not ready now is when the task is woken.
    pub(crate) fn end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.io.poll_shutdown(cx).map(drop)
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), ConnectionLost> {
        match self.io.poll_flush(cx) {
            Poll::Ready(Err(_)) => Err(ConnectionLost),
            _ => Ok(()),
        }
    }

    /// How much the peer took; `None` if it takes nothing now.
    fn write_piece(&mut self, piece: &[u8], cx: &mut Context<'_>) -> Result<Option<usize>, ConnectionLost> {
        match self.io.poll_write(cx, &[IoSlice::new(piece)]) {
            Poll::Pending => Ok(None),
            Poll::Ready(Ok(n)) if n > 0 => Ok(Some(n)),
            Poll::Ready(_) => Err(ConnectionLost),
        }
    }

    /// The peer is slow, or there are large frames: all goes through the queue of what is unsent. Whether to go on.
    fn write_pieces(
        &mut self,
        out: &mut WriteBuffer,
        outbox: &Outbox,
        cx: &mut Context<'_>,
    ) -> Result<bool, ConnectionLost> {
        append(&mut self.unsent, out.take(outbox));
        let mut slices = [IoSlice::new(&[]); PIECES];
        let count = self.unsent.len().min(PIECES);
        for (slot, piece) in slices.iter_mut().zip(&self.unsent) {
            *slot = IoSlice::new(piece);
        }
        let mut taken = match self.io.poll_write(cx, &slices[..count]) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(n)) if n > 0 => n,
            Poll::Ready(_) => return Err(ConnectionLost),
        };
        outbox.sent(taken);
        out.taken += taken;
        while let Some(first) = self.unsent.front_mut() {
            let n = taken.min(first.len());
            taken -= n;
            first.advance(n);
            if !first.is_empty() {
                break;
            }
            self.unsent.pop_front();
        }
        if self.unsent.is_empty() {
            self.unsent = VecDeque::new();
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, duplex};

    #[tokio::test]
    async fn much_that_is_small_and_not_taken_needs_little_more_room_than_its_bytes() {
        let (ours, mut theirs) = duplex(1);
        let mut ws = WebSocket::new(Io::Other(Box::new(ours)), b"");
        let (mut out, outbox, ledger) = (WriteBuffer::default(), Outbox::new(), Ledger::new(usize::MAX));
        let all: Vec<u8> = (0..20_000u32).flat_map(|i| (i as u16).to_be_bytes()).collect();
        std::future::poll_fn(|cx| {
            for two in all.chunks(2) {
                out.bytes.extend_from_slice(two);
                assert!(ws.write(&mut out, &outbox, &ledger, cx).is_ok());
            }
            Poll::Ready(())
        })
        .await;
        assert!(ws.unsent.len() <= 12, "{}", ws.unsent.len());
        assert_eq!((ws.unsent(), outbox.bytes()), (all.len() - 1, all.len() - 1));
        let mut taken = vec![0; all.len()];
        let writing = std::future::poll_fn(|cx| match ws.write(&mut out, &outbox, &ledger, cx) {
            Ok(_) if !ws.is_flushed() => Poll::Pending,
            done => Poll::Ready(done.is_ok()),
        });
        let (written, read) = tokio::join!(writing, theirs.read_exact(&mut taken));
        assert!(written && read.is_ok() && taken == all && outbox.bytes() == 0);
    }
}
