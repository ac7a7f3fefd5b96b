//! Calls that are measured to their end, where that comes after their first poll.

use crate::BoxFuture;
use crate::app::{Entry, measure::Started};
use std::sync::Arc;
#[cfg(feature = "metrics")]
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use wingbeat_core::Result;

/// The service of a call that is measured.
pub(super) struct MeasuredEntry {
    #[cfg(feature = "metrics")]
    entry: Arc<Entry>,
}

impl MeasuredEntry {
    #[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nothing is measured"))]
    pub(super) fn new(entry: &Arc<Entry>) -> MeasuredEntry {
        MeasuredEntry {
            #[cfg(feature = "metrics")]
            entry: entry.clone(),
        }
    }
}

/// Measures the rest of a call of the method with this index.
#[cfg(not(feature = "metrics"))]
pub(super) fn measured<T>(
    call: BoxFuture<'static, Result<T>>,
    _: Started,
    _: MeasuredEntry,
    _: usize,
) -> BoxFuture<'static, Result<T>> {
    call
}

/// Measures the rest of a call of the method with this index.
#[cfg(feature = "metrics")]
pub(super) fn measured<T: 'static>(
    call: BoxFuture<'static, Result<T>>,
    started: Started,
    service: MeasuredEntry,
    index: usize,
) -> BoxFuture<'static, Result<T>> {
    Box::pin(Measured { call, started, ended: false, service, index })
}

/// A call that is being measured. One that is dropped before its end counts as `Abandoned`: it took too long, or it
/// panicked.
#[cfg(feature = "metrics")]
struct Measured<T> {
    call: BoxFuture<'static, Result<T>>,
    started: Started,
    ended: bool,
    service: MeasuredEntry,
    index: usize,
}

#[cfg(feature = "metrics")]
impl<T> Future for Measured<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let outcome = ready!(self.call.as_mut().poll(cx)).map_err(|error| self.service.entry.mapped_error(error));
        self.ended = true;
        self.service.entry.at(self.index).meter.ended(self.started, outcome.as_ref().err());
        Poll::Ready(outcome)
    }
}

#[cfg(feature = "metrics")]
impl<T> Drop for Measured<T> {
    fn drop(&mut self) {
        if !self.ended {
            self.service.entry.at(self.index).meter.abandoned(self.started);
        }
    }
}
