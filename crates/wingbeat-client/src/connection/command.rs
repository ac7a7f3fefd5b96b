//! What handles ask the connection's task to do, and what a server answers.

use super::{Outbound, PendingCall};
use crate::error::{Error, Problem, Result};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::oneshot;
use wingbeat_core::{RawJson, json};
use wingbeat_protocol::packet::{AckId, Arguments};

pub(crate) enum Command {
    Emit(Outbound),
    /// Nobody waits for this any more.
    Forget(Arc<PendingCall>),
    /// Joins a namespace, if that has not happened yet.
    Join(Arc<str>),
    /// Connects, if not connected; the answer comes once it is, or when an attempt has failed.
    Connect(oneshot::Sender<Result<()>>),
    /// Disconnects, and stays disconnected until the program connects again.
    Disconnect,
    /// Leaves for good; the answer comes when everything is over.
    Close(oneshot::Sender<()>),
}

impl Command {
    /// How much of a buffer it takes.
    pub(crate) fn bytes(&self) -> usize {
        if let Command::Emit(outbound) = self { outbound.pending.bytes } else { 0 }
    }

    /// Whether it is accepted however much waits: it ends something.
    pub(crate) fn is_always_taken(&self) -> bool {
        matches!(self, Command::Forget(_) | Command::Close(_))
    }
}

/// An event of the server that asks for an answer.
#[derive(Clone)]
pub(crate) struct AckRequest {
    pub(crate) id: AckId,
    /// Which connection asked: another has other ids.
    pub(crate) connection: u64,
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
#[derive(Default)]
pub(crate) enum Answer {
    /// There was nothing to say.
    #[default]
    Nothing,
    /// A service call's answer without attachments: `[null,…]`, of which only the beginning was looked at.
    Undecoded(Box<str>),
    /// Everything, as it came.
    Decoded(Box<DecodedAnswer>),
}

pub(crate) struct DecodedAnswer {
    pub(crate) arguments: Arguments<'static>,
    pub(crate) attachments: Vec<Bytes>,
}

impl Answer {
    pub(crate) fn decoded(arguments: Arguments<'static>, attachments: Vec<Bytes>) -> Answer {
        Answer::Decoded(Box::new(DecodedAnswer { arguments, attachments }))
    }

    /// The result of a service call: the second argument, unless the first is an error.
    pub(crate) fn result(self) -> Result<RawJson> {
        match self {
            Answer::Nothing => Ok(RawJson::NULL),
            Answer::Undecoded(json) => looked_at(&json)?.result(),
            Answer::Decoded(said) => said.result(),
        }
    }

    /// The result of a service call, read as a `T`.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T> {
        match self {
            Answer::Nothing => RawJson::NULL.to().map_err(Error::unreadable),
            Answer::Undecoded(json) => match quickly(json) {
                Some(result) => Ok(result),
                None => looked_at(json)?.result()?.to().map_err(Error::unreadable),
            },
            Answer::Decoded(said) => said.result()?.to().map_err(Error::unreadable),
        }
    }
}

/// The prefix of an answer that is not an error.
pub(crate) const SUCCESS: &str = "[null,";

/// Reads `[null,…]` in one go: to look first whether it is JSON would cost a seventh of a whole call. `None` if there is
/// anything unusual about it; serde_json's own limit keeps what nests deep out.
fn quickly<T: DeserializeOwned>(json: &str) -> Option<T> {
    serde_json::from_str(&json::plain(json.strip_prefix(SUCCESS)?.strip_suffix(']')?)).ok()
}

fn looked_at(json: &str) -> Result<DecodedAnswer> {
    let arguments = Arguments::parse(json, MAX_ARGUMENTS);
    let arguments = arguments
        .ok_or_else(|| Error::Unreadable(Problem::new("Invalid data: the answer is not JSON, or nests too deep")))?;
    Ok(DecodedAnswer { arguments: arguments.into_owned(), attachments: Vec::new() })
}

/// The most elements of an event or an answer.
pub(crate) const MAX_ARGUMENTS: usize = 10_000;

