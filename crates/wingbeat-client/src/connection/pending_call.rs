//! One packet from the call that makes it to its outcome.

use super::{AckRequest, Answer, Command, ConnectionHandle, Kind};
use crate::error::{Error, Problem, Result};
use crate::locked;
use bytes::Bytes;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;
use wingbeat_core::RawJson;

/// A packet that waits to be sent, or for its answer: the task's side of it. Dropped without an outcome, it says so.
pub(crate) struct Outbound {
    pub(crate) pending: Arc<PendingCall>,
    packet: Unsent,
    /// By when it has to be answered, once the task has taken it.
    deadline: Option<Instant>,
    is_own: bool,
    is_finished: bool,
}

/// What task and caller share: one allocation for a call.
pub(crate) struct PendingCall {
    pub(crate) kind: Kind,
    /// `None`: that of the services.
    pub(crate) namespace: Option<Arc<str>>,
    pub(crate) timeout: Duration,
    /// What this answers, if it is an answer itself.
    pub(crate) asked: Option<Box<AckRequest>>,
    /// How much of the buffer it takes.
    pub(crate) bytes: usize,
    /// A number that only the task reads and writes: [`QueuePosition`].
    place: AtomicU64,
    caller: Mutex<Caller>,
}

/// `None` for nearly all packets.
pub(crate) type Attachments = Option<Arc<Vec<Bytes>>>;

/// What is sent.
#[derive(Default)]
pub(crate) struct Unsent {
    /// `["name",…]`.
    pub(crate) json: Vec<u8>,
    pub(crate) attachments: Attachments,
}

/// Where the task keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueuePosition {
    Nowhere,
    /// Among what waits, under this number.
    Queued(u64),
    /// Among what was sent, under this id.
    InFlight(u64),
}

impl From<RawJson> for Unsent {
    fn from(arguments: RawJson) -> Unsent {
        let (json, attachments) = arguments.into_parts();
        Unsent { json: json.into(), attachments }
    }
}

impl QueuePosition {
    fn number(self) -> u64 {
        match self {
            QueuePosition::Nowhere => u64::MAX,
            QueuePosition::Queued(order) => order << 1,
            QueuePosition::InFlight(id) => id << 1 | 1,
        }
    }

    /// The id under which it was sent.
    pub(crate) fn id(self) -> Option<u64> {
        if let QueuePosition::InFlight(id) = self { Some(id) } else { None }
    }

    fn of(number: u64) -> QueuePosition {
        match number {
            u64::MAX => QueuePosition::Nowhere,
            number if number & 1 == 0 => QueuePosition::Queued(number >> 1),
            number => QueuePosition::InFlight(number >> 1),
        }
    }
}

enum Caller {
    /// Has not asked for the outcome yet.
    Away,
    Waits(Waker),
    Finished(Result<Answer>),
    /// There is none (any more).
    Gone,
}

impl PendingCall {
    /// A packet that has this long to be sent and answered, from when the task takes it.
    #[inline]
    pub(crate) fn new(kind: Kind, packet: &Unsent, timeout: Duration) -> PendingCall {
        let attached = packet.attachments.iter().flat_map(|all| &**all).map(Bytes::len).sum::<usize>();
        PendingCall {
            kind,
            namespace: None,
            timeout,
            asked: None,
            bytes: packet.json.len() + attached,
            place: AtomicU64::new(QueuePosition::Nowhere.number()),
            caller: Mutex::new(Caller::Away),
        }
    }

    /// A packet of the task's own, whose outcome nobody waits for.
    pub(crate) fn own(mut self, packet: Unsent) -> Outbound {
        self.set_caller(Caller::Gone);
        Outbound { pending: Arc::new(self), packet, deadline: None, is_own: true, is_finished: false }
    }

