//! A namespace: who is in it, and what happens there.

use super::raw::Raw;
use super::relay::Relay;
use super::target::Target;
use super::{Io, IoSocket};
use crate::{Refusal, Socket};
use futures_util::future::BoxFuture;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use wingbeat_core::RawJson;

type Middleware = Arc<dyn Fn(IoSocket) -> BoxFuture<'static, Result<(), Refusal>> + Send + Sync>;
type OnConnection = Arc<dyn Fn(IoSocket) + Send + Sync>;

/// What was said about a namespace.
#[derive(Default)]
pub(super) struct Hooks {
    middleware: RwLock<Vec<Middleware>>,
    on_connection: RwLock<Vec<OnConnection>>,
}

impl Hooks {
    pub(super) fn middleware(&self) -> Vec<Middleware> {
        self.middleware.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn on_connection(&self) -> Vec<OnConnection> {
        self.on_connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One namespace.
pub(super) struct NamespaceInner {
    pub(super) name: Arc<str>,
    pub(super) hooks: Arc<Hooks>,
    child: bool,
    members: Mutex<Members>,
}

/// Who is in it and in its rooms, by ids.
#[derive(Default)]
pub(super) struct Members {
    pub(super) all: HashMap<Box<str>, Socket>,
    pub(super) rooms: HashMap<Box<str>, HashSet<Box<str>>>,
}

impl NamespaceInner {
    pub(super) fn new(name: Arc<str>, hooks: Arc<Hooks>, child: bool) -> NamespaceInner {
        NamespaceInner { name, hooks, child, members: Mutex::default() }
    }

    pub(super) fn is_child(&self) -> bool {
        self.child
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members().all.is_empty()
    }

    pub(super) fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, socket: &Socket) {
        self.members().all.insert(socket.id().into(), socket.clone());
    }

    /// Removes the socket, from its rooms as well.
    pub(super) fn leave(&self, socket: &Socket, relay: Option<&dyn Relay>) {
        let mut members = self.members();
        for room in Raw::of_used(socket).map(Raw::take_rooms).unwrap_or_default() {
            self.leave_locked(&mut members, socket.id(), &room, relay);
        }
        members.all.remove(socket.id());
    }

    pub(super) fn join_room(&self, socket: &Socket, room: &str, relay: Option<&dyn Relay>) {
        // Others may leave it: locked until it is told of.
        let mut members = self.members();
        if members.join(socket, room)
            && let Some(relay) = relay
        {
            relay.room(&self.name, room, true);
        }
    }

    pub(super) fn leave_room(&self, socket: &Socket, room: &str, relay: Option<&dyn Relay>) {
        let mut members = self.members();
        self.leave_locked(&mut members, socket.id(), room, relay);
        Raw::of(socket).state().rooms.remove(room);
    }

    fn leave_locked(&self, members: &mut Members, id: &str, room: &str, relay: Option<&dyn Relay>) {
        if members.leave(id, room)
            && let Some(relay) = relay
        {
            relay.room(&self.name, room, false);
        }
    }

    /// Tells of all rooms that somebody is in.
    pub(super) fn tell_rooms(&self, relay: &dyn Relay) {
        self.members().rooms.keys().for_each(|room| relay.room(&self.name, room, true));
    }
}

impl Members {
    /// Whether the room was empty before.
    fn join(&mut self, socket: &Socket, room: &str) -> bool {
        // A socket that is gone already would stay in the room for ever.
        if !self.all.contains_key(socket.id()) || !Raw::of(socket).add_room(room) {
            return false;
        }
        let members = self.rooms.entry(room.into()).or_default();
        members.insert(socket.id().into()) && members.len() == 1
    }

    /// Whether the room is empty now.
    fn leave(&mut self, id: &str, room: &str) -> bool {
        let Some(members) = self.rooms.get_mut(room) else { return false };
        members.remove(id);
        let is_empty = members.is_empty();
        if is_empty {
            self.rooms.remove(room);
        }
        is_empty
    }
}

/// A namespace: a cheap handle.
#[derive(Clone)]
pub struct Namespace {
    io: Io,
    space: Arc<NamespaceInner>,
}

impl Namespace {
    pub(super) fn new(io: Io, space: Arc<NamespaceInner>) -> Namespace {
        Namespace { io, space }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.space.name
    }

    /// Asks a function about every socket that wants to join, after those that were added before. An error refuses it.
    pub fn middleware<F, A>(&self, middleware: F)
    where
        F: Fn(IoSocket) -> A + Send + Sync + 'static,
        A: Future<Output = Result<(), Refusal>> + Send + 'static,
    {
        let middleware: Middleware = Arc::new(move |socket| Box::pin(middleware(socket)));
        self.space.hooks.middleware.write().unwrap_or_else(PoisonError::into_inner).push(middleware);
    }

    /// Tells a function about every socket that has joined: the place to say what it [listens](IoSocket::on) for.
    pub fn on_connection(&self, listener: impl Fn(IoSocket) + Send + Sync + 'static) {
        self.space.hooks.on_connection.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(listener));
    }

    /// Everybody in it.
    pub fn everybody(&self) -> Target {
        // A pattern's may have vanished and come again since this handle was made.
        let space = if self.space.is_child() { self.io.now(&self.space.name) } else { self.space.clone() };
        Target::new(self.io.clone(), space)
    }

    /// Those in a room. A socket's id is a room of its own.
    pub fn to(&self, room: &str) -> Target {
        self.everybody().to(room)
    }

    /// Everybody but those in a room.
    pub fn except(&self, room: &str) -> Target {
        self.everybody().except(room)
    }

    /// Sends an event to everybody.
    pub fn emit(&self, name: &str, args: &[RawJson]) {
        self.everybody().emit(name, args);
    }

    /// Everybody in it, one by one.
    pub fn fetch_sockets(&self) -> Vec<IoSocket> {
        self.everybody().fetch_sockets()
    }

    /// Makes everybody leave; with `close`, their sessions end.
    pub fn disconnect_sockets(&self, close: bool) {
        self.everybody().disconnect_sockets(close);
    }
}
