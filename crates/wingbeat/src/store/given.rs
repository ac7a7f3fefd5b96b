//! Ids in the data of a create.

use super::Record;
use crate::javascript;
use serde_json::Value;
use wingbeat_core::{Error, Id, Result};

/// The id that data gives its record. Absent leaves it to the store; null, 0, `""` and `false` do as well, as in Feathers.
///
/// # Errors
/// BadRequest if it is neither number nor text.
pub fn given_id(data: &Record, id_field: &str) -> Result<Option<Id>> {
    let value = data.get(id_field);
    if is_missing(value) {
        return Ok(None);
    }
    value
        .and_then(Id::from_value)
        .map(Some)
        .ok_or_else(|| Error::bad_request(format!("Invalid '{id_field}': an id must be a number or a text")))
}

fn is_missing(id: Option<&Value>) -> bool {
    id.is_none_or(javascript::is_falsy)
}
