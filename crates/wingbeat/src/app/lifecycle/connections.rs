//! Connections that come and go, log in and out: who decides about them, and who listens.

#[cfg(feature = "auth")]
use super::login::LoginListener;
use crate::BoxFuture;
#[cfg(feature = "auth")]
use crate::app::registry::normal;
use crate::app::{App, mount::ConnectionGuard};
use crate::realtime::{Connection, MemberFn, Presence};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wingbeat_core::Result;
use wingbeat_protocol::LogThrottle;

type OnConnection = Box<dyn Fn(&App, &Connection) + Send + Sync>;

/// Listeners to connections that come and go, log in and out.
#[derive(Default)]
pub(in crate::app) struct Listeners {
    pub(in crate::app) connection: Vec<OnConnection>,
    pub(in crate::app) disconnect: Vec<OnConnection>,
    pub(in crate::app) lost: Vec<OnConnection>,
    #[cfg(feature = "auth")]
    pub(in crate::app) login: Vec<OnConnection>,
    #[cfg(feature = "auth")]
    pub(in crate::app) login_async: Vec<Box<dyn LoginListener>>,
    #[cfg(feature = "auth")]
    pub(in crate::app) logout: Vec<OnConnection>,
}

impl Listeners {
    pub(in crate::app) fn append(&mut self, mut more: Listeners) {
        self.connection.append(&mut more.connection);
        self.disconnect.append(&mut more.disconnect);
        self.lost.append(&mut more.lost);
        #[cfg(feature = "auth")]
        self.login.append(&mut more.login);
        #[cfg(feature = "auth")]
        self.login_async.append(&mut more.login_async);
        #[cfg(feature = "auth")]
        self.logout.append(&mut more.logout);
    }
}

impl App {
    /// A client has joined.
    pub(crate) fn connected(&self, connection: &Connection) {
        #[cfg(feature = "metrics")]
        metrics::gauge!("wingbeat_connections", "provider" => connection.provider()).increment(1.0);
        connection.origin().scope(|| {
            self.give_back(connection);
            self.tell(&self.0.listeners.connection, connection);
            self.let_in(connection);
        });
    }

    /// A client has logged in.
    #[cfg(feature = "auth")]
    pub(crate) fn logged_in(&self, connection: &Connection) {
        self.tell(&self.0.listeners.login, connection);
    }

    /// A client is no longer logged in: it leaves all channels, then the listeners run.
    #[cfg(feature = "auth")]
    pub(crate) fn logged_out(&self, connection: &Connection) {
        let left = self.0.channels.leave_all(connection);
        connection.note_logged_out();
        // One that was lost has left already, and does not come back. Asked after that: it may be lost at this moment.
        if self.end_parked(connection) {
            return;
        }
        // Its client is about to be logged in again over another one.
        if let Some(now) = connection.went_on() {
            now.break_off();
        }
        connection.note_left(left);
        self.tell(&self.0.listeners.logout, connection);
    }

    /// A client has gone: it leaves all channels, then the listeners run. Happens once.
    pub(crate) fn disconnected(&self, connection: &Connection) {
        if let Some(left) = self.0.channels.gone(connection) {
            self.gone(connection, left, || self.let_out(connection));
        }
    }

    /// A client has gone, and left these channels.
    pub(super) fn gone(&self, connection: &Connection, left: Vec<Arc<str>>, let_out: impl FnOnce()) {
        if !self.0.listeners.disconnect.is_empty() {
            connection.note_left(left);
        }
        #[cfg(feature = "metrics")]
        metrics::gauge!("wingbeat_connections", "provider" => connection.provider()).decrement(1.0);
        connection.origin().scope(|| {
            self.tell(&self.0.listeners.disconnect, connection);
            let_out();
        });
    }

    pub(super) fn tell(&self, listeners: &[OnConnection], connection: &Connection) {
        static PANICKED: LogThrottle = LogThrottle::new();
        for listener in listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(self, connection))).is_err()
                && let Some(times) = PANICKED.happened()
            {
                tracing::error!(?connection, times, "a listener panicked");
            }
        }
    }

    /// Whether a connection is in a channel.
    pub(crate) fn is_member(&self, channel: &str, connection: &Connection) -> bool {
        self.0.channels.is_member(channel, connection)
    }

    /// Who is in the channels of a pattern, on all nodes; `path` is the service that says so.
    pub(crate) fn presence(&self, path: &str, pattern: &str, member: MemberFn) -> Arc<Presence> {
        Presence::new(path, pattern, member, &self.0.channels)
    }

    /// The first guard of this kind, or the one of the service at a path.
    #[cfg(feature = "auth")]
    pub(crate) fn guard<T: ConnectionGuard>(&self, path: Option<&str>) -> Option<Arc<T>> {
        let registry = self.0.registry.load();
        let mut guards = registry.guards().filter(|(at, _)| path.is_none_or(|path| ***at == *normal(path)));
        guards.find_map(|(_, guard)| guard.itself())
    }

    /// All guards of this kind.
    #[cfg(feature = "auth")]
    pub(crate) fn guards_of<T: ConnectionGuard>(&self) -> Vec<Arc<T>> {
        self.0.registry.load().guards().filter_map(|(_, guard)| guard.itself()).collect()
    }

    pub(super) fn guards(&self) -> Vec<Arc<dyn ConnectionGuard>> {
        self.0.registry.load().guards().map(|(_, guard)| guard.guard().clone()).collect()
    }

    /// Asks the first guard about a client that wants to connect: what the headers of the handshake say is, as in Feathers,
    /// for the service that is the default. Nothing if there is none.
    pub(crate) fn admit(&self, connection: &Connection) -> Option<BoxFuture<'static, Result<()>>> {
        let guard = self.guards().into_iter().next()?;
        let (asked, connection) = (guard.connect(self.clone(), connection.clone()), connection.clone());
        Some(Box::pin(async move { connection.origin().polling(asked).await }))
    }

    fn let_in(&self, connection: &Connection) {
        self.guards().iter().for_each(|guard| guard.clone().connected(self, connection));
    }

    /// Asks all guards whether a connection may go on from one that was lost.
    pub(super) async fn ask_to_resume(&self, lost: &Connection, connection: &Connection) -> Result<()> {
        for guard in self.guards() {
            let asked = guard.resume(self.clone(), lost.clone(), connection.clone());
            connection.origin().polling(asked).await?;
        }
        Ok(())
    }

    pub(super) fn hand_over(&self, lost: &Connection) {
        self.guards().iter().for_each(|guard| guard.handed_over(lost));
    }

    pub(super) fn let_out(&self, connection: &Connection) {
        self.guards().iter().for_each(|guard| guard.disconnected(connection));
    }
}
