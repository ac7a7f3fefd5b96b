//! The port through which the nodes of an application hear each other.

use crate::BoxFuture;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::Result;

/// What carries messages between the nodes of an application: Redis, NATS,
/// memory within a process, or an adapter of your own.
///
/// It carries bytes to those who are subscribed to a topic, and knows nothing of what is in them. A message may be lost; an
/// adapter that knows, or has to fear, that some were says so ([`Incoming::Lost`]), so that nothing is missing unsaid.
/// `bus::contract` (feature `contract`) has the facts that every adapter is held against.
pub trait Bus: Send + Sync + 'static {
    /// Connects. What arrives is handed to the inbox, one after the other: while it is busy with a message the adapter hands
    /// it no other of the same topic, and does not read on without bound.
    ///
    /// # Errors
    /// If it cannot be reached, or refuses this program. It is not tried again then, unless by the next setup; a connection that
    /// is lost later is restored by the adapter itself.
    fn connect(&self, inbox: Arc<dyn Inbox>) -> BoxFuture<'_, Result<Arc<dyn BusConnection>>>;
}

/// A node's connection to the bus. It ends by [`close`](BusConnection::close), or when it is dropped.
pub trait BusConnection: Send + Sync + 'static {
    /// Queues a message for all who are subscribed to these topics, this node included: once for each topic. It does not
    /// wait. What one node publishes to one topic arrives in that order.
    ///
    /// # Errors
    /// If too much waits to be sent, the message is [too large](BusConnection::largest), or the connection is lost; then none
    /// of it is queued.
    fn publish(&self, topics: &[Topic], message: &Bytes) -> Result<(), Full>;
    /// How many bytes a message may have. One that has more is never sent.
    fn largest(&self) -> usize {
        usize::MAX
    }
    /// Waits until less is queued, or the connection is lost.
    fn has_room(&self) -> BoxFuture<'_, ()>;
    /// Asks for the messages of a topic, also after the connection was lost and restored. It does not wait. Asking twice is
    /// asking once.
    fn subscribe(&self, topic: &Topic);
    /// Asks for them no longer; some may still arrive.
    fn unsubscribe(&self, topic: &Topic);
    /// Waits until all that was asked for before is in force: what others publish from then on arrives.
    ///
    /// # Errors
    /// Unavailable if the connection is lost.
    fn subscribed(&self) -> BoxFuture<'_, Result<()>>;
    /// Ends the connection. What is queued is sent first, as far as this patience lasts.
    fn close(&self, patience: Duration) -> BoxFuture<'_, ()>;
}

/// Takes what arrives.
pub trait Inbox: Send + Sync + 'static {
    /// Something has arrived. Ready when more can be taken.
    fn arrived(&self, what: Incoming) -> BoxFuture<'_, ()>;
}

/// What arrives from the bus.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Incoming {
    /// A message of a topic that this node is subscribed to, or was until lately.
    Message {
        /// Where it was sent to.
        topic: Topic,
        /// What was sent.
        message: Bytes,
    },
    /// The connection is lost, or messages were: what others have sent may be missing from here on.
    Lost,
    /// The connection is there again, and so are the subscriptions. What others send from here on arrives.
    Restored,
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Topic {
    /// To the nodes that have members of a channel.
    Channel(Arc<str>),
    /// To the nodes that have sockets in a room of raw Socket.IO.
    Room(Arc<str>),
    /// To one node, by its number.
    Node(u64),
    /// To all nodes.
    All,
}

impl Topic {
    /// The kind, in one letter, and the name within it: what an adapter makes the broker's own names of. Names may be empty,
    /// are of any length and have any letters in them, because channels have.
    pub fn parts(&self) -> (char, std::borrow::Cow<'_, str>) {
        match self {
            Topic::Channel(name) => ('c', (&**name).into()),
            Topic::Room(name) => ('r', (&**name).into()),
            Topic::Node(number) => ('n', format!("{number:016x}").into()),
            Topic::All => ('a', "".into()),
        }
    }

    /// The topic of these [parts](Topic::parts), if they are those of one.
    pub fn from_parts(kind: char, name: &str) -> Option<Topic> {
        match (kind, name) {
            ('c', name) => Some(Topic::Channel(name.into())),
            ('r', name) => Some(Topic::Room(name.into())),
            ('n', name) if name.len() == 16 => u64::from_str_radix(name, 16).ok().map(Topic::Node),
            ('a', "") => Some(Topic::All),
            _ => None,
        }
    }
}

/// Too much waits to be sent.
#[expect(clippy::exhaustive_structs, reason = "it says all by being there")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too much waits to be sent over the bus")
    }
}

impl std::error::Error for Full {}
