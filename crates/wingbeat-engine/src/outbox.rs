//! What waits to be sent to one session.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use wingbeat_core::packet::Frame;

/// The largest frame that is sent at all. JavaScript has no longer texts (2^29 characters), and some of these can still
/// be counted.
pub(crate) const LARGEST: usize = 1 << 30;

/// Frames on their way to one session's task, in order.
///
/// The bytes of all that waits, here and in the task, are counted together and limited: a client that reads too slowly
/// loses its connection, and nobody waits for it. One frame may be larger than the limit by itself: a long answer is not
/// a slow client.
pub(crate) struct Outbox {
    /// Bytes in the queue. 32 bits are enough for every limit, and an idle connection fits a smaller piece of memory.
    queued: AtomicU32,
    /// Bytes that the task holds because the peer did not take them.
    unsent: AtomicU32,
    /// The largest frame among these that alone is more than the limit, if there is one.
    oversized: AtomicU32,
    closed: AtomicBool,
    queue: Mutex<Frames>,
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
            Frames::One(first) => {
                // Where there are two there are often more.
                let mut frames = VecDeque::with_capacity(8);
                frames.extend([std::mem::take(first), frame]);
                *self = Frames::Many(frames);
            }
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
        Outbox {
            queued: AtomicU32::new(0),
            unsent: AtomicU32::new(0),
            oversized: AtomicU32::new(0),
            closed: AtomicBool::new(false),
            queue: Mutex::default(),
        }
    }

    pub(crate) fn push(&self, frame: &Frame, limit: usize) -> Pushed {
        let mut queue = self.lock();
        if self.closed.load(Ordering::SeqCst) {
            return Pushed::Closed;
        }
        if frame.len() > LARGEST || self.is_over(frame.len(), frame.len(), limit) {
            self.closed.store(true, Ordering::SeqCst);
            return Pushed::Full;
        }
        self.note(frame.len(), limit);
        self.queued.fetch_add(word(frame.len()), Ordering::SeqCst);
        queue.push(frame.clone().into_bytes());
        Pushed::Queued
    }

    /// Takes all that waits. What stays unsent has to be [counted](Outbox::count) again.
    pub(crate) fn take(&self) -> Frames {
        if self.is_empty() {
            return Frames::None;
        }
        let mut queue = self.lock();
        let taken = std::mem::take(&mut *queue);
        self.queued.fetch_sub(word(taken.bytes()), Ordering::SeqCst);
        self.forget_oversized();
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

    /// Whether more waits than may, with so many bytes that are still to come; `largest` is the largest frame among them.
    pub(crate) fn is_over(&self, coming: usize, largest: usize, limit: usize) -> bool {
        let waiting = self.oversized.load(Ordering::SeqCst) as usize;
        let excused = if is_large(largest, limit) { waiting.max(largest) } else { waiting };
        (self.bytes() + coming).saturating_sub(excused) > limit
    }

    /// Counts bytes that the task keeps because the peer did not take them. `largest` is the largest frame among them.
    pub(crate) fn count(&self, bytes: usize, largest: usize, limit: usize) {
        // What cannot be counted is too much: the session ends in the same turn.
        let more = |unsent: u32| Some(unsent.saturating_add(word(bytes)));
        let _ = self.unsent.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        self.note(largest, limit);
    }

    /// The peer took bytes that were counted.
    pub(crate) fn sent(&self, bytes: usize) {
        let before = self.unsent.fetch_sub(word(bytes), Ordering::SeqCst);
        debug_assert!(before >= word(bytes), "{bytes} bytes were sent of {before} that were counted");
        if self.oversized.load(Ordering::SeqCst) != 0 {
            let queue = self.lock();
            if *queue == Frames::None {
                self.forget_oversized();
            }
        }
    }

    /// Accepts nothing more.
    pub(crate) fn close(&self) {
        let _queue = self.lock();
        self.closed.store(true, Ordering::SeqCst);
    }

    fn note(&self, bytes: usize, limit: usize) {
        if is_large(bytes, limit) {
            self.oversized.fetch_max(word(bytes.min(LARGEST)), Ordering::SeqCst);
        }
    }

    /// Nothing is queued: unless the task keeps a part of it, the oversized frame has gone.
    fn forget_oversized(&self) {
        if self.unsent.load(Ordering::SeqCst) == 0 && self.oversized.load(Ordering::SeqCst) != 0 {
            self.oversized.store(0, Ordering::SeqCst);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Frames> {
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Whether so much waits, or would, that further calls have to wait as well: half of what may. The other half is for the
/// answers of calls that were begun before; one frame that is larger than that is excused.
pub(crate) fn is_large(bytes: usize, limit: usize) -> bool {
    bytes > limit / 2
}

/// Bytes as they are counted.
fn word(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
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
        outbox.count(95, 1, 100);
        assert_eq!(outbox.push(&frame("abcd"), 100), Pushed::Full);
        assert_eq!(outbox.push(&frame("a"), 100), Pushed::Closed);
    }

    #[test]
    fn one_frame_may_be_larger_than_all_others_together_may_be() {
        let outbox = Outbox::new();
        let (large, small) = (frame(&"x".repeat(500)), frame(&"y".repeat(60)));
        assert_eq!(outbox.push(&large, 100), Pushed::Queued);
        // The task could not send it, and keeps it.
        outbox.take().each(|frame| outbox.count(frame.len(), frame.len(), 100));
        assert_eq!(outbox.push(&small, 100), Pushed::Queued);
        assert!(!outbox.is_over(0, 0, 100) && outbox.is_over(small.len(), small.len(), 100));
        // It has gone: the small one waits alone, and the next large one is no longer the first.
        outbox.sent(large.len());
        outbox.take().each(drop);
        assert_eq!(outbox.push(&large, 100), Pushed::Queued);
        assert_eq!(outbox.push(&large, 100), Pushed::Full);
        assert_eq!(outbox.push(&small, 100), Pushed::Closed);
    }

    #[test]
    fn many_frames_are_not_excused_as_a_large_one_is() {
        let outbox = Outbox::new();
        outbox.count(500, 50, 100);
        assert!(outbox.is_over(0, 0, 100));
        assert!(Outbox::new().is_over(500, 50, 100) && !Outbox::new().is_over(500, 450, 100));
    }

    #[test]
    fn what_is_too_much_to_be_counted_is_too_much() {
        let (outbox, most) = (Outbox::new(), crate::Config::default().outbox_limit(usize::MAX).most_waiting());
        outbox.count(5 << 30, LARGEST, most);
        assert!(outbox.is_over(0, 0, most));
        let outbox = Outbox::new();
        let huge = Frame::from_encoded(vec![0; LARGEST + 1].into());
        assert_eq!(outbox.push(&huge, most), Pushed::Full);
    }
}
