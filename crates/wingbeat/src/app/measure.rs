//! What is measured of calls: a span for each, and with the feature `metrics` how many there were, how they ended and
//! how long they took.

use crate::service::Params;
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "metrics")]
use std::time::Instant;
use tracing::Span;
use wingbeat_core::{Error, Method, Result};

/// Whether anything records spans. If not, calls run without one.
pub(super) fn traced() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
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

/// Counts a call from outside that reached no method. Its path and method are not labels: clients could name anything.
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

    /// A call begins.
    pub(super) fn start(&self) -> Started {
        Started {
            #[cfg(feature = "metrics")]
            at: Instant::now(),
        }
    }

    /// A call has been polled once: counts it if that was all.
    pub(super) fn polled<T, Pending>(&self, started: Started, polled: &Result<Result<Result<T>, Pending>>) {
        #[cfg(feature = "metrics")]
        match polled {
            Ok(Ok(outcome)) => self.ended(started, outcome.as_ref().err()),
            Ok(Err(_)) => {}
            Err(_) => self.abandoned(started),
        }
        #[cfg(not(feature = "metrics"))]
        let _ = (started, polled);
    }

    #[cfg(feature = "metrics")]
    pub(super) fn ended(&self, started: Started, error: Option<&Error>) {
        match error {
            None => self.succeeded.increment(1),
            Some(error) => self.count(error.kind().name()),
        }
        self.seconds.record(started.at.elapsed());
    }

    #[cfg(feature = "metrics")]
    pub(super) fn abandoned(&self, started: Started) {
        self.count("Abandoned");
        self.seconds.record(started.at.elapsed());
    }

    #[cfg(feature = "metrics")]
    fn count(&self, ended: &'static str) {
        metrics::counter!("wingbeat_calls_total", outcome(&self.labels, ended).iter()).increment(1);
    }
}

#[cfg(feature = "metrics")]
fn outcome(labels: &[metrics::Label; 2], outcome: &'static str) -> Vec<metrics::Label> {
    labels.iter().cloned().chain([metrics::Label::new("outcome", outcome)]).collect()
}

/// When a call began.
#[derive(Clone, Copy)]
pub(super) struct Started {
    #[cfg(feature = "metrics")]
    at: Instant,
}
