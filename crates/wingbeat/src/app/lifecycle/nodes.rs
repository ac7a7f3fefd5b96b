//! This application as one node of several.

use super::everywhere::Responders;
use crate::BoxFuture;
use crate::app::guard::contained;
use crate::app::{App, WeakApp};
use crate::realtime::bus::{Bus, Here, Node, Sent, SocketRelay};
use crate::realtime::{Audience, Connection, Publication};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use wingbeat_core::{RawJson, Result};
use wingbeat_engine::io::{Action, Selection};
use wingbeat_protocol::LogThrottle;

/// What an ending node gets at least to say so.
const FAREWELL: Duration = Duration::from_millis(500);
/// In how many slices, and how far apart, connections are broken off that may have missed something: all of them come again.
const SLICES: usize = 100;
const BETWEEN: Duration = Duration::from_millis(100);

/// The bus, and this node on it once it is connected.
#[derive(Default)]
pub(in crate::app) struct Nodes {
    bus: Option<Box<dyn Bus>>,
    node: OnceLock<Arc<Node>>,
    /// What others may ask this one.
    pub(super) responders: Responders,
}

impl Nodes {
    pub(in crate::app) fn new(bus: Option<Box<dyn Bus>>, responders: Responders) -> Nodes {
        Nodes { bus, node: OnceLock::new(), responders }
    }

    pub(super) fn node(&self) -> Option<&Arc<Node>> {
        self.node.get()
    }

    pub(in crate::app) fn are_there(&self) -> bool {
        self.node.get().is_some()
    }

    /// Sends an event to the other nodes, if there may be some. `waited` says that its publisher did.
    pub(in crate::app) async fn send(
        &self,
        audience: &Audience,
        publication: &Publication,
        sent: &RawJson,
        waited: bool,
    ) {
        static STAYS: LogThrottle = LogThrottle::new();
        static UNSENT: LogThrottle = LogThrottle::new();
        let Some(node) = self.node.get() else { return };
        let name = publication.name();
        match node.publish(audience, name, sent, || !waited && publication.is_only(sent)).await {
            Ok(Sent::Nowhere | Sent::ToOthers) => {}
            Ok(Sent::Stays) => {
                #[cfg(feature = "metrics")]
                metrics::counter!("wingbeat_bus_stays_total").increment(1);
                if let Some(times) = STAYS.happened_as(&name.wire) {
                    tracing::error!(
                        event = &*name.wire,
                        times,
                        "an event stays on this node: its audience has a filter, and its publisher waits, asks for the \
                         caller, or sees what clients are not sent; say it with `having` or `except` instead"
                    );
                }
            }
            Err(error) => {
                if let Some(times) = UNSENT.happened_as(&name.wire) {
                    tracing::error!(?error, event = &*name.wire, times, "an event could not be sent to other nodes");
                }
            }
        }
    }
}

impl App {
    /// Has every other node do something.
    #[cfg(feature = "auth")]
    pub(crate) fn order(&self, name: &str, data: RawJson) {
        if let Some(node) = self.0.nodes.node.get() {
            node.order(name, data);
        }
    }

    /// Becomes one of the nodes, if there is a bus, and unless it is one already.
    pub(super) async fn connect_to_nodes(&self) -> Result<()> {
        let Nodes { bus, node, .. } = &self.0.nodes;
        let Some(bus) = bus.as_ref().filter(|_| node.get().is_none()) else { return Ok(()) };
        let (channels, delivery) = (self.0.channels.clone(), self.0.delivery.clone());
        let here = Box::new(self.downgrade());
        contained("The bus", async || {
            let connected = Node::connect(&**bus, channels, delivery, here).await?;
            let node = node.get_or_init(|| connected);
            for (at, io) in self.0.http.ios().enumerate() {
                io.set_relay(SocketRelay { node: node.clone(), at });
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn leave_nodes(&self, deadline: Instant) {
        if let Some(node) = self.0.nodes.node.get() {
            let left = deadline.saturating_duration_since(Instant::now()).max(FAREWELL);
            if tokio::time::timeout(left + FAREWELL, node.close(left)).await.is_err() {
                tracing::error!("the bus took too long to close");
            }
        }
    }

    /// Whether other nodes hear this one, and it them; nothing if it has no bus.
    pub(crate) fn is_among_nodes(&self) -> Option<bool> {
        let Nodes { bus, node, .. } = &self.0.nodes;
        bus.as_ref().map(|_| node.get().is_some_and(|node| node.is_well()))
    }

    /// How many nodes there are, as far as this one knows, with itself: those that are on the same [bus](crate::Builder::bus)
    /// and were heard of lately. 1 without a bus.
    pub fn node_count(&self) -> usize {
        self.0.nodes.node.get().map_or(1, |node| node.nodes())
    }

    /// Makes clients come again, some at a time.
    fn break_off_all(&self, connections: Vec<Connection>) {
        let slice = connections.len().div_ceil(SLICES).max(1);
        self.0.background.spawn_unlimited(async move {
            for slice in connections.chunks(slice) {
                slice.iter().filter(|connection| connection.is_connected()).for_each(Connection::break_off);
                tokio::time::sleep(BETWEEN).await;
            }
        });
    }
}

impl Here for WeakApp {
    fn audience(&self, path: &str, event: &str, data: &RawJson) -> Option<Audience> {
        let app = self.upgrade()?;
        let registry = app.0.registry.load();
        registry.entry(path)?.slots.find(event)?.audience_of(data)
    }

    fn act_on_sockets(&self, at: usize, to: &Selection, action: &Action) {
        if let Some(app) = self.upgrade()
            && let Some(io) = app.0.http.ios().nth(at)
        {
            io.apply(to, action);
        }
    }

    fn order(&self, name: &str, data: &RawJson) {
        let Some(app) = self.upgrade() else { return };
        let guards = app.guards();
        if !guards.iter().any(|guard| guard.order(&app, name, data)) {
            tracing::warn!(order = name, "another node wants something that this release does not know");
        }
    }

    fn asked(&self, name: Box<str>, data: RawJson) -> Option<BoxFuture<'static, Option<RawJson>>> {
        WeakApp::asked(self, &name, &data)
    }

    fn missed(&self, arrives_again: bool) {
        let Some(app) = self.upgrade() else { return };
        let Some(recovery) = app.0.channels.recovery() else { return };
        recovery.forget_all();
        if arrives_again && recovery.ends_at_gaps() {
            app.break_off_all(app.0.channels.everybody());
        }
    }

    fn missed_orders(&self) {
        let Some(app) = self.upgrade() else { return };
        tracing::error!(
            "other nodes may have logged somebody out, which cannot be known any more: all who are logged in come again"
        );
        let connections = app.guards().iter().flat_map(|guard| guard.connections()).collect();
        app.break_off_all(connections);
    }
}
