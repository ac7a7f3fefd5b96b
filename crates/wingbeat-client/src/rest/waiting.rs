//! Calls that wait for their turn: only so many, and only so much.

use crate::connection::QueueLimits;
use crate::error::{Error, Problem, Result};
use crate::locked;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::task::Poll;

/// The calls that wait.
pub(super) struct Waiting {
    limits: QueueLimits,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    calls: usize,
    bytes: usize,
}

/// One that is counted, until it is dropped.
struct Counted<'a> {
    waiting: &'a Waiting,
    bytes: usize,
}

impl Waiting {
    pub(super) fn new(limits: QueueLimits) -> Waiting {
        Waiting { limits, used: Mutex::default() }
    }

    /// Waits until it is the turn of a call of so many bytes. One that need not wait is not counted.
    ///
    /// # Errors
    /// If too many wait already, or as the turn fails.
    pub(super) async fn until<T>(&self, turn: impl Future<Output = Result<T>>, bytes: usize) -> Result<T> {
        let mut turn = pin!(turn);
        if let Poll::Ready(outcome) = poll_fn(|cx| Poll::Ready(turn.as_mut().poll(cx))).await {
            return outcome;
        }
        let _counted = self.count(bytes)?;
        turn.await
    }

    fn count(&self, bytes: usize) -> Result<Counted<'_>> {
        let mut used = locked(&self.used);
        let total = used.bytes.saturating_add(bytes);
        // A single one may be as large as it is.
        if used.calls > 0 && (used.calls >= self.limits.items || total > self.limits.bytes) {
            return Err(Error::NotSent(Problem::new("Too many calls wait to be sent")));
        }
        (used.calls, used.bytes) = (used.calls + 1, total);
        Ok(Counted { waiting: self, bytes })
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let mut used = locked(&self.waiting.used);
        used.calls -= 1;
        used.bytes -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};
    use std::pin::Pin;
    use std::task::{Context, Waker};

    /// What becomes of one that waits for ever, and the one itself.
    fn begin(waiting: &Waiting, bytes: usize) -> (bool, Pin<Box<dyn Future<Output = Result<()>> + '_>>) {
        let mut call: Pin<Box<dyn Future<Output = Result<()>> + '_>> = Box::pin(waiting.until(pending(), bytes));
        (call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), call)
    }

    #[test]
    fn only_so_many_and_so_much_may_wait() {
        let waiting = Waiting::new(QueueLimits { items: 3, bytes: 100 });
        let (large, first) = begin(&waiting, 200);
        assert!(large && !begin(&waiting, 1).0);
        drop(first);
        let calls = [60, 30, 10].map(|bytes| begin(&waiting, bytes));
        assert!(calls.iter().all(|(waits, _)| *waits) && !begin(&waiting, 0).0);
        drop(calls);
        let calls = [60, 41, 40].map(|bytes| begin(&waiting, bytes));
        assert_eq!(calls.map(|(waits, _)| waits), [true, false, true]);
        let used = locked(&waiting.used);
        assert_eq!((used.calls, used.bytes), (0, 0));
    }

    #[tokio::test]
    async fn who_need_not_wait_is_not_counted() {
        let waiting = Waiting::new(QueueLimits { items: 1, bytes: 10 });
        let _first = begin(&waiting, 10);
        assert_eq!(waiting.until(ready(Ok(7)), 10).await.unwrap(), 7);
    }
}
