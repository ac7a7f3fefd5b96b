//! A column, and how JSON values stand in it.

use super::decimal::placed;
use super::dialect::Sql;
use super::scalar::Scalar;
use super::time;
use crate::store::sql;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mysql_async::Value as Bound;
use serde_json::{Number, Value};
use std::net::{Ipv4Addr, Ipv6Addr};
use wingbeat_core::{Error, Result, json};

pub(super) type Column = sql::Column<Sql>;

/// What is known of a column beside its name.
#[derive(Clone, Debug)]
pub(super) struct ColumnType {
    pub(super) scalar: Scalar,
    /// What makes a text one of the column's own character set, where that is not ours: what stands behind its place.
    pub(super) own: Option<Box<str>>,
    pub(super) is_nullable: bool,
    /// It is sorted as a number, and holds something else: `enum`, `set`, `bit`.
    pub(super) is_numbered: bool,
}

impl Column {
    /// The value as it is written into this column.
    pub(super) fn write(&self, value: &Value) -> Result<Bound> {
        let scalar = self.ty.scalar;
        let written = match (scalar, value) {
            (_, Value::Null) => Some(Bound::NULL),
            (Scalar::Json, value) => Some(Bound::Bytes(json::text(value).into_bytes())),
            // What is nearest is kept.
            (Scalar::Float, Value::Number(number)) => {
                number.as_f64().map(|number| number as f32).filter(|number| number.is_finite()).map(Bound::Float)
            }
            (Scalar::Decimal(grid), Value::Number(_) | Value::String(_)) => {
                let number = decimal(value);
                placed(&number, grid).map(|_| Bound::Bytes(number.into_bytes()))
            }
            // Not every character has a place in every column: the database says so.
            (Scalar::Text(_), Value::String(text)) => Some(Bound::Bytes(text.clone().into_bytes())),
            (scalar, value) => operand(scalar, value),
        };
        written.ok_or_else(|| Error::bad_request(format!("Invalid '{}': it must be {}", self.name, expected(scalar))))
    }
}

fn expected(scalar: Scalar) -> String {
    let expected = match scalar {
        Scalar::Boolean => "a boolean",
        Scalar::Integer(smallest, largest) => return format!("an integer from {smallest} to {largest}"),
        Scalar::Float | Scalar::Double => "a number within its range",
        Scalar::Decimal(_) => "a number, or one as text",
        Scalar::Text(_) => "a text",
        Scalar::Bytes => "base64 text",
        Scalar::Uuid => "a UUID",
        Scalar::Inet4 | Scalar::Inet6 => "an IP address",
        Scalar::Moment => "a date and time as text: 2026-01-02T03:04:05.678Z",
        Scalar::Date => "a date as text: 2026-01-02",
        Scalar::Time => "a time as text: 03:04:05",
        Scalar::Json => "JSON",
    };
    expected.to_owned()
}

/// The value as it is compared with this type, if any value of it could be equal. Numbers are bound as numbers: a text
/// would be equal to what it begins with.
pub(super) fn operand(scalar: Scalar, value: &Value) -> Option<Bound> {
    Some(match (scalar, value) {
        (Scalar::Boolean, Value::Bool(value)) => Bound::Int((*value).into()),
        (Scalar::Integer(smallest, largest), Value::Number(number)) => {
            let range = i128::from(smallest)..=i128::from(largest);
            integer(whole(number).filter(|number| range.contains(number))?)
        }
        // One that shows itself as this number.
        (Scalar::Float, Value::Number(number)) => {
            let (wanted, float) = (number.as_f64()?, number.as_f64()? as f32);
            Bound::Float(Some(float).filter(|float| float.to_string().parse() == Ok(wanted))?)
        }
        (Scalar::Double, Value::Number(number)) => Bound::Double(number.as_f64()?),
        (Scalar::Decimal(grid), Value::Number(_) | Value::String(_)) => {
            let placed = placed(&decimal(value), grid)?;
            Bound::Bytes(placed.is_exact.then_some(placed.text)?.into_bytes())
        }
        (Scalar::Bytes, Value::String(text)) => Bound::Bytes(BASE64.decode(text).ok()?),
        (Scalar::Moment, Value::String(text)) => time::read_moment(text)?,
        (Scalar::Date, Value::String(text)) => time::read_day(text)?,
        (Scalar::Time, Value::String(text)) => time::read_time(text)?,
        (scalar, Value::String(text)) => {
            let is_one = match scalar {
                Scalar::Text(_) => true,
                Scalar::Uuid => is_uuid(text),
                Scalar::Inet4 => text.parse::<Ipv4Addr>().is_ok(),
                Scalar::Inet6 => text.parse::<Ipv6Addr>().is_ok(),
                _ => false,
            };
            Bound::Bytes(is_one.then(|| text.clone())?.into_bytes())
        }
        _ => return None,
    })
}

/// A number as it is written, or a text that may be one.
fn decimal(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An integer that is within 64 bits, with or without a sign.
pub(super) fn integer(number: i128) -> Bound {
    match i64::try_from(number) {
        Ok(number) => Bound::Int(number),
        Err(_) => Bound::UInt(u64::try_from(number).unwrap_or(u64::MAX)),
    }
}

/// The number as integers of databases have it; a program may have calculated one that is whole.
pub(super) fn whole(number: &Number) -> Option<i128> {
    let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    // Beyond 2⁶⁴ no column has any.
    let float = || number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 2e19);
    integer.or_else(|| float().map(|float| float as i128))
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
    let value = match scalar {
        Scalar::Integer(..) => {
            let integer = text.parse::<i128>().ok().filter(|integer| integer.to_string() == text)?;
            match i64::try_from(integer) {
                Ok(integer) => integer.into(),
                Err(_) => u64::try_from(integer).ok()?.into(),
            }
        }
        Scalar::Float | Scalar::Double => {
            text.parse::<f64>().ok().filter(|float| float.to_string() == text).map(Value::from)?
        }
        // Those of another form are other texts.
        Scalar::Decimal(grid) => placed(&text, grid).filter(|placed| placed.text == text).map(|_| text.into())?,
        _ => Value::String(text),
    };
    operand(scalar, &value)
}
