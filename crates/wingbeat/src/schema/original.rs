//! Records as they are before they are resolved.

use super::text::ResultText;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::sync::Arc;
use wingbeat_core::{Result, json};

/// A record as it was before any of its fields was resolved.
#[derive(Clone)]
pub(super) enum Original {
    Members(Arc<Map<String, Value>>),
    /// One of the records of a result.
    Text(Arc<ResultText>, usize),
}

impl Original {
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Original::Members(members) => members.contains_key(name),
            Original::Text(result, record) => result.get(*record, name).is_some(),
        }
    }

    /// A member as a `T`; a missing one is null.
    ///
    /// # Errors
    /// If it does not fit.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        match self {
            Original::Members(members) => json::read_value(members.get(name).unwrap_or(&Value::Null)),
            Original::Text(result, record) => {
                let value = result.get(*record, name).unwrap_or("null");
                // It is as Rust has it already, see `json::plain`. What is wrong otherwise is told better.
                serde_json::from_str(value).or_else(|_| json::read(value))
            }
        }
    }

    pub(super) fn members(&self) -> &Map<String, Value> {
        match self {
            Original::Members(members) => members,
            Original::Text(result, record) => result.values(*record),
        }
    }

    /// All members, to keep: copied if a function has kept the record.
    pub(super) fn into_members(self) -> Map<String, Value> {
        match self {
            Original::Members(members) => Arc::unwrap_or_clone(members),
            Original::Text(result, record) => result.values(record).clone(),
        }
    }
}

impl From<Map<String, Value>> for Original {
    fn from(members: Map<String, Value>) -> Original {
        Original::Members(Arc::new(members))
    }
}
