//! One client in one namespace.

use super::{Acks, SessionHandle, SessionId, Shared, signal};
use crate::outbox::SharedFrame;
use crate::peer::Handshake;
use bytes::Bytes;
use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use wingbeat_core::RawJson;
use wingbeat_protocol::packet::{Arguments, Frame};

/// One client in one namespace: a cheap handle, which may outlive the connection.
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

struct Inner {
    id: SessionId,
    state: AtomicU8,
    namespace: Arc<str>,
    handle: Arc<SessionHandle>,
    /// The client can be told where it is among the events, and be given what it has missed.
    recoverable: AtomicBool,
    auth: Option<Box<Connect>>,
    attached: OnceLock<Box<dyn Any + Send + Sync>>,
    // Few servers ask their clients anything, or use rooms. Twice in a box: one word where there is none.
    acks: Mutex<Option<Box<Acks>>>,
    own: OnceLock<Box<Box<dyn Attachment>>>,
}

/// What the client has sent with CONNECT.
struct Connect {
    auth: RawJson,
    /// The earlier socket that it goes on as.
    resumed: OnceLock<Box<Resumed>>,
}

struct Resumed {
    id: SessionId,
    private_id: SessionId,
}

/// What is kept with a socket, and notified when the socket is gone.
pub(crate) trait Attachment: Any + Send + Sync {
    /// Nothing will come from the socket any more.
    fn ended(&self);
}

const JOINING: u8 = 0;
const CONNECTED: u8 = 1;
/// Told to leave; its task has not yet noticed.
const LEAVING: u8 = 2;
const GONE: u8 = 3;
/// Told to leave while it was joining: it never was there.
const TURNED_AWAY: u8 = 4;

impl Socket {
    pub(crate) fn new(handle: Arc<SessionHandle>, namespace: Arc<str>, auth: Option<RawJson>) -> Socket {
        Socket(Arc::new(Inner {
            id: SessionId::with_key(handle.id_key()),
            state: AtomicU8::new(JOINING),
            namespace,
            handle,
            recoverable: AtomicBool::new(false),
            auth: auth.map(|auth| Box::new(Connect { auth, resumed: OnceLock::new() })),
            attached: OnceLock::new(),
            acks: Mutex::default(),
            own: OnceLock::new(),
        }))
    }

    /// The socket's id: 20 characters of `A-Za-z0-9_-`. Another one after every CONNECT, unless the socket
    /// [goes on](Socket::resume) as an earlier one.
    pub fn id(&self) -> &str {
        self.resumed().map_or(&self.0.id, |resumed| &resumed.id).as_str()
    }

    fn resumed(&self) -> Option<&Resumed> {
        self.0.auth.as_deref().and_then(|connect| connect.resumed.get()).map(|resumed| &**resumed)
    }

    /// Goes on under the id of an earlier socket, which has ended, and is found by the private id of that: for a
    /// [handler](crate::Handler::connect), while the client asks to join. Whether it does: only a client that sent something
    /// with its CONNECT can have asked for that.
    pub fn resume(&self, id: &str, private_id: &str) -> bool {
        let (id, private_id) = (SessionId::parse(id), SessionId::parse(private_id));
        let (Some(connect), Some(id), Some(private_id), true) =
            (self.0.auth.as_deref(), id, private_id, self.is_joining())
        else {
            return false;
        };
        if connect.resumed.set(Box::new(Resumed { id, private_id })).is_err() {
            return false;
        }
        self.0.handle.engine.takeovers.moved(private_id, self.0.handle.id_key());
        true
    }

    /// Whether the client was given a private id (`pid`), with which it may come back: it takes the last argument of an
    /// event, where that is a text, for the event's place among all events.
    pub fn is_recoverable(&self) -> bool {
        self.0.recoverable.load(Ordering::Relaxed)
    }

    pub(crate) fn set_recoverable(&self) {
        self.0.recoverable.store(true, Ordering::Relaxed);
    }

    /// Ends the session as if its connection were lost: the client comes again by itself.
    pub fn break_off(&self) {
        self.0.handle.signal(signal::BREAK_OFF);
    }

    pub(super) fn engine(&self) -> &Arc<Shared> {
        &self.0.handle.engine
    }

