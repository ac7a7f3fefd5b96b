//! A connection that becomes a WebSocket: what the server says first leaves with the answer to the handshake.

use bytes::{Buf, Bytes};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What HTTP and the connection under it share. Requests carry it as an extension.
#[derive(Clone, Default)]
pub(crate) struct UpgradeHandoff(Arc<Inner>);

#[derive(Default)]
struct Inner {
    done: AtomicBool,
    /// Bytes have come since somebody began to listen.
    heard: AtomicBool,
    /// The client has begun with HTTP/2, which was not negotiated.
    http2: AtomicBool,
    /// What is to be written right behind the answer: a write of its own costs 7 µs over loopback, and wakes the client
    /// once more.
    first: Mutex<Bytes>,
}

impl UpgradeHandoff {
    /// Writes this right behind the answer, unless the connection is gone by then.
    pub(crate) fn say(&self, first: Bytes) {
        *self.first() = first;
    }

    /// The answer says that the protocol is switched.
    pub(super) fn done(&self) {
        self.0.done.store(true, Ordering::Release);
    }

    /// Whether the protocol is switched.
    pub(super) fn is_done(&self) -> bool {
        self.0.done.load(Ordering::Acquire)
    }

    /// What is to be written behind the bytes that HTTP writes now.
    pub(super) fn behind(&self) -> Option<Bytes> {
        self.is_done().then(|| self.first().clone()).filter(|first| !first.is_empty())
    }

    /// So many bytes of it were.
    pub(super) fn written(&self, bytes: usize) {
        self.first().advance(bytes);
    }

    /// What could not be written yet.
    pub(crate) fn take(&self) -> Bytes {
        std::mem::take(&mut self.first())
    }

    /// Bytes that came before do not count.
    pub(super) fn listen(&self) {
        self.0.heard.store(false, Ordering::Relaxed);
    }

    /// Bytes have come.
    pub(super) fn hear(&self) {
        self.0.heard.store(true, Ordering::Relaxed);
    }

    /// Whether bytes have come.
    pub(super) fn has_heard(&self) -> bool {
        self.0.heard.load(Ordering::Relaxed)
    }

    /// The client has begun with HTTP/2.
    pub(super) fn refuse_http2(&self) {
        self.0.http2.store(true, Ordering::Relaxed);
    }

    /// Whether it was refused for that.
    pub(super) fn spoke_http2(&self) -> bool {
        self.0.http2.load(Ordering::Relaxed)
    }

    fn first(&self) -> MutexGuard<'_, Bytes> {
        self.0.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
