//! Whom it costs when more waits for all sessions together than may.

use super::{Shared, signal};
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Handle;
use wingbeat_protocol::LogThrottle;

/// Closes the slowest sessions, one look at all of them at a time.
#[derive(Default)]
pub(crate) struct Relief {
    at_work: AtomicBool,
    closed: LogThrottle,
}

/// A look at all sessions that is due, under way or given up with its runtime: the next can begin when this is dropped.
struct Look(Arc<Shared>);

impl Shared {
    /// Closes sessions if more waits for all together than may: the slowest first, those for which the most waits.
    ///
    /// In a task of its own: who queues something may hold locks, and there may be a million sessions to look at.
    #[inline]
    pub(crate) fn relieve(self: &Arc<Shared>) {
        if self.ledger.is_over() && !self.relief.at_work.swap(true, Ordering::AcqRel) {
            begin(Look(self.clone()));
        }
    }
}

#[cold]
fn begin(look: Look) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(async move { look.close_slowest() })),
        // From a thread of the application's own.
        Err(_) => look.close_slowest(),
    }
}

impl Look {
    fn close_slowest(&self) {
        let Look(engine) = self;
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
                    "a client is closed: more waits for all than `outbox_total`, and it takes the least"
                );
            }
        }
        engine.ledger.seen_to();
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        self.0.relief.at_work.store(false, Ordering::Release);
    }
}
