//! The members that are connected to this node.

use super::EntryId;
use super::told::{Change, Part, Told};
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::sync::Arc;

/// How many entries one message has: a broker may refuse larger ones.
const MOST: usize = 500;

#[derive(Default)]
pub(super) struct Own {
    /// What each connection is in its channels.
    connections: FxHashMap<u64, Vec<EntryId>>,
    entries: FxHashMap<EntryId, Entry>,
    /// What other nodes know.
    told: FxHashMap<EntryId, Value>,
    version: u64,
}

struct Entry {
    connections: usize,
    member: Value,
}

impl Own {
    /// A connection is in a channel now. What has changed: it may have been somebody else there before.
    pub(super) fn join(&mut self, connection: u64, id: EntryId, member: Value) -> Vec<EntryId> {
        let mut changed = Vec::new();
        let was = self.connections.get(&connection).and_then(|own| own.iter().find(|(channel, _)| *channel == id.0));
        if was.is_some_and(|was| *was != id) {
            changed.extend(self.leave(connection, &id.0));
        } else if was.is_some() {
            let entry = self.entries.get_mut(&id).filter(|entry| entry.member != member);
            return entry.map(|entry| (entry.member = member, id).1).into_iter().collect();
        }
        self.connections.entry(connection).or_default().push(id.clone());
        let entry = self.entries.entry(id.clone()).or_insert_with(|| Entry { connections: 0, member: Value::Null });
        entry.connections += 1;
        if entry.member != member {
            entry.member = member;
            changed.push(id);
        }
        changed
    }

    pub(super) fn leave(&mut self, connection: u64, channel: &Arc<str>) -> Option<EntryId> {
        let own = self.connections.get_mut(&connection)?;
        let at = own.iter().position(|(name, _)| name == channel)?;
        let id = own.swap_remove(at);
        if own.is_empty() {
            self.connections.remove(&connection);
        }
        let entry = self.entries.get_mut(&id)?;
        entry.connections -= 1;
        if entry.connections > 0 {
            return None;
        }
        self.entries.remove(&id);
        Some(id)
    }

    pub(super) fn get(&self, id: &EntryId) -> Option<&Value> {
        self.entries.get(id).map(|entry| &entry.member)
    }

    /// What others do not know yet of these, if anything.
    pub(super) fn changes(&mut self, ids: &[EntryId]) -> Option<Told> {
        let mut changes = Vec::new();
        for id in ids {
            let now = self.entries.get(id).map(|entry| &entry.member);
            if now != self.told.get(id) {
                changes.push(Change::new(id, now.cloned()));
            }
        }
        for change in &changes {
            match &change.member {
                Some(member) => self.told.insert(change.id(), member.clone()),
                None => self.told.remove(&change.id()),
            };
        }
        (!changes.is_empty()).then(|| {
            self.version += 1;
            Told::Changes { version: self.version, changes }
        })
    }

    /// All that others know, in parts.
    pub(super) fn whole(&self) -> Vec<Told> {
        let all: Vec<Change> = self.told.iter().map(|(id, member)| Change::new(id, Some(member.clone()))).collect();
        let mut parts: Vec<Vec<Change>> = all.chunks(MOST).map(<[Change]>::to_vec).collect();
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        let last = parts.len() - 1;
        let part = |at| Part { is_first: at == 0, is_last: at == last };
        let whole = |(at, changes)| Told::Whole { version: self.version, changes, part: part(at) };
        parts.into_iter().enumerate().map(whole).collect()
    }
}
