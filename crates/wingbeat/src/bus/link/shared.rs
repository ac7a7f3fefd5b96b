//! What a connection was told, and how far that has come.

use crate::bus::{BusConnection, Full, Topic};
use crate::{BoxFuture, locked};
use bytes::Bytes;
use rustc_hash::FxHashSet;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;
use wingbeat_core::{Error, Result};

/// How many bytes may wait to be sent.
const QUEUED: usize = 16 * 1024 * 1024;
/// What a message takes beside its bytes.
const MESSAGE: usize = 64;
/// How much is sent at once.
const BATCH: usize = 1024;
const BATCH_BYTES: usize = 1024 * 1024;

/// The connection as those who use it see it. It ends with them.
pub(super) struct Link(pub(super) Arc<Shared>);

pub(super) struct Shared {
    state: Mutex<State>,
    /// There is something to send, or it is to be the end.
    pub(super) sending: Notify,
    /// Something else is asked for.
    pub(super) asking: Notify,
    /// Somebody may go on.
    changed: Notify,
}

struct State {
    phase: Phase,
    /// No more is taken; what is queued is still sent.
    is_closing: bool,
    queue: VecDeque<(Topic, Bytes)>,
    bytes: usize,
    largest: usize,
    wanted: FxHashSet<Topic>,
    /// Those of which something else was said since they were last asked for.
    changed: FxHashSet<Topic>,
    /// How often something was asked for, and how many of these are in force.
    asked: u64,
    in_force: u64,
    losses: u64,
    why: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Up,
    /// Whether the inbox knows.
    Lost {
        is_told: bool,
    },
    Ended,
}

/// What is to be asked for, and no longer, and how far it is asked for then.
pub(super) struct Changes {
    pub(super) begin: Vec<Topic>,
    pub(super) end: Vec<Topic>,
    pub(super) upto: u64,
}

impl Shared {
    pub(super) fn new(largest: usize) -> Shared {
        let state = State {
            phase: Phase::Up,
            is_closing: false,
            queue: VecDeque::new(),
            bytes: 0,
            largest,
            wanted: FxHashSet::default(),
            changed: FxHashSet::default(),
            asked: 0,
            in_force: 0,
            losses: 0,
            why: String::new(),
        };
        Shared { state: Mutex::new(state), sending: Notify::new(), asking: Notify::new(), changed: Notify::new() }
    }

