//! Connections: what channels hold and calls come from.

use super::clock;
use super::members::{Members, Membership};
use super::values::{Values, named_as};
use super::{Batch, Extensions, Headers, Message};
use crate::fair::{Origin, Source};
use crate::locked;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use wingbeat_core::{RawJson, Result};
use wingbeat_protocol::LogThrottle;

/// The client's end of a [`Connection`], as its transport knows it: what events go out through.
///
/// Channels keep connections, and a connection its peer: one that keeps the connection, or a socket that does, would
/// never be freed.
pub trait Peer: Send + Sync + 'static {
    /// Queues an event for the client. It must not wait, nor use the connection, its channels or the dispatcher: locks are
    /// held meanwhile, and whatever else is to be done is for a task. What has been queued before a call is answered has
    /// to leave before the answer. How much may wait for a client that does not keep up is the transport's
    /// decision; whoever has more is best disconnected, because it cannot know what it has missed.
    fn deliver(&self, message: &Message);
    /// Queues several, in order.
    fn deliver_all(&self, batch: &Batch) {
        batch.messages().iter().for_each(|message| self.deliver(message));
    }
    /// Ends the connection, because the server wants that. The transport tells of it by
    /// [`Dispatcher::disconnected`](crate::transport::Dispatcher::disconnected), as of every end.
    fn disconnect(&self, connection: &Connection);
    /// Ends the connection so that the client comes again by itself, where the transport knows such an end.
    fn break_off(&self, connection: &Connection) {
        self.disconnect(connection);
    }
    /// Whether the client can log in over this connection, again for example. One that can send nothing can not: it is
    /// disconnected when its login ends, so that it comes again with another.
    fn can_log_in(&self) -> bool {
        true
    }
    /// The headers of the request that opened the connection.
    fn headers(&self) -> Option<&Headers> {
        None
    }
    /// Whether the client was told how to come back after a loss, and what it has heard of events.
    fn is_recoverable(&self) -> bool {
        false
    }
    /// Where the client is, if that is known.
    fn address(&self) -> Option<IpAddr> {
        None
    }
}

/// One client's connection: a cheap handle, equal to its clones.
///
/// Channels hold it, calls carry it in [`Params`](crate::Params), and it carries values: named JSON values
/// ([`set`](Connection::set)), which every call from this connection sees among its params, and typed ones
/// ([`insert`](Connection::set_extension)).
#[derive(Clone)]
pub struct Connection(Arc<Inner<dyn Peer>>);

/// The names of the channels that a connection has left all at once.
struct LeftChannels(Vec<Arc<str>>);

/// Marks a connection that goes on from another one.
struct Recovered;

/// Marks a connection that the server has told to leave.
struct Removed;

/// After all publications.
const GONE: u64 = u64::MAX;
/// Before that, and after all others.
const HELD: u64 = u64::MAX - 1;

// Unsized at its end, so that the connection and its peer share one allocation.
struct Inner<P: ?Sized> {
    /// Has the number of the connection, and where it is.
    origin: Origin,
    provider: &'static str,
    /// In which channels this connection is, and where in their lists.
    memberships: Mutex<Vec<Membership>>,
    /// The last publication before this connection joined a channel, whichever was the last; [`GONE`] if the client has
    /// gone, [`HELD`] as long as it has something to hear before. Set under the lock of `memberships`: whoever has gone joins nothing any more.
    joined: AtomicU64,
    /// The queue whose mark this connection carries; 0 as long as none does.
    queue: AtomicU64,
    /// The last publication up to which this connection has heard all of that queue; used under the queue's lock.
    served: AtomicU64,
    attached: OnceLock<Box<Mutex<AttachedValues>>>,
    peer: P,
}

#[derive(Default)]
struct AttachedValues {
    values: Values,
    extensions: Extensions,
    /// The last publication before any of these became another one.
    changed: u64,
}

/// The last publication before somebody was logged out here.
struct LoggedOut(u64);

