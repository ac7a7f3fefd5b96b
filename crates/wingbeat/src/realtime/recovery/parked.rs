//! Connections that were lost, and whose clients may come back.

use super::candidate::{Lost, Stay};
use rustc_hash::FxHashMap;
use std::collections::{HashMap, VecDeque};
use tokio::time::Instant;

/// The ids of a lost client: what it goes on as, and what it says when it comes back. Both have 20 letters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LostSocket {
    id: [u8; 20],
    private_id: [u8; 20],
}

impl LostSocket {
    pub(crate) fn new(id: &str, private_id: &str) -> Option<LostSocket> {
        Some(LostSocket { id: id.as_bytes().try_into().ok()?, private_id: private_id.as_bytes().try_into().ok()? })
    }

    /// The id of the socket.
    pub(crate) fn id(&self) -> &str {
        str::from_utf8(&self.id).unwrap_or_default()
    }
}

/// A connection that was lost.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) lost: Lost,
    pub(super) socket: LostSocket,
    /// The channels that it was in.
    pub(super) stays: Vec<Stay>,
    /// The connection over which its client has come back, and asks for it.
    pub(super) claimed_by: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct ParkedConnections {
    /// By the number of the connection.
    of: FxHashMap<u64, Box<Parked>>,
    /// Private ids are secret. The hash of this map has a key, so how long it looks says nothing of those that are in it.
    by_private_id: HashMap<[u8; 20], u64>,
    /// When they end, the next first. What has ended otherwise may still be in here.
    ends: VecDeque<(Instant, u64)>,
    /// Whether somebody looks at the time.
    pub(super) is_watched: bool,
}

impl ParkedConnections {
    pub(super) fn len(&self) -> usize {
        self.of.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    pub(super) fn insert(&mut self, lost: Lost, socket: LostSocket, stays: Vec<Stay>, ends: Instant) {
        let id = lost.connection.id();
        self.by_private_id.insert(socket.private_id, id);
        self.of.insert(id, Box::new(Parked { lost, socket, stays, claimed_by: None }));
        self.ends.push_back((ends, id));
    }

    /// The number of the connection that the client with a private id has lost.
    pub(super) fn find(&self, private_id: &str) -> Option<u64> {
        self.by_private_id.get(private_id.as_bytes()).copied()
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Parked> {
        self.of.get_mut(&id).map(|parked| &mut **parked)
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &Parked> {
        self.of.values().map(|parked| &**parked)
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Parked> {
        let parked = self.of.remove(&id)?;
        if self.by_private_id.get(&parked.socket.private_id) == Some(&id) {
            self.by_private_id.remove(&parked.socket.private_id);
        }
        if self.of.is_empty() {
            *self = ParkedConnections { is_watched: self.is_watched, ..ParkedConnections::default() };
        }
        Some(*parked)
    }

    /// When the next one ends.
    pub(super) fn next_end(&mut self) -> Option<(Instant, u64)> {
        while let Some(next) = self.ends.front() {
            if self.of.contains_key(&next.1) {
                return Some(*next);
            }
            self.ends.pop_front();
        }
        None
    }
}
