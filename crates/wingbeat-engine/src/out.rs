//! What one turn of a session's task has to send.

use crate::outbox::{Frames, Outbox};
use bytes::Bytes;
use std::collections::VecDeque;

/// Frames up to this size are copied to stand in one piece of memory with their neighbours.
pub(crate) const SMALL: usize = 4 * 1024;

/// What one turn of a session's task has to send, as WebSocket frames in order: first `pieces`, then `bytes`.
///
/// A large frame is a piece of its own: joined with others it would be counted as one frame, and only one may be larger
/// than what may wait.
#[derive(Default)]
pub(crate) struct Out {
    pieces: VecDeque<Bytes>,
    pub(crate) bytes: Vec<u8>,
    /// Bytes of all pieces.
    total: usize,
    /// The largest frame among them.
    largest: usize,
}

impl Out {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.pieces.is_empty()
    }

    /// Whether there are pieces, or only bytes.
    pub(crate) fn has_pieces(&self) -> bool {
        self.total > 0
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.total + self.bytes.len()
    }

    /// Appends all that is queued, so that what is written next comes after it.
    pub(crate) fn after(&mut self, outbox: &Outbox) -> &mut Vec<u8> {
        self.extend(outbox.take());
        &mut self.bytes
    }

    /// Appends frames.
    pub(crate) fn extend(&mut self, frames: Frames) {
        frames.each(|frame| self.frame(frame));
    }

    /// Appends a frame.
    pub(crate) fn frame(&mut self, frame: Bytes) {
        if frame.len() <= SMALL {
            self.bytes.extend_from_slice(&frame);
        } else {
            self.seal();
            self.total += frame.len();
            self.largest = self.largest.max(frame.len());
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
    pub(crate) fn take(&mut self, outbox: &Outbox, limit: usize) -> VecDeque<Bytes> {
        self.seal();
        outbox.count(std::mem::take(&mut self.total), std::mem::take(&mut self.largest), limit);
        std::mem::take(&mut self.pieces)
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        // Said only where there are any: it costs a call, every turn.
        if !self.pieces.is_empty() {
            self.pieces.clear();
            (self.total, self.largest) = (0, 0);
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
    use wingbeat_core::packet::Frame;

    #[test]
    fn what_was_queued_stands_before_what_is_written_next() {
        let outbox = Outbox::new();
        let mut out = Out::default();
        out.bytes.extend_from_slice(b"first");
        let (small, large) = (Frame::text(&[b"s"]), Frame::text(&[&[b'l'; 10_000]]));
        outbox.push(&small, usize::MAX);
        outbox.push(&large, usize::MAX);
        out.after(&outbox).extend_from_slice(b"last");
        let all: Vec<u8> = out.take(&outbox, usize::MAX).iter().flatten().copied().collect();
        assert_eq!(all, [b"first", small.as_bytes(), large.as_bytes(), b"last"].concat());
        assert!(out.is_empty() && outbox.bytes() == all.len());
    }
}
