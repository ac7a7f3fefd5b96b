//! Records as they are before they are resolved.

use super::text::RecordText;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::sync::{Arc, OnceLock};
use wingbeat_core::{Result, json};

/// A record as it was before any of its fields was resolved.
pub(super) struct Original {
    /// As long as it is text.
    text: Option<RecordText>,
    /// Of a text, once somebody has asked for them.
    members: OnceLock<Map<String, Value>>,
}

impl Original {
    pub(super) fn text(&self) -> Option<&RecordText> {
        self.text.as_ref()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        match &self.text {
            Some(text) => text.get(name).is_some(),
            None => self.members().contains_key(name),
        }
    }

    /// A member as a `T`; a missing one is null.
    ///
    /// # Errors
    /// If it does not fit.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        match &self.text {
            Some(text) => {
                let value = text.get(name).unwrap_or("null");
                // It is as Rust has it already, see `json::plain`. What is wrong otherwise is told better.
                serde_json::from_str(value).or_else(|_| json::read(value))
            }
            None => json::read_value(self.members().get(name).unwrap_or(&Value::Null)),
        }
    }

    pub(super) fn members(&self) -> &Map<String, Value> {
        self.members.get_or_init(|| self.text.as_ref().map(RecordText::members).unwrap_or_default())
    }

    /// All members, to keep: copied if a function has kept the record.
    pub(super) fn into_members(self: Arc<Original>) -> Map<String, Value> {
        match Arc::try_unwrap(self) {
            Ok(Original { text: None, members }) => members.into_inner().unwrap_or_default(),
            Ok(original) => original.members().clone(),
            Err(shared) => shared.members().clone(),
        }
    }
}

impl From<Map<String, Value>> for Original {
    fn from(members: Map<String, Value>) -> Original {
        Original { text: None, members: members.into() }
    }
}

impl From<RecordText> for Original {
    fn from(text: RecordText) -> Original {
        Original { text: Some(text), members: OnceLock::new() }
    }
}
