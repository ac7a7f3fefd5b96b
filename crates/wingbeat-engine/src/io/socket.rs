//! One client in one namespace, with what raw Socket.IO can do with it.

use super::Io;
use super::raw::Raw;
use super::target::Target;
use crate::{Answer, Event, IntoAnswer, Reason, Socket};
use serde_json::Value;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

/// A [`Socket`] that listens for events and is in rooms.
#[derive(Clone)]
pub struct IoSocket {
    socket: Socket,
    io: Io,
}

/// Those of one socket are the same: it belongs to one server.
impl PartialEq for IoSocket {
    fn eq(&self, other: &IoSocket) -> bool {
        self.socket == other.socket
    }
}

impl Eq for IoSocket {}

impl IoSocket {
    pub(super) fn new(io: Io, socket: Socket) -> IoSocket {
        IoSocket { socket, io }
    }

    /// Listens for an event. Its listeners run at the same time. When all are done, the first answer, in the order they
    /// were added, goes to the client if it wants one; a listener may also return nothing.
    ///
    /// ```
    /// use wingbeat_engine::{Answer, io::Io};
    ///
    /// let io = Io::new();
    /// io.on_connection(|socket| {
    ///     socket.on("echo", |_, event| async move { Answer::args(&event.args().collect::<Vec<_>>()) });
    ///     socket.on("join", |socket, event| async move {
    ///         if let Some(room) = event.arg(0).and_then(|room| room.to::<String>().ok()) {
    ///             socket.join(&room);
    ///         }
    ///     });
    /// });
    /// ```
    pub fn on<F, A, O>(&self, name: &str, listener: F)
    where
        F: Fn(IoSocket, Event<'static>) -> A + Send + Sync + 'static,
        A: Future<Output = O> + Send + 'static,
        O: IntoAnswer,
    {
        let listener = Arc::new(move |socket, event| {
            let answer = listener(socket, event);
            Box::pin(async move { answer.await.into_answer() }) as crate::BoxFuture<'static, Option<Answer>>
        });
        Raw::of(self).state().listeners.entry(name.into()).or_default().push(listener);
    }

    /// Stops listening for an event.
    pub fn off(&self, name: &str) {
        Raw::of(self).state().listeners.remove(name);
    }

    /// Runs for every event, before its listeners.
    pub fn on_any(&self, listener: impl Fn(&IoSocket, &Event<'_>) + Send + Sync + 'static) {
        Raw::of(self).state().on_any.push(Arc::new(listener));
    }

    /// Runs when the socket is gone. It is still in its rooms then.
    pub fn on_disconnect(&self, listener: impl Fn(IoSocket, Reason) + Send + Sync + 'static) {
        Raw::of(self).state().on_disconnect.push(Arc::new(listener));
    }

    /// Joins a room.
    pub fn join(&self, room: &str) {
        if let Some(space) = self.io.known(self.namespace()) {
            space.join_room(self, room, self.io.relay());
        }
    }

    /// Leaves a room.
    pub fn leave(&self, room: &str) {
        if let Some(space) = self.io.known(self.namespace()) {
            space.leave_room(self, room, self.io.relay());
        }
    }

    /// The rooms it is in, its own first.
    pub fn rooms(&self) -> Vec<String> {
        let own = std::iter::once(self.id().to_owned());
        own.chain(Raw::of(self).state().rooms.iter().map(|room| room.to_string())).collect()
    }

    /// A value that was [kept](IoSocket::set_data) with the socket.
    pub fn data(&self, key: &str) -> Option<Value> {
        Raw::of(self).state().data.get(key).cloned()
    }

    /// Keeps a value with the socket.
    pub fn set_data(&self, key: &str, value: impl Into<Value>) {
        Raw::of(self).state().data.insert(key.to_owned(), value.into());
    }

    /// Everybody else in the namespace.
    pub fn broadcast(&self) -> Target {
        Target::new(self.io.clone(), self.io.now(self.shared_namespace())).except(self.id())
    }

    /// Everybody else in a room.
    pub fn to(&self, room: &str) -> Target {
        self.broadcast().to(room)
    }

    /// The server that the socket is connected to.
    pub fn io(&self) -> &Io {
        &self.io
    }
}

impl Deref for IoSocket {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl fmt::Debug for IoSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}
