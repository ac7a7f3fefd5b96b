//! How long a connection of HTTP/1.1 may take until a request has come.

use super::{HttpLimits, UpgradeHandoff};
use hyper::rt::{Sleep, Timer};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// hyper's timer for the headers of requests, which it starts as soon as it waits for them: on a connection that is kept
/// that is long before the client begins the next one.
pub(super) struct HeadTimer(Arc<Inner>);

struct Inner {
    header_timeout: Duration,
    keep_alive_timeout: Duration,
    handoff: UpgradeHandoff,
    /// A request has come before.
    kept: AtomicBool,
    alarm: Mutex<Alarm>,
}

impl HeadTimer {
    pub(super) fn new(limits: &HttpLimits, handoff: UpgradeHandoff) -> HeadTimer {
        let HttpLimits { header_timeout, keep_alive_timeout, .. } = *limits;
        let (kept, alarm) = (AtomicBool::new(false), Mutex::default());
        HeadTimer(Arc::new(Inner { header_timeout, keep_alive_timeout, handoff, kept, alarm }))
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        let begins = self.0.kept.swap(true, Ordering::Relaxed);
        if begins {
            self.0.handoff.listen();
        }
        let patience = if begins { self.0.keep_alive_timeout } else { self.0.header_timeout };
        Box::pin(Waiting { timer: self.0.clone(), deadline: Instant::now() + patience, begins })
    }

    fn sleep_until(&self, _: std::time::Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(self.0.header_timeout)
    }
}

/// Waits for the headers of a request.
struct Waiting {
    timer: Arc<Inner>,
    deadline: Instant,
    /// A further request has not begun: it has its own time from its first byte on.
    begins: bool,
}

impl Future for Waiting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.begins && self.timer.handoff.has_heard() {
            self.begins = false;
            self.deadline = Instant::now() + self.timer.header_timeout;
        }
        self.timer.alarm.lock().unwrap_or_else(PoisonError::into_inner).poll(self.deadline, cx)
    }
}

impl Sleep for Waiting {}

/// One timer for all requests of a connection. Most come long before their deadline, which then moves on: a timer that rings
/// too early is set again when it has rung, and not with every request.
#[derive(Default)]
struct Alarm {
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
    /// Whom it wakes.
    wakes: Option<Waker>,
}

impl Alarm {
    fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let Alarm { sleep, wakes } = self;
        let sleep = sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        let is_set = sleep.deadline() <= deadline && !sleep.is_elapsed();
        if is_set && wakes.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        *wakes = Some(cx.waker().clone());
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    async fn rings(alarm: &mut Alarm, deadline: Instant) -> Duration {
        let begun = Instant::now();
        poll_fn(|cx| alarm.poll(deadline, cx)).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_rings_at_its_deadline_whether_that_moves_on_or_back() {
        let mut alarm = Alarm::default();
        let after = |seconds| Instant::now() + Duration::from_secs(seconds);
        for seconds in [1, 75, 10, 75, 1] {
            // Asked for another moment before, which did not come.
            for other in [seconds + 5, 1] {
                let (deadline, noop) = (after(other), &mut Context::from_waker(Waker::noop()));
                assert!(alarm.poll(deadline, noop).is_pending());
            }
            assert_eq!(rings(&mut alarm, after(seconds)).await.as_secs(), seconds);
        }
    }
}
