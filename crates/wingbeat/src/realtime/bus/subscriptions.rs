//! What this node asks others for: the events of the channels and rooms that somebody here is in.

use super::port::{BusConnection, Topic};
use crate::locked;
use rustc_hash::FxHashSet;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// For how long it is asked for after the last one has left: most come again at once.
const LINGER: Duration = Duration::from_secs(5);

pub(super) struct Subscriptions {
    connection: Arc<dyn BusConnection>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    used: FxHashSet<Topic>,
    /// Those that everybody has left, and until when they are kept; the next first.
    left: VecDeque<(Instant, Topic)>,
}

impl Subscriptions {
    pub(super) fn new(connection: Arc<dyn BusConnection>) -> Subscriptions {
        Subscriptions { connection, state: Mutex::default() }
    }

    /// Somebody is there now.
    pub(super) fn begin(&self, topic: Topic) {
        let mut state = locked(&self.state);
        self.connection.subscribe(&topic);
        state.used.insert(topic);
    }

    /// Nobody is there any more.
    pub(super) fn end(&self, topic: Topic) {
        let mut state = locked(&self.state);
        if state.used.remove(&topic) {
            state.left.push_back((Instant::now() + LINGER, topic));
        }
    }

    /// Asks no longer for what was left some time ago and is not used again.
    pub(super) fn forget_left(&self) {
        let now = Instant::now();
        // Some at a time: others begin meanwhile.
        while let mut state = locked(&self.state)
            && state.left.front().is_some_and(|(until, _)| *until <= now)
            && let Some((_, topic)) = state.left.pop_front()
        {
            if !state.used.contains(&topic) {
                self.connection.unsubscribe(&topic);
            }
        }
    }
}
