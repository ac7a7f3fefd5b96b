//! The server: what all sessions share, and what each of them shares with everybody else.

mod ack;
mod client_warnings;
mod event;
mod handle;
mod handler;
pub(crate) mod polling;
mod reason;
mod refuse;
mod relief;
mod session_id;
mod socket;
mod takeover;
mod timer_wheel;

pub(crate) use ack::Acks;
pub use ack::{Reply, Unanswered};
pub(crate) use client_warnings::TOO_OLD;
pub use event::{Answer, Event, IntoAnswer};
pub(crate) use handle::{SessionHandle, TransportState, signal};
#[cfg(test)]
pub(crate) use handler::Nobody;
pub(crate) use handler::State;
pub use handler::{Handled, Handler, Refusal};
pub use reason::Reason;
pub(crate) use refuse::refuse;
pub(crate) use socket::{Attachment, unnumbered};
pub use socket::{Socket, WeakSocket};

use crate::bundles::Bundles;
use crate::config::Config;
use crate::outbox::{Ledger, Segments};
use crate::peer::{Handshake, Rates};
use client_warnings::ClientWarnings;
use http::StatusCode;
use relief::Relief;
use session_id::SessionId;
use slab::Slab;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use takeover::Takeovers;
use timer_wheel::TimerWheel;
use tokio::sync::Notify;
use wingbeat_protocol::{AddressCount, AddressCounts, LogThrottle, Origin};

/// A Socket.IO server: a cheap handle.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Shared>);

/// A session, and its place among those of its address. Boxed, because most servers stand behind a proxy or few clients
/// are counted: then it takes one word.
type Registered = (Arc<SessionHandle>, Option<Box<AddressCount>>);

/// Limits for addresses of the internet, unless something else is said.
const CONNECTIONS_PER_ADDRESS: usize = 10_000;
const HANDSHAKES_PER_ADDRESS: u32 = 100;

/// How long sessions have to notice that the time is over.
const GRACE: Duration = Duration::from_secs(1);

/// What all sessions share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) handler: Box<dyn Handler>,
    pub(crate) wheel: TimerWheel,
    /// The name of the main namespace, shared by nearly every socket.
    pub(crate) main: Arc<str>,
    /// What the packets that begin sessions say behind the id: without upgrades, and with one.
    pub(crate) openings: [Box<str>; 2],
    // Looked up by HTTP requests and by the wheel, never on the way of a packet.
    sessions: Mutex<Slab<Registered>>,
    closing: AtomicBool,
    pub(crate) bundles: Bundles,
    pub(crate) client_warnings: ClientWarnings,
    /// Calls whose client is gone.
    pub(crate) orphans: AtomicUsize,
    /// Calls for which there was no place among these.
    pub(crate) dropped_calls: LogThrottle,
    /// What waits for all sessions, and where those wait for the same.
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) segments: Segments,
    pub(crate) relief: Relief,
    changed: Notify,
    addresses: AddressCounts,
    handshakes: Rates,
    /// Refused WebSockets that have not closed yet.
    pub(crate) refused: AtomicUsize,
    /// How many requests came for sessions of other nodes.
    foreign: AtomicU64,
    pub(crate) takeovers: Takeovers,
}

/// Why no session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionLimit {
    /// There are as many as may be.
    Server,
    /// Its address has as many as it may, or comes too often.
    Address,
}

