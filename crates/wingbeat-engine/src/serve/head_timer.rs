//! How long a connection of HTTP/1.1 may take until a request has come.

use super::{HttpLimits, UpgradeHandoff};
use hyper::rt::{Sleep, Timer};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// hyper's timer for the headers of requests, which it starts as soon as it waits for them: on a connection that is kept
/// that is long before the client begins the next one.
pub(super) struct HeadTimer {
    header_timeout: Duration,
    keep_alive_timeout: Duration,
    handoff: UpgradeHandoff,
    /// A request has come before.
    kept: AtomicBool,
}

impl HeadTimer {
    pub(super) fn new(limits: &HttpLimits, handoff: UpgradeHandoff) -> HeadTimer {
        let HttpLimits { header_timeout, keep_alive_timeout, .. } = *limits;
        HeadTimer { header_timeout, keep_alive_timeout, handoff, kept: AtomicBool::new(false) }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Sleep>> {
        if !self.kept.swap(true, Ordering::Relaxed) {
            return Box::pin(Waiting { sleep: sleep(self.header_timeout), begins: None });
        }
        self.handoff.listen();
        let begins = Some((self.handoff.clone(), self.header_timeout));
        Box::pin(Waiting { sleep: sleep(self.keep_alive_timeout), begins })
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(self.header_timeout)
    }
}

fn sleep(duration: Duration) -> Pin<Box<tokio::time::Sleep>> {
    Box::pin(tokio::time::sleep(duration))
}

/// Waits for the headers of a request.
struct Waiting {
    sleep: Pin<Box<tokio::time::Sleep>>,
    /// Where the first byte of a further request is heard, and how long the client has from then on.
    begins: Option<(UpgradeHandoff, Duration)>,
}

impl Future for Waiting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some((_, header_timeout)) = self.begins.take_if(|(handoff, _)| handoff.has_heard()) {
            self.sleep.set(tokio::time::sleep(header_timeout));
        }
        self.sleep.as_mut().poll(cx)
    }
}

impl Sleep for Waiting {}
