//! What is done to raw sockets, for those of other nodes.

use super::node::Node;
use super::port::Topic;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wingbeat_core::{Error, RawJson, Result};
use wingbeat_engine::io::{Action, Relay, Selection};

/// An event for more rooms than these goes to all nodes.
const ROOMS: usize = 16;
/// How long the ids of sockets are, which are rooms too: nobody subscribes to each of them.
const SOCKET_ID: usize = 20;

/// The order to do something with sockets.
pub(super) const SOCKETS: &str = "sockets";

/// Which sockets, and what is done to them. The arguments of an event are beside it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Which of the application's transports.
    at: usize,
    namespace: Box<str>,
    to: Vec<Box<str>>,
    except: Vec<Box<str>>,
    action: WrittenAction,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum WrittenAction {
    Emit(Box<str>),
    Join(Box<str>),
    Leave(Box<str>),
    Disconnect(bool),
}

/// Sends what is done to the raw sockets of one transport to the other nodes.
pub(crate) struct SocketRelay {
    pub(crate) node: Arc<Node>,
    /// Which of the application's transports.
    pub(crate) at: usize,
}

impl Relay for SocketRelay {
    fn relay(&self, to: Selection, action: Action) {
        let topics = self.topics(&to);
        let (action, args) = match action {
            Action::Emit { name, args } => (WrittenAction::Emit(name), Some(args)),
            Action::Join(room) => (WrittenAction::Join(room), None),
            Action::Leave(room) => (WrittenAction::Leave(room), None),
            Action::Disconnect { close } => (WrittenAction::Disconnect(close), None),
            _ => return tracing::error!("other nodes cannot be told of what is done to sockets"),
        };
        let Selection { namespace, to, except, .. } = to;
        let written = match RawJson::new(&Written { at: self.at, namespace, to, except, action }) {
            Ok(written) => written,
            Err(error) => return tracing::error!(?error, "other nodes could not be told of what sockets are sent"),
        };
        match args {
            Some(args) => self.node.send_raw(&topics, written, list(&args)),
            None => self.node.order(SOCKETS, written),
        }
    }

    fn room(&self, namespace: &str, room: &str, is_used: bool) {
        let topic = self.topic(namespace, room);
        if is_used { self.node.subscribe(topic) } else { self.node.unsubscribe(topic) }
    }
}

impl SocketRelay {
    fn topic(&self, namespace: &str, room: &str) -> Topic {
        Topic::Room(format!("{}{namespace}#{room}", self.at).into())
    }

    fn topics(&self, to: &Selection) -> Vec<Topic> {
        let is_of_a_socket = |room: &str| {
            room.len() == SOCKET_ID
                && room.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if to.to.is_empty() || to.to.len() > ROOMS || to.to.iter().any(|room| is_of_a_socket(room)) {
            return vec![Topic::All];
        }
        to.to.iter().map(|room| self.topic(&to.namespace, room)).collect()
    }
}

/// Arguments as one list.
fn list(args: &[RawJson]) -> RawJson {
    let (texts, attachments) = RawJson::join(args);
    let texts: Vec<&[u8]> = texts.iter().map(|text| &**text).collect();
    let text = [&b"["[..], &texts.join(&b","[..]), b"]"].concat();
    RawJson::with_attachments(text.into(), &attachments)
}

/// Reads what another node has done to its sockets: of which transport, which ones, and what.
///
/// # Errors
/// If it is nothing of the kind.
pub(super) fn read(written: &RawJson, args: Option<&RawJson>) -> Result<(usize, Selection, Action)> {
    let Written { at, namespace, to, except, action } = written.to()?;
    let action = match (action, args) {
        (WrittenAction::Emit(name), Some(args)) => {
            let args =
                args.elements().ok_or_else(|| Error::bad_request("Invalid arguments: they have to be a list"))?;
            Action::Emit { name, args }
        }
        (WrittenAction::Emit(_), None) => return Err(Error::bad_request("The arguments are missing")),
        (WrittenAction::Join(room), _) => Action::Join(room),
        (WrittenAction::Leave(room), _) => Action::Leave(room),
        (WrittenAction::Disconnect(close), _) => Action::Disconnect { close },
    };
    Ok((at, Selection::new(namespace, to, except), action))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wingbeat_core::Binary;

    #[test]
    fn arguments_with_bytes_come_back_as_they_were_sent() {
        let raw = |value: serde_json::Value| RawJson::new(&value).unwrap();
        let file = |byte: u8| raw(json!({"file": Binary::from(vec![byte])}));
        for args in [vec![], vec![raw(json!("[,]"))], vec![file(1), raw(json!(2)), file(3)]] {
            let written = Written {
                at: 0,
                namespace: "/".into(),
                to: vec!["a".into()],
                except: vec![],
                action: WrittenAction::Emit("said".into()),
            };
            let (at, to, action) = read(&RawJson::new(&written).unwrap(), Some(&list(&args))).unwrap();
            let selection = Selection::new("/", vec!["a".into()], vec![]);
            assert_eq!((at, to, action), (0, selection, Action::Emit { name: "said".into(), args }));
        }
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        for text in [
            r#"{"at":0,"namespace":"/","to":[],"except":[],"action":{"shave":true}}"#,
            r#"{"at":0,"namespace":"/","to":[],"except":[],"action":{"join":"a"},"within":1}"#,
            r#"{"at":0,"namespace":"/","to":[],"except":[],"action":{"emit":"a"}}"#,
            "[]",
        ] {
            assert!(read(&RawJson::parse(text).unwrap(), None).is_err(), "{text}");
        }
    }
}
