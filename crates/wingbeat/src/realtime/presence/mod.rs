//! Who is in channels, on all nodes.
//!
//! Each node writes down its own members alone, numbers what changes, and tells the others; so no two nodes ever write the
//! same entry, and nothing has to be merged. What was missed is asked for as a whole.

mod others;
mod own;
mod told;

use super::bus::Node;
use super::channel::Channels;
use super::connection::Connection;
use super::pattern::Pattern;
use crate::locked;
use others::Others;
use own::Own;
use rustc_hash::FxHashSet;
use serde_json::Value;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;
use told::Told;
use wingbeat_core::RawJson;
use wingbeat_protocol::LogThrottle;

/// How long changes are collected before they are told: who reloads a page has not left.
const COLLECTED: Duration = Duration::from_millis(1500);

/// Somebody in a channel: its name, and what tells the member from others.
pub(crate) type EntryId = (Arc<str>, Arc<str>);

/// What a connection is in a channel, as the application says it.
pub(crate) type MemberFn = Arc<dyn Fn(&Connection) -> Option<Value> + Send + Sync>;

/// What has changed, for clients of this node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Changed {
    pub(crate) id: EntryId,
    pub(crate) member: Value,
    pub(crate) event: &'static str,
}

/// Who is in the channels of a pattern.
pub(crate) struct Presence {
    /// What it is called among nodes.
    name: Box<str>,
    pattern: Pattern,
    member: MemberFn,
    channels: Weak<Channels>,
    state: Mutex<State>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    own: Own,
    others: Others,
    /// What clients of this node know.
    shown: BTreeMap<EntryId, Value>,
    changed: FxHashSet<EntryId>,
}

impl Presence {
    pub(crate) fn new(name: &str, pattern: &str, member: MemberFn, channels: &Arc<Channels>) -> Arc<Presence> {
        Arc::new(Presence {
            name: name.into(),
            pattern: Pattern::new(pattern),
            member,
            channels: Arc::downgrade(channels),
            state: Mutex::default(),
            changed: Arc::default(),
        })
    }

    pub(in crate::realtime) fn name(&self) -> &str {
        &self.name
    }

    /// What clients of this node know: those in one channel, or in all.
    pub(crate) fn shown(&self, channel: Option<&str>) -> Vec<(EntryId, Value)> {
        let state = locked(&self.state);
        let all = |(id, member): (&EntryId, &Value)| (id.clone(), member.clone());
        match channel {
            None => state.shown.iter().map(all).collect(),
            Some(name) => {
                let first: EntryId = (name.into(), "".into());
                state.shown.range(first..).take_while(|((channel, _), _)| **channel == *name).map(all).collect()
            }
        }
    }

    /// A connection has joined a channel.
    pub(in crate::realtime) fn joined(&self, channels: &Channels, channel: &Arc<str>, connection: &Connection) {
        static PANICKED: LogThrottle = LogThrottle::new();
        if !self.pattern.fits(channel) {
            return;
        }
        let asked = catch_unwind(AssertUnwindSafe(|| (self.member)(connection)));
        if asked.is_err()
            && let Some(times) = PANICKED.happened_as(&self.name)
        {
            tracing::error!(presence = &*self.name, times, "what says who a connection is panicked");
        }
        let Ok(Some(member)) = asked else { return };
        let mut state = locked(&self.state);
        let changed = state.own.join(connection.id(), (channel.clone(), key(&member)), member);
        self.note(&mut state, changed);
        drop(state);
        // It may have left meanwhile, before this was written down.
        if !channels.is_member(channel, connection) {
            self.left(channel, connection);
        }
    }

    /// A connection has left a channel.
    pub(in crate::realtime) fn left(&self, channel: &Arc<str>, connection: &Connection) {
        let mut state = locked(&self.state);
        let changed = state.own.leave(connection.id(), channel);
        self.note(&mut state, changed);
    }

    fn note(&self, state: &mut State, changed: impl IntoIterator<Item = EntryId>) {
        let before = state.changed.len();
        state.changed.extend(changed);
        if state.changed.len() > before {
            self.changed.notify_one();
        }
    }

    /// Writes down who is there already, and from now on tells what changes.
    pub(crate) fn begin(
        self: &Arc<Presence>,
        tell: impl Fn(Changed) -> crate::BoxFuture<'static, ()> + Send + 'static,
    ) {
        let Some(channels) = self.channels.upgrade() else { return };
        channels.watch(self);
        tokio::spawn(tell_changes(Arc::downgrade(self), self.changed.clone(), tell));
        if let Some(node) = channels.node() {
            node.tell(None, &self.name, &Told::Wanted);
        }
    }

