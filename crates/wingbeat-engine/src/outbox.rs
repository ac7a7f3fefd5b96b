//! What waits to be sent to one session.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use wingbeat_core::packet::Frame;

/// Frames on their way to one session's task, in order.
///
/// The bytes of all that waits, here and in the task, are counted together and limited: a client that reads too slowly
/// loses its connection, and nobody waits for it.
pub(crate) struct Outbox {
    /// Bytes in the queue.
    queued: AtomicUsize,
    /// Bytes that the task holds because the peer did not take them.
    unsent: AtomicUsize,
    queue: Mutex<Queue>,
}

#[derive(Default)]
pub(crate) struct Queue {
    // One frame is the usual case, and needs no allocation.
    pub(crate) first: Option<Bytes>,
    pub(crate) rest: VecDeque<Bytes>,
    closed: bool,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn into_frames(self) -> impl Iterator<Item = Bytes> {
        self.first.into_iter().chain(self.rest)
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It waits.
    Queued,
    /// It is lost, and so is the session: more waits than may.
    Full,
    /// The session is gone.
    Closed,
}

impl Outbox {
    pub(crate) fn new() -> Outbox {
        Outbox { queued: AtomicUsize::new(0), unsent: AtomicUsize::new(0), queue: Mutex::default() }
    }

    pub(crate) fn push(&self, frame: &Frame, limit: usize) -> Pushed {
        if self.bytes().saturating_add(frame.len()) > limit {
            return if self.close() { Pushed::Full } else { Pushed::Closed };
        }
        let mut queue = self.lock();
        if queue.closed {
            return Pushed::Closed;
        }
        self.queued.fetch_add(frame.len(), Ordering::SeqCst);
        let frame = frame.clone().into_bytes();
        if queue.first.is_none() {
            queue.first = Some(frame)
        } else {
            queue.rest.push_back(frame)
        }
        Pushed::Queued
    }

    /// Takes all that waits. What stays unsent has to be [counted](Outbox::count) again.
    pub(crate) fn take(&self) -> Queue {
        let mut queue = self.lock();
        let taken = Queue { first: queue.first.take(), rest: std::mem::take(&mut queue.rest), closed: false };
        let bytes = taken.first.iter().chain(&taken.rest).map(Bytes::len).sum::<usize>();
        self.queued.fetch_sub(bytes, Ordering::SeqCst);
        taken
    }

    /// Whether nothing is queued. Cheap.
    pub(crate) fn is_empty(&self) -> bool {
        self.queued.load(Ordering::SeqCst) == 0
    }

    /// How many bytes wait, here and in the task.
    pub(crate) fn bytes(&self) -> usize {
        self.queued.load(Ordering::SeqCst) + self.unsent.load(Ordering::SeqCst)
    }

    /// Counts bytes that the task keeps because the peer did not take them.
    pub(crate) fn count(&self, bytes: usize) {
        self.unsent.fetch_add(bytes, Ordering::SeqCst);
    }

    /// The peer took bytes that were counted.
    pub(crate) fn sent(&self, bytes: usize) {
        self.unsent.fetch_sub(bytes, Ordering::SeqCst);
    }

    /// Accepts nothing more. Whether it was open until now.
    pub(crate) fn close(&self) -> bool {
        !std::mem::replace(&mut self.lock().closed, true)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Frame {
        Frame::text(&[text.as_bytes()])
    }

    #[test]
    fn frames_keep_their_order_and_are_counted() {
        let outbox = Outbox::new();
        for text in ["a", "b", "c"] {
            assert_eq!(outbox.push(&frame(text), 100), Pushed::Queued);
        }
        assert_eq!(outbox.bytes(), 9);
        let texts: Vec<_> = outbox.take().into_frames().map(|bytes| bytes[2]).collect();
        assert_eq!((texts, outbox.bytes()), (vec![b'a', b'b', b'c'], 0));
    }

    #[test]
    fn one_frame_too_many_closes_it_once() {
        let outbox = Outbox::new();
        outbox.count(95);
        assert_eq!(outbox.push(&frame("abcd"), 100), Pushed::Full);
        assert_eq!(outbox.push(&frame("a"), 100), Pushed::Closed);
    }
}
