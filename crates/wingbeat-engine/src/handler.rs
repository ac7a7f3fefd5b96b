//! What runs behind the sockets.

use crate::{Answer, Event, Reason, Socket};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::borrow::Cow;
use wingbeat_core::RawJson;

/// What runs behind the sockets of a server. Wingbeat's services are one.
///
/// Methods are called on the task of the socket's session and must not block it. A panic costs the event that caused
/// it its answer, and nobody else anything.
pub trait Handler: Send + Sync + 'static {
    /// Whether clients may join this namespace. By default only the main one, `/`.
    fn namespace(&self, name: &str) -> bool {
        name == "/"
    }

    /// A socket asks to join. An error refuses it with CONNECT_ERROR. `auth` is what came with CONNECT.
    fn connect(&self, socket: &Socket, auth: Option<RawJson>) -> BoxFuture<'static, Result<(), Refusal>> {
        let _ = (socket, auth);
        Box::pin(std::future::ready(Ok(())))
    }

    /// The socket has joined. The answer to its CONNECT leaves before anything that is sent from here.
    fn connected(&self, socket: &Socket) {
        let _ = socket;
    }

    /// An event has come.
    ///
    /// The future is polled at once, in the order of arrival. Answers that are ready then are sent in that order and
    /// together; the others as they get ready. What was [sent](Socket::send) to the socket before an answer was ready
    /// leaves before the answer. Without an acknowledgement id there is nobody to answer to.
    fn event(&self, socket: &Socket, event: Event) -> BoxFuture<'static, Option<Answer>>;

    /// The socket is gone: called exactly once for each that was [`connected`](Handler::connected).
    fn disconnect(&self, socket: &Socket, reason: Reason) {
        let _ = (socket, reason);
    }
}

/// Why a socket may not join: what the client receives as `connect_error`.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    message: Cow<'static, str>,
    data: Option<Value>,
}

impl Refusal {
    /// A refusal with a text.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { message: message.into(), data: None }
    }

    /// Adds `data`, which the client sees.
    pub fn with_data(mut self, data: impl Into<Value>) -> Refusal {
        self.data = Some(data.into());
        self
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What was added as `data`.
    pub fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut map = serde_json::Map::new();
        map.insert("message".to_owned(), Value::from(&*self.message));
        if let Some(data) = &self.data {
            map.insert("data".to_owned(), data.clone());
        }
        Value::Object(map).to_string().into_bytes()
    }
}

/// Message and data only, as Socket.IO does with the error of a middleware.
impl From<wingbeat_core::Error> for Refusal {
    fn from(error: wingbeat_core::Error) -> Refusal {
        Refusal { message: error.message().to_owned().into(), data: error.data().cloned() }
    }
}
