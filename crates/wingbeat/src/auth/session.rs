//! Connections that are logged in.

use super::authenticator::Authenticator;
use super::expiry::Due;
use super::jwt::Jwt;
use super::logins::Login;
use super::token::Claims;
use crate::app::App;
use crate::locked;
use crate::realtime::Connection;
use crate::service::Params;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use wingbeat_core::Result;

/// All connections that are logged in.
#[derive(Default)]
pub(super) struct Sessions {
    /// By the number of the connection.
    pub(super) of: HashMap<u64, (Connection, Arc<Session>)>,
    pub(super) due: Due,
}

/// A login of a connection. Its token has been verified, so calls only look at the time.
pub(super) struct Session {
    /// Who has verified the token.
    authenticator: u64,
    pub(super) token: String,
    pub(super) claims: Claims,
    /// What was logged in with, where the token alone says nobody: it is asked again with every call.
    pub(super) remembered: Option<Value>,
    told: Mutex<Told>,
}

/// What the listeners know: they hear of a login before they hear of its end, though both may happen at once.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    Nothing,
    Login,
    /// It has ended, which whoever tells of the login has to tell then.
    EndsFirst,
}

/// The session of a connection, kept with it.
struct Current(Arc<Session>);

/// A login by the headers of the handshake, of a connection that is not there yet.
pub(super) struct Pending {
    pub(super) session: Arc<Session>,
    pub(super) record: Option<Value>,
    pub(super) login: Login,
}

impl Session {
    /// By which strategy calls of the connection are known.
    pub(super) fn strategy(&self) -> &str {
        self.remembered.as_ref().and_then(|data| data.get("strategy")?.as_str()).unwrap_or(Jwt::NAME)
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
        Arc::new(Session { authenticator: self.id, token, claims, remembered, told: Mutex::new(Told::Nothing) })
    }

    /// The session of a connection, if it was this authenticator that verified it.
    pub(super) fn session(&self, connection: &Connection) -> Option<Arc<Session>> {
        // Asked for every call, so without the lock on all sessions.
        let current = connection.extension::<Current>()?;
        (current.0.authenticator == self.id).then(|| current.0.clone())
    }

    /// The session that a call came with, if it is still that of its connection.
    pub(super) fn session_of(&self, params: &Params) -> Option<Arc<Session>> {
        let authentication = params.get("authentication")?;
        let token = authentication.get("accessToken")?.as_str()?;
        self.session(params.connection.as_ref()?).filter(|session| session.token == token)
    }

    pub(super) fn is_current(&self, connection: &Connection, session: &Arc<Session>) -> bool {
        self.session(connection).is_some_and(|current| Arc::ptr_eq(&current, session))
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

    /// Makes this the session of the connection, in place of an earlier one, and tells the listeners; nothing if the
    /// client has gone meanwhile. If the earlier one was somebody else's, that one is logged out first; who is known to
    /// another service is somebody else.
    ///
    /// # Errors
    /// NotAuthenticated if the user was logged out while the login was under way.
    pub(super) fn begin(
        self: &Arc<Authenticator>,
        app: &App,
        connection: &Connection,
        session: &Arc<Session>,
        record: Option<Value>,
        login: &Login,
    ) -> Result<()> {
        if let Some(other) = self.session(connection).filter(|other| other.claims.subject() != session.claims.subject())
        {
            self.force_out(app, connection, Some(&other));
        }
        for service in app.gates_of::<Authenticator>().iter().filter(|service| service.id != self.id) {
            service.force_out(app, connection, None);
        }
        let (earlier, is_first) = {
            let mut sessions = locked(&self.sessions);
            let earlier = sessions.of.insert(connection.id(), (connection.clone(), session.clone()));
            if let Some(expires) = earlier.as_ref().and_then(|(_, earlier)| earlier.claims.expires()) {
                sessions.due.remove(connection.id(), expires);
            }
            connection.insert(Current(session.clone()));
            self.attach(connection, session, record);
            let expires = session.claims.expires();
            (earlier, expires.is_some_and(|expires| sessions.due.insert(connection.id(), expires)))
        };
        if is_first {
            self.start_watching(app);
        }
        // Only now: from here on the session can be found by whoever logs its user out, or sees the client go.
        if let Err(error) = login.check(session.claims.subject()) {
            if self.end(connection, Some(session)).is_some() && earlier.is_some() {
                app.logged_out(connection);
            }
            return Err(error);
        }
        if !connection.is_connected() {
            self.end(connection, Some(session));
            return Ok(());
        }
        app.logged_in(connection);
        let ended = std::mem::replace(&mut *locked(&session.told), Told::Login) == Told::EndsFirst;
        if ended {
            app.logged_out(connection);
        }
        Ok(())
    }

    /// Ends the session of a connection, or only the given one; which one it was.
    pub(super) fn end(&self, connection: &Connection, only: Option<&Arc<Session>>) -> Option<Arc<Session>> {
        let mut sessions = locked(&self.sessions);
        let (_, session) = sessions.of.get(&connection.id())?;
        if only.is_some_and(|only| !Arc::ptr_eq(only, session)) {
            return None;
        }
        let session = session.clone();
        sessions.of.remove(&connection.id());
        if let Some(expires) = session.claims.expires() {
            sessions.due.remove(connection.id(), expires);
        }
        if connection.extension::<Current>().is_some_and(|current| Arc::ptr_eq(&current.0, &session)) {
            connection.remove::<Current>();
            connection.unset("authentication");
            if let Some(entity) = &self.entity {
                connection.unset(&entity.name);
            }
        }
        Some(session)
    }

    /// Logs a connection out, whatever it wants, or only if this is its session; whether it was logged in.
    pub(super) fn force_out(&self, app: &App, connection: &Connection, only: Option<&Arc<Session>>) -> bool {
        let Some(session) = self.end(connection, only) else { return false };
        let told = {
            let mut told = locked(&session.told);
            let before = *told;
            if before == Told::Nothing {
                *told = Told::EndsFirst;
            }
            before
        };
        if told == Told::Login {
            app.logged_out(connection);
        }
        true
    }

    /// Logs everybody out: the service is unmounted.
    pub(super) fn force_all_out(&self, app: &App) {
        self.logins.fail(None);
        let connections: Vec<_> =
            locked(&self.sessions).of.values().map(|(connection, _)| connection.clone()).collect();
        for connection in connections {
            self.force_out(app, &connection, None);
        }
    }

    /// All connections of the one with this id.
    pub(super) fn connections_of(&self, id: &str) -> Vec<Connection> {
        let sessions = locked(&self.sessions);
        let of = sessions.of.values().filter(|(_, session)| session.claims.subject() == Some(id));
        of.map(|(connection, _)| connection.clone()).collect()
    }
}
