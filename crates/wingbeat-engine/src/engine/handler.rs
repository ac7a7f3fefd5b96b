//! What runs behind the sockets.

use super::{Answer, Event, Reason, Socket};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use wingbeat_core::RawJson;

/// What runs behind the sockets of a server. Wingbeat's services are one.
///
/// Methods are called on the task of the socket's session and must not block it. A panic affects no other client; if
/// it costs a client its answer, the session ends: answers come, or the connection goes.
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

    /// What the answer to CONNECT gives the client as `pid`, its private id: with that and the place of the last event it
    /// comes back after a loss. Asked right before the answer is written. Where it is what the client has sent as `pid`, the
    /// client takes the connection for the earlier one, with nothing missed (`socket.recovered`).
    ///
    /// As the socket's id it is 15 bytes in base64url, and the first four are those of the socket's id: they lead to the
    /// session, should the client be [back](Socket::take_over) before that has ended.
    ///
    /// With one, the handler ends the events that it can send again in a text that says their place. By default none.
    fn private_id(&self, socket: &Socket) -> Option<String> {
        let _ = socket;
        None
    }

    /// The socket has joined. The answer to its CONNECT leaves before anything that is sent from here.
    fn connected(&self, socket: &Socket) {
        let _ = socket;
    }

    /// An event has come.
    ///
    /// Answers that are there at once are sent in the order of arrival and together; the others as they get ready. What
    /// was [sent](Socket::send) to the socket before an answer was ready leaves before the answer. Without an
    /// acknowledgement id there is nobody to answer to. `cx` is the session's task, for [`Handled::begin`].
    fn event(&self, socket: &Socket, event: Event<'_>, cx: &mut Context<'_>) -> Handled;

    /// The socket is gone: called exactly once for each that was [`connected`](Handler::connected).
    fn disconnect(&self, socket: &Socket, reason: Reason) {
        let _ = (socket, reason);
    }
}

/// What has become of an event: its answer, or the future of it.
///
/// Most answers are there at once, and then nothing is put on the heap for them.
pub struct Handled(pub(crate) State);

pub(crate) enum State {
    Now(Option<Answer>),
    /// Nobody has polled it.
    Later(BoxFuture<'static, Option<Answer>>),
    /// It was polled by the session's task, and is not ready.
    Pending(BoxFuture<'static, Option<Answer>>),
}

impl Handled {
    /// The answer; `None` if there is none to give.
    pub fn now(answer: Option<Answer>) -> Handled {
        Handled(State::Now(answer))
    }

    /// The answer comes from a future. It is polled at once, in the order of arrival.
    pub fn later(answer: impl Future<Output = Option<Answer>> + Send + 'static) -> Handled {
        Handled(State::Later(Box::pin(answer)))
    }

    /// The same of one that was polled already and was not ready. It is polled again in any case.
    pub fn pending(answer: impl Future<Output = Option<Answer>> + Send + 'static) -> Handled {
        Handled(State::Pending(Box::pin(answer)))
    }

    /// The same, polled here: on the heap only if it is not ready.
    pub fn begin(
        mut answer: impl Future<Output = Option<Answer>> + Send + Unpin + 'static,
        cx: &mut Context<'_>,
    ) -> Handled {
        match Pin::new(&mut answer).poll(cx) {
            Poll::Ready(answer) => Handled::now(answer),
            Poll::Pending => Handled::pending(answer),
        }
    }
}

impl From<BoxFuture<'static, Option<Answer>>> for Handled {
    fn from(answer: BoxFuture<'static, Option<Answer>>) -> Handled {
        Handled(State::Later(answer))
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

/// Answers nothing: for tests of what stands before a handler.
#[cfg(test)]
pub(crate) struct Nobody;

#[cfg(test)]
impl Handler for Nobody {
    fn event(&self, _: &Socket, _: Event<'_>, _: &mut Context<'_>) -> Handled {
        Handled::now(None)
    }
}