    /// Hands it to the task.
    #[inline]
    pub(crate) fn submit(self, packet: Unsent, connection: ConnectionHandle) -> Result<Outcome> {
        let pending = Arc::new(self);
        connection.send(Command::Emit(Outbound {
            pending: pending.clone(),
            packet,
            deadline: None,
            is_own: false,
            is_finished: false,
        }))?;
        Ok(Outcome { pending, connection, is_over: false })
    }

    /// Hands it to the task for a caller that waits already.
    #[inline]
    pub(crate) fn submit_for(mut self, packet: Unsent, connection: ConnectionHandle, waker: &Waker) -> Result<Outcome> {
        self.set_caller(Caller::Waits(waker.clone()));
        self.submit(packet, connection)
    }

    fn set_caller(&mut self, caller: Caller) {
        *self.caller.get_mut().unwrap_or_else(PoisonError::into_inner) = caller;
    }

    pub(crate) fn place(&self) -> QueuePosition {
        QueuePosition::of(self.place.load(Ordering::Relaxed))
    }

    fn kept_at(&self, place: QueuePosition) {
        self.place.store(place.number(), Ordering::Relaxed);
    }
}

impl Outbound {
    /// Whether it is the task's own.
    pub(crate) fn is_own(&self) -> bool {
        self.is_own
    }

    /// Its time runs from here on: the moment is looked up once for all that the task takes together.
    pub(crate) fn begin(&mut self, now: Instant) -> Instant {
        // Further away than anyone waits, and never too far to be a moment.
        let deadline = now + self.pending.timeout.min(Duration::from_secs(365 * 24 * 3600));
        *self.deadline.insert(deadline)
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(crate) fn kept_at(&self, place: QueuePosition) {
        self.pending.kept_at(place);
    }

    /// Takes what is to be sent.
    pub(crate) fn take(&mut self) -> Unsent {
        std::mem::take(&mut self.packet)
    }

    /// Tells the caller, if there still is one.
    pub(crate) fn finish(mut self, outcome: Result<Answer>) {
        self.tell(outcome);
    }

    fn tell(&mut self, outcome: Result<Answer>) {
        self.is_finished = true;
        self.pending.kept_at(QueuePosition::Nowhere);
        let mut caller = locked(&self.pending.caller);
        let waker = match std::mem::replace(&mut *caller, Caller::Gone) {
            Caller::Gone => return,
            before => {
                *caller = Caller::Finished(outcome);
                if let Caller::Waits(waker) = before { Some(waker) } else { None }
            }
        };
        drop(caller);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Outbound {
    /// The runtime ends, or the task has panicked.
    fn drop(&mut self) {
        if !self.is_finished {
            // What is to be sent is taken when it is.
            let was_sent = self.packet.json.is_empty();
            let error = if was_sent { Error::Unanswered(Problem::new("The client has ended")) } else { Error::Closed };
            self.tell(Err(error));
        }
    }
}

/// What becomes of a packet. Dropped, it takes the packet back: what was not sent never will be, and what was sent
/// waits for no answer.
pub(crate) struct Outcome {
    pending: Arc<PendingCall>,
    connection: ConnectionHandle,
    is_over: bool,
}

impl Future for Outcome {
    type Output = Result<Answer>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Answer>> {
        let mut caller = locked(&self.pending.caller);
        match &mut *caller {
            Caller::Waits(waker) => waker.clone_from(cx.waker()),
            away @ Caller::Away => *away = Caller::Waits(cx.waker().clone()),
            finished => {
                let finished = std::mem::replace(finished, Caller::Gone);
                drop(caller);
                self.is_over = true;
                return Poll::Ready(match finished {
                    Caller::Finished(outcome) => outcome,
                    _ => Err(Error::Closed),
                });
            }
        }
        Poll::Pending
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let before = std::mem::replace(&mut *locked(&self.pending.caller), Caller::Gone);
        if !matches!(before, Caller::Finished(_)) {
            // A client that has ended has forgotten it already.
            let _ = self.connection.send(Command::Forget(self.pending.clone()));
        }
    }
}