    /// The namespace, `/` for the main one.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// The same, to keep.
    pub(crate) fn shared_namespace(&self) -> &Arc<str> {
        &self.0.namespace
    }

    /// The request that began the session.
    pub fn handshake(&self) -> &Handshake {
        &self.0.handle.handshake
    }

    /// What the client sent with CONNECT: a JSON object, if anything.
    pub fn auth(&self) -> Option<&RawJson> {
        self.0.auth.as_deref().map(|connect| &connect.auth)
    }

    /// Sends a packet that was encoded for this namespace, to this socket alone. Nothing happens unless it is connected.
    ///
    /// How much of that may wait is [limited](crate::Config::outbox_limit).
    pub fn send(&self, frame: &Frame) {
        if self.is_connected() {
            self.0.handle.push(frame);
        }
    }

    /// The same for a packet that others are sent as well.
    pub fn send_shared(&self, frame: &SharedFrame) {
        if self.is_connected() {
            self.0.handle.push_shared(frame);
        }
    }

    /// Sends an event.
    pub fn emit(&self, name: &str, args: &[RawJson]) {
        match self.is_recoverable().then(|| unnumbered(args)).flatten() {
            Some(args) => self.send(&Frame::with_values(&self.0.namespace, None, name, &args)),
            None => self.send(&Frame::with_values(&self.0.namespace, None, name, args)),
        }
    }

    /// The most attachments that a packet may have, from [`Config::max_attachments`](crate::Config::max_attachments).
    pub fn max_attachments(&self) -> usize {
        self.0.handle.engine.config.max_attachments
    }

    /// Makes the socket leave its namespace, and tells the client; with `close_transport` the session ends, with
    /// all its sockets. One that is only just joining does not join.
    pub fn disconnect(&self, close_transport: bool) {
        if close_transport {
            self.0.handle.signal(signal::CLOSE);
            return;
        }
        let leave = if self.namespace() == "/" {
            Frame::text(&[b"41"])
        } else {
            Frame::text(&[b"41", self.namespace().as_bytes(), b","])
        };
        // The order matters: once it is leaving, nothing else is queued, and the task is told when the packet is.
        if self.0.state.compare_exchange(CONNECTED, LEAVING, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            self.0.handle.push(&leave);
            self.0.handle.signal(signal::LEAVE);
        } else if self.0.state.compare_exchange(JOINING, TURNED_AWAY, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            // The answer to CONNECT may be on its way: only the task knows what comes after it.
            self.0.handle.signal(signal::LEAVE);
        }
    }

    /// Whether the socket has joined its namespace and not left it.
    pub fn is_connected(&self) -> bool {
        self.0.state.load(Ordering::SeqCst) == CONNECTED
    }

    /// Keeps a value with the socket. Only the first one is kept: whether this was it. It may refer to the socket by a
    /// [`WeakSocket`].
    pub fn attach<T: Any + Send + Sync>(&self, value: T) -> bool {
        self.0.attached.set(Box::new(value)).is_ok()
    }

