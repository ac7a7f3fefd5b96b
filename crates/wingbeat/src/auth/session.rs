//! Connections that are logged in, and until when.

use super::authenticator::Authenticator;
use super::jwt::Jwt;
use super::time::{iso, until};
use super::token::Claims;
use crate::app::{App, WeakApp};
use crate::locked;
use crate::realtime::{Connection, Message};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::task::AbortHandle;
use wingbeat_core::RawJson;

/// What happens to a connection when its token expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// The client is disconnected, as in Feathers.
    #[default]
    Disconnect,
    /// The client stays, logged out: it leaves its channels, hears the event `<path of the service> expired`, and may
    /// log in again.
    Anonymous,
}

/// All connections that are logged in.
pub(super) type Sessions = Mutex<HashMap<u64, (Connection, Arc<Session>)>>;

/// A login of a connection. Its token has been verified, so calls only look at the time.
pub(super) struct Session {
    /// Who has verified the token.
    authenticator: u64,
    pub(super) token: String,
    pub(super) claims: Claims,
    /// What was logged in with, where the token alone says nobody: it is asked again with every call.
    pub(super) remembered: Option<Value>,
    timer: Mutex<Timer>,
}

#[derive(Default)]
struct Timer {
    running: Option<AbortHandle>,
    stopped: bool,
}

/// The session of a connection, kept with it.
struct Current(Arc<Session>);

/// A login by the headers of the handshake, of a connection that is not there yet.
pub(super) struct Pending {
    pub(super) session: Arc<Session>,
    pub(super) record: Option<Value>,
}

impl Session {
    /// By which strategy calls of the connection are known.
    pub(super) fn strategy(&self) -> &str {
        self.remembered.as_ref().and_then(|data| data.get("strategy")?.as_str()).unwrap_or(Jwt::NAME)
    }

    fn stop(&self) {
        let mut timer = locked(&self.timer);
        timer.stopped = true;
        if let Some(running) = timer.running.take() {
            running.abort();
        }
    }
}

impl Authenticator {
    /// A number for every authenticator of the process.
    pub(super) fn next_id() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    /// A session by a token that this authenticator has verified.
    pub(super) fn session_by(&self, token: String, claims: Claims, remembered: Option<Value>) -> Arc<Session> {
        Arc::new(Session { authenticator: self.id, token, claims, remembered, timer: Mutex::default() })
    }

    /// The session of a connection, if it was this authenticator that verified it.
    pub(super) fn session(&self, connection: &Connection) -> Option<Arc<Session>> {
        // Asked for every call, so without the lock on all sessions.
        let current = connection.extension::<Current>()?;
        (current.0.authenticator == self.id).then(|| current.0.clone())
    }

    /// What later calls of the connection show among their params.
    pub(super) fn attach(&self, connection: &Connection, session: &Session, record: Option<Value>) {
        connection.set("authentication", json!({"strategy": session.strategy(), "accessToken": session.token}));
        if let Some(entity) = &self.entity {
            match record {
                Some(record) => connection.set(entity.name.clone(), record),
                None => connection.unset(&entity.name),
            }
        }
    }

    /// Makes this the session of the connection, in place of an earlier one. False if the client has gone meanwhile.
    pub(super) fn begin(
        self: &Arc<Authenticator>,
        app: &App,
        connection: &Connection,
        session: &Arc<Session>,
        record: Option<Value>,
    ) -> bool {
        {
            let mut sessions = locked(&self.sessions);
            let earlier = sessions.insert(connection.id(), (connection.clone(), session.clone()));
            connection.insert(Current(session.clone()));
            self.attach(connection, session, record);
            if let Some((_, earlier)) = earlier.filter(|(_, earlier)| !Arc::ptr_eq(earlier, session)) {
                earlier.stop();
            }
        }
        self.clone().start_timer(app, connection, session);
        // Whoever goes from now on is told to `disconnected`; who went before was not found there.
        if !connection.is_connected() {
            self.end(connection, Some(session));
        }
        connection.is_connected()
    }

    fn start_timer(self: Arc<Authenticator>, app: &App, connection: &Connection, session: &Arc<Session>) {
        let Some(expires) = session.claims.expires() else { return };
        let mut timer = locked(&session.timer);
        if timer.stopped {
            return;
        }
        let (app, connection, owner) = (app.downgrade(), connection.clone(), session.clone());
        let running = tokio::spawn(async move {
            until(expires).await;
            self.expired(&app, &connection, &owner, expires);
        });
        timer.running = Some(running.abort_handle());
    }

    fn expired(&self, app: &WeakApp, connection: &Connection, session: &Arc<Session>, at: f64) {
        let is_current = self.session(connection).is_some_and(|current| Arc::ptr_eq(&current, session));
        match self.expiry {
            Expiry::Disconnect if is_current => connection.disconnect(),
            Expiry::Anonymous if self.end(connection, Some(session)) => {
                if let Some(app) = app.upgrade() {
                    app.logged_out(connection);
                }
                let path = self.path.get().map_or("", |path| path);
                if let Ok(data) = RawJson::new(&json!({"expiredAt": iso(at)})) {
                    connection.deliver(&Message::new(format!("{path} expired").into(), data));
                }
            }
            _ => {}
        }
    }

    /// Ends the session of a connection, or only the given one; whether there was any.
    pub(super) fn end(&self, connection: &Connection, only: Option<&Arc<Session>>) -> bool {
        let mut sessions = locked(&self.sessions);
        let Some((_, session)) = sessions.get(&connection.id()) else { return false };
        if only.is_some_and(|only| !Arc::ptr_eq(only, session)) {
            return false;
        }
        let session = session.clone();
        sessions.remove(&connection.id());
        session.stop();
        if connection.extension::<Current>().is_some_and(|current| Arc::ptr_eq(&current.0, &session)) {
            connection.remove::<Current>();
            connection.unset("authentication");
            if let Some(entity) = &self.entity {
                connection.unset(&entity.name);
            }
        }
        true
    }

    /// Logs a connection out, whatever it wants; whether it was logged in.
    pub(super) fn force_out(&self, app: &App, connection: &Connection) -> bool {
        let ended = self.end(connection, None);
        if ended {
            app.logged_out(connection);
        }
        ended
    }

    /// Logs everybody out: the service is unmounted.
    pub(super) fn force_all_out(&self, app: &App) {
        let connections: Vec<_> = locked(&self.sessions).values().map(|(connection, _)| connection.clone()).collect();
        for connection in connections {
            self.force_out(app, &connection);
        }
    }

    /// All connections of the one with this id.
    pub(super) fn connections_of(&self, id: &str) -> Vec<Connection> {
        let sessions = locked(&self.sessions);
        let of = sessions.values().filter(|(_, session)| session.claims.subject() == Some(id));
        of.map(|(connection, _)| connection.clone()).collect()
    }
}
