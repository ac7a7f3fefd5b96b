//! What happens to the connection, for those who want to know.

use super::{Next, Queue};
use crate::error::Error;
use crate::transport::Reason;
use futures_util::Stream;
use serde_json::Value;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Something that happened to the connection or to the login. Printed by `{:?}` it tells what, and nothing of what a
/// login has given: that holds the token.
#[derive(Clone)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// The main namespace is joined: calls go out.
    Connected {
        /// The id that the server gave this connection.
        id: Arc<str>,
        /// Whether the server goes on with the session before and sends all that was missed; else a program fetches
        /// anew what it shows. The first connection recovers nothing.
        recovered: bool,
    },
    /// Another namespace is joined ([`Io::of`](crate::Io::of)).
    Joined {
        /// Which.
        namespace: Arc<str>,
        /// As for [`Connected`](ConnectionEvent::Connected).
        recovered: bool,
    },
    /// The connection is gone. Calls that were under way have failed with [`DeliveryStatus::Unknown`](crate::DeliveryStatus::Unknown).
    Disconnected {
        /// Why.
        reason: Reason,
        /// Whether the client tries to come back by itself.
        will_reconnect: bool,
    },
    /// An attempt to connect has failed.
    ConnectFailed {
        /// Why; with the server's own message and data if it refused.
        error: Arc<Error>,
        /// Whether there will be another attempt.
        will_retry: bool,
    },
    /// The next attempt comes after this delay.
    Reconnecting {
        /// Which attempt that will be, from 1.
        attempt: u32,
        /// The time until then.
        delay: Duration,
    },
    /// A login or a re-authentication succeeded; this is its result.
    LoggedIn(Arc<Value>),
    /// A login or a re-authentication failed: the client is not authenticated.
    LoginFailed(Arc<Error>),
    /// The client has logged out.
    LoggedOut,
    /// This listener was slow: so many events before the next one are lost to it.
    Missed(u64),
}

impl ConnectionEvent {
    /// How much of what a server has said is kept in it.
    pub(crate) fn bytes(&self) -> usize {
        let of = |value: &Value| value.to_string().len();
        match self {
            ConnectionEvent::Connected { id, .. } => id.len(),
            ConnectionEvent::Joined { namespace, .. } => namespace.len(),
            ConnectionEvent::LoggedIn(result) => of(result),
            ConnectionEvent::ConnectFailed { error, .. } | ConnectionEvent::LoginFailed(error) => {
                let said = error.answer().and_then(|error| error.errors());
                error.message().len() + error.data().map_or(0, of) + said.map_or(0, of)
            }
            _ => 0,
        }
    }
}

impl fmt::Debug for ConnectionEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionEvent::Connected { id, recovered } => {
                f.debug_struct("Connected").field("id", id).field("recovered", recovered).finish()
            }
            ConnectionEvent::Joined { namespace, recovered } => {
                f.debug_struct("Joined").field("namespace", namespace).field("recovered", recovered).finish()
            }
            ConnectionEvent::Disconnected { reason, will_reconnect } => {
                f.debug_struct("Disconnected").field("reason", reason).field("will_reconnect", will_reconnect).finish()
            }
            ConnectionEvent::ConnectFailed { error, will_retry } => {
                f.debug_struct("ConnectFailed").field("error", error).field("will_retry", will_retry).finish()
            }
            ConnectionEvent::Reconnecting { attempt, delay } => {
                f.debug_struct("Reconnecting").field("attempt", attempt).field("delay", delay).finish()
            }
            ConnectionEvent::LoggedIn(_) => f.debug_struct("LoggedIn").finish_non_exhaustive(),
            ConnectionEvent::LoginFailed(error) => f.debug_tuple("LoginFailed").field(error).finish(),
            ConnectionEvent::LoggedOut => f.write_str("LoggedOut"),
            ConnectionEvent::Missed(missed) => f.debug_tuple("Missed").field(missed).finish(),
        }
    }
}

/// A stream of what happens to the connection. Ends when the client is closed.
#[must_use = "a stream does nothing unless it is read"]
pub struct ConnectionEvents(pub(crate) Arc<Queue<ConnectionEvent>>);

impl Stream for ConnectionEvents {
    type Item = ConnectionEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ConnectionEvent>> {
        Poll::Ready(ready!(self.0.poll_next(cx)).map(|next| match next {
            Next::Item(event) => event,
            Next::Missed(missed) => ConnectionEvent::Missed(missed),
        }))
    }
}

impl ConnectionEvents {
    /// The next event; `None` once the client is closed.
    pub async fn next(&mut self) -> Option<ConnectionEvent> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_of_a_login_holds_no_token() {
        let said = serde_json::json!({ "accessToken": "secret", "user": { "password": "secret" } });
        let printed = format!("{:?}", ConnectionEvent::LoggedIn(Arc::new(said)));
        assert_eq!(printed, "LoggedIn { .. }");
    }
}
