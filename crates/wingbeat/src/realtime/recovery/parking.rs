//! Connections that are lost: kept with their channels until their clients come back, or their time is over.

use super::candidate::{Lost, Stay};
use super::lineage::earlier;
use super::parked::Parked;
use super::{LostSocket, Recovery};
use crate::locked;
use crate::realtime::Connection;
use crate::realtime::channel::Channels;
use crate::realtime::clock;
use crate::realtime::members::Members;
use std::sync::Arc;
use tokio::time::Instant;

/// How often a connection may go on from an earlier one before it has to begin anew: each time something more has to be
/// known of it.
const EARLIER: usize = 64;

/// How many end before others have their turn: many are lost at once.
const SLICE: usize = 64;

/// A lost connection that is now kept.
pub(crate) struct NewlyParked {
    /// The names of the channels that it has left.
    pub(crate) left: Vec<Arc<str>>,
    /// Those that are not kept any longer in its stead.
    pub(crate) ended: Vec<Connection>,
}

impl Recovery {
    /// A lost connection joins a channel, as when a call of it ends late: it is in from now on, should it come back. Whether
    /// it is kept at all.
    pub(in crate::realtime) fn join_lost(&self, members: &Arc<Members>, lost: &Connection) -> bool {
        // Before it is among the lost ones: a channel with nobody in it goes.
        members.keep();
        let is_new = {
            let mut parked = locked(&self.parked);
            parked.get_mut(lost.id()).map(|parked| {
                let is_in = parked.stays.iter().any(|stay| Arc::ptr_eq(&stay.members, members));
                if !is_in {
                    let stay = Stay { members: members.clone(), since: clock::last(), until: u64::MAX };
                    parked.stays.push(stay);
                }
                !is_in
            })
        };
        if is_new != Some(true) {
            members.release();
        }
        is_new.is_some()
    }
}

impl Channels {
    /// A client has gone, and may come back: it leaves every channel, and is kept with them. Nothing if that is not to be, or
    /// somebody has said so before.
    pub(crate) fn park(&self, recovery: &Recovery, connection: &Connection, socket: LostSocket) -> Option<NewlyParked> {
        let earlier = earlier(connection);
        if connection.is_removed() || earlier.len() >= EARLIER {
            return None;
        }
        locked(&recovery.log).remember(connection.id());
        let mut ended = Vec::new();
        {
            // Who takes it out of a channel meanwhile looks here after that.
            let mut parked = locked(&recovery.parked);
            if !connection.mark_gone() {
                locked(&recovery.log).forget(connection.id());
                return None;
            }
            let stays: Vec<Stay> = connection.memberships().iter().map(Stay::of).collect();
            // Before it leaves: a publication finds it in a channel or among these.
            stays.iter().for_each(|stay| stay.members.keep());
            let lost = Lost { connection: connection.clone(), earlier, next: None };
            parked.insert(lost, socket, stays, Instant::now() + recovery.limits.window);
            while parked.len() > recovery.limits.connections
                && let Some((_, oldest)) = parked.next_end()
            {
                ended.extend(parked.remove(oldest));
            }
        }
        let left = self.leave_all_of(connection, None);
        recovery.changed.notify_waiters();
        let ended = ended.into_iter().map(|parked| self.ended(recovery, parked)).collect();
        Some(NewlyParked { left, ended })
    }

    /// Ends what is kept of a lost connection, by the private id of its client.
    pub(crate) fn end_parked_client(&self, recovery: &Recovery, private_id: &str) -> Option<Connection> {
        let parked = {
            let mut parked = locked(&recovery.parked);
            let id = parked.find(private_id)?;
            parked.remove(id)?
        };
        Some(self.ended(recovery, parked))
    }

    /// Ends what is kept of a lost connection. Whether anything was.
    pub(crate) fn end_parked(&self, recovery: &Recovery, connection: &Connection) -> bool {
        let parked = locked(&recovery.parked).remove(connection.id());
        parked.map(|parked| self.ended(recovery, parked)).is_some()
    }

    /// Ends some of those whose time is over, or of all.
    pub(crate) fn end_some(&self, recovery: &Recovery, all: bool) -> Vec<Connection> {
        let now = Instant::now();
        let expired: Vec<Parked> = {
            let mut parked = locked(&recovery.parked);
            let mut expired = Vec::new();
            while expired.len() < SLICE
                && let Some((_, id)) = parked.next_end().filter(|(at, _)| all || *at <= now)
            {
                expired.extend(parked.remove(id));
            }
            expired
        };
        expired.into_iter().map(|parked| self.ended(recovery, parked)).collect()
    }

    fn ended(&self, recovery: &Recovery, parked: Parked) -> Connection {
        recovery.forget_lost(&parked.lost);
        self.release(parked.stays);
        parked.lost.connection
    }

    pub(super) fn release(&self, stays: Vec<Stay>) {
        for stay in stays {
            stay.members.release();
            self.forget_if_unused(&stay.members);
        }
    }

    /// A lost connection leaves a channel: what is published from now on it does not hear, should it come back. Whether it is
    /// kept at all.
    pub(in crate::realtime) fn leave_lost(&self, recovery: &Recovery, name: &str, lost: &Connection) -> bool {
        let left: Vec<Stay> = {
            let mut parked = locked(&recovery.parked);
            let Some(parked) = parked.get_mut(lost.id()) else { return false };
            let left: Vec<Stay> = parked.stays.extract_if(.., |stay| **stay.members.name() == *name).collect();
            // At once: it may be back before the next line, and what it left is told by the log then.
            left.iter().for_each(|stay| locked(&recovery.log).left(lost, &stay.members, stay.since));
            left
        };
        self.release(left);
        true
    }
}
