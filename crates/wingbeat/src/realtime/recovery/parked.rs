//! Connections that were lost, and whose clients may come back.

use super::log::{Lost, Stay};
use rustc_hash::FxHashMap;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::time::Instant;

/// A connection that was lost.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) lost: Lost,
    /// The private id of its client leads to it.
    socket: Arc<str>,
    /// The channels that it was in.
    pub(super) stays: Vec<Stay>,
    /// The connection over which its client has come back, and asks for it.
    pub(super) claimed_by: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct ParkedConnections {
    /// By the number of the connection.
    of: FxHashMap<u64, Box<Parked>>,
    by_socket: HashMap<Arc<str>, u64>,
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

    pub(super) fn insert(&mut self, lost: Lost, socket: &str, stays: Vec<Stay>, ends: Instant) {
        let (id, socket) = (lost.connection.id(), Arc::<str>::from(socket));
        self.by_socket.insert(socket.clone(), id);
        self.of.insert(id, Box::new(Parked { lost, socket, stays, claimed_by: None }));
        self.ends.push_back((ends, id));
    }

    pub(super) fn find(&self, socket: &str) -> Option<&Parked> {
        self.of.get(self.by_socket.get(socket)?).map(|parked| &**parked)
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Parked> {
        self.of.get_mut(&id).map(|parked| &mut **parked)
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &Parked> {
        self.of.values().map(|parked| &**parked)
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Parked> {
        let parked = self.of.remove(&id)?;
        if self.by_socket.get(&parked.socket) == Some(&id) {
            self.by_socket.remove(&parked.socket);
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
