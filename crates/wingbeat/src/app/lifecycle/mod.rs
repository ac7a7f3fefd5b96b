//! The application's beginning and end, and connections that come and go.

mod connections;
mod everywhere;
mod listener;
#[cfg(feature = "auth")]
mod login;
mod nodes;
mod phase;
mod recovery;

pub(super) use connections::Listeners;
pub use everywhere::{Answers, Everywhere};
pub(super) use everywhere::{Respond, Responders, responder};
pub use listener::ListenerReturn;
#[cfg(feature = "auth")]
pub use login::{Login, LoginListener};
pub(super) use nodes::Nodes;
pub(super) use phase::Phases;
pub use phase::{Phase, PhaseHook};
pub(crate) use recovery::{Anew, note_outcome};

use super::App;
use super::guard::contained;
use futures_util::future::join_all;
use std::time::{Duration, Instant};
use wingbeat_core::Result;

/// What services get at least: calls that have taken all of the patience leave nothing to those that only have to let go.
const SERVICES_GRACE: Duration = Duration::from_millis(500);
/// What hooks around the teardown get beyond the patience for the services within them.
const HOOKS_GRACE: Duration = Duration::from_secs(1);
/// And how much longer than that transports may take to cut off what is left.
const TRANSPORTS_GRACE: Duration = Duration::from_secs(2);
/// The longest patience: its end has to be a valid `Instant`.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

impl App {
    /// Sets up all services, one after the other in the order they were mounted, within the hooks that are
    /// [around it](super::Builder::around_setup). Transports that have a [port of their own](crate::SocketIo::listen) take it
    /// before that, and let clients in after it. [`serve`](crate::serve) does this.
    ///
    /// # Errors
    /// What the first setup, hook or transport that failed has failed with; later ones are not begun. Unavailable if the application
    /// is shut down meanwhile.
    pub async fn setup(&self) -> Result<()> {
        for transport in self.0.http.transports() {
            contained("A transport", || transport.listen()).await?;
        }
        self.connect_to_nodes().await?;
        Phase::new(self, &self.0.phases.setup, Box::pin(self.setup_services())).run().await?;
        for transport in self.0.http.transports() {
            contained("A transport", || transport.start()).await?;
        }
        Ok(())
    }

    async fn setup_services(&self) -> Result<()> {
        let services = self.services();
        let entries: Vec<_> = self.0.registry.load().entries().cloned().collect();
        for entry in entries {
            self.0.registry.load().check_open()?;
            entry.setup(&services).await?;
        }
        self.0.registry.load().check_open()
    }

    /// Ends the application: transports refuse new clients, calls that are running finish, connections are closed, and
    /// all services are torn down. What is not done in `patience` is cut off. [`serve`](crate::serve) does this;
    /// an axum application has to, because axum does not know of upgraded sockets.
    pub async fn shutdown(&self, patience: Duration) {
        let deadline = Instant::now() + patience.min(LONGEST);
        // All at once: no transport lets clients in while another one closes.
        join_all(self.0.http.transports().iter().map(async |transport| {
            let left = deadline.saturating_duration_since(Instant::now());
            let close = contained("A transport", async || {
                transport.close(left).await;
                Ok(())
            });
            match tokio::time::timeout(left + TRANSPORTS_GRACE, close).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(?error, "a transport could not be closed"),
                Err(_) => tracing::error!("a transport took too long to close"),
            }
        }))
        .await;
        self.end_all_lost().await;
        // Listeners that say goodbye still find all services.
        let left = deadline.saturating_duration_since(Instant::now());
        if tokio::time::timeout(left, self.0.background.ended()).await.is_err() {
            tracing::error!("the shutdown no longer waits for a listener or a publisher, which took too long");
        }
        let services = Box::pin(self.teardown_services(deadline));
        let teardown = contained("A hook", || Phase::new(self, &self.0.phases.teardown, services).run());
        // Services watch the deadline themselves; this is for the hooks around them.
        let left = deadline.saturating_duration_since(Instant::now()) + HOOKS_GRACE;
        match tokio::time::timeout(left, teardown).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(?error, "a hook around the teardown failed"),
            Err(_) => tracing::error!("the hooks around the teardown took too long"),
        }
        self.leave_nodes(deadline).await;
        self.0.http.close();
    }

    async fn teardown_services(&self, deadline: Instant) -> Result<()> {
        let services = self.services();
        let deadline = deadline.max(Instant::now() + SERVICES_GRACE);
        for entry in self.change(|_, registry| Ok(registry.close()))? {
            let left = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, entry.teardown(&services)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(?error, path = entry.path(), "a service's teardown failed"),
                Err(_) => tracing::error!(path = entry.path(), "a service's teardown took too long"),
            }
        }
        Ok(())
    }
}
