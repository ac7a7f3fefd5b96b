//! A column, and how JSON values stand in it.

use super::bound::Bound;
use super::dialect::Sql;
use super::scalar::Scalar;
use crate::store::sql::{self, whole};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Number, Value};
use wingbeat_core::{Error, Result, json};

pub(super) type Column = sql::Column<Sql>;

/// What is known of a column beside its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnType {
    pub(super) scalar: Scalar,
    /// It holds lists of these.
    pub(super) is_list: bool,
    pub(super) is_nullable: bool,
}

impl Column {
    pub(super) fn of(name: String, ty: ColumnType) -> Column {
        let mut column = Column::new(name, ty);
        if ty.scalar.is_read_as_text() {
            column.read = format!("{}::text{}", column.quoted, if ty.is_list { "[]" } else { "" }).into();
        }
        column
    }

    /// The value as it is written into this column.
    pub(super) fn write(&self, value: &Value) -> Result<Bound> {
        let ColumnType { scalar, is_list, .. } = self.ty;
        let written = match value {
            Value::Null => Some(Bound::Null),
            Value::Array(items) if is_list => list(scalar, items),
            _ if is_list => None,
            value => written(scalar, value),
        };
        written.ok_or_else(|| Error::bad_request(format!("Invalid '{}': it must be {}", self.name, self.expected())))
    }

    fn expected(&self) -> String {
        let (one, many) = match self.ty.scalar {
            Scalar::Boolean => ("a boolean", "booleans"),
            Scalar::Int2 => ("an integer of 16 bits", "integers of 16 bits"),
            Scalar::Int4 => ("an integer of 32 bits", "integers of 32 bits"),
            Scalar::Int8 => ("an integer", "integers"),
            Scalar::Float4 | Scalar::Float8 => ("a number within its range", "numbers within their range"),
            Scalar::Numeric => ("a number, or one as text", "numbers"),
            Scalar::Uuid => ("a UUID", "UUIDs"),
            Scalar::Bytes => ("base64 text", "base64 texts"),
            Scalar::Timestamp | Scalar::TimestampTz => ("a date and time as text", "dates and times as texts"),
            Scalar::Json | Scalar::Jsonb => ("JSON", "JSON values"),
            Scalar::Text | Scalar::Other => ("a text without NUL characters", "texts without NUL characters"),
        };
        if self.ty.is_list { format!("a list of {many}") } else { one.to_owned() }
    }
}

/// A list within a list is one more dimension.
fn list(scalar: Scalar, items: &[Value]) -> Option<Bound> {
    let nested = items.iter().any(Value::is_array) && !scalar.is_json();
    let elements = items.iter().map(|item| match item {
        Value::Null => Some(Bound::Null),
        Value::Array(items) if nested => list(scalar, items),
        _ if nested => None,
        item => written(scalar, item),
    });
    let elements = elements.collect::<Option<Vec<_>>>()?;
    if !nested {
        return Some(Bound::list(&elements));
    }
    // Lists are no texts in quotes.
    let inner = elements.iter().filter_map(|element| match element {
        Bound::Text(list) => Some(list.as_str()),
        _ => None,
    });
    Some(Bound::Text(format!("{{{}}}", inner.collect::<Vec<_>>().join(","))))
}

fn written(scalar: Scalar, value: &Value) -> Option<Bound> {
    match (scalar, value) {
        (Scalar::Json | Scalar::Jsonb, value) => Some(Bound::Text(json::text(value))),
        // What is nearest is kept.
        (Scalar::Float4, Value::Number(number)) => {
            let float = number.as_f64()? as f32;
            float.is_finite().then(|| Bound::Text(float.to_string()))
        }
        _ => operand(scalar, value),
    }
}

/// The value as it is compared with this type, if any value of it could be equal.
pub(super) fn operand(scalar: Scalar, value: &Value) -> Option<Bound> {
    let text = match (scalar, value) {
        (Scalar::Boolean, Value::Bool(value)) => value.to_string(),
        (Scalar::Int2 | Scalar::Int4 | Scalar::Int8, Value::Number(number)) => {
            let (smallest, largest) = scalar.range()?;
            whole(number).filter(|number| (smallest..=largest).contains(number))?.to_string()
        }
        (Scalar::Float4, Value::Number(number)) => as_float4(number)?,
        (Scalar::Float8 | Scalar::Numeric, Value::Number(number)) => number.to_string(),
        (Scalar::Numeric, Value::String(text)) if is_numeric(text) => text.clone(),
        (Scalar::Uuid, Value::String(text)) if is_uuid(text) => text.clone(),
        (Scalar::Bytes, Value::String(text)) => return BASE64.decode(text).ok().map(Bound::Bytes),
        (Scalar::Text | Scalar::Other | Scalar::Timestamp | Scalar::TimestampTz, Value::String(text))
            if !text.contains('\0') =>
        {
            text.clone()
        }
        _ => return None,
    };
    Some(Bound::Text(text))
}

/// The text of a `float4` that shows itself as this number.
fn as_float4(number: &Number) -> Option<String> {
    let float = number.as_f64()?;
    let text = (float as f32).to_string();
    (text.parse() == Ok(float)).then_some(text)
}

fn is_numeric(text: &str) -> bool {
    text.len() < 1024 && text.bytes().any(|byte| byte.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

fn is_uuid(text: &str) -> bool {
    let is_right = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}

/// The text of an id, where one of this type can have it.
pub(super) fn id(scalar: Scalar, text: String) -> Option<Bound> {
    match scalar {
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 => {
            let integer = text.parse::<i64>().ok().filter(|integer| integer.to_string() == text)?;
            operand(scalar, &integer.into())
        }
        Scalar::Float4 | Scalar::Float8 => {
            let float = text.parse::<f64>().ok().filter(|float| float.to_string() == text)?;
            operand(scalar, &float.into())
        }
        _ => operand(scalar, &Value::String(text)),
    }
}
