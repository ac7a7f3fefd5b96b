//! The server.

use crate::config::Config;
use crate::handler::Handler;
use crate::handshake::Handshake;
use crate::http::ClientFiles;
use crate::link::{Link, Via, signal};
use crate::session_id::SessionId;
use crate::wheel::Wheel;
use slab::Slab;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// A Socket.IO server: a cheap handle.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Shared>);

/// What all sessions share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) handler: Box<dyn Handler>,
    pub(crate) wheel: Wheel,
    /// The name of the main namespace, shared by nearly every socket.
    pub(crate) main: Arc<str>,
    // Looked up by HTTP requests and by the wheel, never on the way of a packet.
    sessions: Mutex<Slab<Arc<Link>>>,
    closing: AtomicBool,
    pub(crate) client_files: ClientFiles,
    /// Calls whose client is gone.
    pub(crate) orphans: AtomicUsize,
    changed: Notify,
}

impl Engine {
    /// A server with these options, and what runs behind its sockets.
    pub fn new(config: Config, handler: impl Handler) -> Engine {
        Engine(Arc::new(Shared {
            wheel: Wheel::new(config.ping_interval.min(config.ping_timeout)),
            config,
            handler: Box::new(handler),
            main: "/".into(),
            sessions: Mutex::default(),
            closing: AtomicBool::new(false),
            client_files: ClientFiles::default(),
            orphans: AtomicUsize::new(0),
            changed: Notify::new(),
        }))
    }

    /// Whether a request for this path is the engine's.
    pub fn handles(&self, path: &str) -> bool {
        self.0.handles(path)
    }

    /// How many sessions there are.
    pub fn connections(&self) -> usize {
        self.0.sessions().len()
    }

    /// Ends all sessions: accepts no new ones, lets running calls finish, tells the clients, and returns when all are
    /// gone or when the time is over. Clients try to connect again, as after any lost connection.
    pub async fn close(&self, deadline: Duration) {
        let shared = &self.0;
        shared.closing.store(true, Ordering::SeqCst);
        shared.signal_all(signal::SHUTDOWN);
        let _ = tokio::time::timeout(deadline, async {
            loop {
                let changed = shared.changed.notified();
                if self.connections() == 0 && shared.orphans.load(Ordering::SeqCst) == 0 {
                    return;
                }
                changed.await;
            }
        })
        .await;
    }

    /// Whether [`close`](Engine::close) was called.
    pub fn is_closing(&self) -> bool {
        self.0.is_closing()
    }
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

    /// Registers a session; `None` if there are as many as may be.
    pub(crate) fn register(self: &Arc<Shared>, handshake: Handshake, via: Via) -> Option<Arc<Link>> {
        let mut sessions = self.sessions();
        if sessions.len() >= self.config.max_connections {
            return None;
        }
        let entry = sessions.vacant_entry();
        let key = u32::try_from(entry.key()).ok()?;
        let link = Arc::new(Link::new(SessionId::with_key(key), self.clone(), handshake, via));
        entry.insert(link.clone());
        Some(link)
    }

    pub(crate) fn unregister(&self, link: &Link) {
        let key = link.id_key() as usize;
        let removed = {
            let mut sessions = self.sessions();
            sessions.try_remove(key)
        };
        drop(removed);
        self.changed.notify_waiters();
    }

    pub(crate) fn session(&self, key: u32) -> Option<Arc<Link>> {
        self.sessions().get(key as usize).cloned()
    }

    /// The session with this id, unless it has ended.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Link>> {
        let link = self.session(SessionId::key(id)?)?;
        if link.id.as_str() != id || link.via() == Via::Nothing {
            return None;
        }
        // The wheel may not have come to it yet.
        if link.pong_by.load(Ordering::SeqCst) <= self.wheel.now() {
            link.signal(signal::DUE);
            return None;
        }
        Some(link)
    }

    pub(crate) fn call_finished(&self) {
        self.orphans.fetch_sub(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    fn signal_all(&self, signal: u8) {
        let links: Vec<_> = self.sessions().iter().map(|(_, link)| link.clone()).collect();
        for link in links {
            link.signal(signal);
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Slab<Arc<Link>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