impl Connection {
    /// A client's connection through a transport. It is a transport's to make, to have
    /// [admitted](crate::transport::Dispatcher::admit), and to tell of.
    pub fn new(provider: &'static str, peer: impl Peer) -> Connection {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Connection(Arc::new(Inner {
            origin: Origin::new(Source::client(peer.address(), Some(id))),
            provider,
            memberships: Mutex::default(),
            joined: AtomicU64::new(0),
            queue: AtomicU64::new(0),
            served: AtomicU64::new(0),
            attached: OnceLock::new(),
            peer,
        }))
    }

    /// A number that no other connection of this process has had.
    pub fn id(&self) -> u64 {
        self.0.origin.source().connection
    }

    /// The transport, for example `"socketio"`.
    pub fn provider(&self) -> &'static str {
        self.0.provider
    }

    /// The headers of the request that opened the connection.
    pub fn headers(&self) -> Option<&Headers> {
        self.0.peer.headers()
    }

    /// The client's address, if the transport knows it: behind a proxy only where the proxy is trusted.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.peer.address()
    }

    /// A named value.
    pub fn get(&self, name: &str) -> Option<Value> {
        locked(self.0.attached.get()?).values.get(name)
    }

    /// A named value as a `T`; a missing one is read as null, so an `Option` takes it.
    ///
    /// # Errors
    /// A general error if it does not fit: the value is the server's own.
    pub fn get_as<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        named_as(name, self.get(name))
    }

    /// Attaches a named value, which the params of every later call from this connection show.
    pub fn set(&self, name: impl Into<String>, value: impl Into<Value>) {
        self.set_text(name, RawJson::new(&value.into()).expect("a value has a JSON form"));
    }

    /// Attaches a named value that is text.
    pub(crate) fn set_text(&self, name: impl Into<String>, value: RawJson) {
        let mut attached = locked(self.0.attached.get_or_init(Box::default));
        let name = name.into();
        if attached.values.text(&name) != Some(&value) {
            attached.values.set(name, value);
            attached.changed = clock::last();
        }
    }

    /// Whether a named value is this.
    #[cfg(feature = "auth")]
    pub(crate) fn has_text(&self, name: &str, value: &RawJson) -> bool {
        self.0.attached.get().is_some_and(|attached| locked(attached).values.text(name) == Some(value))
    }

    /// Takes a named value off.
    pub fn unset(&self, name: &str) {
        if let Some(attached) = self.0.attached.get() {
            let mut attached = locked(attached);
            if attached.values.text(name).is_some() {
                attached.values.unset(name);
                attached.changed = clock::last();
            }
        }
    }

    /// The names of all values.
    pub fn names(&self) -> Vec<String> {
        self.0.attached.get().map_or_else(Vec::new, |attached| locked(attached).values.names())
    }

    /// A typed value.
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        locked(self.0.attached.get()?).extensions.get()
    }

    /// Attaches a typed value, at most one of each type.
    pub fn set_extension<T: Any + Send + Sync>(&self, value: T) {
        let mut attached = locked(self.0.attached.get_or_init(Box::default));
        attached.extensions.insert(value);
        attached.changed = clock::last();
    }

    /// Attaches what the framework itself notes, of which applications see nothing.
    pub(crate) fn mark<T: Any + Send + Sync>(&self, note: T) {
        locked(self.0.attached.get_or_init(Box::default)).extensions.insert(note);
    }

    /// Takes that off.
    pub(crate) fn unmark<T: Any + Send + Sync>(&self) {
        if let Some(attached) = self.0.attached.get() {
            locked(attached).extensions.remove::<T>();
        }
    }

    /// Takes the value of a type off.
    pub fn unset_extension<T: Any + Send + Sync>(&self) {
        if let Some(attached) = self.0.attached.get() {
            let mut attached = locked(attached);
            if attached.extensions.remove::<T>() {
                attached.changed = clock::last();
            }
        }
    }

    /// Whether it is another one than when something was published: somebody was logged out since then, or, if that matters,
    /// what is attached has changed.
    pub(super) fn has_changed_since(&self, publication: u64, values_matter: bool) -> bool {
        let Some(attached) = self.0.attached.get() else { return false };
        let attached = locked(attached);
        let is_after = |out: Arc<LoggedOut>| publication <= out.0;
        (values_matter && publication <= attached.changed) || attached.extensions.get().is_some_and(is_after)
    }

    /// Somebody was logged out here: what was published until now is nothing for who comes back.
    #[cfg(feature = "auth")]
    pub(crate) fn note_logged_out(&self) {
        self.mark(LoggedOut(clock::last()));
    }

    /// Whether the client is still there.
    pub fn is_connected(&self) -> bool {
        self.0.joined.load(Ordering::Acquire) != GONE
    }

    /// Makes the client leave, as if the server had disconnected its socket. One that was lost and could come back starts
    /// anew.
    pub fn disconnect(&self) {
        if self.is_recoverable() || !self.is_connected() {
            self.mark(Removed);
        }
        self.0.peer.disconnect(self);
        if let Some(now) = self.went_on() {
            now.disconnect();
        }
    }

    /// Makes the client come again, and begin anew.
    pub(crate) fn break_off(&self) {
        self.mark(Removed);
        self.0.peer.break_off(self);
    }

    /// Has nothing delivered until it is said to [arrive](Connection::arrive): it goes on from a lost one, whose client has
    /// to be given what it has missed before.
    pub(crate) fn hold(&self) {
        let _joining = self.memberships();
        let _ =
            self.0.joined.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |joined| (joined != GONE).then_some(HELD));
    }

    /// What is published from now on is delivered. To be called with the queue of deliveries locked.
    pub(super) fn arrive(&self, number: u64) {
        let _joining = self.memberships();
        let _ = self.0.joined.compare_exchange(HELD, number, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Whether this goes on from a connection that was lost: the client has heard everything since then, in order, and is in
    /// the same channels. False until [`on_connection`](crate::Builder::on_connection) is told of it.
    pub fn is_recovered(&self) -> bool {
        self.extension::<Recovered>().is_some()
    }

    pub(crate) fn mark_recovered(&self) {
        self.mark(Recovered);
    }

    /// Whether the server has told it to leave.
    pub(super) fn is_removed(&self) -> bool {
        self.extension::<Removed>().is_some()
    }

    /// Whether its client was told how to come back.
    pub(super) fn is_recoverable(&self) -> bool {
        self.0.peer.is_recoverable()
    }

    /// Takes over named values of another connection, those of these names that this one does not have.
    pub(crate) fn keep(&self, other: &Connection, names: &[Box<str>]) {
        for name in names.iter().filter(|name| self.get(name).is_none()) {
            if let Some(value) = other.get(name) {
                self.set(&**name, value);
            }
        }
    }

    /// Its login is over: a client that cannot log in again has to come again.
    #[cfg(feature = "auth")]
    pub(crate) fn end_with_login(&self) {
        if !self.0.peer.can_log_in() {
            self.disconnect();
        }
    }

    /// The names of the channels that this connection is in, sorted.
    pub fn channels(&self) -> Vec<String> {
        let mut names: Vec<String> = self.memberships().iter().map(|m| (**m.members.name()).into()).collect();
        names.sort();
        names
    }

    /// The names of the channels that this connection has left because its client has gone or was logged out, sorted: for
    /// the listeners of that, whom [`channels`](Connection::channels) tells nothing any more.
    pub fn left_channels(&self) -> Vec<String> {
        let left = self.extension::<LeftChannels>();
        let mut names: Vec<String> = left.iter().flat_map(|left| &left.0).map(|name| name.to_string()).collect();
        names.sort();
        names
    }

    /// Notes which channels it has left.
    pub(crate) fn note_left(&self, channels: Vec<Arc<str>>) {
        self.mark(LeftChannels(channels));
    }

    /// Whose work its calls are.
    pub(crate) fn origin(&self) -> &Origin {
        &self.0.origin
    }

    pub(super) fn memberships(&self) -> MutexGuard<'_, Vec<Membership>> {
        locked(&self.0.memberships)
    }

    /// Says that the client has gone. True for the first who says so.
    pub(super) fn mark_gone(&self) -> bool {
        let _joining = self.memberships();
        self.0.origin.leave();
        self.0.joined.swap(GONE, Ordering::AcqRel) != GONE
    }

    /// To be called with the memberships locked.
    pub(super) fn mark_joined(&self, since: u64) {
        let is_before = |joined: u64| (joined < HELD).then_some(since);
        let _ = self.0.joined.fetch_update(Ordering::Release, Ordering::Relaxed, is_before);
    }

    /// Whether a member of a channel is so since before a publication. To be called with the channel's members locked.
    pub(super) fn is_in_since(&self, members: &Arc<Members>, publication: u64) -> bool {
        // Nearly always: it has joined nothing since then.
        self.0.joined.load(Ordering::Relaxed) < publication
            || self.since(members).is_some_and(|since| since < publication)
    }

    /// The last publication before it joined a channel, if it is in.
    pub(super) fn since(&self, members: &Arc<Members>) -> Option<u64> {
        self.memberships().iter().find(|m| Arc::ptr_eq(&m.members, members)).map(|m| m.since)
    }

    /// Delivers what was published to a channel, if it is in since before then; it cannot leave meanwhile. Whether it
    /// is.
    pub(super) fn deliver_in(&self, members: &Arc<Members>, publication: u64, message: &Message) -> bool {
        let memberships = self.memberships();
        let is_in = memberships.iter().any(|m| m.since < publication && Arc::ptr_eq(&m.members, members));
        if is_in {
            self.deliver(message);
        }
        is_in
    }

    /// Where a queue notes how far it has served this connection; nothing if another queue does so here.
    pub(super) fn mark_of(&self, queue: u64) -> Option<&AtomicU64> {
        let mut carried = self.0.queue.load(Ordering::Relaxed);
        if carried == 0 {
            let first = self.0.queue.compare_exchange(0, queue, Ordering::Relaxed, Ordering::Relaxed);
            carried = first.err().unwrap_or(queue);
        }
        (carried == queue).then_some(&self.0.served)
    }

    pub(crate) fn deliver(&self, message: &Message) {
        self.contained(|peer| peer.deliver(message));
    }

    pub(super) fn deliver_all(&self, batch: &Batch) {
        self.contained(|peer| peer.deliver_all(batch));
    }

    /// Transports are foreign code: a panic in one costs no other connection an event, and the caller gets its answer.
    fn contained(&self, deliver: impl FnOnce(&dyn Peer)) {
        if self.0.joined.load(Ordering::Relaxed) == HELD {
            return;
        }
        static PANICKED: LogThrottle = LogThrottle::new();
        if catch_unwind(AssertUnwindSafe(|| deliver(&self.0.peer))).is_err()
            && let Some(times) = PANICKED.happened()
        {
            tracing::error!(connection = ?self, times, "a transport panicked with an event for a connection");
        }
    }
}

impl PartialEq for Connection {
    fn eq(&self, other: &Connection) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Connection {}

impl Hash for Connection {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({} {})", self.id(), self.provider())
    }
}
