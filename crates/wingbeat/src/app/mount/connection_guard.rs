//! What decides about every connection and request: authentication does.

use crate::BoxFuture;
use crate::app::App;
use crate::realtime::{Connection, Extensions, Headers};
use serde_json::Value;
use std::sync::Arc;
use wingbeat_core::{RawJson, Result};

/// The part of a mounted service that decides about every connection. [`Mount::guard`](super::Mount::guard) adds it.
pub(crate) trait ConnectionGuard: Send + Sync + 'static {
    /// All services are mounted now, this one at `path`: whether it finds what it needs.
    fn check(&self, app: &App, path: &Arc<str>) -> Result<()>;

    /// A client wants to connect; an error refuses it.
    fn connect(self: Arc<Self>, app: App, connection: Connection) -> BoxFuture<'static, Result<()>>;

    /// What the headers of a request that comes without connection say of who asks, unverified: `params.authentication`.
    fn authentication(&self, headers: &Headers) -> Option<Value>;

    /// A client has connected, and the listeners have run.
    fn connected(self: Arc<Self>, app: &App, connection: &Connection);

    /// A client has come back for a lost connection: whether what is known of that one holds for the new one, asked anew.
    fn resume(self: Arc<Self>, app: App, lost: Connection, connection: Connection) -> BoxFuture<'static, Result<()>>;

    /// A connection goes on from a lost one, whose listeners have run when it was lost.
    fn handed_over(&self, lost: &Connection);

    /// A client who was connected has gone, and does not come back, and the listeners have run.
    fn disconnected(&self, connection: &Connection);

    /// Does what another node has ordered; whether this is an order for it.
    fn order(&self, app: &App, name: &str, data: &RawJson) -> bool;

    /// All that it knows to be logged in.
    fn connections(&self) -> Vec<Connection>;
}

/// A guard, as a `ConnectionGuard` and as its own type.
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

    pub(in crate::app) fn guard(&self) -> &Arc<dyn ConnectionGuard> {
        &self.guard
    }

    /// The guard as its own type, if that is `T`.
    #[cfg(feature = "auth")]
    pub(in crate::app) fn itself<T: ConnectionGuard>(&self) -> Option<Arc<T>> {
        self.itself.get()
    }
}
