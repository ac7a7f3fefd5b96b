//! What one turn of a session's task has to send.

use super::{Ledger, Outbox, TAKE};
use bytes::Bytes;
use std::collections::VecDeque;

/// Frames up to this size are copied to stand in one piece of memory with their neighbours.
pub(crate) const SMALL: usize = 4 * 1024;

/// How much is taken from the queue for a peer of which it is not known whether it takes anything.
const FIRST: usize = 8 * 1024;

/// What one turn of a session's task has to send, as WebSocket frames in order: first `pieces`, then `bytes`. It leaves
/// before what is queued.
#[derive(Default)]
pub(crate) struct WriteBuffer {
    pieces: VecDeque<Bytes>,
    pub(crate) bytes: Vec<u8>,
    /// Bytes of all pieces.
    total: usize,
    /// How many bytes may be taken from the queue now.
    room: usize,
    /// The peer takes nothing now: whatever can wait is left to the queue.
    blocked: bool,
    /// How many bytes the peer has taken in this step.
    pub(crate) taken: usize,
}

impl WriteBuffer {
    /// A step begins. So many bytes were taken from the queue before, and the peer has not taken them yet; whether it takes
    /// none at all.
    pub(crate) fn begin(&mut self, unsent: usize, blocked: bool) {
        self.room = if blocked { 0 } else { TAKE.saturating_sub(unsent) };
        self.blocked = blocked;
        self.taken = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.pieces.is_empty()
    }

    /// Whether the peer takes nothing now.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Whether there are pieces, or only bytes.
    pub(crate) fn has_pieces(&self) -> bool {
        self.total > 0
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.total + self.bytes.len()
    }

    /// Takes in what is queued, as far as there is room. Whether it is all of it, so that what is written next comes after
    /// it; if not, that has to be queued as well.
    pub(crate) fn follows(&mut self, outbox: &Outbox, ledger: &Ledger) -> bool {
        !self.blocked && (outbox.is_empty() || !self.fill(outbox, ledger))
    }

    /// The same, at the end of a step: whether something is left in the queue.
    pub(crate) fn fill(&mut self, outbox: &Outbox, ledger: &Ledger) -> bool {
        let (room, first) = (self.room, self.room == TAKE);
        let (taken, more) = outbox.take(room, first, ledger, |frame| self.frame(frame));
        self.room = if more { 0 } else { room.saturating_sub(taken) };
        more
    }

    /// All that was taken so far has been written: there is room again. A little at first, and more while the peer takes all
    /// of it: what it does not take is a copy of its own.
    pub(crate) fn refill(&mut self, outbox: &Outbox, ledger: &Ledger) {
        let room = (FIRST + self.taken).min(TAKE);
        let (_, more) = outbox.take(room, true, ledger, |frame| self.frame(frame));
        self.room = if more { 0 } else { TAKE };
    }

    /// Appends a frame.
    pub(crate) fn frame(&mut self, frame: Bytes) {
        if frame.len() <= SMALL {
            self.bytes.extend_from_slice(&frame);
        } else {
            self.seal();
            self.total += frame.len();
            self.pieces.push_back(frame);
        }
    }

    /// Makes all that was written a piece.
    #[cold]
    pub(crate) fn seal(&mut self) {
        if !self.bytes.is_empty() {
            let bytes = self.take_bytes();
            self.total += bytes.len();
            self.pieces.push_back(bytes);
        }
    }

    /// Takes what was written: a copy, unless it fills its memory.
    pub(crate) fn take_bytes(&mut self) -> Bytes {
        if self.bytes.len() == self.bytes.capacity() {
            return std::mem::take(&mut self.bytes).into();
        }
        let bytes = Bytes::copy_from_slice(&self.bytes);
        self.bytes.clear();
        bytes
    }

    /// Takes everything, and counts it as what waits for the peer.
    pub(crate) fn take(&mut self, outbox: &Outbox) -> VecDeque<Bytes> {
        self.seal();
        outbox.count(std::mem::take(&mut self.total));
        std::mem::take(&mut self.pieces)
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        // Said only where there are any: it costs a call, every turn.
        if !self.pieces.is_empty() {
            self.pieces.clear();
            self.total = 0;
        }
    }
}

/// Appends pieces to those that a client has not taken. Small ones become one: by itself, a pong of two bytes takes
/// fifty.
pub(crate) fn append(waiting: &mut VecDeque<Bytes>, pieces: VecDeque<Bytes>) {
    for piece in pieces {
        match waiting.pop_back() {
            Some(last) if last.len() + piece.len() <= SMALL => match last.try_into_mut() {
                Ok(mut last) => {
                    last.extend_from_slice(&piece);
                    waiting.push_back(last.freeze());
                }
                Err(last) => waiting.extend([last, piece]),
            },
            last => waiting.extend(last.into_iter().chain([piece])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wingbeat_protocol::packet::Frame;

    fn queued(frames: &[&Frame]) -> (Outbox, std::sync::Arc<Ledger>) {
        let (outbox, ledger) = (Outbox::new(), Ledger::new(usize::MAX));
        for frame in frames {
            outbox.push((*frame).clone().into_bytes(), usize::MAX, &ledger);
        }
        (outbox, ledger)
    }

    #[test]
    fn what_was_queued_stands_before_what_is_written_next() {
        let (small, large) = (Frame::text(&[b"s"]), Frame::text(&[&[b'l'; 10_000]]));
        let (outbox, ledger) = queued(&[&small, &large]);
        let mut out = WriteBuffer::default();
        out.begin(0, false);
        out.bytes.extend_from_slice(b"first");
        assert!(out.follows(&outbox, &ledger));
        out.bytes.extend_from_slice(b"last");
        let all: Vec<u8> = out.take(&outbox).iter().flatten().copied().collect();
        assert_eq!(all, [b"first", small.as_bytes(), large.as_bytes(), b"last"].concat());
        assert!(out.is_empty() && outbox.bytes() == all.len());
    }

    #[test]
    fn nothing_is_written_next_where_more_is_queued_than_can_be_taken() {
        let large = Frame::text(&[&[b'l'; TAKE]]);
        let (outbox, ledger) = queued(&[&large, &large]);
        let mut out = WriteBuffer::default();
        out.begin(0, true);
        assert!(!out.follows(&outbox, &ledger) && out.is_empty());
        out.begin(0, false);
        assert!(!out.follows(&outbox, &ledger) && out.len() == large.len());
        out.clear();
        out.refill(&outbox, &ledger);
        assert!(out.len() == large.len() && outbox.is_empty());
    }
}
