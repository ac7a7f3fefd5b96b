//! `$select`: which fields are answered.

use super::Record;
use crate::javascript;
use serde_json::Value;
use wingbeat_core::{Error, Result};

/// The fields that `$select` asks for, the id always among them.
pub(super) struct Select(Option<Vec<String>>);

impl Select {
    pub(super) fn read(value: Option<&Value>, id_field: &str, most: usize) -> Result<Select> {
        let names = match value {
            None => return Ok(Select(None)),
            // What is falsy in JavaScript asks for nothing in particular.
            Some(value) if javascript::is_falsy(value) => return Ok(Select(None)),
            Some(Value::Array(names)) if names.len() <= most => names,
            Some(Value::Array(_)) => {
                return Err(Error::bad_request(format!("Invalid $select: more than {most} names")));
            }
            Some(_) => return Err(Error::bad_request("Invalid $select: it must be a list of names")),
        };
        let mut fields: Vec<String> = names.iter().map(javascript::text).collect();
        fields.push(id_field.to_owned());
        Ok(Select(Some(fields)))
    }

    pub(super) fn apply(&self, records: &mut [Record]) {
        let Some(fields) = &self.0 else { return };
        for record in records {
            // A name that is listed twice finds nothing the second time.
            *record = fields.iter().filter_map(|field| record.swap_remove_entry(field)).collect();
        }
    }
}
