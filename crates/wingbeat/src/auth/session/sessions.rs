//! Connections that are logged in, by their numbers and by whom they are logged in as.

use super::Session;
use super::expiry::ExpiryQueue;
use crate::realtime::Connection;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A connection and its session.
pub(super) type LoggedIn = (Connection, Arc<Session>);

/// All connections that are logged in.
#[derive(Default)]
pub(super) struct Sessions {
    /// By the number of the connection.
    of: HashMap<u64, LoggedIn>,
    /// The numbers of the connections of each subject, so that a logout need not look through all.
    by_subject: HashMap<Box<str>, HashSet<u64>>,
    pub(super) expiries: ExpiryQueue,
}

impl Sessions {
    pub(super) fn get(&self, connection: u64) -> Option<&LoggedIn> {
        self.of.get(&connection)
    }

    /// Makes this the session of a connection; which one it was before, and whether somebody has to begin to watch the
    /// time.
    pub(super) fn insert(&mut self, connection: &Connection, session: &Arc<Session>) -> (Option<LoggedIn>, bool) {
        let (id, earlier) = (connection.id(), self.remove(connection.id()));
        self.of.insert(id, (connection.clone(), session.clone()));
        if let Some(subject) = session.claims.subject() {
            match self.by_subject.get_mut(subject) {
                Some(connections) => drop(connections.insert(id)),
                None => drop(self.by_subject.insert(subject.into(), HashSet::from([id]))),
            }
        }
        (earlier, session.claims.expires().is_some_and(|expires| self.expiries.insert(id, expires)))
    }

    pub(super) fn remove(&mut self, connection: u64) -> Option<LoggedIn> {
        let known = self.of.remove(&connection)?;
        let claims = &known.1.claims;
        if let Some(expires) = claims.expires() {
            self.expiries.remove(connection, expires);
        }
        if let Some((subject, connections)) = claims.subject().and_then(|s| Some((s, self.by_subject.get_mut(s)?))) {
            connections.remove(&connection);
            if connections.is_empty() {
                self.by_subject.remove(subject);
            }
        }
        Some(known)
    }

    pub(super) fn connections_of(&self, subject: &str) -> Vec<Connection> {
        let ids = self.by_subject.get(subject).into_iter().flatten();
        ids.filter_map(|id| Some(self.of.get(id)?.0.clone())).collect()
    }

    /// All that are logged in.
    pub(super) fn connections(&self) -> Vec<Connection> {
        self.of.values().map(|(connection, _)| connection.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;
    use crate::auth::token::Claims;
    use crate::test::Client;
    use serde_json::{Value, json};

    fn session(claims: Value) -> Arc<Session> {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        Session::new(0, String::new(), Claims(claims), None)
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
        assert!(sessions.of.is_empty() && sessions.by_subject.is_empty() && sessions.expiries.is_empty());
    }
}
