//! The members of one channel.

use super::clock;
use super::connection::Connection;
use super::recovery::Recovery;
use crate::locked;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A connection that is in more channels than these has room for further ones made ahead.
const FEW: usize = 16;
/// How many members are copied at a time: for so long nobody can join or leave.
const COPIED: usize = 1024;
/// A list that is longer than this gives memory back when it has become short.
const LONG: usize = 1024;

/// The members of a channel, in a list that changes while deliveries walk through it.
pub(super) struct Members {
    name: Arc<str>,
    members: Mutex<Vec<Connection>>,
    /// The last of what was published to it and is kept for clients that come back.
    pub(super) last: AtomicU64,
    /// How many lost connections were in it and may come back.
    kept: AtomicUsize,
}

/// That a connection is in a channel.
pub(super) struct Membership {
    pub(super) members: Arc<Members>,
    /// The last publication before it joined.
    pub(super) since: u64,
    /// Where it is in the list.
    index: usize,
}

impl Members {
    pub(super) fn new(name: Arc<str>) -> Members {
        // Before it there is nothing that a member could have missed.
        Members { name, members: Mutex::default(), last: AtomicU64::new(clock::last()), kept: AtomicUsize::new(0) }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn len(&self) -> usize {
        locked(&self.members).len()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        locked(&self.members).capacity()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether nobody is in it, or may come back to it.
    pub(super) fn is_unused(&self) -> bool {
        !self.is_kept() && self.is_empty()
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept.load(Ordering::SeqCst) > 0
    }

    /// A connection that is in it is lost, and may come back.
    pub(super) fn keep(&self) {
        self.kept.fetch_add(1, Ordering::SeqCst);
    }

    /// It has come back, or does not any more.
    pub(super) fn release(&self) {
        self.kept.fetch_sub(1, Ordering::SeqCst);
    }

    /// Visits some of the members that are still `ahead` of a walk through the list, from its end to its beginning; at
    /// first that is any number that is large enough. Nobody who is visited can leave meanwhile.
    ///
    /// Between two slices members come and go. Who joins is added at the end, where the walk has been; who leaves is
    /// replaced by the last one, who was visited or comes next. So nobody is missed, but some are visited twice.
    pub(super) fn visit(&self, ahead: &mut usize, most: usize, mut visit: impl FnMut(&Connection)) {
        let members = locked(&self.members);
        *ahead = members.len().min(*ahead);
        for member in members[ahead.saturating_sub(most)..*ahead].iter().rev() {
            // Before the visit: one that panics is not repeated.
            *ahead -= 1;
            visit(member);
        }
    }

    /// Lets a function see all members, some at a time, while others may join and leave: some are seen twice.
    pub(super) fn each(&self, mut see: impl FnMut(Connection)) {
        let (mut ahead, mut some) = (usize::MAX, Vec::new());
        while ahead > 0 {
            self.visit(&mut ahead, COPIED, |member| some.push(member.clone()));
            some.drain(..).for_each(&mut see);
        }
    }

    pub(super) fn join(self: &Arc<Members>, connection: &Connection) {
        self.join_since(connection, clock::last);
    }

    /// Lets a connection in that goes on from one that was in since then, and has what was published until now.
    pub(super) fn rejoin(self: &Arc<Members>, connection: &Connection, since: u64) {
        self.join_since(connection, || since);
    }

    fn join_since(self: &Arc<Members>, connection: &Connection, since: impl FnOnce() -> u64) {
        let mut members = locked(&self.members);
        let mut memberships = connection.memberships();
        if !connection.is_connected() {
            return;
        }
        if let Some(own) = memberships.iter_mut().find(|m| Arc::ptr_eq(&m.members, self)) {
            // One that goes on from a lost one has joined before it was given this back.
            own.since = own.since.min(since());
            return;
        }
        // Not doubled, as lists are: most connections stay in few channels.
        if memberships.len() < FEW {
            memberships.reserve_exact(1);
        }
        let since = since();
        memberships.push(Membership { members: self.clone(), since, index: members.len() });
        connection.mark_joined(clock::last());
        drop(memberships);
        members.push(connection.clone());
    }

    /// Takes a connection out. One that can come back, should it be lost, has heard what was published until now.
    pub(super) fn leave(self: &Arc<Members>, connection: &Connection, recovery: Option<&Recovery>) {
        let mut members = locked(&self.members);
        let mut memberships = connection.memberships();
        let Some(at) = memberships.iter().rposition(|m| Arc::ptr_eq(&m.members, self)) else { return };
        let Membership { index, since, .. } = memberships.swap_remove(at);
        if let Some(recovery) = recovery
            && connection.is_recoverable()
        {
            recovery.left(connection, self, since);
        }
        // The last room for more is given back: most connections are in none or few.
        if memberships.is_empty() {
            *memberships = Vec::new();
        }
        drop(memberships);
        members.swap_remove(index);
        if let Some(moved) = members.get(index) {
            let mut memberships = moved.memberships();
            if let Some(membership) = memberships.iter_mut().find(|m| Arc::ptr_eq(&m.members, self)) {
                membership.index = index;
            }
        }
        // Halved when a quarter is left, so that each leaving pays for a constant part of it.
        let capacity = members.capacity();
        if capacity > LONG && members.len() < capacity / 4 {
            members.shrink_to(capacity / 2);
        }
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Members({} of {})", self.len(), self.name)
    }
}