    /// The value that was attached, if it has this type.
    pub fn attached<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.attached.get()?.downcast_ref()
    }

    /// What the engine's own handler keeps with the socket, made when it is first asked for.
    pub(crate) fn own(&self, make: impl FnOnce() -> Box<dyn Attachment>) -> &dyn Attachment {
        &***self.0.own.get_or_init(|| Box::new(make()))
    }

    /// The same, if there is any.
    pub(crate) fn own_if_any(&self) -> Option<&dyn Attachment> {
        self.0.own.get().map(|own| &***own)
    }

    /// The socket is gone, and everything that had to be notified was.
    pub(crate) fn ended(&self) {
        if let Some(Resumed { private_id, .. }) = self.resumed() {
            self.0.handle.engine.takeovers.forget(private_id, self.0.handle.id_key());
        }
        if let Some(own) = self.own_if_any() {
            own.ended();
        }
    }

    pub(crate) fn acks<T>(&self, with: impl FnOnce(&mut Acks) -> T) -> T {
        let mut acks = self.0.acks.lock().unwrap_or_else(PoisonError::into_inner);
        with(acks.get_or_insert_default())
    }

    pub(crate) fn answered(&self, id: u64, elements: Arguments<'_>, attachments: Vec<Bytes>) {
        let mut acks = self.0.acks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(acks) = &mut *acks {
            acks.answered(id, elements, attachments);
        }
    }

    pub(crate) fn is_joining(&self) -> bool {
        self.0.state.load(Ordering::SeqCst) == JOINING
    }

    /// Marks the socket as joined, unless it was turned away.
    pub(crate) fn join(&self) {
        let _ = self.0.state.compare_exchange(JOINING, CONNECTED, Ordering::SeqCst, Ordering::SeqCst);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.0.state.load(Ordering::SeqCst) == LEAVING
    }

    pub(crate) fn is_turned_away(&self) -> bool {
        self.0.state.load(Ordering::SeqCst) == TURNED_AWAY
    }

    /// Marks the socket as gone; whether it was a member of its namespace until now.
    pub(crate) fn leave(&self) -> bool {
        let was = self.0.state.swap(GONE, Ordering::SeqCst);
        // Whoever waits for an answer learns that there will be none.
        drop(self.0.acks.lock().unwrap_or_else(PoisonError::into_inner).take());
        matches!(was, CONNECTED | LEAVING)
    }
}

/// The arguments of an event that has no place among those that can be sent again, for clients that would take its last
/// argument (or its name) for one; nothing if they would not.
pub(crate) fn unnumbered(args: &[RawJson]) -> Option<Vec<RawJson>> {
    let is_taken = args.last().is_none_or(|last| last.as_bytes().trim_ascii_start().starts_with(b"\""));
    is_taken.then(|| args.iter().cloned().chain([RawJson::NULL]).collect())
}

/// A socket that is not kept by this, for what the socket itself keeps: what is [attached](Socket::attach) to it must not
/// hold it, or neither would ever be freed.
#[derive(Clone)]
pub struct WeakSocket {
    socket: Weak<Inner>,
    handle: Arc<SessionHandle>,
}

impl Socket {
    /// The socket, without keeping it.
    pub fn downgrade(&self) -> WeakSocket {
        WeakSocket { socket: Arc::downgrade(&self.0), handle: self.0.handle.clone() }
    }
}

impl WeakSocket {
    /// The socket, unless it is gone.
    pub fn upgrade(&self) -> Option<Socket> {
        self.socket.upgrade().map(Socket)
    }

    /// The request that began the session.
    pub fn handshake(&self) -> &Handshake {
        &self.handle.handshake
    }
}

impl fmt::Debug for WeakSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeakSocket({:?})", self.upgrade())
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Socket) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("id", &self.id()).field("namespace", &self.namespace()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Nobody, TransportState};
    use crate::{Config, Engine};
    use std::sync::atomic::AtomicUsize;

    /// Allocators give out sizes in steps. With the two counters of an `Arc` a socket takes all of 128 bytes.
    #[test]
    fn a_socket_fills_its_piece_of_memory() {
        assert!(size_of::<Inner>() <= 112, "{}", size_of::<Inner>());
    }

    #[test]
    fn the_client_is_told_once_that_it_has_to_leave() {
        let engine = Engine::new(Config::default(), Nobody).unwrap();
        let request = http::Request::new(()).into_parts().0;
        let sockets = [(); 200].map(|()| {
            let handle =
                engine.0.register(Handshake::new(&request, &engine.0.config), TransportState::WebSocket).unwrap();
            let socket = Socket::new(handle, "/".into(), None);
            socket.join();
            socket
        });
        let steps = AtomicUsize::new(0);
        let leave = || {
            for (round, socket) in sockets.iter().enumerate() {
                // Both at the same moment, which no lock would give them.
                steps.fetch_add(1, Ordering::SeqCst);
                while steps.load(Ordering::SeqCst) < 2 * (round + 1) {
                    std::hint::spin_loop();
                }
                socket.disconnect(false);
            }
        };
        std::thread::scope(|threads| {
            threads.spawn(leave);
            leave();
        });
        assert!(sockets.iter().all(|socket| socket.is_leaving() && socket.0.handle.outbox.bytes() == 4));
    }
}
