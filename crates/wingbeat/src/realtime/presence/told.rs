//! What nodes tell each other of who is in channels.

use super::EntryId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Told {
    /// What has changed, numbered without a gap.
    Changes { version: u64, changes: Vec<Change> },
    /// A part of all that there is at this number.
    Whole { version: u64, changes: Vec<Change>, part: Part },
    /// The sender wants all that there is.
    Wanted,
}

/// Which part of a whole this is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) is_first: bool,
    pub(super) is_last: bool,
}

/// Somebody in a channel; no member if nobody of this key is there any more.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Change {
    channel: Box<str>,
    key: Box<str>,
    pub(super) member: Option<Value>,
}

impl Change {
    pub(super) fn new((channel, key): &EntryId, member: Option<Value>) -> Change {
        Change { channel: (**channel).into(), key: (**key).into(), member }
    }

    pub(super) fn id(&self) -> EntryId {
        ((*self.channel).into(), (*self.key).into())
    }
}
