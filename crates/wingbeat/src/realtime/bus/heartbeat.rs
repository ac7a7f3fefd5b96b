//! How a node knows that others hear it, and it them.

use super::message::Message;
use super::node::{Node, State};
use super::port::Topic;
use crate::locked;
use bytes::Bytes;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a node looks after itself.
const TICK: Duration = Duration::from_secs(1);
/// How often a node says that it is there; with many of them less often, so that all of it stays little.
const BEAT: Duration = Duration::from_secs(5);
const BEAT_FOR_EACH: Duration = Duration::from_millis(25);
/// After how many beats that did not come a node has gone, or this one hears nothing.
const BEATS: u32 = 3;

impl Node {
    /// Whether what this node sends to itself arrives: then so does what others send.
    pub(crate) fn is_well(&self) -> bool {
        let (interval, state) = (self.interval(), locked(&self.state));
        !self.is_lost.load(Ordering::Acquire) && state.heard_at.elapsed() < interval * BEATS
    }

    pub(super) fn heard_itself(&self, message: &Bytes) {
        if !Message::is_heartbeat(message) {
            return;
        }
        let Ok(Message::Heartbeat { beat, .. }) = Message::decode(message) else { return };
        let missed = {
            let mut state = locked(&self.state);
            let (missed, since) = (beat > state.heard + 1, state.heard_at);
            if missed {
                state.others.lost(since);
            }
            if beat > state.heard {
                (state.heard, state.heard_at) = (beat, Instant::now());
            }
            if beat == state.beats {
                state.events_heard = state.events_at_beat;
            }
            missed
        };
        if missed {
            tracing::warn!("messages over the bus were lost");
            self.channels.presences.each(|presence| presence.restored(self));
            self.contained(|here| here.missed(true));
        }
    }

    fn interval(&self) -> Duration {
        let nodes = u32::try_from(self.nodes()).unwrap_or(u32::MAX);
        BEAT.max(BEAT_FOR_EACH.saturating_mul(nodes))
    }

    pub(super) fn beat(&self) {
        let message = self.heartbeat(|state| {
            state.beats += 1;
            state.last_beat = Instant::now();
            state.events_at_beat = self.events.load(Ordering::Relaxed);
            state.beats
        });
        self.send_now(&Topic::All, &message);
    }

    pub(super) fn heartbeat(&self, number: impl FnOnce(&mut State) -> u64) -> Bytes {
        let mut state = locked(&self.state);
        let (beat, orders) = (number(&mut state), state.orders.last());
        Message::Heartbeat { orders, beat }.encode(self.number)
    }

    fn tick(&self) {
        if let Some(subscriptions) = self.subscriptions.get() {
            subscriptions.forget_left();
        }
        if self.is_lost.load(Ordering::Acquire) {
            return;
        }
        if self.owes_gap.swap(false, Ordering::AcqRel) && !self.send_now(&Topic::All, &Message::Gap.encode(self.number))
        {
            self.owes_gap.store(true, Ordering::Release);
        }
        let interval = self.interval();
        let (is_due, silent) = {
            let mut state = locked(&self.state);
            (state.last_beat.elapsed() >= interval, state.others.forget_silent(interval * BEATS))
        };
        silent.nodes.iter().for_each(|node| self.has_gone(*node));
        if is_due {
            self.beat();
        }
        if silent.leave_a_doubt {
            self.contained(|here| here.missed_orders());
        }
        #[cfg(feature = "metrics")]
        {
            metrics::gauge!("wingbeat_bus_connected").set(if self.is_well() { 1.0 } else { 0.0 });
            metrics::gauge!("wingbeat_bus_nodes").set(self.nodes() as f64);
        }
    }
}

pub(super) async fn look_after(node: Weak<Node>) {
    loop {
        sleep(TICK).await;
        match node.upgrade() {
            Some(node) => node.tick(),
            None => return,
        }
    }
}