    /// What is to be sent next, as much of it as goes at once.
    pub(super) fn batch(&self) -> Vec<(Topic, Bytes)> {
        let mut state = locked(&self.state);
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Some(next) = state.queue.pop_front() else { break };
            bytes += MESSAGE + next.1.len();
            batch.push(next);
        }
        let was_full = state.bytes >= QUEUED;
        state.bytes -= bytes;
        let has_room = was_full && state.bytes < QUEUED;
        drop(state);
        if has_room {
            self.changed.notify_waiters();
        }
        batch
    }

    /// Whether it is to end when all is sent.
    pub(super) fn is_closing(&self) -> bool {
        locked(&self.state).is_closing
    }

    /// All that is wanted is to be asked for again.
    pub(super) fn ask_for_all(&self) {
        let mut state = locked(&self.state);
        state.changed = state.wanted.clone();
    }

    /// What is to be asked for, where these topics are asked for already; nothing if nothing has changed.
    pub(super) fn changes(&self, asked: &mut FxHashSet<Topic>) -> Option<Changes> {
        let mut state = locked(&self.state);
        if state.in_force == state.asked && state.changed.is_empty() {
            return None;
        }
        let mut changes = Changes { begin: Vec::new(), end: Vec::new(), upto: state.asked };
        for topic in std::mem::take(&mut state.changed) {
            if !state.wanted.contains(&topic) {
                if asked.remove(&topic) {
                    changes.end.push(topic);
                }
            } else if asked.insert(topic.clone()) {
                changes.begin.push(topic);
            }
        }
        Some(changes)
    }

    pub(super) fn in_force(&self, upto: u64) {
        locked(&self.state).in_force = upto;
        self.changed.notify_waiters();
    }

    /// All that is wanted is in force; whether it was lost before.
    pub(super) fn up(&self, largest: usize) -> bool {
        let mut state = locked(&self.state);
        state.largest = largest;
        let was_lost = matches!(state.phase, Phase::Lost { .. });
        if was_lost {
            state.phase = Phase::Up;
        }
        was_lost
    }

    /// The connection is lost; what was queued with it. Not if it was lost before, or has ended.
    pub(super) fn lost(&self, why: &Error) -> bool {
        let queue = {
            let mut state = locked(&self.state);
            state.why = why.to_string();
            if state.phase != Phase::Up {
                return false;
            }
            state.phase = Phase::Lost { is_told: false };
            state.losses += 1;
            state.bytes = 0;
            std::mem::take(&mut state.queue)
        };
        drop(queue);
        self.changed.notify_waiters();
        true
    }

    /// The inbox knows that it is lost.
    pub(super) fn told(&self) {
        {
            let mut state = locked(&self.state);
            if let Phase::Lost { is_told } = &mut state.phase {
                *is_told = true;
            }
        }
        self.changed.notify_waiters();
    }

    pub(super) fn end(&self) {
        let queue = {
            let mut state = locked(&self.state);
            state.phase = Phase::Ended;
            state.bytes = 0;
            (std::mem::take(&mut state.queue), std::mem::take(&mut state.wanted))
        };
        drop(queue);
        self.changed.notify_waiters();
    }

    /// Ready when it has ended.
    pub(super) async fn ended(&self) {
        self.until(|state| (state.phase == Phase::Ended).then_some(())).await;
    }

    async fn until<T>(&self, mut done: impl FnMut(&State) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            let done = done(&locked(&self.state));
            match done {
                Some(done) => return done,
                None => changed.await,
            }
        }
    }

    fn want(&self, topic: &Topic, is_wanted: bool) {
        {
            let mut state = locked(&self.state);
            if state.phase == Phase::Ended || state.is_closing {
                return;
            }
            let is_new = if is_wanted { state.wanted.insert(topic.clone()) } else { state.wanted.remove(topic) };
            if !is_new {
                return;
            }
            state.changed.insert(topic.clone());
            state.asked += 1;
        }
        self.asking.notify_one();
    }
}

impl BusConnection for Link {
    fn publish(&self, topics: &[Topic], message: &Bytes) -> Result<(), Full> {
        {
            let mut state = locked(&self.0.state);
            let is_open = state.phase == Phase::Up && !state.is_closing;
            if !is_open || state.bytes >= QUEUED || message.len() > state.largest {
                return Err(Full);
            }
            state.bytes += topics.len() * (MESSAGE + message.len());
            state.queue.extend(topics.iter().map(|topic| (topic.clone(), message.clone())));
        }
        self.0.sending.notify_one();
        Ok(())
    }

    fn largest(&self) -> usize {
        locked(&self.0.state).largest
    }

    fn has_room(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let may_go_on = |state: &State| match state.phase {
                Phase::Up => state.bytes < QUEUED || state.is_closing,
                Phase::Lost { is_told } => is_told,
                Phase::Ended => true,
            };
            self.0.until(|state| may_go_on(state).then_some(())).await;
            // Whoever asks again and again lets others go on.
            tokio::task::yield_now().await;
        })
    }

    fn subscribe(&self, topic: &Topic) {
        self.0.want(topic, true);
    }

    fn unsubscribe(&self, topic: &Topic) {
        self.0.want(topic, false);
    }

    fn subscribed(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let (upto, losses) = {
                let state = locked(&self.0.state);
                (state.asked, state.losses)
            };
            self.0
                .until(|state| {
                    if state.phase != Phase::Up || state.losses != losses {
                        let why = if state.why.is_empty() { "it was closed" } else { &state.why };
                        return Some(Err(Error::unavailable(format!("The connection to the bus is lost: {why}"))));
                    }
                    (state.in_force >= upto).then_some(Ok(()))
                })
                .await
        })
    }

    fn close(&self, patience: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let is_lost = {
                let mut state = locked(&self.0.state);
                state.is_closing = true;
                state.phase != Phase::Up
            };
            self.0.sending.notify_one();
            if !is_lost {
                timeout(patience, self.0.ended()).await.ok();
            }
            self.0.end();
        })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.0.end();
    }
}
