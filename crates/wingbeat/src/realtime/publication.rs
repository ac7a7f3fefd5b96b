//! An event on its way: what a publisher sees, and what a connection is sent.

use super::Connection;
use super::recovery::Position;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use wingbeat_core::{Id, RawJson, Result};
use wingbeat_engine::SharedFrame;
use wingbeat_protocol::packet::Frame;

/// The name of a service's event, and that name as it travels.
#[derive(Clone, Debug)]
pub(crate) struct EventName {
    pub(crate) path: Arc<str>,
    pub(crate) event: Arc<str>,
    /// `<path> <event>`
    pub(crate) wire: Arc<str>,
}

impl EventName {
    pub(crate) fn new(path: &Arc<str>, event: &str) -> EventName {
        EventName { path: path.clone(), event: event.into(), wire: format!("{path} {event}").into() }
    }
}

/// An event that is about to be sent, for a publisher to name its audience.
///
/// A batch is published element by element: each is a publication of its own.
#[derive(Clone)]
pub struct Publication(Arc<Inner>);

struct Inner {
    name: EventName,
    data: RawJson,
    value: OnceLock<Value>,
    caller: Option<Connection>,
    /// Whether somebody has asked who has called: other nodes could not answer that.
    saw_caller: AtomicBool,
}

impl Publication {
    pub(crate) fn new(name: EventName, data: RawJson, caller: Option<Connection>) -> Publication {
        let (value, saw_caller) = (OnceLock::new(), AtomicBool::new(false));
        Publication(Arc::new(Inner { name, data, value, caller, saw_caller }))
    }

    /// The path of the service.
    pub fn path(&self) -> &str {
        &self.0.name.path
    }

    /// The event, for example `created`.
    pub fn event(&self) -> &str {
        &self.0.name.event
    }

    /// The record, or what a custom event carries. Read at the first look.
    pub fn data(&self) -> &Value {
        self.0.value.get_or_init(|| self.0.data.to().unwrap_or_default())
    }

    /// The record as a `T`.
    ///
    /// # Errors
    /// BadRequest if it does not fit.
    pub fn data_as<T: DeserializeOwned>(&self) -> Result<T> {
        self.0.data.to()
    }

    /// The id in a field of the record, for the name of a channel; none where there is no number and no text.
    ///
    /// ```
    /// use wingbeat::{prelude::*, store::Memory};
    ///
    /// let tasks = Mount::new(Memory::new())
    ///     .publish(|task| task.id("teamId").map(|team| channel(("teams", team))));
    /// ```
    pub fn id(&self, field: &str) -> Option<Id> {
        self.data().get(field).and_then(Id::from_value)
    }

    /// The connection whose call set this off, if it was one.
    pub fn caller(&self) -> Option<&Connection> {
        self.0.saw_caller.store(true, Ordering::Relaxed);
        self.0.caller.as_ref()
    }

    /// As [`caller`](Publication::caller), for who delivers it.
    pub(crate) fn called_by(&self) -> Option<&Connection> {
        self.0.caller.as_ref()
    }

    /// Whether all that a publisher can have looked at is this record.
    pub(crate) fn is_only(&self, record: &RawJson) -> bool {
        !self.0.saw_caller.load(Ordering::Relaxed) && self.0.data == *record
    }

    pub(crate) fn name(&self) -> &EventName {
        &self.0.name
    }
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Publication({})", self.0.name.wire)
    }
}

/// An event as connections are sent it: a name and data, encoded once for all who hear it.
pub struct Message {
    name: Arc<str>,
    /// How long the path in the name is.
    path: usize,
    data: RawJson,
    packet: OnceLock<SharedFrame>,
    numbered: OnceLock<Box<Numbered>>,
    streamed: OnceLock<Bytes>,
}

/// Where a message is among the events that can be sent again, and the packet that says so.
struct Numbered {
    position: Position,
    packet: OnceLock<SharedFrame>,
}

/// What a message is made of, to make it again: packets count as long as they are kept.
#[derive(Clone, Debug)]
pub(super) struct StoredMessage {
    name: Arc<str>,
    path: usize,
    data: RawJson,
}

impl StoredMessage {
    /// A message that is encoded for nobody yet.
    pub(super) fn message(&self, position: Position) -> Message {
        let message = Message::of(self.name.clone(), self.path, self.data.clone());
        message.place(position);
        message
    }

    /// How many bytes its data are.
    pub(super) fn size(&self) -> usize {
        size(&self.data)
    }

    /// Where its data are in memory: clones share them.
    pub(super) fn data_at(&self) -> usize {
        self.data.as_bytes().as_ptr().addr()
    }
}

