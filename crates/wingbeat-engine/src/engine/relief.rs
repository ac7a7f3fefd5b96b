//! Whom it costs when more waits for all sessions together than may.

use super::{Shared, signal};
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Handle;
use wingbeat_protocol::LogThrottle;

/// Closes the slowest sessions, one sweep over all of them at a time.
#[derive(Default)]
pub(crate) struct Relief {
    at_work: AtomicBool,
    closed: LogThrottle,
}

/// A sweep over all sessions that is due, under way or dropped with its runtime: the next can begin when this is dropped.
struct Sweep(Arc<Shared>);

impl Shared {
    /// Closes sessions if more waits for all together than may: the slowest first, those for which the most waits.
    ///
    /// In a task of its own: who queues something may hold locks, and there may be a million sessions to look at.
    #[inline]
    pub(crate) fn relieve(self: &Arc<Shared>) {
        if self.ledger.is_over() && !self.relief.at_work.swap(true, Ordering::AcqRel) {
            begin(Sweep(self.clone()));
        }
    }
}

#[cold]
fn begin(sweep: Sweep) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(async move { sweep.close_slowest() })),
        // From a thread of the application's own.
        Err(_) => sweep.close_slowest(),
    }
}

impl Sweep {
    fn close_slowest(&self) {
        let Sweep(engine) = self;
        let handles = engine.all_sessions().into_iter();
        let waiting = handles.map(|handle| (handle.outbox.is_closed(), handle.outbox.bytes(), handle));
        let mut waiting: Vec<_> = waiting.filter(|(_, bytes, _)| *bytes > 0).collect();
        // Those that take their leave before all others.
        waiting.sort_unstable_by_key(|(closed, bytes, _)| Reverse((*closed, *bytes)));
        // What their tasks hold goes when they notice.
        let mut going = 0;
        for (closed, bytes, handle) in waiting {
            let held = handle.outbox.unsent();
            if closed && handle.outbox.is_empty() {
                going += held;
                continue;
            }
            if engine.ledger.excess() <= going {
                break;
            }
            going += held;
            handle.outbox.abandon(&engine.ledger);
            handle.signal(signal::FULL);
            if let Some(times) = engine.relief.closed.happened() {
                tracing::warn!(
                    times,
                    bytes,
                    "closing the slowest client: more bytes wait for all clients together than `outbox_total` allows"
                );
            }
        }
        engine.ledger.seen_to();
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        self.0.relief.at_work.store(false, Ordering::Release);
    }
}
