//! What is asked about every connection: authentication is one.

use super::App;
use crate::BoxFuture;
use crate::realtime::{Connection, Extensions};
use std::sync::Arc;
use wingbeat_core::Result;

/// The side of a mounted service that is asked about every connection. [`Mount::guard`](super::Mount) adds it.
pub(crate) trait ConnectionGuard: Send + Sync + 'static {
    /// All services are mounted now, this one at `path`: whether it finds what it needs.
    fn check(&self, app: &App, path: &Arc<str>) -> Result<()>;

    /// A client wants to connect; an error refuses it.
    fn connect(self: Arc<Self>, app: App, connection: Connection) -> BoxFuture<'static, Result<()>>;

    /// A client has connected, and the listeners have been told.
    fn connected(self: Arc<Self>, app: &App, connection: &Connection);

    /// A client who was connected has gone, and the listeners have been told.
    fn disconnected(&self, connection: &Connection);
}

/// A guard, as what all guards are and as what it is itself.
#[derive(Clone)]
pub(crate) struct RegisteredGuard {
    guard: Arc<dyn ConnectionGuard>,
    #[cfg_attr(not(feature = "auth"), expect(dead_code, reason = "only authentication asks for itself"))]
    itself: Extensions,
}

impl RegisteredGuard {
    #[cfg(feature = "auth")]
    pub(super) fn new<T: ConnectionGuard>(guard: Arc<T>) -> RegisteredGuard {
        let mut itself = Extensions::default();
        itself.insert_shared(guard.clone());
        RegisteredGuard { guard, itself }
    }

    pub(super) fn guard(&self) -> &Arc<dyn ConnectionGuard> {
        &self.guard
    }
}

impl App {
    /// The first guard of this kind, or the one of the service at a path.
    #[cfg(feature = "auth")]
    pub(crate) fn guard<T: ConnectionGuard>(&self, path: Option<&str>) -> Option<Arc<T>> {
        let registry = self.0.registry.load();
        let mut guards =
            registry.guards().filter(|(at, _)| path.is_none_or(|path| ***at == *super::router::normal(path)));
        guards.find_map(|(_, guard)| guard.itself.get())
    }

    /// All guards of this kind.
    #[cfg(feature = "auth")]
    pub(crate) fn guards_of<T: ConnectionGuard>(&self) -> Vec<Arc<T>> {
        self.0.registry.load().guards().filter_map(|(_, guard)| guard.itself.get()).collect()
    }

    fn guards(&self) -> Vec<Arc<dyn ConnectionGuard>> {
        self.0.registry.load().guards().map(|(_, guard)| guard.guard().clone()).collect()
    }

    /// Asks the first guard about a client that wants to connect: what the headers of the handshake say is, as in Feathers,
    /// for the service that is the default. Nothing if there is none.
    pub(crate) fn admit(&self, connection: &Connection) -> Option<BoxFuture<'static, Result<()>>> {
        let guard = self.guards().into_iter().next()?;
        let (asked, connection) = (guard.connect(self.clone(), connection.clone()), connection.clone());
        Some(Box::pin(async move { connection.origin().polling(asked).await }))
    }

    pub(super) fn let_in(&self, connection: &Connection) {
        self.guards().iter().for_each(|guard| guard.clone().connected(self, connection));
    }

    pub(super) fn let_out(&self, connection: &Connection) {
        self.guards().iter().for_each(|guard| guard.disconnected(connection));
    }
}