    /// What has changed since the last time: for other nodes, and for clients of this one.
    fn take_changes(&self) -> (Option<Told>, Vec<Changed>) {
        let mut state = locked(&self.state);
        let State { own, others, shown, changed } = &mut *state;
        let ids: Vec<EntryId> = changed.drain().collect();
        let told = own.changes(&ids);
        let mut all = Vec::new();
        for id in ids {
            let (was, is) = (shown.get(&id), own.get(&id).or_else(|| others.get(&id)));
            let (event, member) = match (was, is) {
                (None, Some(is)) => ("created", is),
                (Some(was), None) => ("removed", was),
                (Some(was), Some(is)) if was != is => ("patched", is),
                _ => continue,
            };
            let member = member.clone();
            match event {
                "removed" => shown.remove(&id),
                _ => shown.insert(id.clone(), member.clone()),
            };
            all.push(Changed { id, member, event });
        }
        (told, all)
    }

    /// What its counterpart on another node has told.
    pub(in crate::realtime) fn heard(&self, node: &Node, sender: u64, told: &RawJson) {
        let told = match told.to::<Told>() {
            Ok(told) => told,
            Err(error) => return tracing::error!(?error, "another node has not said who is in which channels"),
        };
        let mut state = locked(&self.state);
        match told {
            Told::Wanted => {
                let parts = state.own.whole();
                drop(state);
                parts.iter().for_each(|part| node.tell(Some(sender), &self.name, part));
            }
            Told::Changes { version, changes } => match state.others.change(sender, version, changes) {
                Ok(changed) => self.note(&mut state, changed),
                Err(others::Missed) => {
                    drop(state);
                    node.tell(Some(sender), &self.name, &Told::Wanted);
                }
            },
            Told::Whole { version, changes, part } => {
                let changed = state.others.replace(sender, version, changes, part);
                self.note(&mut state, changed);
            }
        }
    }

    /// What another node has told may be missing.
    pub(in crate::realtime) fn missed(&self, node: &Node, of: Option<u64>) {
        node.tell(of, &self.name, &Told::Wanted);
    }

    /// Messages were lost, in which direction is not known: all tell each other all.
    pub(in crate::realtime) fn restored(&self, node: &Node) {
        self.missed(node, None);
        let parts = locked(&self.state).own.whole();
        parts.iter().for_each(|part| node.tell(None, &self.name, part));
    }

    /// Another node has gone, and its members with it.
    pub(in crate::realtime) fn gone(&self, other: u64) {
        let mut state = locked(&self.state);
        let changed = state.others.gone(other);
        self.note(&mut state, changed);
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

async fn tell_changes(
    presence: Weak<Presence>,
    changed: Arc<Notify>,
    tell: impl Fn(Changed) -> crate::BoxFuture<'static, ()>,
) {
    loop {
        changed.notified().await;
        if presence.strong_count() == 0 {
            return;
        }
        sleep(COLLECTED).await;
        let Some(presence) = presence.upgrade() else { return };
        let (told, changes) = presence.take_changes();
        if let Some(told) = told
            && let Some(node) = presence.channels.upgrade().and_then(|channels| channels.node())
        {
            node.tell(None, &presence.name, &told);
        }
        drop(presence);
        for change in changes {
            tell(change).await;
        }
    }
}

/// What tells a member from others: its id, or all of it.
fn key(member: &Value) -> Arc<str> {
    match member.get("id").unwrap_or(member) {
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    }
}

/// All of an application, and what they may still have to ask.
#[derive(Default)]
pub(in crate::realtime) struct Presences(OnceLock<Mutex<Vec<Weak<Presence>>>>);

impl Presences {
    pub(in crate::realtime) fn add(&self, presence: &Arc<Presence>) {
        let mut all = locked(self.0.get_or_init(Mutex::default));
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(presence));
    }

    /// Without any it takes one look.
    pub(in crate::realtime) fn each(&self, mut see: impl FnMut(&Presence)) {
        if let Some(all) = self.0.get() {
            let all: Vec<_> = locked(all).iter().filter_map(Weak::upgrade).collect();
            all.iter().for_each(|presence| see(presence));
        }
    }

    pub(in crate::realtime) fn named(&self, name: &str, see: impl FnOnce(&Presence)) {
        let mut see = Some(see);
        self.each(|presence| {
            if presence.name() == name
                && let Some(see) = see.take()
            {
                see(presence);
            }
        });
    }
}

#[cfg(test)]
mod tests;
