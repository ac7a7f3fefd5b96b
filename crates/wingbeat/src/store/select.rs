//! `$select`: which fields are answered.

use super::{Answer, Record};
use crate::javascript;
use serde_json::Value;
use wingbeat_core::{Error, Result};

/// The fields that `$select` asks for, the id always among them; absent if it asks for nothing in particular.
pub(super) type Select = Option<Vec<String>>;

pub(super) fn read(value: Option<&Value>, id_field: &str, most: usize) -> Result<Select> {
    let names = match value {
        None => return Ok(None),
        // What is falsy in JavaScript asks for nothing in particular.
        Some(value) if javascript::is_falsy(value) => return Ok(None),
        Some(Value::Array(names)) if names.len() <= most => names,
        Some(Value::Array(_)) => {
            return Err(Error::bad_request(format!("Invalid $select: more than {most} names")));
        }
        Some(_) => return Err(Error::bad_request("Invalid $select: it must be a list of names")),
    };
    let mut fields: Vec<String> = names.iter().map(javascript::text).collect();
    fields.push(id_field.to_owned());
    Ok(Some(fields))
}

/// Cuts values. Text was written for a find that knew the fields.
pub(super) fn apply(select: &Select, answer: &mut Answer) {
    if let (Some(fields), Answer::Records(records)) = (select, answer) {
        for record in records {
            cut(fields, record);
        }
    }
}

/// Cuts what a write answers, which knew no fields.
pub(super) fn apply_to_all(select: &Select, answer: Answer) -> Result<Answer> {
    let Some(fields) = select else { return Ok(answer) };
    let mut records = answer.into_records()?;
    records.iter_mut().for_each(|record| cut(fields, record));
    Ok(records.into())
}

fn cut(fields: &[String], record: &mut Record) {
    // A name that is listed twice finds nothing the second time.
    *record = fields.iter().filter_map(|field| record.swap_remove_entry(field)).collect();
}