fn size(data: &RawJson) -> usize {
    data.as_bytes().len() + data.attachments().iter().map(Bytes::len).sum::<usize>()
}

impl Message {
    pub(crate) fn new(name: &EventName, data: RawJson) -> Message {
        let EventName { path, wire, .. } = name;
        Message::of(wire.clone(), path.len(), data)
    }

    fn of(name: Arc<str>, path: usize, data: RawJson) -> Message {
        let (packet, numbered, streamed) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Message { name, path, data, packet, numbered, streamed }
    }

    pub(super) fn stored(&self) -> StoredMessage {
        StoredMessage { name: self.name.clone(), path: self.path, data: self.data.clone() }
    }

    /// Says where it is among the events that can be sent again.
    pub(super) fn place(&self, position: Position) {
        // Parts of an audience may share a message; there is one place for all of them.
        self.numbered.get_or_init(|| Box::new(Numbered { position, packet: OnceLock::new() }));
    }

    #[cfg(test)]
    pub(super) fn position(&self) -> Option<Position> {
        self.numbered.get().map(|numbered| numbered.position)
    }

    /// How many bytes its data are.
    pub(super) fn size(&self) -> usize {
        size(&self.data)
    }

    /// The service's path and the event, as Feathers' clients know it: `messages created`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of the service: `messages`.
    pub fn path(&self) -> &str {
        &self.name[..self.path]
    }

    /// The event alone: `created`.
    pub fn event(&self) -> &str {
        &self.name[self.path + 1..]
    }

    /// The record, or what else the event carries.
    pub fn data(&self) -> &RawJson {
        &self.data
    }

    /// The Socket.IO packet, made by the first who asks.
    pub(crate) fn packet(&self) -> &SharedFrame {
        self.packet.get_or_init(|| {
            let data = [self.data.as_bytes()];
            SharedFrame::new(Frame::binary_event("/", &self.name, &data, self.data.attachments()))
        })
    }

    /// The packet for clients that can come back: its last argument is the event's place.
    pub(crate) fn numbered_packet(&self) -> &SharedFrame {
        let Some(numbered) = self.numbered.get() else { return self.packet() };
        numbered.packet.get_or_init(|| {
            let place = format!("\"{}\"", numbered.position);
            let args = [self.data.as_bytes(), place.as_bytes()];
            SharedFrame::new(Frame::binary_event("/", &self.name, &args, self.data.attachments()))
        })
    }

    /// The event in a stream of events, made by the first who asks.
    pub(crate) fn streamed(&self, encode: impl FnOnce(&Message) -> Bytes) -> &Bytes {
        self.streamed.get_or_init(|| encode(self))
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({})", self.name)
    }
}

/// Messages that go to the same connections one after the other.
pub struct Batch {
    messages: Vec<Arc<Message>>,
    joined: OnceLock<Option<SharedFrame>>,
    numbered: OnceLock<Option<SharedFrame>>,
}

/// Larger ones are sent one by one: copying them together would cost more than it saves.
const JOINED: usize = 16 * 1024;

impl Batch {
    pub(crate) fn new(messages: Vec<Arc<Message>>) -> Batch {
        Batch { messages, joined: OnceLock::new(), numbered: OnceLock::new() }
    }

    /// The messages, in order.
    pub fn messages(&self) -> &[Arc<Message>] {
        &self.messages
    }

    /// All packets as one piece, made by the first who asks, if they are small and have no bytes in them. Each connection
    /// then queues and writes one thing instead of several: eight small events cost a quarter.
    pub(crate) fn packet(&self) -> Option<&SharedFrame> {
        self.join(&self.joined, Message::packet)
    }

    /// The same for clients that can come back.
    pub(crate) fn numbered_packet(&self) -> Option<&SharedFrame> {
        self.join(&self.numbered, Message::numbered_packet)
    }

    fn join<'a>(
        &'a self,
        joined: &'a OnceLock<Option<SharedFrame>>,
        packet: impl Fn(&'a Message) -> &'a SharedFrame + Copy,
    ) -> Option<&'a SharedFrame> {
        let is_plain = |message: &Arc<Message>| message.data.attachments().is_empty();
        if let [only] = &*self.messages {
            return is_plain(only).then(|| packet(only));
        }
        let join = || {
            let frames = self.messages.iter().map(|message| packet(message).frame());
            let small = frames.clone().map(Frame::len).sum::<usize>() <= JOINED;
            (small && self.messages.iter().all(is_plain)).then(|| SharedFrame::new(Frame::join(frames)))
        };
        joined.get_or_init(join).as_ref()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.messages).finish()
    }
}
