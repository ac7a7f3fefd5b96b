//! The sessions of one authentication service: how they begin and end.

use super::login::{LoginAnnouncement, Session};
use super::sessions::Sessions;
use super::{Expiry, LoginUnderWay, Logins};
use crate::app::App;
use crate::auth::token::Claims;
use crate::locked;
use crate::realtime::Connection;
use crate::service::Params;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use wingbeat_core::Result;

/// The session of a connection, kept with it.
struct Current(Arc<Session>);

/// A login by the headers of the handshake, of a connection that is not there yet.
pub(in crate::auth) struct Pending {
    pub(in crate::auth) session: Arc<Session>,
    pub(in crate::auth) record: Option<Value>,
    pub(in crate::auth) login: LoginUnderWay,
    /// The channels to join then.
    pub(in crate::auth) joins: Vec<Box<str>>,
}

/// The connections that one authentication service has logged in.
pub(in crate::auth) struct SessionRegistry {
    /// Unlike that of every other registry of the process.
    pub(in crate::auth) id: u64,
    /// What the record of who logs in is called.
    entity: Option<Arc<str>>,
    pub(super) sessions: Mutex<Sessions>,
    pub(in crate::auth) logins: Logins,
    pub(super) expiry: Expiry,
    /// Where the service is mounted.
    pub(in crate::auth) service: OnceLock<Arc<str>>,
}

