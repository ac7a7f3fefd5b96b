//! What has arrived, and waits until the inbox takes it.

use super::shared::Shared;
use crate::bus::{Inbox, Incoming};
use crate::locked;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::Waker;
#[cfg(feature = "redis")]
use std::task::{Context, Poll};
use tokio::sync::Notify;

/// How many bytes may wait before no more is read from the broker.
const WAITING: usize = 16 * 1024 * 1024;
/// What a message takes beside its bytes.
const MESSAGE: usize = 64;

#[derive(Default)]
pub(in crate::bus) struct Arrivals {
    state: Mutex<State>,
    more: Notify,
    room: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Incoming>,
    bytes: usize,
    /// Who reads from the broker, if it waits for room.
    reader: Option<Waker>,
    /// How often there was no room.
    times_full: u64,
    is_ended: bool,
}

impl Arrivals {
    pub(in crate::bus) fn push(&self, what: Incoming) {
        {
            let mut state = locked(&self.state);
            if state.is_ended {
                return;
            }
            let was_full = state.is_full();
            state.bytes += size(&what);
            state.waiting.push_back(what);
            state.times_full += u64::from(!was_full && state.is_full());
        }
        self.more.notify_one();
    }

    /// Some of what the broker has sent is gone.
    #[cfg(feature = "nats")]
    pub(in crate::bus) fn push_gap(&self) {
        self.push(Incoming::Lost);
        self.push(Incoming::Restored);
    }

    /// Whether more can be taken; whoever asks is woken when it can. One at a time.
    #[cfg(feature = "redis")]
    pub(in crate::bus) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = locked(&self.state);
        if state.is_full() {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Waits until more can be taken.
    #[cfg(feature = "nats")]
    pub(in crate::bus) async fn room(&self) {
        loop {
            let room = self.room.notified();
            if !locked(&self.state).is_full() {
                return;
            }
            room.await;
        }
    }

    /// Whether there is no room, and how often that was so: meanwhile silence is not the broker's.
    pub(super) fn fullness(&self) -> (bool, u64) {
        let state = locked(&self.state);
        (state.is_full(), state.times_full)
    }

    pub(super) fn end(&self) {
        let (waiting, reader) = {
            let mut state = locked(&self.state);
            state.is_ended = true;
            state.bytes = 0;
            (std::mem::take(&mut state.waiting), state.reader.take())
        };
        drop(waiting);
        self.wake(reader);
        self.more.notify_one();
    }

    fn next(&self) -> Option<Incoming> {
        let (next, reader) = {
            let mut state = locked(&self.state);
            let was_full = state.is_full();
            let next = state.waiting.pop_front()?;
            state.bytes -= size(&next);
            let has_room = was_full && !state.is_full();
            (next, has_room.then(|| state.reader.take()))
        };
        if let Some(reader) = reader {
            self.wake(reader);
        }
        Some(next)
    }

    fn wake(&self, reader: Option<Waker>) {
        if let Some(reader) = reader {
            reader.wake();
        }
        self.room.notify_waiters();
    }

    fn is_ended(&self) -> bool {
        locked(&self.state).is_ended
    }

    /// Hands everything to the inbox, one after the other.
    pub(super) async fn hand_over(self: Arc<Self>, shared: Arc<Shared>, inbox: Arc<dyn Inbox>) {
        while !self.is_ended() {
            match self.next() {
                Some(Incoming::Lost) => {
                    inbox.arrived(Incoming::Lost).await;
                    shared.told();
                }
                Some(what) => inbox.arrived(what).await,
                None => self.more.notified().await,
            }
        }
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.bytes > WAITING
    }
}

fn size(what: &Incoming) -> usize {
    match what {
        Incoming::Message { message, .. } => MESSAGE + message.len(),
        Incoming::Lost | Incoming::Restored => 0,
    }
}
