//! The members that are connected to other nodes, as these tell.

use super::EntryId;
use super::told::{Change, Part};
use rustc_hash::FxHashMap;
use serde_json::Value;
use std::collections::BTreeMap;

/// By the numbers of nodes, so that all nodes show the same one where two say different things of a member.
#[derive(Default)]
pub(super) struct Others(BTreeMap<u64, Other>);

#[derive(Default)]
struct Other {
    version: u64,
    entries: FxHashMap<EntryId, Value>,
    /// The parts of a whole that have come.
    coming: Vec<Change>,
}

/// Something that this node has told before has not come.
#[derive(Debug, PartialEq)]
pub(super) struct Missed;

impl Others {
    pub(super) fn get(&self, id: &EntryId) -> Option<&Value> {
        self.0.values().find_map(|other| other.entries.get(id))
    }

    /// What may have changed.
    ///
    /// # Errors
    /// If the changes before these are missing.
    pub(super) fn change(&mut self, node: u64, version: u64, changes: Vec<Change>) -> Result<Vec<EntryId>, Missed> {
        let known = self.0.get(&node).map_or(0, |other| other.version);
        if version <= known {
            return Ok(Vec::new());
        }
        if version != known + 1 {
            return Err(Missed);
        }
        let other = self.0.entry(node).or_default();
        other.version = version;
        Ok(other.apply(changes))
    }

    /// A part of all that a node has. What may have changed, when the last one has come.
    pub(super) fn replace(&mut self, node: u64, version: u64, changes: Vec<Change>, part: Part) -> Vec<EntryId> {
        let other = self.0.entry(node).or_default();
        // One before it may have been cut off.
        if part.is_first {
            other.coming.clear();
        }
        other.coming.extend(changes);
        if !part.is_last {
            return Vec::new();
        }
        let coming = std::mem::take(&mut other.coming);
        // Changes have overtaken it.
        if version < other.version {
            return Vec::new();
        }
        other.version = version;
        let mut changed: Vec<EntryId> = other.entries.drain().map(|(id, _)| id).collect();
        changed.extend(other.apply(coming));
        changed
    }

    pub(super) fn gone(&mut self, node: u64) -> Vec<EntryId> {
        self.0.remove(&node).map(|other| other.entries.into_keys().collect()).unwrap_or_default()
    }
}

impl Other {
    fn apply(&mut self, changes: Vec<Change>) -> Vec<EntryId> {
        let apply = |change: Change| {
            let id = change.id();
            match change.member {
                Some(member) => self.entries.insert(id.clone(), member),
                None => self.entries.remove(&id),
            };
            id
        };
        changes.into_iter().map(apply).collect()
    }
}
