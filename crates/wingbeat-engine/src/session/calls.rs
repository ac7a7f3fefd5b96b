//! Calls that were not ready at once, and calls that wait for their turn.

use crate::engine::Shared;
use crate::{Answer, Refusal, Socket};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use wingbeat_core::Escaped;
use wingbeat_protocol::LogThrottle;
use wingbeat_protocol::packet::AckId;

/// What the handler is busy with for one socket.
pub(super) struct Call {
    pub(super) socket: Socket,
    pub(super) work: Work,
}

pub(super) enum Work {
    Event(Option<AckId>, BoxFuture<'static, Option<Answer>>),
    Join(BoxFuture<'static, Result<(), Refusal>>),
}

/// What came of it.
pub(super) enum Outcome {
    Answer(Option<AckId>, Option<Answer>),
    /// The handler panicked. Whether the client waits for an answer.
    Panicked(bool),
    Joined(Result<(), Refusal>),
}

impl Future for Call {
    type Output = (Socket, Outcome);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let call = &mut *self;
        let outcome = match &mut call.work {
            Work::Event(ack, future) => match guarded(|| future.as_mut().poll(cx)) {
                Some(Poll::Pending) => return Poll::Pending,
                Some(Poll::Ready(answer)) => Outcome::Answer(ack.take(), answer),
                None => Outcome::Panicked(ack.is_some()),
            },
            Work::Join(future) => match guarded(|| future.as_mut().poll(cx)) {
                Some(Poll::Pending) => return Poll::Pending,
                Some(Poll::Ready(result)) => Outcome::Joined(result),
                None => Outcome::Joined(Err(Refusal::new("Internal error"))),
            },
        };
        Poll::Ready((call.socket.clone(), outcome))
    }
}

/// Runs a part of the handler. If it panics, that is logged, and only what it was doing is lost.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => Some(value),
        Err(panic) => {
            let text =
                panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            // The text may be a client's.
            let panic = Escaped(text.unwrap_or("no text"));
            static PANICKED: LogThrottle = LogThrottle::new();
            if let Some(times) = PANICKED.happened_as(&panic.0) {
                tracing::error!(%panic, times, "a handler panicked");
            }
            None
        }
    }
}

/// The calls of one session that were not ready at once.
#[derive(Default)]
pub(super) struct RunningCalls(Option<Box<FuturesUnordered<Call>>>);

impl RunningCalls {
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |calls| calls.len())
    }

    pub(super) fn push(&mut self, call: Call) {
        self.0.get_or_insert_default().push(call);
    }

    /// The next that is finished, if any is.
    pub(super) fn next(&mut self, cx: &mut Context<'_>) -> Option<(Socket, Outcome)> {
        let calls = self.0.as_mut()?;
        match calls.poll_next_unpin(cx) {
            Poll::Ready(Some(finished)) => Some(finished),
            Poll::Ready(None) => {
                self.0 = None;
                None
            }
            Poll::Pending => None,
        }
    }

    /// The client is gone: the calls finish without it, as many as the engine takes.
    pub(super) fn outlive(&mut self, engine: &Arc<Shared>) {
        let Some(calls) = self.0.take() else { return };
        // No runtime, no future: the process ends.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        for call in *calls {
            if matches!(call.work, Work::Join(_)) {
                continue;
            }
            if engine.orphans.fetch_add(1, Ordering::SeqCst) >= engine.config.max_orphans {
                engine.call_finished();
                if let Some(times) = engine.dropped_calls.happened() {
                    tracing::warn!(times, "a call was dropped with its connection: too many are running without one");
                }
                continue;
            }
            let engine = engine.clone();
            runtime.spawn(async move {
                call.await;
                engine.call_finished();
            });
        }
    }
}

/// A packet that waits until fewer calls are running.
pub(super) struct Waiting {
    pub(super) text: Bytes,
    pub(super) attachments: Vec<Bytes>,
}

/// Packets that wait, as bytes: as many as one payload may hold, and the whole packet that was one too many.
#[derive(Default)]
pub(super) struct Backlog(Option<Box<(VecDeque<Waiting>, usize)>>);

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |backlog| backlog.1)
    }

    pub(super) fn push(&mut self, waiting: Waiting) {
        let backlog = self.0.get_or_insert_default();
        backlog.1 += waiting.size();
        backlog.0.push_back(waiting);
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let backlog = self.0.as_mut()?;
        let waiting = backlog.0.pop_front();
        backlog.1 -= waiting.as_ref().map_or(0, Waiting::size);
        if backlog.0.is_empty() {
            self.0 = None;
        }
        waiting
    }
}

impl Waiting {
    /// Small packets cost more than their bytes.
    fn size(&self) -> usize {
        self.text.len() + self.attachments.iter().map(Bytes::len).sum::<usize>() + 64
    }
}
