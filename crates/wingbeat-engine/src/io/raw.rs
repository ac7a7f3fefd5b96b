//! What raw Socket.IO keeps with a socket.

use super::IoSocket;
use crate::engine::Attachment;
use crate::{Answer, Event, Reason, Socket};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use std::any::Any;
use std::collections::{BTreeSet, HashMap};
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) type Listener = Arc<dyn Fn(IoSocket, Event<'static>) -> BoxFuture<'static, Option<Answer>> + Send + Sync>;
pub(super) type OnAny = Arc<dyn Fn(&IoSocket, &Event<'_>) + Send + Sync>;
pub(super) type OnDisconnect = Arc<dyn Fn(IoSocket, Reason) + Send + Sync>;

/// What raw Socket.IO keeps with a socket.
#[derive(Default)]
pub(super) struct Raw(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    pub(super) listeners: HashMap<Box<str>, Vec<Listener>>,
    pub(super) on_any: Vec<OnAny>,
    pub(super) on_disconnect: Vec<OnDisconnect>,
    pub(super) rooms: BTreeSet<Box<str>>,
    pub(super) data: Map<String, Value>,
}

impl Raw {
    /// What is kept with a socket, from now on if nothing was.
    pub(super) fn of(socket: &Socket) -> &Raw {
        Raw::from(socket.own(|| Box::<Raw>::default()))
    }

    /// What is kept with a socket, if anything.
    pub(super) fn of_used(socket: &Socket) -> Option<&Raw> {
        socket.own_if_any().map(Raw::from)
    }

    fn from(own: &dyn Attachment) -> &Raw {
        let own: &dyn Any = own;
        own.downcast_ref().expect("nothing else is kept with a socket by the engine itself")
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add_room(&self, room: &str) -> bool {
        self.state().rooms.insert(room.into())
    }

    pub(super) fn take_rooms(&self) -> BTreeSet<Box<str>> {
        take(&mut self.state().rooms)
    }
}

impl Attachment for Raw {
    /// Nothing will be listened to any more. Listeners may hold the socket, which holds them.
    fn ended(&self) {
        let mut state = self.state();
        let State { listeners, on_any, on_disconnect, .. } = &mut *state;
        let forgotten = (take(listeners), take(on_any), take(on_disconnect));
        // What they hold may ask for the state when it is dropped.
        drop(state);
        drop(forgotten);
    }
}