impl SessionLimit {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            SessionLimit::Server => StatusCode::SERVICE_UNAVAILABLE,
            SessionLimit::Address => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl Engine {
    /// A server with these options, and what runs behind its sockets.
    ///
    /// # Errors
    /// If an option cannot be what it says: [`Config::check`].
    pub fn new(config: Config, handler: impl Handler) -> wingbeat_core::Result<Engine> {
        config.check()?;
        Ok(Engine(Arc::new(Shared {
            wheel: TimerWheel::new(config.ping_interval.min(config.ping_timeout)),
            openings: ["", r#""websocket""#].map(|upgrades| opening(&config, upgrades)),
            ledger: Ledger::new(config.most_for_all()),
            segments: Segments::new(),
            relief: Relief::default(),
            config,
            handler: Box::new(handler),
            main: "/".into(),
            sessions: Mutex::default(),
            closing: AtomicBool::new(false),
            bundles: Bundles::default(),
            client_warnings: ClientWarnings::default(),
            orphans: AtomicUsize::new(0),
            dropped_calls: LogThrottle::default(),
            changed: Notify::new(),
            addresses: AddressCounts::default(),
            handshakes: Rates::default(),
            refused: AtomicUsize::new(0),
            foreign: AtomicU64::new(0),
            takeovers: Takeovers::default(),
        })))
    }

    /// Whether a request for this path is the engine's.
    pub fn handles(&self, path: &str) -> bool {
        self.0.handles(path)
    }

    /// How many bytes wait to be sent, to all sessions together: what many wait for counts for each. Looks at all sessions.
    pub fn outbox_bytes(&self) -> usize {
        self.0.sessions().iter().map(|(_, (handle, _))| handle.outbox.bytes()).sum()
    }

    /// How many requests came for sessions of other nodes, as their [letters](Config::node) say: the balancer has not found the
    /// right one.
    pub fn foreign_requests(&self) -> u64 {
        self.0.foreign.load(Ordering::Relaxed)
    }

    /// How many sessions there are.
    pub fn connections(&self) -> usize {
        self.0.sessions().len()
    }

    /// Ends all sessions: accepts no new ones and no new calls, lets running calls finish, tells the clients, and returns
    /// when all are gone. When the time is over, the sessions that are left end as they are. Clients try to connect again,
    /// as after any lost connection.
    pub async fn close(&self, deadline: Duration) {
        let shared = &self.0;
        shared.closing.store(true, Ordering::SeqCst);
        shared.signal_all(signal::SHUTDOWN);
        if tokio::time::timeout(deadline, shared.until_empty(true)).await.is_err() {
            shared.signal_all(signal::ABORT);
            // Their tasks only have to run once more.
            let _ = tokio::time::timeout(GRACE, shared.until_empty(false)).await;
        }
    }

    /// Whether [`close`](Engine::close) was called.
    pub fn is_closing(&self) -> bool {
        self.0.is_closing()
    }
}

fn opening(config: &Config, upgrades: &str) -> Box<str> {
    let (interval, timeout) = (config.ping_interval.as_millis(), config.ping_timeout.as_millis());
    let payload = config.max_payload;
    format!(r#"","upgrades":[{upgrades}],"pingInterval":{interval},"pingTimeout":{timeout},"maxPayload":{payload}}}"#)
        .into()
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("config", &self.0.config)
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn handles(&self, path: &str) -> bool {
        let rest = path.strip_prefix(&*self.config.path);
        rest.is_some_and(|rest| rest.is_empty() || self.config.path.ends_with('/') || rest.starts_with('/'))
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Registers a session.
    pub(crate) fn register(
        self: &Arc<Shared>,
        handshake: Handshake,
        transport: TransportState,
    ) -> Result<Arc<SessionHandle>, SessionLimit> {
        let (config, address) = (&self.config, handshake.address().ip());
        let (rate, most) = (config.handshakes_per_address, config.connections_per_address);
        if let Some(origin) = Origin::counted(address, rate.is_none())
            && !self.handshakes.admit(origin, rate.unwrap_or(HANDSHAKES_PER_ADDRESS), self.wheel.now())
        {
            return Err(SessionLimit::Address);
        }
        let counted = match Origin::counted(address, most.is_none()) {
            Some(origin) => {
                let place = self.addresses.one_more(origin, most.unwrap_or(CONNECTIONS_PER_ADDRESS));
                Some(place.ok_or(SessionLimit::Address)?)
            }
            None => None,
        };
        let mut sessions = self.sessions();
        if sessions.len() >= config.max_connections {
            return Err(SessionLimit::Server);
        }
        let entry = sessions.vacant_entry();
        let key = u32::try_from(entry.key()).map_err(|_| SessionLimit::Server)?;
        let handle = Arc::new(SessionHandle::new(
            SessionId::at_node(self.config.letters(), key),
            self.clone(),
            handshake,
            transport,
        ));
        entry.insert((handle.clone(), counted.map(Box::new)));
        Ok(handle)
    }

    /// Waits until there are no sessions, and perhaps no calls that go on without one.
    async fn until_empty(&self, calls_too: bool) {
        loop {
            let changed = self.changed.notified();
            let calls = if calls_too { self.orphans.load(Ordering::SeqCst) } else { 0 };
            if self.sessions().is_empty() && calls == 0 {
                return;
            }
            changed.await;
        }
    }

    pub(crate) fn unregister(&self, handle: &SessionHandle) {
        // Dropped without a lock.
        let removed = self.remove_session(handle.id_key());
        drop(removed);
        self.changed.notify_waiters();
    }

    pub(crate) fn session(&self, key: u32) -> Option<Arc<SessionHandle>> {
        self.sessions().get(key as usize).map(|(handle, _)| handle.clone())
    }

    /// The session with this id, unless it has ended.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<SessionHandle>> {
        let handle = self.session(SessionId::key(id)?)?;
        if handle.id.as_str() != id || handle.transport() == TransportState::Ended {
            return None;
        }
        // The wheel may not have come to it yet. Whether that is the end only the session knows: it may not have listened.
        if handle.pong_by.load(Ordering::SeqCst) <= self.wheel.now() {
            handle.signal(signal::DUE);
        }
        Some(handle)
    }

    /// Counts an unknown session id if it is that of a session on another node.
    pub(crate) fn note_unknown(&self, id: &str) {
        if let Some(node) = self.config.letters()
            && id.len() == 20
            && !id.as_bytes().ends_with(&node)
        {
            self.foreign.fetch_add(1, Ordering::Relaxed);
            self.client_warnings.foreign();
        }
    }

    pub(crate) fn call_finished(&self) {
        self.orphans.fetch_sub(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// All sessions.
    pub(crate) fn all_sessions(&self) -> Vec<Arc<SessionHandle>> {
        self.sessions().iter().map(|(_, (handle, _))| handle.clone()).collect()
    }

    fn signal_all(&self, signal: u16) {
        self.all_sessions().into_iter().for_each(|handle| handle.signal(signal));
    }

    fn sessions(&self) -> MutexGuard<'_, Slab<Registered>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
