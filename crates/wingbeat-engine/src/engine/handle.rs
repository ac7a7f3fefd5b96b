//! What a session's task shares with everybody else.

use super::polling::Polls;
use super::{SessionId, Shared};
use crate::outbox::{LONG, Outbox, Pushed, SharedFrame, is_large};
use crate::peer::Handshake;
use bytes::Bytes;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use wingbeat_protocol::packet::{Frame, msgpack};

/// Messages to a session's task, as bits.
pub(crate) mod signal {
    /// A deadline has passed.
    pub(crate) const DUE: u16 = 1;
    /// A socket was told to leave its namespace.
    pub(crate) const LEAVE: u16 = 2;
    /// The server wants the session to end.
    pub(crate) const CLOSE: u16 = 4;
    /// More waits than may.
    pub(crate) const FULL: u16 = 8;
    /// The server is shutting down.
    pub(crate) const SHUTDOWN: u16 = 16;
    /// A request broke the rules of polling.
    pub(crate) const BROKEN: u16 = 32;
    /// A poll died, and what it had taken is back.
    pub(crate) const PUT_BACK: u16 = 64;
    /// The time for an orderly end is over.
    pub(crate) const ABORT: u16 = 128;
    /// The client of a socket that may be one of its own has come back over another connection.
    pub(crate) const TAKEN_OVER: u16 = 256;
    /// The client has to come again.
    pub(crate) const BREAK_OFF: u16 = 512;
}

/// How HTTP requests see a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum TransportState {
    Polling = 0,
    WebSocket = 1,
    /// Requests do not find it any more.
    Ended = 2,
}

/// What a session's task shares with its sockets, with HTTP requests and with the wheel.
pub(crate) struct SessionHandle {
    pub(crate) id: SessionId,
    pub(crate) engine: Arc<Shared>,
    pub(crate) handshake: Handshake,
    pub(crate) outbox: Outbox,
    waker: OnceLock<Waker>,
    // Whether the task runs or is about to: then it needs no waking to see what was queued.
    scheduled: AtomicBool,
    signals: AtomicU16,
    transport: AtomicU8,
    /// When the wheel has to wake the task, and the earliest time that the wheel knows about.
    pub(crate) deadline: AtomicU64,
    pub(crate) armed: AtomicU64,
    /// When the client must have answered a ping.
    pub(crate) pong_by: AtomicU64,
    polls: Option<Box<Mutex<Polls>>>,
}

impl SessionHandle {
    pub(crate) fn new(
        id: SessionId,
        engine: Arc<Shared>,
        handshake: Handshake,
        transport: TransportState,
    ) -> SessionHandle {
        SessionHandle {
            id,
            engine,
            handshake,
            outbox: Outbox::new(),
            waker: OnceLock::new(),
            scheduled: AtomicBool::new(true),
            signals: AtomicU16::new(0),
            transport: AtomicU8::new(transport as u8),
            deadline: AtomicU64::new(u64::MAX),
            armed: AtomicU64::new(u64::MAX),
            pong_by: AtomicU64::new(u64::MAX),
            polls: (transport == TransportState::Polling).then(Box::default),
        }
    }

    /// Queues a frame for this session alone.
    pub(crate) fn push(&self, frame: &Frame) {
        let frame = if self.engine.config.msgpack { msgpack::recode(frame) } else { frame.clone() };
        self.push_bytes(frame.into_bytes());
    }

    /// The same, encoded as the session has it.
    pub(crate) fn push_bytes(&self, bytes: Bytes) {
        let long = bytes.len() > LONG;
        self.pushed(self.outbox.push(bytes, self.engine.config.most_waiting(), &self.engine.ledger), long);
    }

    /// Queues a frame that others are sent as well.
    pub(crate) fn push_shared(&self, frame: &SharedFrame) {
        let encoding = frame.encoding(self.engine.config.msgpack);
        let pushed = self.outbox.push_shared(encoding, &self.engine.segments, &self.engine.ledger);
        self.pushed(pushed, frame.frame().len() > LONG);
    }

    /// Queues what the session itself has to say, behind all that waits.
    pub(crate) fn append(&self, bytes: Bytes) {
        self.pushed(self.outbox.append(bytes, &self.engine.ledger), true);
    }

    #[inline]
    fn pushed(&self, pushed: Pushed, counted: bool) {
        match pushed {
            Pushed::Next | Pushed::Behind => {
                if !self.scheduled.swap(true, Ordering::SeqCst) {
                    self.wake();
                }
                if counted || pushed == Pushed::Behind {
                    self.engine.relieve();
                }
            }
            Pushed::Full => self.signal(signal::FULL),
            Pushed::Closed => {}
        }
    }

    /// A poll has carried bytes away. Calls may have waited for that.
    pub(crate) fn sent(&self, bytes: usize) {
        let was_clogged = is_large(self.outbox.bytes(), self.engine.config.most_waiting());
        self.outbox.sent(bytes);
        if self.outbox.bytes() == 0
            && let Some(mut polls) = self.polls()
        {
            polls.emptied_at = self.engine.wheel.now();
        }
        if was_clogged {
            self.wake();
        }
    }

    /// The client has taken so many bytes of an answer to a poll.
    pub(crate) fn taken(&self, bytes: usize) {
        if let Some(mut polls) = self.polls() {
            polls.taken += bytes;
        }
    }

    pub(crate) fn signal(&self, signal: u16) {
        self.signals.fetch_or(signal, Ordering::SeqCst);
        self.wake();
    }

    pub(crate) fn take_signals(&self) -> u16 {
        if self.signals.load(Ordering::SeqCst) == 0 { 0 } else { self.signals.swap(0, Ordering::SeqCst) }
    }

    pub(crate) fn wake(&self) {
        // Before the task's first turn there is nothing to wake: that turn looks at everything.
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// The task begins a turn.
    pub(crate) fn begin_turn(&self, waker: &Waker) {
        // Whoever queues a frame has said so already.
        if !self.scheduled.load(Ordering::SeqCst) {
            self.scheduled.store(true, Ordering::SeqCst);
        }
        if self.waker.get().is_none() {
            let _ = self.waker.set(waker.clone());
        }
    }

    /// The task has nothing left to do; whatever is queued from now on wakes it.
    pub(crate) fn end_turn(&self) {
        self.scheduled.store(false, Ordering::SeqCst);
    }

    /// The session's place in the registry.
    pub(crate) fn id_key(&self) -> u32 {
        self.id.place()
    }

    pub(crate) fn transport(&self) -> TransportState {
        match self.transport.load(Ordering::SeqCst) {
            0 => TransportState::Polling,
            1 => TransportState::WebSocket,
            _ => TransportState::Ended,
        }
    }

    pub(crate) fn set_transport(&self, transport: TransportState) {
        self.transport.store(transport as u8, Ordering::SeqCst);
    }

    /// What the requests of a long-polling session leave for its task; `None` if it began on a WebSocket.
    pub(crate) fn polls(&self) -> Option<MutexGuard<'_, Polls>> {
        self.polls.as_ref().map(|polls| polls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Allocators give out sizes in steps. With the two counters of an `Arc` a handle takes all of 256 bytes, and a byte
    /// more would take 64.
    #[test]
    fn a_session_handle_fills_its_piece_of_memory() {
        assert!(size_of::<SessionHandle>() <= 240, "{}", size_of::<SessionHandle>());
    }
}
