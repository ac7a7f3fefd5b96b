//! From rows to records: to JSON text, or to values where somebody looks at them.

use super::bound::Bound;
use super::column::{Column, Kind};
use crate::store::Record;
use crate::store::sql::{Shown, whole};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde_json::Value;
use std::ops::Range;
use std::str::from_utf8;
use wingbeat_core::{Result, json};

/// Writes what a row shows of these columns as a JSON object.
pub(super) fn write(row: &Row<'_>, columns: &[Column], shown: &[Shown], out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    for (index, shown) in shown.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let column = &columns[shown.column];
        out.extend_from_slice(&column.key);
        match (row.get_ref(shown.at)?, column.ty.kind) {
            (ValueRef::Null, _) => out.extend_from_slice(b"null"),
            (ValueRef::Integer(0), Kind::Boolean) => out.extend_from_slice(b"false"),
            (ValueRef::Integer(1), Kind::Boolean) => out.extend_from_slice(b"true"),
            (ValueRef::Integer(integer), kind) if kind != Kind::Text => json::write(out, &integer)?,
            (ValueRef::Real(float), _) => json::write(out, &float)?,
            (ValueRef::Text(text), kind) if kind != Kind::Json => json::write_utf8(out, text)?,
            (other, kind) => json::write(out, &value(other, kind)?)?,
        }
    }
    out.push(b'}');
    Ok(())
}

/// The record in a row of these columns.
pub(super) fn record(row: &Row<'_>, columns: &[Column]) -> Result<Record> {
    let member =
        |(at, column): (usize, &Column)| Ok((column.name.to_string(), value(row.get_ref(at)?, column.ty.kind)?));
    columns.iter().enumerate().map(member).collect()
}

/// What these columns hold as the keys of a cursor: exactly, whatever they should hold.
pub(super) fn keys(row: &Row<'_>, columns: Range<usize>) -> Result<Vec<Value>> {
    let key = |at| {
        Ok(match row.get_ref(at)? {
            // Infinity has no JSON.
            ValueRef::Real(float) if !float.is_finite() => Value::from_iter([("real", float.to_string())]),
            ValueRef::Blob(bytes) => Value::from_iter([("blob", BASE64.encode(bytes))]),
            other => value(other, Kind::Any)?,
        })
    };
    columns.map(key).collect()
}

/// A key of a cursor as SQLite has it.
pub(super) fn key(value: &Value) -> Option<Bound> {
    let inside = |name| value.get(name).and_then(Value::as_str);
    match value {
        Value::Number(number) => match whole(number) {
            Some(integer) => Some(Bound::Integer(integer)),
            None => number.as_f64().map(Bound::Real),
        },
        Value::String(text) => Some(Bound::Text(text.clone())),
        _ => match inside("real") {
            Some(text) => text.parse().ok().map(Bound::Real),
            None => BASE64.decode(inside("blob")?).ok().map(Bound::Blob),
        },
    }
}

/// What is in a column of this kind.
pub(super) fn value(stored: ValueRef<'_>, kind: Kind) -> Result<Value> {
    Ok(match (stored, kind) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(integer @ (0 | 1)), Kind::Boolean) => Value::Bool(integer == 1),
        (ValueRef::Integer(integer), Kind::Text) => Value::String(integer.to_string()),
        (ValueRef::Integer(integer), _) => integer.into(),
        (ValueRef::Real(float), _) => json::number(float).map_or(Value::Null, Value::Number),
        (ValueRef::Text(text), Kind::Json) => {
            let text = from_utf8(text)?;
            // Text that another program has put there may be no JSON.
            json::parse(text).unwrap_or_else(|_| Value::String(text.to_owned()))
        }
        (ValueRef::Text(text), _) => Value::String(from_utf8(text)?.to_owned()),
        (ValueRef::Blob(bytes), _) => Value::String(BASE64.encode(bytes)),
    })
}