impl DecodedAnswer {
    fn result(&self) -> Result<RawJson> {
        match self.arguments.bytes(0) {
            Some(error) if &*error != b"null" => Err(Error::Answered(received_error(error))),
            _ => {
                let text = self.arguments.bytes(1);
                Ok(text.map_or(RawJson::NULL, |text| RawJson::with_attachments(text, &self.attachments)))
            }
        }
    }
}

/// An error as a server sent it; whatever it is, it becomes one of ours.
pub(crate) fn received_error(json: Bytes) -> wingbeat_core::Error {
    match RawJson::from_valid(json).to::<serde_json::Value>() {
        Ok(serde_json::Value::String(text)) => wingbeat_core::Error::general(text),
        Ok(value) => serde_json::from_value(value).unwrap_or_else(|_| wingbeat_core::Error::general("Error")),
        // A number beyond every type.
        Err(_) => wingbeat_core::Error::general("Unreadable error from the server"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> Answer {
        Answer::decoded(Arguments::parse(json, 10).unwrap().into_owned(), Vec::new())
    }

    #[test]
    fn the_first_argument_is_the_error() {
        let result = |json: &str| said(json).result();
        assert_eq!(result("[null,[1]]").unwrap().as_bytes(), b"[1]");
        assert!(result("[null]").unwrap().is_null() && result("[]").unwrap().is_null());
        assert_eq!(result(r#"[{"name":"Gone","message":"m","code":410}]"#).unwrap_err().code(), Some(410));
        assert_eq!(result(r#"["text"]"#).unwrap_err().message(), "text");
        assert_eq!(
            result(r#"[{"message":"cut \ud83d","code":4e2}]"#).unwrap_err().to_string(),
            "BadRequest: cut \u{fffd}"
        );
        for odd in ["[1]", "[true]", "[[]]", r#"[{"message":{}}]"#, "[1e999]"] {
            assert_eq!(result(odd).unwrap_err().code(), Some(500), "{odd}");
        }
    }

    #[test]
    fn an_answer_is_read_as_its_result_is() {
        let unseen = |json: &str| Answer::Undecoded(json.into());
        let read = |answer: Answer| answer.read::<Option<u8>>();
        for (json, value) in
            [("[null,7]", Some(7)), ("[null,null]", None), ("[null, 7 ,8]", Some(7)), ("[null,7 ]", Some(7))]
        {
            assert_eq!((read(said(json)).unwrap(), read(unseen(json)).unwrap()), (value, value), "{json}");
            assert_eq!(unseen(json).result().unwrap(), said(json).result().unwrap());
        }
        assert_eq!((read(said("[null]")).unwrap(), read(Answer::Nothing).unwrap()), (None, None));
        assert_eq!(read(said(r#"[{"name":"Gone","code":410}]"#)).unwrap_err().code(), Some(410));
        assert_eq!(
            read(unseen(r#"[null,"x"]"#)).unwrap_err().message(),
            read(said(r#"[null,"x"]"#)).unwrap_err().message()
        );
        for bad in ["[null,]", "[null,7", "[null,7]]", "[null,7],8]", "[null,7}", "[null,nul]"] {
            assert!(matches!(read(unseen(bad)), Err(Error::Unreadable(_))), "{bad}");
            assert!(matches!(unseen(bad).result(), Err(Error::Unreadable(_))), "{bad}");
        }
    }

    #[test]
    fn an_answer_of_another_language_is_read_as_javascript_does() {
        let json = r#"[null,{"total":2.0,"data":["cut \ud83d",1e2]}]"#;
        for answer in [said(json), Answer::Undecoded(json.into())] {
            let page: crate::Page<serde_json::Value> = answer.read().unwrap();
            assert_eq!((page.total, page.data), (Some(2), vec!["cut \u{fffd}".into(), 100.into()]));
        }
    }

    #[test]
    fn an_answer_that_nests_deep_is_read_up_to_the_limit_of_packets() {
        let nested =
            |depth: usize| Answer::Undecoded(format!("[null,{}{}]", "[".repeat(depth), "]".repeat(depth)).into());
        assert!(nested(200).read::<serde_json::Value>().is_ok());
        assert!(matches!(nested(100_000).read::<serde_json::Value>(), Err(Error::Unreadable(_))));
    }
}