impl SessionRegistry {
    pub(in crate::auth) fn new(entity: Option<Arc<str>>, expiry: Expiry) -> Arc<SessionRegistry> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(SessionRegistry {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            entity,
            sessions: Mutex::default(),
            logins: Logins::default(),
            expiry,
            service: OnceLock::new(),
        })
    }

    /// A session by a token that the service has verified.
    pub(in crate::auth) fn by_token(&self, token: String, claims: Claims, remembered: Option<Value>) -> Arc<Session> {
        Session::new(self.id, token, claims, remembered)
    }

    /// The session of a connection, if it is in this registry.
    pub(in crate::auth) fn get(&self, connection: &Connection) -> Option<Arc<Session>> {
        // Asked for every call, so without the lock on all sessions.
        let current = connection.extension::<Current>()?;
        (current.0.registry == self.id).then(|| current.0.clone())
    }

    /// The session of the connection that a call comes from, if the call says nothing else of who makes it.
    pub(in crate::auth) fn of_caller(&self, params: &Params) -> Option<Arc<Session>> {
        let connection = params.connection.as_ref().filter(|_| !params.has_own("authentication"))?;
        self.get(connection).filter(|session| connection.has_text("authentication", &session.shown))
    }

    /// Whether a session is one of this registry.
    pub(in crate::auth) fn is_of(&self, session: &Session) -> bool {
        session.registry == self.id
    }

    /// The session that a call came with, if it is still that of its connection.
    pub(in crate::auth) fn of_call(&self, params: &Params) -> Option<Arc<Session>> {
        let authentication = params.get("authentication")?;
        let token = authentication.get("accessToken")?.as_str()?;
        self.get(params.connection.as_ref()?).filter(|session| session.token == token)
    }

    pub(in crate::auth) fn is_current(&self, connection: &Connection, session: &Arc<Session>) -> bool {
        self.get(connection).is_some_and(|current| Arc::ptr_eq(&current, session))
    }

    /// What later calls of the connection show among their params.
    pub(in crate::auth) fn attach(&self, connection: &Connection, session: &Session, record: Option<Value>) {
        connection.set_text("authentication", session.shown.clone());
        if let Some(entity) = &self.entity {
            match record {
                Some(record) => connection.set(&**entity, record),
                None => connection.unset(entity),
            }
        }
    }

    /// Makes this the session of the connection, in place of an earlier one, and tells the listeners; nothing if the
    /// client has gone meanwhile. If the earlier one was somebody else's, that one is logged out first.
    ///
    /// # Errors
    /// NotAuthenticated if the user was logged out while the login was under way.
    pub(in crate::auth) fn begin(
        self: &Arc<SessionRegistry>,
        app: &App,
        connection: &Connection,
        session: &Arc<Session>,
        record: Option<Value>,
        login: &LoginUnderWay,
        joins: &[Box<str>],
    ) -> Result<()> {
        if let Some(other) = self.get(connection).filter(|other| other.claims.subject() != session.claims.subject()) {
            self.force_out(app, connection, Some(&other));
        }
        let (earlier, is_first) = {
            let mut sessions = locked(&self.sessions);
            let inserted = sessions.insert(connection, session);
            connection.mark(Current(session.clone()));
            self.attach(connection, session, record);
            inserted
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
            // One that is lost was logged in before, and is kept as that: its client comes back as nobody else.
            if earlier.is_none() || !app.is_parked(connection) {
                self.end(connection, Some(session));
            }
            return Ok(());
        }
        app.channels(joins.iter().cloned()).join(connection);
        app.logged_in(connection);
        let ended = std::mem::replace(&mut *locked(&session.announcement), LoginAnnouncement::Done)
            == LoginAnnouncement::EndsFirst;
        if ended {
            app.logged_out(connection);
        }
        Ok(())
    }

    /// Ends the session of a connection, or only the given one; which one it was.
    pub(in crate::auth) fn end(&self, connection: &Connection, only: Option<&Arc<Session>>) -> Option<Arc<Session>> {
        let mut sessions = locked(&self.sessions);
        let (_, session) = sessions.get(connection.id())?;
        if only.is_some_and(|only| !Arc::ptr_eq(only, session)) {
            return None;
        }
        let (_, session) = sessions.remove(connection.id())?;
        if connection.extension::<Current>().is_some_and(|current| Arc::ptr_eq(&current.0, &session)) {
            connection.unmark::<Current>();
            self.detach(connection);
        }
        Some(session)
    }

    /// Forgets the session of a lost connection, which another one goes on from. What it shows stays there: what was
    /// published in its time is for who it was then.
    pub(in crate::auth) fn hand_over(&self, lost: &Connection) {
        if locked(&self.sessions).remove(lost.id()).is_some() {
            lost.unmark::<Current>();
        }
    }

    /// Takes off what [`attach`](SessionRegistry::attach) has put there.
    pub(in crate::auth) fn detach(&self, connection: &Connection) {
        connection.unset("authentication");
        if let Some(entity) = &self.entity {
            connection.unset(entity);
        }
    }

    /// Logs a connection out, whatever it wants, or only if this is its session; whether it was logged in.
    pub(in crate::auth) fn force_out(&self, app: &App, connection: &Connection, only: Option<&Arc<Session>>) -> bool {
        let ended = self.log_out(app, connection, only);
        if ended {
            connection.end_with_login();
        }
        ended
    }

    /// As [`force_out`](SessionRegistry::force_out), of a connection that may have something to hear before it ends.
    pub(super) fn log_out(&self, app: &App, connection: &Connection, only: Option<&Arc<Session>>) -> bool {
        let Some(session) = self.end(connection, only) else { return false };
        let announced = {
            let mut announcement = locked(&session.announcement);
            let before = *announcement;
            if before == LoginAnnouncement::Due {
                *announcement = LoginAnnouncement::EndsFirst;
            }
            before
        };
        if announced == LoginAnnouncement::Done {
            app.logged_out(connection);
        }
        true
    }

    /// Logs everybody out: the service is unmounted.
    pub(in crate::auth) fn force_all_out(&self, app: &App) {
        self.logins.fail(None);
        for connection in self.connections() {
            self.force_out(app, &connection, None);
        }
    }

    pub(in crate::auth) fn connections(&self) -> Vec<Connection> {
        locked(&self.sessions).connections()
    }

    /// All connections of the one with this id.
    pub(in crate::auth) fn connections_of(&self, id: &str) -> Vec<Connection> {
        locked(&self.sessions).connections_of(id)
    }
}
