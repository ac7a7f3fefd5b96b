//! Channels: named sets of connections.

use super::bus::{Node, Topic};
use super::connection::Connection;
use super::members::Members;
use super::pattern::Pattern;
use super::presence::{Presence, Presences};
use super::recovery::Recovery;
use super::selector::{Selector, Source};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use wingbeat_core::Result;

/// All channels of an application. A channel exists while someone is in it.
///
/// Locks are taken in the order: the queue of deliveries or the map, a channel's members, a connection's memberships.
#[derive(Default)]
pub(crate) struct Channels {
    named: RwLock<HashMap<Arc<str>, Arc<Members>>>,
    recovery: OnceLock<Arc<Recovery>>,
    /// This node among the others, if there may be some.
    node: OnceLock<Weak<Node>>,
    pub(super) presences: Presences,
}

impl Channels {
    fn read(&self) -> RwLockReadGuard<'_, HashMap<Arc<str>, Arc<Members>>> {
        self.named.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Arc<str>, Arc<Members>>> {
        self.named.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn members(&self, name: &str) -> Option<Arc<Members>> {
        self.read().get(name).cloned()
    }

    pub(crate) fn join(&self, name: &str, connection: &Connection) {
        self.join_members(name, connection);
        self.presences.each(|presence| presence.joined(self, &name.into(), connection));
    }

    fn join_members(&self, name: &str, connection: &Connection) {
        {
            let channels = self.read();
            if let Some(members) = channels.get(name) {
                members.join(connection);
                if connection.is_connected() {
                    return;
                }
            }
        }
        let mut is_kept = true;
        {
            let mut channels = self.write();
            let name: Arc<str> = name.into();
            let members = channels.entry(name.clone()).or_insert_with(|| Arc::new(Members::new(name))).clone();
            members.join(connection);
            // Asked after that: it may be lost at this moment.
            if let Some(recovery) = self.recovery()
                && !connection.is_connected()
            {
                is_kept = recovery.join_lost(&members, connection);
            }
            // Whoever has gone meanwhile does not join, and must not leave an empty channel behind.
            if members.is_unused() {
                channels.remove(members.name());
            } else if let Some(node) = self.node() {
                node.subscribe(Topic::Channel(members.name().clone()));
            }
        }
        if !is_kept && let Some(now) = connection.went_on() {
            self.join(name, &now);
        }
    }

    /// Tells of everybody who joins or leaves a channel from now on, and is in one now.
    pub(super) fn watch(&self, presence: &Arc<Presence>) {
        self.presences.add(presence);
        let channels: Vec<Arc<Members>> = self.read().values().cloned().collect();
        for members in channels {
            members.each(|connection| presence.joined(self, members.name(), &connection));
        }
    }

    /// Tells of a connection that has its channels from the one that it goes on from.
    pub(crate) fn came_back(&self, connection: &Connection) {
        self.presences.each(|presence| {
            let channels: Vec<Arc<str>> =
                connection.memberships().iter().map(|membership| membership.members.name().clone()).collect();
            channels.iter().for_each(|name| presence.joined(self, name, connection));
        });
    }

    pub(crate) fn is_member(&self, name: &str, connection: &Connection) -> bool {
        connection.memberships().iter().any(|membership| **membership.members.name() == *name)
    }

    /// Asks other nodes for what is published to the channels that somebody is in, from now on.
    pub(super) fn set_node(&self, node: &Arc<Node>) {
        let channels = self.write();
        self.node.get_or_init(|| Arc::downgrade(node));
        channels.keys().for_each(|name| node.subscribe(Topic::Channel(name.clone())));
    }

    pub(super) fn node(&self) -> Option<Arc<Node>> {
        self.node.get()?.upgrade()
    }

    /// All who are in any channel, each once.
    pub(crate) fn everybody(&self) -> Vec<Connection> {
        let (mut seen, mut all) = (HashSet::new(), Vec::new());
        let channels: Vec<Arc<Members>> = self.read().values().cloned().collect();
        for members in channels {
            members.each(|connection| {
                if seen.insert(connection.id()) {
                    all.push(connection);
                }
            });
        }
        all
    }

    /// What is kept for clients that come back, if anything.
    pub(crate) fn recovery(&self) -> Option<&Arc<Recovery>> {
        self.recovery.get()
    }

    /// Keeps what clients that come back will ask for. False if somebody has said so before.
    pub(crate) fn set_recovery(&self, recovery: Arc<Recovery>) -> bool {
        self.recovery.set(recovery).is_ok()
    }

    pub(crate) fn leave(&self, name: &str, connection: &Connection) {
        if let Some(members) = self.members(name) {
            self.leave_members(&members, connection, self.recovery());
        }
        if let Some(recovery) = self.recovery()
            && !connection.is_connected()
            && !self.leave_lost(recovery, name, connection)
            && let Some(now) = connection.went_on()
        {
            self.leave(name, &now);
        }
    }

    fn leave_members(&self, members: &Arc<Members>, connection: &Connection, recovery: Option<&Arc<Recovery>>) {
        members.leave(connection, recovery.map(|recovery| &**recovery));
        self.presences.each(|presence| presence.left(members.name(), connection));
        self.forget_if_unused(members);
    }

    /// Lost connections that may come back leave channels.
    fn leave_kept(&self, names: &[Box<str>], which: impl Fn(&Connection) -> bool) {
        let Some(recovery) = self.recovery() else { return };
        let is_kept = |name: &&str| self.members(name).is_some_and(|members| members.is_kept());
        let kept: HashSet<&str> = names.iter().map(|name| &**name).filter(is_kept).collect();
        if !kept.is_empty() {
            let lost = recovery.lost_of(&kept);
            lost.iter().filter(|(_, lost)| which(lost)).for_each(|(name, lost)| self.leave(name, lost));
        }
    }

    pub(super) fn forget_if_unused(&self, members: &Arc<Members>) {
        if members.is_unused() {
            let mut channels = self.write();
            if channels.get(members.name()).is_some_and(|now| Arc::ptr_eq(now, members) && now.is_unused()) {
                channels.remove(members.name());
                if let Some(node) = self.node() {
                    node.unsubscribe(Topic::Channel(members.name().clone()));
                }
            }
        }
    }

    /// Takes a connection out of every channel; the names of these.
    pub(crate) fn leave_all(&self, connection: &Connection) -> Vec<Arc<str>> {
        self.leave_all_of(connection, self.recovery())
    }

    pub(super) fn leave_all_of(&self, connection: &Connection, recovery: Option<&Arc<Recovery>>) -> Vec<Arc<str>> {
        let channels: Vec<Arc<Members>> = connection.memberships().iter().map(|m| m.members.clone()).collect();
        // From the last, where each is looked for first: who was in 100,000 channels kept all others waiting for 5 s.
        for members in channels.iter().rev() {
            self.leave_members(members, connection, recovery);
        }
        channels.iter().map(|members| members.name().clone()).collect()
    }

    /// The client has gone: it leaves every channel and joins none any more. The names of these, for the first who says so.
    pub(crate) fn gone(&self, connection: &Connection) -> Option<Vec<Arc<str>>> {
        connection.mark_gone().then(|| {
            if let Some(recovery) = self.recovery() {
                recovery.forget(connection);
            }
            self.leave_all(connection)
        })
    }

    /// Sorted, as [`names`](Channels::names).
    pub(crate) fn names_matching(&self, pattern: &str) -> Box<[Box<str>]> {
        let pattern = Pattern::new(pattern);
        let mut names: Vec<Box<str>> =
            self.read().keys().filter(|name| pattern.fits(name)).map(|name| (**name).into()).collect();
        names.sort();
        names.into()
    }

    pub(super) fn members_matching(&self, pattern: &Pattern) -> Vec<Arc<Members>> {
        self.read().values().filter(|members| pattern.fits(members.name())).cloned().collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .read()
            .values()
            .filter(|members| !members.is_empty())
            .map(|members| (**members.name()).to_owned())
            .collect();
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
    /// What the names were found by, if they were.
    pattern: Option<Box<str>>,
}

impl Channel {
    pub(crate) fn new(channels: Arc<Channels>, names: Box<[Box<str>]>) -> Channel {
        Channel { channels, names, pattern: None }
    }

    /// The channels that exist now and whose names fit a pattern.
    pub(crate) fn matching(channels: Arc<Channels>, pattern: &str) -> Channel {
        let names = channels.names_matching(pattern);
        Channel { channels, names, pattern: Some(pattern.into()) }
    }

    /// Adds a connection to all channels of this handle; one that is in already stays in once.
    pub fn join(&self, connection: &Connection) {
        for name in &self.names {
            self.channels.join(name, connection);
        }
    }

    /// Waits until what other nodes publish from now on reaches those who have joined before: elsewhere a join is in force
    /// one round trip later. Ready at once without a [bus](crate::Builder::bus).
    ///
    /// # Errors
    /// Unavailable if the connection to the bus is lost.
    pub async fn subscribed(&self) -> Result<()> {
        match self.channels.node() {
            Some(node) => node.subscribed().await,
            None => Ok(()),
        }
    }

    /// Takes a connection out of all channels of this handle.
    pub fn leave(&self, connection: &Connection) {
        for name in &self.names {
            self.channels.leave(name, connection);
        }
    }

    /// Takes out every connection for which the predicate holds; also lost ones, which would be in it again if their clients
    /// come back. Those of other nodes stay in: [`leave_where`](Channel::leave_where) reaches them.
    pub fn leave_if(&self, predicate: impl Fn(&Connection) -> bool) {
        let returns = || self.channels.recovery().map_or(0, |recovery| recovery.returns());
        loop {
            let before = returns();
            for connection in self.connections() {
                if predicate(&connection) {
                    self.leave(&connection);
                }
            }
            self.channels.leave_kept(&self.names, &predicate);
            // Who has come back meanwhile may have been in neither.
            if returns() == before {
                return;
            }
        }
    }

    /// Takes out every connection with this [named value](Connection::get), or with this inside one:
    /// `leave_where("user.id", 7)`. On all nodes.
    pub fn leave_where(&self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        if let Some(node) = self.channels.node() {
            let Channel { names, pattern, .. } = self;
            node.order_to_leave(&Leave {
                names: names.clone(),
                pattern: pattern.clone(),
                name: name.into(),
                value: value.clone(),
            });
        }
        self.leave_here(name, &value);
    }

    fn leave_here(&self, name: &str, value: &Value) {
        let mut selector = Selector::new(Source::Channel("".into()));
        selector.have(name, value);
        self.leave_if(|connection| selector.takes(connection));
    }

    /// The members, each once.
    pub fn connections(&self) -> Vec<Connection> {
        let (mut seen, mut all) = (HashSet::new(), Vec::new());
        for members in self.names.iter().filter_map(|name| self.channels.members(name)) {
            members.each(|connection| {
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
            [name] => self.channels.members(name).map_or(0, |members| members.len()),
            _ => self.connections().len(),
        }
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What other nodes are told of [`Channel::leave_where`].
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Leave {
    names: Box<[Box<str>]>,
    /// Each node knows the channels of its own that fit.
    pattern: Option<Box<str>>,
    name: Box<str>,
    value: Value,
}

impl Leave {
    /// Does here what another node was asked for.
    pub(super) fn run(&self, channels: &Arc<Channels>) {
        let Leave { names, pattern, name, value } = self;
        let channel = match pattern {
            Some(pattern) => Channel::matching(channels.clone(), pattern),
            None => Channel::new(channels.clone(), names.clone()),
        };
        channel.leave_here(name, value);
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel{:?}", self.names)
    }
}
