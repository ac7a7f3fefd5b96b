//! What is asked about every connection: authentication is one.

use super::App;
use crate::BoxFuture;
use crate::realtime::{Connection, Extensions};
#[cfg(feature = "auth")]
use crate::service::Call;
use std::sync::Arc;
#[cfg(feature = "auth")]
use wingbeat_core::Payload;
use wingbeat_core::Result;

/// The side of a mounted service that is asked about every connection. [`Mount::gate`](super::Mount) adds it.
pub(crate) trait Gate: Send + Sync + 'static {
    /// All services are mounted now, this one at `path`: whether it finds what it needs.
    fn check(&self, app: &App, path: &Arc<str>) -> Result<()>;

    /// A client wants to connect; an error refuses it.
    fn connect(self: Arc<Self>, app: App, connection: Connection) -> BoxFuture<'static, Result<()>>;

    /// A client has connected, and the listeners have been told.
    fn connected(self: Arc<Self>, app: &App, connection: &Connection);

    /// A client who was connected has gone, and the listeners have been told.
    fn disconnected(&self, connection: &Connection);
}

/// A gate, as what all gates are and as what it is itself.
#[derive(Clone)]
pub(crate) struct Gatekeeper {
    gate: Arc<dyn Gate>,
    #[cfg_attr(not(feature = "auth"), expect(dead_code, reason = "only authentication asks for itself"))]
    itself: Extensions,
}

impl Gatekeeper {
    #[cfg(feature = "auth")]
    pub(super) fn new<T: Gate>(gate: Arc<T>) -> Gatekeeper {
        let mut itself = Extensions::default();
        itself.insert_shared(gate.clone());
        Gatekeeper { gate, itself }
    }

    pub(super) fn gate(&self) -> &Arc<dyn Gate> {
        &self.gate
    }
}

impl App {
    /// The first gate of this kind, or the one of the service at a path.
    #[cfg(feature = "auth")]
    pub(crate) fn gate<T: Gate>(&self, path: Option<&str>) -> Option<Arc<T>> {
        let registry = self.0.registry.load();
        let mut gates =
            registry.gates().filter(|(at, _)| path.is_none_or(|path| ***at == *super::router::normal(path)));
        gates.find_map(|(_, keeper)| keeper.itself.get())
    }

    /// All gates of this kind.
    #[cfg(feature = "auth")]
    pub(crate) fn gates_of<T: Gate>(&self) -> Vec<Arc<T>> {
        self.0.registry.load().gates().filter_map(|(_, keeper)| keeper.itself.get()).collect()
    }

    fn gates(&self) -> Vec<Arc<dyn Gate>> {
        self.0.registry.load().gates().map(|(_, keeper)| keeper.gate().clone()).collect()
    }

    /// Asks the first gate about a client that wants to connect: what the headers of the handshake say is, as in Feathers,
    /// for the service that is the default. Nothing if there is none.
    pub(crate) fn admit(&self, connection: &Connection) -> Option<BoxFuture<'static, Result<()>>> {
        let gate = self.gates().into_iter().next()?;
        let (asked, connection) = (gate.connect(self.clone(), connection.clone()), connection.clone());
        Some(Box::pin(async move { connection.origin().polling(asked).await }))
    }

    pub(super) fn let_in(&self, connection: &Connection) {
        self.gates().iter().for_each(|gate| gate.clone().connected(self, connection));
    }

    pub(super) fn let_out(&self, connection: &Connection) {
        self.gates().iter().for_each(|gate| gate.disconnected(connection));
    }

    /// Runs a method without any hook or event, as `_patch` and the like do in Feathers.
    #[cfg(feature = "auth")]
    pub(crate) async fn bare(&self, call: Call) -> Result<Payload> {
        let Call { path, method, id, data, mut params } = call;
        let (entry, route) = self.find(&path)?;
        params.route = route;
        params.surroundings = Some(entry.surroundings().clone());
        let place =
            entry.place(method.as_str()).ok_or_else(|| super::external::not_allowed(method.as_str(), entry.path()))?;
        entry.at(place).chain.target().call(&method, id, data, params).await
    }
}
