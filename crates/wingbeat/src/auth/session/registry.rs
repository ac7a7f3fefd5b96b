//! Connections that are logged in.

use super::expiry::Due;
use super::{Expiry, LoginUnderWay, Logins};
use crate::app::App;
use crate::auth::strategy::Jwt;
use crate::auth::token::Claims;
use crate::locked;
use crate::realtime::Connection;
use crate::service::Params;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use wingbeat_core::Result;

/// All connections that are logged in.
#[derive(Default)]
pub(in crate::auth) struct Sessions {
    /// By the number of the connection.
    of: HashMap<u64, Known>,
    /// The numbers of the connections of each subject, so that a logout need not look through all.
    by_subject: HashMap<Box<str>, HashSet<u64>>,
    pub(in crate::auth) due: Due,
}

pub(in crate::auth) type Known = (Connection, Arc<Session>);

impl Sessions {
    pub(in crate::auth) fn get(&self, connection: u64) -> Option<&Known> {
        self.of.get(&connection)
    }

    /// Makes this the session of a connection; which one it was before, and whether somebody has to begin to watch the
    /// time.
    fn insert(&mut self, connection: &Connection, session: &Arc<Session>) -> (Option<Known>, bool) {
        let (id, earlier) = (connection.id(), self.remove(connection.id()));
        self.of.insert(id, (connection.clone(), session.clone()));
        if let Some(subject) = session.claims.subject() {
            match self.by_subject.get_mut(subject) {
                Some(connections) => drop(connections.insert(id)),
                None => drop(self.by_subject.insert(subject.into(), HashSet::from([id]))),
            }
        }
        (earlier, session.claims.expires().is_some_and(|expires| self.due.insert(id, expires)))
    }

    fn remove(&mut self, connection: u64) -> Option<Known> {
        let known = self.of.remove(&connection)?;
        let claims = &known.1.claims;
        if let Some(expires) = claims.expires() {
            self.due.remove(connection, expires);
        }
        if let Some((subject, connections)) = claims.subject().and_then(|s| Some((s, self.by_subject.get_mut(s)?))) {
            connections.remove(&connection);
            if connections.is_empty() {
                self.by_subject.remove(subject);
            }
        }
        Some(known)
    }

    fn connections_of(&self, subject: &str) -> Vec<Connection> {
        let ids = self.by_subject.get(subject).into_iter().flatten();
        ids.filter_map(|id| Some(self.of.get(id)?.0.clone())).collect()
    }
}

/// A login of a connection. Its token has been verified, so calls only look at the time.
pub(in crate::auth) struct Session {
    /// The registry that it is in: that of the service which has verified the token.
    registry: u64,
    pub(in crate::auth) token: String,
    pub(in crate::auth) claims: Claims,
    /// What was logged in with, where the token alone says nobody: it is asked again with every call.
    pub(in crate::auth) remembered: Option<Value>,
    announcement: Mutex<LoginAnnouncement>,
}

/// What the listeners know: they hear of a login before they hear of its end, though both may happen at once.
#[derive(Clone, Copy, PartialEq)]
enum LoginAnnouncement {
    Due,
    Done,
    /// The login has ended before: whoever announces it has to announce its end then.
    EndsFirst,
}

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

impl Session {
    /// By which strategy calls of the connection are known.
    pub(in crate::auth) fn strategy(&self) -> &str {
        self.remembered.as_ref().and_then(|data| data.get("strategy")?.as_str()).unwrap_or(Jwt::NAME)
    }
}

/// The connections that one authentication service has logged in.
pub(in crate::auth) struct SessionRegistry {
    /// Unlike that of every other registry of the process.
    pub(in crate::auth) id: u64,
    /// What the record of who logs in is called.
    entity: Option<Box<str>>,
    pub(super) sessions: Mutex<Sessions>,
    pub(in crate::auth) logins: Logins,
    pub(super) expiry: Expiry,
    /// Where the service is mounted.
    pub(in crate::auth) service: OnceLock<Arc<str>>,
}

