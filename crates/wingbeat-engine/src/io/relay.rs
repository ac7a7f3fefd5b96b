//! Sockets of the same namespaces and rooms that are connected to other servers.

use wingbeat_core::RawJson;

/// Tells other servers what is done to sockets of namespaces and rooms. [`Io::set_relay`](super::Io::set_relay) sets it; what
/// another server has told is done here by [`Io::apply`](super::Io::apply).
pub trait Relay: Send + Sync + 'static {
    /// Something is done to sockets here, and is to be done to those elsewhere.
    fn relay(&self, to: Selection, action: Action);
    /// The first socket of this server has joined a room of a namespace, or the last has left it. It must not wait, nor use
    /// the namespace: a lock is held meanwhile. A socket's own room, its id, is not told of.
    fn room(&self, namespace: &str, room: &str, is_used: bool);
}

/// Sockets of a namespace: everybody, or those in some rooms, without those in others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selection {
    /// The namespace.
    pub namespace: Box<str>,
    /// The rooms; all are meant if there are none.
    pub to: Vec<Box<str>>,
    /// Rooms whose sockets are left out.
    pub except: Vec<Box<str>>,
}

impl Selection {
    /// The sockets in rooms of a namespace, or all of it, without those in other rooms.
    pub fn new(namespace: impl Into<Box<str>>, to: Vec<Box<str>>, except: Vec<Box<str>>) -> Selection {
        Selection { namespace: namespace.into(), to, except }
    }
}

/// What is done to sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// They are sent an event.
    Emit {
        /// The event.
        name: Box<str>,
        /// Its arguments.
        args: Vec<RawJson>,
    },
    /// They join a room.
    Join(Box<str>),
    /// They leave a room.
    Leave(Box<str>),
    /// They leave the namespace.
    Disconnect {
        /// Whether their sessions end as well.
        close: bool,
    },
}
