//! Channels: named sets of connections.

use super::connection::Connection;
use super::pattern::Pattern;
use super::room::Room;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// All channels of an application. A channel exists while someone is in it.
///
/// Locks are taken in the order: the lane of deliveries or the map, a channel's members, a connection's memberships.
#[derive(Default)]
pub(crate) struct Channels(RwLock<HashMap<Arc<str>, Arc<Room>>>);

impl Channels {
    fn read(&self) -> RwLockReadGuard<'_, HashMap<Arc<str>, Arc<Room>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Arc<str>, Arc<Room>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn room(&self, name: &str) -> Option<Arc<Room>> {
        self.read().get(name).cloned()
    }

    pub(crate) fn join(&self, name: &str, connection: &Connection) {
        {
            let rooms = self.read();
            if let Some(room) = rooms.get(name) {
                return room.join(connection);
            }
        }
        let mut rooms = self.write();
        let name: Arc<str> = name.into();
        let room = rooms.entry(name.clone()).or_insert_with(|| Arc::new(Room::new(name))).clone();
        room.join(connection);
        // Whoever has gone meanwhile does not join, and must not leave an empty channel behind.
        if room.is_empty() {
            rooms.remove(room.name());
        }
    }

    pub(crate) fn leave(&self, name: &str, connection: &Connection) {
        if let Some(room) = self.room(name) {
            self.leave_room(&room, connection);
        }
    }

    fn leave_room(&self, room: &Arc<Room>, connection: &Connection) {
        room.leave(connection);
        if room.is_empty() {
            let mut rooms = self.write();
            if rooms.get(room.name()).is_some_and(|now| Arc::ptr_eq(now, room) && now.is_empty()) {
                rooms.remove(room.name());
            }
        }
    }

    /// Takes a connection out of every channel.
    pub(crate) fn leave_all(&self, connection: &Connection) {
        let rooms: Vec<Arc<Room>> = connection.memberships().iter().map(|m| m.room.clone()).collect();
        // From the last, where each is looked for first: who was in 100,000 channels kept all others waiting for 5 s.
        for room in rooms.into_iter().rev() {
            self.leave_room(&room, connection);
        }
    }

    /// The client has gone: it leaves every channel and joins none any more. True for the first who says so.
    pub(crate) fn gone(&self, connection: &Connection) -> bool {
        let first = connection.mark_gone();
        if first {
            self.leave_all(connection);
        }
        first
    }

    /// Sorted, as [`names`](Channels::names).
    pub(crate) fn names_matching(&self, pattern: &str) -> Box<[Box<str>]> {
        let pattern = Pattern::new(pattern);
        let mut names: Vec<Box<str>> =
            self.read().keys().filter(|name| pattern.fits(name)).map(|name| (**name).into()).collect();
        names.sort();
        names.into()
    }

    pub(super) fn rooms_matching(&self, pattern: &Pattern) -> Vec<Arc<Room>> {
        self.read().values().filter(|room| pattern.fits(room.name())).cloned().collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.read().keys().map(|name| (**name).to_owned()).collect();
        names.sort();
        names
    }
}

/// One named channel or several taken together: a handle, which creates nothing by itself.
///
/// A channel exists from the first [`join`](Channel::join) until the last member leaves.
#[derive(Clone)]
pub struct Channel {
    channels: Arc<Channels>,
    names: Box<[Box<str>]>,
}

impl Channel {
    pub(crate) fn new(channels: Arc<Channels>, names: Box<[Box<str>]>) -> Channel {
        Channel { channels, names }
    }

    /// Adds a connection to all channels of this handle; one that is in already stays in once.
    pub fn join(&self, connection: &Connection) {
        for name in &self.names {
            self.channels.join(name, connection);
        }
    }

    /// Takes a connection out of all channels of this handle.
    pub fn leave(&self, connection: &Connection) {
        for name in &self.names {
            self.channels.leave(name, connection);
        }
    }

    /// Takes out every connection for which the predicate holds.
    pub fn leave_if(&self, predicate: impl Fn(&Connection) -> bool) {
        for connection in self.connections() {
            if predicate(&connection) {
                self.leave(&connection);
            }
        }
    }

    /// The members, each once.
    pub fn connections(&self) -> Vec<Connection> {
        let (mut seen, mut all) = (HashSet::new(), Vec::new());
        for room in self.names.iter().filter_map(|name| self.channels.room(name)) {
            room.each(|connection| {
                if seen.insert(connection.id()) {
                    all.push(connection);
                }
            });
        }
        all
    }

    /// How many connections are members.
    pub fn len(&self) -> usize {
        match &*self.names {
            [name] => self.channels.room(name).map_or(0, |room| room.len()),
            _ => self.connections().len(),
        }
    }

    /// Whether nobody is in.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel{:?}", self.names)
    }
}
