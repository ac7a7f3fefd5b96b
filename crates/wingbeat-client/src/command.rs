//! What handles ask the connection's task to do.

use crate::fate::{Fate, closed, fated, timed_out};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use wingbeat_core::packet::{AckId, Arguments};
use wingbeat_core::{Error, RawJson, Result};

pub(crate) enum Command {
    // Boxed: a channel keeps room for dozens of commands, in every client.
    Emit(Box<Outbound>),
    /// Joins a namespace, if that has not happened yet.
    Join(Arc<str>),
    /// Connects, if not connected; the answer comes once it is, or when an attempt has failed.
    Connect(oneshot::Sender<Result<()>>),
    /// Leaves, and stays away until told to connect.
    Disconnect,
    /// Leaves for good; the answer comes when everything is over.
    Close(oneshot::Sender<()>),
}

/// A packet that waits to be sent.
pub(crate) struct Outbound {
    pub(crate) namespace: Arc<str>,
    /// `["name",…]`.
    pub(crate) json: String,
    pub(crate) attachments: Vec<Bytes>,
    pub(crate) kind: Kind,
    pub(crate) deadline: Instant,
    pub(crate) timeout: Duration,
    pub(crate) answer: Option<Responder>,
    /// What this answers, if it is an answer itself.
    pub(crate) asked: Option<Box<Asked>>,
}

/// An event of the server that asks for an answer.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) id: AckId,
    /// Which connection asked: another has other ids.
    pub(crate) connection: u64,
}

/// Where the outcome goes.
pub(crate) type Responder = oneshot::Sender<Result<Answer>>;

impl Outbound {
    /// A packet that has this long to be sent and answered.
    pub(crate) fn new(
        namespace: Arc<str>,
        kind: Kind,
        json: String,
        attachments: Vec<Bytes>,
        timeout: Duration,
    ) -> Box<Self> {
        // Further away than anyone waits, and never too far to be a moment.
        let deadline = Instant::now() + timeout.min(Duration::from_secs(365 * 24 * 3600));
        Box::new(Outbound { namespace, json, attachments, kind, deadline, timeout, answer: None, asked: None })
    }

    /// Hands it to the task, and waits for its outcome.
    pub(crate) async fn submit(mut self: Box<Self>, commands: &mpsc::Sender<Command>) -> Result<Answer> {
        let (answer, outcome) = oneshot::channel();
        let (deadline, timeout) = (self.deadline, self.timeout);
        self.answer = Some(answer);
        match commands.try_send(Command::Emit(self)) {
            Ok(()) => {}
            Err(TrySendError::Closed(_)) => return Err(closed()),
            Err(TrySendError::Full(command)) => match timeout_at(deadline, commands.send(command)).await {
                Ok(sent) => sent.map_err(|_| closed())?,
                Err(_) => return Err(timed_out(timeout, Fate::NotSent)),
            },
        }
        outcome.await.unwrap_or_else(|_| Err(fated(Error::unavailable("The client has ended"), Fate::Unknown)))
    }

    /// How much of the buffer it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.json.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    /// Whether nobody waits for it any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.answer.as_ref().is_some_and(oneshot::Sender::is_closed)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An event that asks for no answer.
    Event,
    /// A service call: waits while a login is running.
    Call,
    /// An event with an answer that has nothing to do with services.
    Direct,
    /// Creates an authentication.
    Login,
    /// Removes it.
    Logout,
    /// The answer to an event.
    Reply,
}

impl Kind {
    /// Whether it waits while a login is running.
    pub(crate) fn is_gated(self) -> bool {
        matches!(self, Kind::Call | Kind::Logout)
    }
}

/// What the server said, undecoded.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// `None`: there was nothing to say.
    pub(crate) arguments: Option<Arguments>,
    pub(crate) attachments: Vec<Bytes>,
}

impl Answer {
    /// The result of a service call: the second argument, unless the first is an error.
    pub(crate) fn result(&self) -> Result<RawJson> {
        let Some(arguments) = &self.arguments else { return Ok(RawJson::NULL) };
        match arguments.bytes(0) {
            Some(error) if &*error != b"null" => Err(received_error(error)),
            _ => {
                arguments.bytes(1).map_or(Ok(RawJson::NULL), |text| RawJson::with_attachments(text, &self.attachments))
            }
        }
    }
}

/// An error as a server sent it; whatever it is, it becomes one of ours.
pub(crate) fn received_error(json: Bytes) -> Error {
    match RawJson::from_valid(json).to::<serde_json::Value>() {
        Ok(serde_json::Value::String(text)) => Error::general(text),
        Ok(value) => serde_json::from_value(value).unwrap_or_else(|_| Error::general("Error")),
        // Lone surrogates and numbers beyond every type.
        Err(_) => Error::general("An error that cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(json: &str) -> Result<RawJson> {
        Answer { arguments: Arguments::parse(json, 10), attachments: Vec::new() }.result()
    }

    #[test]
    fn the_first_argument_is_the_error() {
        assert_eq!(result("[null,[1]]").unwrap().as_bytes(), b"[1]");
        assert!(result("[null]").unwrap().is_null() && result("[]").unwrap().is_null());
        assert_eq!(result(r#"[{"name":"Gone","message":"m","code":410}]"#).unwrap_err().code(), 410);
        assert_eq!(result(r#"["text"]"#).unwrap_err().message(), "text");
        for odd in ["[1]", "[true]", "[[]]", r#"["\ud800"]"#, r#"[{"message":{}}]"#, "[1e999]"] {
            assert_eq!(result(odd).unwrap_err().code(), 500, "{odd}");
        }
    }
}
