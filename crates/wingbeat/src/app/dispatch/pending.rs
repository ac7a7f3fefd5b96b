//! Calls that have been begun, and those that are not ready at once.

use super::outcome::Outcome;
use crate::BoxFuture;
use crate::app::{
    Mode,
    guard::{Guarded, catch_panic, log},
    registry::Entry,
};
use crate::fair::{self, Origin, Source};
use crate::realtime::Connection;
use crate::service::invocation::Caller;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wingbeat_core::{Payload, Result};

pub(super) type Call<T> = BoxFuture<'static, Result<T>>;

/// A call that has been polled once: it is done, or it is not, or it has panicked.
pub(super) type Polled<T> = Result<Result<Result<T>, Call<T>>>;

/// Begins a call on somebody's behalf; what it has come to by then is looked at.
#[inline]
pub(super) fn polled<T>(
    origin: &Origin,
    begin: impl FnOnce() -> Call<T>,
    look: impl FnOnce(&mut Result<T>),
    cx: &mut Context<'_>,
) -> Polled<T> {
    let begin = || {
        let mut call = begin();
        match call.as_mut().poll(cx) {
            Poll::Ready(mut outcome) => {
                look(&mut outcome);
                Ok(outcome)
            }
            Poll::Pending => Err(call),
        }
    };
    origin.scope(|| catch_panic(begin))
}

/// For whom a call without connection works.
pub(super) fn origin_of(caller: Caller<'_>) -> Origin {
    Origin::new(match caller {
        Caller::Request { address, .. } => Source::client(address, None),
        _ => fair::current(),
    })
}

/// For whom a call under way works.
pub(super) enum OwnedCaller {
    Connection(Connection),
    Other(Origin),
}

impl From<Caller<'_>> for OwnedCaller {
    fn from(caller: Caller<'_>) -> OwnedCaller {
        match caller {
            Caller::Connection(connection) => OwnedCaller::Connection(connection.clone()),
            other => OwnedCaller::Other(origin_of(other)),
        }
    }
}

impl OwnedCaller {
    fn origin(&self) -> &Origin {
        match self {
            OwnedCaller::Connection(connection) => connection.origin(),
            OwnedCaller::Other(origin) => origin,
        }
    }
}

/// What becomes an outcome.
pub(super) trait Completion {
    fn outcome(self, entry: &Entry, index: usize) -> Result<Outcome>;
}

impl Completion for Outcome {
    fn outcome(self, _: &Entry, _: usize) -> Result<Outcome> {
        Ok(self)
    }
}

/// Of a call without hooks.
impl Completion for Payload {
    fn outcome(self, entry: &Entry, index: usize) -> Result<Outcome> {
        Outcome::plain(self, entry.at(index))
    }
}

/// The outcome as the client sees it. Errors are logged.
#[inline]
pub(super) fn outcome_of<T: Completion>(
    outcome: Result<T>,
    entry: &Entry,
    index: usize,
    mode: Mode,
) -> Result<Outcome> {
    outcome.and_then(|outcome| outcome.outcome(entry, index)).map_err(|error| {
        let error = entry.mapped_error(error);
        log(&error, entry.path(), entry.at(index).method().as_str());
        mode.shown(error)
    })
}

/// A call under way, which answers what the caller may see. One that is dropped is given up.
#[must_use = "a call goes on when it is polled"]
pub struct PendingCall {
    pub(super) call: CallFuture,
    pub(super) caller: OwnedCaller,
    pub(super) entry: Arc<Entry>,
    pub(super) index: usize,
    pub(super) mode: Mode,
}

pub(super) enum CallFuture {
    /// The service's own future.
    Plain(Guarded<Call<Payload>>),
    /// With hooks, or with events.
    WithHooks(Guarded<Call<Outcome>>),
}

impl Future for PendingCall {
    type Output = Result<Outcome>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Outcome>> {
        let PendingCall { call, caller, entry, index, mode } = &mut *self;
        caller.origin().scope(|| match call {
            CallFuture::Plain(call) => Pin::new(call).poll(cx).map(|outcome| outcome_of(outcome, entry, *index, *mode)),
            CallFuture::WithHooks(call) => {
                Pin::new(call).poll(cx).map(|outcome| outcome_of(outcome, entry, *index, *mode))
            }
        })
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PendingCall({} {})", self.entry.path(), self.entry.at(self.index).method())
    }
}
