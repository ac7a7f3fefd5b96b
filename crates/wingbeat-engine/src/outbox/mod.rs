//! What waits to be sent to one session.

mod ledger;
mod queue;
mod segment;
mod shared;
mod write_buffer;

pub(crate) use ledger::{LONG, Ledger};
pub(crate) use segment::Segments;
pub use shared::SharedFrame;
pub(crate) use write_buffer::{SMALL, WriteBuffer, append};

use bytes::Bytes;
use queue::{Entry, Queue};
use shared::Encoding;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The largest frame that is sent at all. JavaScript has no longer texts (2^29 characters), and some of these can still
/// be counted.
pub(crate) const LARGEST: usize = 1 << 30;

/// So much is taken from the queue at a time. It may be copied, so it is also what a session that stops reading amid
/// many small frames has of its own.
pub(crate) const TAKE: usize = 32 * 1024;

/// More cannot be counted.
const MOST: usize = 1 << 31;

/// Frames on their way to one session's task, in order: all that waits for the peer, but for what the task has taken
/// because it could be written.
///
/// How long they wait is no fault of theirs: answers and what many are sent stay until the peer has taken them, or until
/// the session ends. Only what is sent to this session alone is limited, because whoever sends it does not wait: a loop
/// would fill all memory before anybody notices.
pub(crate) struct Outbox {
    /// Bytes in the queue. 32 bits are enough, and an idle connection fits a smaller piece of memory.
    queued: AtomicU32,
    /// Bytes that the task has taken and the peer has not.
    unsent: AtomicU32,
    closed: AtomicBool,
    queue: Mutex<Queue>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It is the next.
    Next,
    /// It waits behind others.
    Behind,
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
            closed: AtomicBool::new(false),
            queue: Mutex::default(),
        }
    }

    /// Queues what is sent to this session alone.
    pub(crate) fn push(&self, frame: Bytes, limit: usize, ledger: &Arc<Ledger>) -> Pushed {
        let mut queue = self.lock();
        if self.closed.load(Ordering::SeqCst) {
            return Pushed::Closed;
        }
        let len = frame.len();
        let on_their_way = self.unsent().min(TAKE).min(limit / 2);
        let is_over = !queue.is_empty() && queue.is_over(len, on_their_way, limit);
        if is_over || !self.has_room(len) {
            self.closed.store(true, Ordering::SeqCst);
            return Pushed::Full;
        }
        self.put(&mut queue, len, |queue| queue.push(Entry::Limited(ledger.count(frame)), ledger))
    }

    /// Queues what others are sent as well.
    pub(crate) fn push_shared(&self, frame: &Encoding, segments: &Segments, ledger: &Arc<Ledger>) -> Pushed {
        let mut queue = self.lock();
        if self.closed.load(Ordering::SeqCst) {
            return Pushed::Closed;
        }
        let len = frame.len();
        if !self.has_room(len) {
            self.closed.store(true, Ordering::SeqCst);
            return Pushed::Full;
        }
        self.put(&mut queue, len, |queue| {
            if queue.is_empty() {
                *queue = Queue::One(Entry::Frame(frame.bytes(ledger)));
            } else if len > LONG {
                queue.push(Entry::Frame(frame.bytes(ledger)), ledger);
            } else {
                queue.push_place(frame.place(segments, ledger), ledger);
            }
        })
    }

    /// Queues an answer, or what the session has to say in the end, however much waits.
    pub(crate) fn append(&self, frame: Bytes, ledger: &Arc<Ledger>) -> Pushed {
        let mut queue = self.lock();
        let len = frame.len();
        if !self.has_room(len) {
            self.closed.store(true, Ordering::SeqCst);
            return Pushed::Full;
        }
        self.put(&mut queue, len, |queue| queue.push(Entry::Frame(frame), ledger))
    }

    #[inline]
    fn put(&self, queue: &mut Queue, len: usize, put: impl FnOnce(&mut Queue)) -> Pushed {
        let pushed = if queue.is_empty() { Pushed::Next } else { Pushed::Behind };
        put(queue);
        self.queued.fetch_add(word(len), Ordering::SeqCst);
        pushed
    }

    fn has_room(&self, len: usize) -> bool {
        len <= LARGEST && self.queued.load(Ordering::SeqCst) as usize + len <= MOST
    }

    /// Takes the only frame, if there is one only.
    pub(crate) fn take_one(&self) -> Option<Bytes> {
        if self.is_empty() {
            return None;
        }
        let frame = self.lock().take_one()?;
        self.queued.fetch_sub(word(frame.len()), Ordering::SeqCst);
        Some(frame)
    }

    /// Takes frames of at most so many bytes together; `first` may be larger. How many bytes they have, and whether more
    /// is left. What stays unsent has to be [counted](Outbox::count).
    pub(crate) fn take(&self, room: usize, first: bool, ledger: &Ledger, each: impl FnMut(Bytes)) -> (usize, bool) {
        if self.is_empty() {
            return (0, false);
        }
        let mut queue = self.lock();
        let taken = queue.take(room, first, ledger, each);
        self.queued.fetch_sub(word(taken), Ordering::SeqCst);
        (taken, !queue.is_empty())
    }

    /// Whether nothing is queued. Cheap.
    pub(crate) fn is_empty(&self) -> bool {
        self.queued.load(Ordering::SeqCst) == 0
    }

    /// How many bytes wait, here and in the task.
    pub(crate) fn bytes(&self) -> usize {
        self.queued.load(Ordering::SeqCst) as usize + self.unsent()
    }

    /// How many bytes the task has taken and the peer has not.
    pub(crate) fn unsent(&self) -> usize {
        self.unsent.load(Ordering::SeqCst) as usize
    }

    /// Counts bytes that the task keeps because the peer did not take them.
    pub(crate) fn count(&self, bytes: usize) {
        let more = |unsent: u32| Some(unsent.saturating_add(word(bytes)));
        let _ = self.unsent.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
    }

    /// The peer took bytes that were counted.
    pub(crate) fn sent(&self, bytes: usize) {
        let less = |unsent: u32| Some(unsent.saturating_sub(word(bytes)));
        let before = self.unsent.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).unwrap_or_default();
        debug_assert!(before >= word(bytes), "{bytes} bytes were sent of {before} that were counted");
    }

    /// Accepts nothing more.
    pub(crate) fn close(&self) {
        let _queue = self.lock();
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Accepts nothing more, and forgets what is queued.
    pub(crate) fn abandon(&self, ledger: &Ledger) {
        let mut queue = self.lock();
        self.closed.store(true, Ordering::SeqCst);
        queue.clear(ledger);
        self.queued.store(0, Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether so much waits, or would, that further calls have to wait as well: half of what may. So a client that reads
/// slowly gets the answers of all that it asked for, one after the other.
pub(crate) fn is_large(bytes: usize, limit: usize) -> bool {
    bytes > limit / 2
}

/// Bytes as they are counted.
fn word(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
