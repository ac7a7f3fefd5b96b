//! What is measured of calls: a span for each, and with the feature `metrics` how many there were, how they ended and
//! how long they took.

use crate::service::Params;
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "metrics")]
use std::time::Instant;
use tracing::Span;
use wingbeat_core::{Error, Method, Result};

/// Whether calls are measured at all: otherwise nothing need stand around them.
pub(super) fn wanted() -> bool {
    cfg!(feature = "metrics") || tracing::enabled!(tracing::Level::DEBUG)
}

/// The span of one call, at level debug: its number in this process, service, method, provider and connection.
pub(super) fn span(path: &str, method: &Method, params: &Params) -> Span {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    tracing::debug_span!(
        "call",
        id = NEXT.fetch_add(1, Ordering::Relaxed),
        service = path,
        method = method.as_str(),
        provider = params.provider.unwrap_or("internal"),
        connection = params.connection.as_ref().map(|connection| connection.id()),
    )
}

/// Counts a call from outside that reached no method. What it asked for is no label: clients could name anything.
pub(super) fn refused(error: &Error) {
    #[cfg(feature = "metrics")]
    metrics::counter!("wingbeat_refused_calls_total", "outcome" => error.kind().name()).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = error;
}

/// The measures of one method of a service. Its handles are fetched once, when the service is mounted.
pub(super) struct Meter {
    #[cfg(feature = "metrics")]
    succeeded: metrics::Counter,
    #[cfg(feature = "metrics")]
    seconds: metrics::Histogram,
    #[cfg(feature = "metrics")]
    labels: [metrics::Label; 2],
}

impl Meter {
    #[cfg(not(feature = "metrics"))]
    pub(super) fn new(_path: &str, _method: &Method) -> Meter {
        Meter {}
    }

    #[cfg(feature = "metrics")]
    pub(super) fn new(path: &str, method: &Method) -> Meter {
        let label = |key: &'static str, value: &str| metrics::Label::new(key, value.to_owned());
        let labels = [label("service", path), label("method", method.as_str())];
        Meter {
            succeeded: metrics::counter!("wingbeat_calls_total", outcome(&labels, "Success").iter()),
            seconds: metrics::histogram!("wingbeat_call_seconds", labels.iter()),
            labels,
        }
    }

    /// Measures a call.
    #[cfg(not(feature = "metrics"))]
    pub(super) fn measure<T, F: Future<Output = Result<T>>>(&self, call: F) -> F {
        call
    }

    /// Measures a call.
    #[cfg(feature = "metrics")]
    pub(super) async fn measure<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let running = Running { start: Instant::now(), ended: false, meter: self };
        let outcome = call.await;
        running.end(outcome.as_ref().err());
        outcome
    }
}

#[cfg(feature = "metrics")]
fn outcome(labels: &[metrics::Label; 2], outcome: &'static str) -> Vec<metrics::Label> {
    labels.iter().cloned().chain([metrics::Label::new("outcome", outcome)]).collect()
}

/// A call that is being measured. One that is dropped before its end counts as `Abandoned`: it took too long, or it
/// panicked.
#[cfg(feature = "metrics")]
struct Running<'a> {
    start: Instant,
    ended: bool,
    meter: &'a Meter,
}

#[cfg(feature = "metrics")]
impl Running<'_> {
    fn end(mut self, error: Option<&Error>) {
        self.ended = true;
        match error {
            None => self.meter.succeeded.increment(1),
            Some(error) => self.count(error.kind().name()),
        }
        self.meter.seconds.record(self.start.elapsed());
    }

    fn count(&self, ended: &'static str) {
        metrics::counter!("wingbeat_calls_total", outcome(&self.meter.labels, ended).iter()).increment(1);
    }
}

#[cfg(feature = "metrics")]
impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.count("Abandoned");
            self.meter.seconds.record(self.start.elapsed());
        }
    }
}
