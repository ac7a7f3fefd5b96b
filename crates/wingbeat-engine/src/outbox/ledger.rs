//! How much waits for all sessions together.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Longer frames are counted each for itself, from when they are made until the last who holds them lets go: what
/// thousands are sent exists once. Shorter ones are counted by the queue or the segment that they wait in, and those on
/// their way, a few of each session, not at all.
pub(crate) const LONG: usize = 16 * 1024;

/// The bytes that wait for all sessions of an engine, each counted as often as it exists.
pub(crate) struct Ledger {
    bytes: AtomicUsize,
    limit: usize,
    /// From where on something has to be done: the limit, or a little more than what could not be helped the last time.
    alarm: AtomicUsize,
}

impl Ledger {
    pub(crate) fn new(limit: usize) -> Arc<Ledger> {
        Arc::new(Ledger { bytes: AtomicUsize::new(0), limit, alarm: AtomicUsize::new(limit) })
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn remove(&self, bytes: usize) {
        let before = self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "{bytes} bytes go of {before}");
        if before > self.limit && before.saturating_sub(bytes) <= self.limit {
            self.alarm.store(self.limit, Ordering::Relaxed);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether more waits than may.
    pub(crate) fn is_over(&self) -> bool {
        self.bytes() > self.alarm.load(Ordering::Relaxed)
    }

    /// All was done about it that can be. Some is still held by those who have gone, so it is looked at again only when there
    /// is more: to look at all sessions for every event would not help.
    pub(crate) fn seen_to(&self) {
        let bytes = self.bytes();
        let alarm = if bytes > self.limit { bytes.saturating_add(self.limit / 64) } else { self.limit };
        self.alarm.store(alarm, Ordering::Relaxed);
    }

    /// How much has to go so that there is some room again.
    pub(crate) fn excess(&self) -> usize {
        self.bytes().saturating_sub(self.limit - self.limit / 8)
    }

    /// The most that one piece of memory for several sessions may hold.
    pub(crate) fn fraction(&self) -> usize {
        self.limit / 8
    }

    /// The same bytes, counted while anybody holds them if they are long.
    pub(crate) fn count(self: &Arc<Ledger>, bytes: Bytes) -> Bytes {
        if bytes.len() <= LONG {
            return bytes;
        }
        self.add(bytes.len());
        Bytes::from_owner(CountedBytes { bytes, ledger: self.clone() })
    }
}

struct CountedBytes {
    bytes: Bytes,
    ledger: Arc<Ledger>,
}

impl AsRef<[u8]> for CountedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for CountedBytes {
    fn drop(&mut self) {
        self.ledger.remove(self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_helped_is_looked_at_again_when_there_is_more() {
        let ledger = Ledger::new(64_000);
        ledger.add(70_000);
        assert!(ledger.is_over());
        ledger.seen_to();
        ledger.add(1000);
        assert!(!ledger.is_over());
        ledger.add(1);
        assert!(ledger.is_over());
        ledger.seen_to();
        ledger.remove(7001);
        ledger.add(1);
        assert!(ledger.is_over());
    }

    #[test]
    fn what_many_hold_is_counted_once_until_the_last_lets_go() {
        let ledger = Ledger::new(100_000);
        let long = ledger.count(vec![b'x'; 60_000].into());
        let (part, short) = (long.slice(10..), ledger.count(vec![b'x'; LONG].into()));
        assert_eq!((ledger.bytes(), short.len()), (60_000, LONG));
        drop(long);
        assert!(!ledger.is_over() && ledger.bytes() == 60_000);
        let other = ledger.count(vec![b'x'; 60_000].into());
        assert!(ledger.is_over() && ledger.excess() == 32_500);
        drop((part, other));
        assert_eq!((ledger.bytes(), ledger.excess()), (0, 0));
    }
}
