//! Clients that were away: what they have missed, and the connections that they come back for.
//!
//! A client hears every event of its channels once and in order, or is told that it did not. All events of an application
//! have numbers in one order. A client knows the number of the last it has heard; so the channels that it was in, and that
//! number, say what it has missed, and nothing need be kept of who is connected.

mod candidate;
mod claim;
mod lineage;
mod log;
mod parked;
mod parking;
mod position;

pub(crate) use claim::Claim;
pub(super) use log::LoggedPart;
pub(crate) use parked::LostSocket;
pub(crate) use position::Position;

use super::Connection;
use super::clock;
use super::members::Members;
use super::recipients::Recipients;
use crate::locked;
use lineage::Successors;
use log::Log;
use parked::ParkedConnections;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How much is kept, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// How long a client may be away.
    pub(crate) window: Duration,
    /// How long a connection may be lost before that is noticed.
    pub(crate) unnoticed: Duration,
    /// Of all that was published.
    pub(crate) log_bytes: usize,
    /// For one client.
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    /// How many connections are kept.
    pub(crate) connections: usize,
    /// Whether connections are broken off when events of other nodes may be missing.
    pub(crate) ends_at_gaps: bool,
}

/// Why a client is not given what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nothing is known of it: it was away for too long, has left, was logged out or removed.
    Unknown,
    /// Some of what it has missed is not kept any more.
    Gone,
    /// It has missed more than is sent to one client.
    TooMuch,
    /// A filter of an audience panicked.
    Failed,
    /// What filters ask of, or who it is, has changed since what it has missed was published.
    Changed,
}

/// What an application keeps for clients that come back.
#[derive(Debug)]
pub(crate) struct Recovery {
    limits: Limits,
    epoch: u64,
    log: Mutex<Log>,
    parked: Mutex<ParkedConnections>,
    successors: Mutex<Successors>,
    /// Counts the connections that were given their channels back: who has looked up an audience before looks again.
    returns: AtomicU64,
    changed: Notify,
}

impl Recovery {
    /// Nothing is kept yet. The epoch is to be another one for each start.
    pub(crate) fn new(limits: Limits, epoch: u64) -> Arc<Recovery> {
        let log = Log::new(limits.log_bytes, limits.window + limits.unnoticed);
        Arc::new(Recovery {
            limits,
            epoch,
            log: Mutex::new(log),
            parked: Mutex::default(),
            successors: Mutex::default(),
            returns: AtomicU64::new(0),
            changed: Notify::new(),
        })
    }

    /// The place of what was published last.
    pub(crate) fn now(&self) -> Position {
        Position { epoch: self.epoch, number: clock::last() }
    }

    /// How many lost connections are kept.
    #[cfg(feature = "metrics")]
    pub(crate) fn parked(&self) -> usize {
        locked(&self.parked).len()
    }

    /// Whether nothing is known of any client.
    #[cfg(test)]
    pub(super) fn is_clean(&self) -> bool {
        let (is_empty, log) = (locked(&self.parked).is_empty(), locked(&self.log));
        is_empty && log.knows_nobody() && locked(&self.successors).is_empty()
    }

    #[cfg(test)]
    pub(super) fn log_bytes(&self) -> usize {
        locked(&self.log).bytes()
    }

    /// Whether somebody has to begin to look at the time.
    pub(crate) fn begin_watching(&self) -> bool {
        let mut parked = locked(&self.parked);
        !parked.is_empty() && !std::mem::replace(&mut parked.is_watched, true)
    }

    /// When whoever does has to look again; nothing if there is no need any more.
    pub(crate) fn watched(&self) -> Option<Instant> {
        let mut parked = locked(&self.parked);
        let next = parked.next_end().map(|(at, _)| at);
        parked.is_watched = next.is_some();
        next
    }

    pub(super) fn returns(&self) -> u64 {
        self.returns.load(Ordering::Acquire)
    }

    /// Gives a publication its number, and keeps it. To be called with the queue locked.
    pub(super) fn publish(&self, to: &mut Recipients) -> u64 {
        locked(&self.log).publish(self.epoch, to)
    }

    /// Events of other nodes may be missing: who was away until now begins anew.
    pub(crate) fn forget_all(&self) {
        locked(&self.log).forget_all();
    }

    /// Whether connections are broken off when events of other nodes may be missing.
    pub(crate) fn ends_at_gaps(&self) -> bool {
        self.limits.ends_at_gaps
    }

    /// A connection has left a channel by itself. To be called with the channel's members locked.
    pub(super) fn left(&self, connection: &Connection, members: &Arc<Members>, since: u64) {
        locked(&self.log).left(connection, members, since);
    }

    /// The lost connections that were in some channels, with the one of these that each was in.
    pub(super) fn lost_of(&self, channels: &HashSet<&str>) -> Vec<(Arc<str>, Connection)> {
        let parked = locked(&self.parked);
        let stays = parked.each().flat_map(|parked| parked.stays.iter().map(move |stay| (stay, parked)));
        let of_these = stays.filter(|(stay, _)| channels.contains(&**stay.members.name()));
        of_these.map(|(stay, parked)| (stay.members.name().clone(), parked.lost.connection.clone())).collect()
    }

    /// Whether a connection is lost, and kept.
    #[cfg(feature = "auth")]
    pub(crate) fn is_parked(&self, connection: &Connection) -> bool {
        locked(&self.parked).get_mut(connection.id()).is_some()
    }

    /// Waits until a connection is parked, from the moment when this is called.
    pub(crate) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }
}
