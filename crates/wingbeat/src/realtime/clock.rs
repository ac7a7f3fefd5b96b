//! The numbers of publications: all that happens in channels has its place between two of them.

use std::sync::atomic::{AtomicU64, Ordering};

/// One for the process: a connection may be in channels of several applications.
static LAST: AtomicU64 = AtomicU64::new(0);

/// The number of a publication that happens now.
pub(super) fn next() -> u64 {
    LAST.fetch_add(1, Ordering::AcqRel) + 1
}

/// The number of the last publication. Who joins now hears those after it.
pub(super) fn last() -> u64 {
    LAST.load(Ordering::Acquire)
}
