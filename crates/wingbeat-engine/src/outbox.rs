//! What waits to be sent to one session.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use wingbeat_core::packet::Frame;

/// Frames on their way to one session's task, in order.
///
/// The bytes of all that waits, here and in the task, are counted together and limited: a client that reads too slowly
/// loses its connection, and nobody waits for it.
pub(crate) struct Outbox {
    /// Bytes in the queue. 32 bits are enough for every limit, and an idle connection fits a smaller piece of memory.
    queued: AtomicU32,
    /// Bytes that the task holds because the peer did not take them.
    unsent: AtomicU32,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    frames: Frames,
    closed: bool,
}

/// Frames in order. One is the usual case, and needs no list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Frames {
    #[default]
    None,
    One(Bytes),
    Many(VecDeque<Bytes>),
}

impl Frames {
    fn push(&mut self, frame: Bytes) {
        match self {
            Frames::None => *self = Frames::One(frame),
            Frames::One(first) => *self = Frames::Many([std::mem::take(first), frame].into()),
            Frames::Many(frames) => frames.push_back(frame),
        }
    }

    pub(crate) fn each(self, mut take: impl FnMut(Bytes)) {
        match self {
            Frames::None => {}
            Frames::One(frame) => take(frame),
            Frames::Many(frames) => frames.into_iter().for_each(take),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Frames::None => 0,
            Frames::One(frame) => frame.len(),
            Frames::Many(frames) => frames.iter().map(Bytes::len).sum(),
        }
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
        Outbox { queued: AtomicU32::new(0), unsent: AtomicU32::new(0), queue: Mutex::default() }
    }

    pub(crate) fn push(&self, frame: &Frame, limit: usize) -> Pushed {
        if self.bytes().saturating_add(frame.len()) > limit {
            return if self.close() { Pushed::Full } else { Pushed::Closed };
        }
        let mut queue = self.lock();
        if queue.closed {
            return Pushed::Closed;
        }
        self.queued.fetch_add(frame.len() as u32, Ordering::SeqCst);
        queue.frames.push(frame.clone().into_bytes());
        Pushed::Queued
    }

    /// Takes all that waits. What stays unsent has to be [counted](Outbox::count) again.
    pub(crate) fn take(&self) -> Frames {
        if self.is_empty() {
            return Frames::None;
        }
        let mut queue = self.lock();
        let taken = std::mem::take(&mut queue.frames);
        self.queued.fetch_sub(taken.bytes() as u32, Ordering::SeqCst);
        taken
    }

    /// Whether nothing is queued. Cheap.
    pub(crate) fn is_empty(&self) -> bool {
        self.queued.load(Ordering::SeqCst) == 0
    }

    /// How many bytes wait, here and in the task.
    pub(crate) fn bytes(&self) -> usize {
        self.queued.load(Ordering::SeqCst) as usize + self.unsent.load(Ordering::SeqCst) as usize
    }

    /// Counts bytes that the task keeps because the peer did not take them.
    pub(crate) fn count(&self, bytes: usize) {
        self.unsent.fetch_add(bytes as u32, Ordering::SeqCst);
    }

    /// The peer took bytes that were counted.
    pub(crate) fn sent(&self, bytes: usize) {
        self.unsent.fetch_sub(bytes as u32, Ordering::SeqCst);
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
        let mut texts = Vec::new();
        outbox.take().each(|frame| texts.push(frame[2]));
        assert_eq!((texts, outbox.bytes(), outbox.take()), (vec![b'a', b'b', b'c'], 0, Frames::None));
    }

    #[test]
    fn one_frame_too_many_closes_it_once() {
        let outbox = Outbox::new();
        outbox.count(95);
        assert_eq!(outbox.push(&frame("abcd"), 100), Pushed::Full);
        assert_eq!(outbox.push(&frame("a"), 100), Pushed::Closed);
    }
}
