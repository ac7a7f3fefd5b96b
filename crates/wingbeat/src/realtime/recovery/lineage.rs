//! Connections that go on from one another: what a client was before, and what it is now.

use super::Recovery;
use super::candidate::{Earlier, Lost};
use crate::locked;
use crate::realtime::Connection;
use crate::realtime::audience::Part;
use crate::realtime::selector::Source;
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::sync::{Arc, Weak};

/// The connections that one goes on from, kept with it.
struct GoesOn(Arc<[Earlier]>);

/// Marks a connection that another one has gone on from. Whoever has it still may ask for that.
struct WentOn(Weak<Recovery>);

/// The newest connection of a client, by the numbers of those that it goes on from.
#[derive(Debug, Default)]
pub(super) struct Successors(FxHashMap<u64, Connection>);

#[cfg(test)]
impl Successors {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Those that a connection goes on from.
pub(super) fn earlier(connection: &Connection) -> Arc<[Earlier]> {
    connection.extension::<GoesOn>().map_or_else(Arc::default, |on| on.0.clone())
}

impl Connection {
    /// The connection that its client has come back over, if it has: what is done to this one is meant for that.
    pub(crate) fn went_on(&self) -> Option<Connection> {
        self.extension::<WentOn>()?.0.upgrade()?.successor(self.id())
    }

    /// The connection that its client is at: this one, unless it was lost and the client has come back.
    pub(crate) fn now(&self) -> Connection {
        let gone = Some(self).filter(|own| !own.is_connected());
        gone.and_then(Connection::went_on).unwrap_or_else(|| self.clone())
    }
}

impl Recovery {
    /// The connection that goes on from the one with this number.
    pub(in crate::realtime) fn successor(&self, id: u64) -> Option<Connection> {
        locked(&self.successors).0.get(&id).cloned()
    }

    /// A connection goes on from a lost one. To be called with the lost ones locked.
    pub(super) fn succeed(self: &Arc<Recovery>, lost: &Lost, to: &Connection) {
        let mut successors = locked(&self.successors);
        let others = lost.ids().filter(|id| *id != to.id());
        others.for_each(|id| drop(successors.0.insert(id, to.clone())));
        drop(successors);
        lost.connection.mark(WentOn(Arc::downgrade(self)));
    }

    /// What a connection that goes on until here has to know of those before it.
    pub(super) fn go_on(&self, lost: Lost, until: u64, to: &Connection) {
        let oldest = locked(&self.log).oldest().unwrap_or(u64::MAX);
        let last = Earlier { id: lost.connection.id(), until, connection: Some(lost.connection) };
        let all = lost.earlier.iter().cloned().chain([last]);
        let as_needed = |earlier: Earlier| Earlier {
            connection: earlier.connection.filter(|_| earlier.until >= oldest),
            ..earlier
        };
        to.mark(GoesOn(all.map(as_needed).collect()));
    }

    /// A connection has gone for good.
    pub(in crate::realtime) fn forget(&self, connection: &Connection) {
        self.forget_lost(&Lost { connection: connection.clone(), earlier: earlier(connection), next: None });
    }

    pub(super) fn forget_lost(&self, lost: &Lost) {
        {
            let mut log = locked(&self.log);
            lost.ids().for_each(|id| log.forget(id));
        }
        // Dropped without the lock: what connections carry is foreign.
        let gone: Vec<Connection> = {
            let mut successors = locked(&self.successors);
            lost.ids().filter_map(|id| successors.0.remove(&id)).collect()
        };
        drop(gone);
    }

    /// A part of an audience that names connections, with those that have gone on from them in their stead.
    pub(in crate::realtime) fn as_now<'a>(&self, part: &'a Part) -> Cow<'a, Part> {
        let one = if let Source::Connection(id) = part.selector.of { Some(id) } else { None };
        if self.returns() == 0 || (part.selector.except.is_empty() && one.is_none()) {
            return Cow::Borrowed(part);
        }
        let (except, connection) = {
            let successors = locked(&self.successors);
            let number = |id: &u64| successors.0.get(id).map(Connection::id);
            let except: Vec<u64> = part.selector.except.iter().filter_map(number).collect();
            (except, one.and_then(|id| successors.0.get(&id).cloned()))
        };
        if except.is_empty() && connection.is_none() {
            return Cow::Borrowed(part);
        }
        let mut now = part.clone();
        now.selector.except.extend(except);
        if let Some(connection) = connection {
            now.selector.of = Source::Connection(connection.id());
            now.connection = Some(connection);
        }
        Cow::Owned(now)
    }
}
