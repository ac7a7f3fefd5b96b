//! What a client has heard.

use crate::locked;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// An event that a client has heard.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Heard {
    /// Path and event, for example `messages created`.
    pub event: String,
    /// The record, or what the event carries.
    pub data: Value,
}

/// Events in the order they came.
#[derive(Default)]
pub(super) struct Inbox {
    events: Mutex<VecDeque<Heard>>,
    more: Notify,
}

impl Inbox {
    pub(super) fn add(&self, event: Heard) {
        locked(&self.events).push_back(event);
        self.more.notify_waiters();
    }

    pub(super) fn all(&self) -> Vec<Heard> {
        locked(&self.events).iter().cloned().collect()
    }

    fn take(&self, wanted: impl Fn(&Heard) -> bool) -> Option<Heard> {
        let mut events = locked(&self.events);
        let at = events.iter().position(wanted)?;
        events.remove(at)
    }

    /// Takes out the first event that is wanted, waiting for it as long as `patience` lasts.
    pub(super) async fn wait(&self, patience: Duration, wanted: impl Fn(&Heard) -> bool) -> Option<Heard> {
        let waiting = async {
            loop {
                // Enlisted before looking, so that what comes in between is not missed.
                let more = self.more.notified();
                if let Some(event) = self.take(&wanted) {
                    return event;
                }
                more.await;
            }
        };
        timeout(patience, waiting).await.ok()
    }
}