impl SessionRegistry {
    pub(in crate::auth) fn new(entity: Option<&str>, expiry: Expiry) -> Arc<SessionRegistry> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(SessionRegistry {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            entity: entity.map(Into::into),
            sessions: Mutex::default(),
            logins: Logins::default(),
            expiry,
            service: OnceLock::new(),
        })
    }

    /// A session by a token that the service has verified.
    pub(in crate::auth) fn by_token(&self, token: String, claims: Claims, remembered: Option<Value>) -> Arc<Session> {
        Arc::new(Session {
            registry: self.id,
            token,
            claims,
            remembered,
            announcement: Mutex::new(LoginAnnouncement::Due),
        })
    }

    /// The session of a connection, if it is in this registry.
    pub(in crate::auth) fn get(&self, connection: &Connection) -> Option<Arc<Session>> {
        // Asked for every call, so without the lock on all sessions.
        let current = connection.extension::<Current>()?;
        (current.0.registry == self.id).then(|| current.0.clone())
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
        connection.set("authentication", json!({"strategy": session.strategy(), "accessToken": session.token}));
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
            connection.set_extension(Current(session.clone()));
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
            self.end(connection, Some(session));
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
            connection.unset_extension::<Current>();
            connection.unset("authentication");
            if let Some(entity) = &self.entity {
                connection.unset(entity);
            }
        }
        Some(session)
    }

    /// Logs a connection out, whatever it wants, or only if this is its session; whether it was logged in.
    pub(in crate::auth) fn force_out(&self, app: &App, connection: &Connection, only: Option<&Arc<Session>>) -> bool {
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
        let connections: Vec<_> =
            locked(&self.sessions).of.values().map(|(connection, _)| connection.clone()).collect();
        for connection in connections {
            self.force_out(app, &connection, None);
        }
    }

    /// All connections of the one with this id.
    pub(in crate::auth) fn connections_of(&self, id: &str) -> Vec<Connection> {
        locked(&self.sessions).connections_of(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::Client;

    fn session(claims: Value) -> Arc<Session> {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        let (token, announcement) = (String::new(), Mutex::new(LoginAnnouncement::Due));
        Arc::new(Session { registry: 0, token, claims: Claims(claims), remembered: None, announcement })
    }

    #[tokio::test]
    async fn sessions_are_found_by_subject_and_nothing_is_kept_of_those_that_ended() {
        let app = App::builder().build().unwrap();
        let (one, two) = (Client::connect(&app).await.unwrap(), Client::connect(&app).await.unwrap());
        let (one, two) = (one.connection(), two.connection());
        let mut sessions = Sessions::default();
        let ids = |sessions: &Sessions, subject| {
            let mut ids: Vec<_> = sessions.connections_of(subject).iter().map(Connection::id).collect();
            ids.sort_unstable();
            ids
        };
        sessions.insert(one, &session(json!({"sub": "1", "exp": 5})));
        sessions.insert(two, &session(json!({"sub": "1"})));
        assert_eq!(ids(&sessions, "1"), [one.id(), two.id()]);
        let (earlier, _) = sessions.insert(one, &session(json!({"sub": "2", "exp": 6})));
        assert_eq!(earlier.unwrap().1.claims.subject(), Some("1"));
        assert_eq!((ids(&sessions, "1"), ids(&sessions, "2")), (vec![two.id()], vec![one.id()]));
        sessions.insert(two, &session(json!({"exp": 7})));
        assert!(ids(&sessions, "1").is_empty());
        assert!(sessions.remove(one.id()).is_some() && sessions.remove(two.id()).is_some());
        assert!(sessions.remove(one.id()).is_none());
        assert!(sessions.of.is_empty() && sessions.by_subject.is_empty() && sessions.due.is_empty());
    }
}
