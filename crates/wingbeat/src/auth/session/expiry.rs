//! The end of tokens: one timer for all connections.

use super::{Session, SessionRegistry};
use crate::app::{App, WeakApp};
use crate::auth::token::{Seconds, iso, now};
use crate::locked;
use crate::realtime::{Connection, EventName, Message};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use wingbeat_core::RawJson;

/// The machine may sleep, and its clock be set: so it is looked at from time to time.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// How many sessions end before other tasks have their turn.
const SLICE: usize = 64;

/// What happens to a connection when its token expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// The client is disconnected, as in Feathers.
    #[default]
    Disconnect,
    /// The client stays, logged out: it leaves its channels, hears the event `<path of the service> expired`, and may
    /// log in again.
    Anonymous,
}

/// When the tokens of connections expire: 16 bytes a connection, and one task for all of them.
#[derive(Default)]
pub(in crate::auth) struct ExpiryQueue {
    /// Milliseconds since 1970, and the connection's number.
    times: BTreeSet<(u64, u64)>,
    is_watched: bool,
    sooner: Arc<Notify>,
}

fn millis(time: Seconds) -> u64 {
    // Whatever is out of range becomes the first or the last moment.
    (time * 1000.0).ceil() as u64
}

/// The milliseconds that have passed completely: a token is valid until the moment of its end is over.
fn whole_millis(time: Seconds) -> u64 {
    (time * 1000.0).floor() as u64
}

impl ExpiryQueue {
    pub(in crate::auth) fn remove(&mut self, connection: u64, expires: Seconds) {
        self.times.remove(&(millis(expires), connection));
    }

    /// True if no task watches yet: then the caller has to start one.
    pub(in crate::auth) fn insert(&mut self, connection: u64, expires: Seconds) -> bool {
        let time = millis(expires);
        if self.times.first().is_none_or(|(first, _)| time < *first) {
            self.sooner.notify_one();
        }
        self.times.insert((time, connection));
        !std::mem::replace(&mut self.is_watched, true)
    }

    #[cfg(test)]
    pub(in crate::auth) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Takes out some connections whose token has expired. If there are none: the time until the next one, `None` if there is no next one.
    fn take(&mut self, now: u64) -> Result<Vec<u64>, Option<Duration>> {
        let due: Vec<_> = self.times.iter().take_while(|(time, _)| *time <= now).take(SLICE).copied().collect();
        if due.is_empty() {
            let next = self.times.first().map(|(time, _)| Duration::from_millis(time - now));
            self.is_watched = next.is_some();
            return Err(next);
        }
        for entry in &due {
            self.times.remove(entry);
        }
        Ok(due.into_iter().map(|(_, connection)| connection).collect())
    }
}

impl SessionRegistry {
    /// Ends what is due, until nothing is left that could become it.
    async fn watch(mut watching: Watching, app: WeakApp) {
        while let Some(strong) = watching.registry.upgrade() {
            let (due, sooner) = {
                let mut sessions = locked(&strong.sessions);
                let taken = sessions.expiries.take(whole_millis(now()));
                let due = taken.map(|due| due.iter().filter_map(|id| sessions.get(*id).cloned()).collect::<Vec<_>>());
                (due, sessions.expiries.sooner.clone())
            };
            let wait = match due {
                Ok(due) => {
                    due.iter().for_each(|(connection, session)| strong.expired(&app, connection, session));
                    tokio::task::yield_now().await;
                    continue;
                }
                Err(Some(wait)) => wait,
                Err(None) => return watching.ended = true,
            };
            drop(strong);
            // Whether the time has come or something else comes sooner: all is looked at anew.
            let _ = tokio::time::timeout(wait.min(LOOK_AGAIN), sooner.notified()).await;
        }
    }

    fn expired(&self, app: &WeakApp, connection: &Connection, session: &Arc<Session>) {
        match self.expiry {
            Expiry::Disconnect if self.is_current(connection, session) => connection.disconnect(),
            Expiry::Disconnect => {}
            Expiry::Anonymous => {
                if app.upgrade().is_some_and(|app| self.log_out(&app, connection, Some(session))) {
                    self.tell_expired(connection, session);
                    connection.end_with_login();
                }
            }
        }
    }

    fn tell_expired(&self, connection: &Connection, session: &Session) {
        let Some(path) = self.service.get() else { return };
        let at = session.claims.expires().and_then(iso);
        if let Ok(data) = RawJson::new(&json!({"expiredAt": at})) {
            connection.deliver(&Message::new(&EventName::new(path, "expired"), data));
        }
    }

    /// Puts the end of a session's token on the timer. To be called with the sessions unlocked.
    pub(in crate::auth) fn start_watching(self: &Arc<SessionRegistry>, app: &App) {
        let watching = Watching { registry: Arc::downgrade(self), ended: false };
        tokio::spawn(SessionRegistry::watch(watching, app.downgrade()));
    }
}

/// The time is watched until nothing is left to end, or the runtime ends. Then the next login starts it on another.
struct Watching {
    registry: Weak<SessionRegistry>,
    ended: bool,
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade().filter(|_| !self.ended) {
            locked(&registry.sessions).expiries.is_watched = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_slices_and_the_rest_says_when() {
        let mut due = ExpiryQueue::default();
        for connection in 0..100 {
            due.insert(connection, 1.0);
        }
        due.insert(100, 7.5);
        due.remove(3, 1.0);
        assert_eq!(due.take(999), Err(Some(Duration::from_millis(1))));
        let (first, second) = (due.take(1000).unwrap(), due.take(1000).unwrap());
        assert_eq!((first.len(), second.len()), (SLICE, 99 - SLICE));
        assert!(!first.contains(&3) && !second.contains(&3));
        assert_eq!(due.take(1000), Err(Some(Duration::from_millis(6500))));
        assert_eq!(due.take(u64::MAX), Ok(vec![100]));
        assert_eq!(due.take(u64::MAX), Err(None));
    }

    #[test]
    fn a_time_beyond_all_calendars_is_only_far_away() {
        let mut due = ExpiryQueue::default();
        assert!(due.insert(1, 1e300) && !due.insert(2, -1e300), "the first one starts the watch");
        assert_eq!(due.take(0), Ok(vec![2]));
        assert_eq!(due.take(0), Err(Some(Duration::from_millis(u64::MAX))));
    }
}
