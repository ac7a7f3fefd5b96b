//! Up to which publication each connection has heard all that waited for it.

use super::connection::Connection;
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one queue knows of connections. To be used with the queue locked.
///
/// A connection carries the mark of the first queue that needs one. It may be in channels of other applications as well;
/// their queues keep their marks for it here, as long as something waits in them.
pub(super) struct Marks {
    /// A number that no other queue of this process has.
    queue: u64,
    of_others: FxHashMap<u64, u64>,
}

impl Default for Marks {
    fn default() -> Marks {
        // 0 stands for no queue.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Marks { queue: NEXT.fetch_add(1, Ordering::Relaxed), of_others: FxHashMap::default() }
    }
}

impl Marks {
    /// Says that a connection has heard all of this queue up to a publication. Answers up to which it had before.
    #[inline]
    pub(super) fn advance(&mut self, connection: &Connection, publication: u64) -> u64 {
        match connection.mark_of(self.queue) {
            Some(mark) => {
                let before = mark.load(Ordering::Relaxed);
                // Not fetch_max: only this queue writes it, which is locked.
                if before < publication {
                    mark.store(publication, Ordering::Relaxed);
                }
                before
            }
            None => self.advance_foreign(connection, publication),
        }
    }

    #[cold]
    fn advance_foreign(&mut self, connection: &Connection, publication: u64) -> u64 {
        let mark = self.of_others.entry(connection.id()).or_default();
        let before = *mark;
        *mark = before.max(publication);
        before
    }

    /// Forgets what nobody asks for while nothing waits: publications to come have higher numbers.
    pub(super) fn rest(&mut self) {
        self.of_others = FxHashMap::default();
    }
}
