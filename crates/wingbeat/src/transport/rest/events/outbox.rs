//! What waits for the reader of a stream, and the body that it reads.

use super::EventStreams;
use super::encoding::PING;
use crate::locked;
use bytes::Bytes;
use http_body::Frame;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio::sync::Notify;
use wingbeat_protocol::LogThrottle;

/// What an event that waits costs each stream beside its bytes, which all share.
const ENTRY: usize = 64;

/// What waits for all readers together.
pub(super) struct Ledger {
    bytes: AtomicUsize,
    most: usize,
    /// What may wait for each of as many as there may be, even if more waits for all together.
    share: usize,
}

impl Ledger {
    pub(super) fn new(options: &EventStreams) -> Ledger {
        let (most, share) = (options.outbox_total, options.outbox_total / options.max_streams.max(1));
        Ledger { bytes: AtomicUsize::new(0), most, share }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn add_entries(&self, entries: usize) {
        self.bytes.fetch_add(entries * ENTRY, Ordering::Relaxed);
    }

    fn remove_entries(&self, entries: usize) {
        self.bytes.fetch_sub(entries * ENTRY, Ordering::Relaxed);
    }

    /// An event, counted for as long as somebody waits for it.
    pub(super) fn counted(self: &Arc<Ledger>, bytes: Vec<u8>) -> Bytes {
        self.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        Bytes::from_owner(Counted { bytes, ledger: self.clone() })
    }
}

struct Counted {
    bytes: Vec<u8>,
    ledger: Arc<Ledger>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.ledger.bytes.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

/// What waits for one reader.
pub(super) struct Outbox {
    state: Mutex<State>,
    ledger: Arc<Ledger>,
    limit: usize,
    /// For the task of the stream alone.
    changed: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Bytes>,
    bytes: usize,
    reader: Option<Waker>,
    /// Nothing is added any more.
    is_ended: bool,
    /// Nobody reads any more.
    is_gone: bool,
}

impl State {
    fn add(&mut self, event: Bytes, ledger: &Ledger) {
        self.bytes += event.len() + ENTRY;
        self.waiting.push_back(event);
        ledger.add_entries(1);
    }

    fn take(&mut self, ledger: &Ledger) -> Option<Bytes> {
        let event = self.waiting.pop_front()?;
        self.bytes -= event.len() + ENTRY;
        ledger.remove_entries(1);
        Some(event)
    }

    fn clear(&mut self, ledger: &Ledger) {
        ledger.remove_entries(self.waiting.len());
        self.waiting = VecDeque::new();
        self.bytes = 0;
    }
}

impl Outbox {
    pub(super) fn new(ledger: Arc<Ledger>, limit: usize) -> (Arc<Outbox>, EventBody) {
        let outbox = Outbox { state: Mutex::default(), ledger, limit, changed: Notify::new() };
        let outbox = Arc::new(outbox);
        (outbox.clone(), EventBody { outbox, has_given: false })
    }

    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    pub(super) fn push(&self, event: impl Into<Bytes>) {
        self.push_all([event.into()]);
    }

    /// Adds events. A reader for whom too much waits has missed some, so its stream ends.
    pub(super) fn push_all(&self, events: impl IntoIterator<Item = Bytes>) {
        let mut state = locked(&self.state);
        if state.is_ended {
            return;
        }
        // One event may be as large as it is, if the reader keeps up.
        let before = state.bytes;
        for event in events {
            state.add(event, &self.ledger);
        }
        let limit = if self.ledger.bytes() > self.ledger.most { self.ledger.share } else { self.limit };
        if before > 0 && state.bytes > limit {
            static FULL: LogThrottle = LogThrottle::new();
            if let Some(times) = FULL.happened() {
                tracing::warn!(times, "an event stream ends: its client does not read what is sent");
            }
            state.clear(&self.ledger);
            state.is_ended = true;
        }
        self.wake(state);
    }

    /// Says that the stream is alive, unless there is something to say anyway.
    pub(super) fn ping(&self) {
        let mut state = locked(&self.state);
        if !state.is_ended && state.waiting.is_empty() {
            state.add(Bytes::from_static(PING), &self.ledger);
            self.wake(state);
        }
    }

    /// Ends the stream behind what waits.
    pub(super) fn end(&self) {
        let mut state = locked(&self.state);
        state.is_ended = true;
        self.wake(state);
    }

    /// Gives up what waits.
    pub(super) fn forget(&self) {
        locked(&self.state).clear(&self.ledger);
    }

    fn wake(&self, mut state: std::sync::MutexGuard<'_, State>) {
        let (reader, is_ended) = (state.reader.take(), state.is_ended);
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        if is_ended {
            self.changed.notify_one();
        }
    }

    /// Waits until the stream has ended.
    pub(super) async fn ended(&self) {
        self.until(|state| state.is_ended).await;
    }

    /// Waits until nobody reads any more.
    pub(super) async fn gone(&self) {
        self.until(|state| state.is_gone).await;
    }

    async fn until(&self, is: impl Fn(&State) -> bool) {
        while !is(&locked(&self.state)) {
            self.changed.notified().await;
        }
    }
}

/// A response that goes on until its stream ends. Each frame is one event: early clients of Feathers 6 read none that
/// comes in two pieces.
pub(super) struct EventBody {
    outbox: Arc<Outbox>,
    /// Whether something was given since the last time that nothing was there.
    has_given: bool,
}

impl http_body::Body for EventBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let mut state = locked(&this.outbox.state);
        if let Some(event) = state.take(&this.outbox.ledger) {
            this.has_given = true;
            return Poll::Ready(Some(Ok(Frame::data(event))));
        }
        if !state.is_ended {
            this.has_given = false;
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        // What was given last is written when there is nothing more at the moment.
        if std::mem::take(&mut this.has_given) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // The server ends it, so it is cut off rather than completed: clients of Feathers 6 come again only then.
        Poll::Ready(Some(Err(io::Error::other("the event stream has ended"))))
    }
}

impl Drop for EventBody {
    fn drop(&mut self) {
        let mut state = locked(&self.outbox.state);
        state.clear(&self.outbox.ledger);
        (state.is_ended, state.is_gone) = (true, true);
        drop(state);
        self.outbox.changed.notify_one();
    }
}
