//! From cells to JSON: to its text, or to values where somebody looks at them.

use super::scalar::Scalar;
use super::time::timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use std::error::Error as StdError;
use std::str::from_utf8;
use tokio_postgres::types::{FromSql, Type};
use wingbeat_core::{Error, Result, json};

/// What stands in a row, as it has come.
pub(super) struct Raw<'a>(pub(super) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> std::result::Result<Raw<'a>, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// How a column of an answer is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) scalar: Scalar,
    pub(super) is_list: bool,
}

impl Reading {
    /// Appends it as JSON.
    pub(super) fn write(self, raw: Option<&[u8]>, out: &mut Vec<u8>) -> Result<()> {
        let Some(raw) = raw else {
            out.extend_from_slice(b"null");
            return Ok(());
        };
        match self.scalar {
            _ if self.is_list => json::write(out, &list(self.scalar, raw)?),
            Scalar::Boolean => {
                out.extend_from_slice(if boolean(raw)? { b"true" } else { b"false" });
                Ok(())
            }
            Scalar::Int2 | Scalar::Int4 | Scalar::Int8 => json::write(out, &integer(self.scalar, raw)?),
            Scalar::Float4 => json::write(out, &float4(raw)?),
            Scalar::Float8 => json::write(out, &float8(raw)?),
            Scalar::Text => {
                json::write_utf8(out, raw)?;
                Ok(())
            }
            scalar => json::write(out, &value(scalar, raw)?),
        }
    }

    pub(super) fn value(self, raw: Option<&[u8]>) -> Result<Value> {
        match raw {
            None => Ok(Value::Null),
            Some(raw) if self.is_list => list(self.scalar, raw),
            Some(raw) => value(self.scalar, raw),
        }
    }
}

fn value(scalar: Scalar, raw: &[u8]) -> Result<Value> {
    Ok(match scalar {
        Scalar::Boolean => boolean(raw)?.into(),
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 => integer(scalar, raw)?.into(),
        // By its own text: it has more digits as `f64`.
        Scalar::Float4 => {
            let number = float4(raw)?.to_string().parse().ok().and_then(json::number);
            number.map_or(Value::Null, Value::Number)
        }
        Scalar::Float8 => json::number(float8(raw)?).map_or(Value::Null, Value::Number),
        Scalar::Text => from_utf8(raw)?.into(),
        Scalar::Bytes => BASE64.encode(raw).into(),
        Scalar::Uuid => uuid(raw)?.into(),
        Scalar::Timestamp => timestamp(i64::from_be_bytes(fixed(raw)?), "").into(),
        Scalar::TimestampTz => timestamp(i64::from_be_bytes(fixed(raw)?), "Z").into(),
        Scalar::Json => parsed(from_utf8(raw)?),
        // The first byte says in which version it is written: there is one.
        Scalar::Jsonb => parsed(from_utf8(raw.get(1..).ok_or_else(unreadable)?)?),
        // These come as text, or the table is not what it was.
        Scalar::Numeric | Scalar::Other => return Err(unreadable()),
    })
}

/// Numbers that are too large for ours make a text of it.
fn parsed(text: &str) -> Value {
    json::parse(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn boolean(raw: &[u8]) -> Result<bool> {
    Ok(fixed(raw)? != [0])
}

fn integer(scalar: Scalar, raw: &[u8]) -> Result<i64> {
    Ok(match scalar {
        Scalar::Int2 => i16::from_be_bytes(fixed(raw)?).into(),
        Scalar::Int4 => i32::from_be_bytes(fixed(raw)?).into(),
        _ => i64::from_be_bytes(fixed(raw)?),
    })
}

fn float4(raw: &[u8]) -> Result<f32> {
    Ok(f32::from_be_bytes(fixed(raw)?))
}

fn float8(raw: &[u8]) -> Result<f64> {
    Ok(f64::from_be_bytes(fixed(raw)?))
}

fn uuid(raw: &[u8]) -> Result<String> {
    let bytes: [u8; 16] = fixed(raw)?;
    let mut text = format!("{:032x}", u128::from_be_bytes(bytes));
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    Ok(text)
}

/// A list: how many dimensions, whether there are nulls, the type of its elements, length and lower bound of each
/// dimension, then the elements with their lengths.
fn list(scalar: Scalar, mut raw: &[u8]) -> Result<Value> {
    let dimensions: i32 = i32::from_be_bytes(take(&mut raw)?);
    let _: [u8; 8] = take(&mut raw)?;
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        lengths.push(i32::from_be_bytes(take(&mut raw)?));
        let _: [u8; 4] = take(&mut raw)?;
    }
    if lengths.is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    elements(scalar, &lengths, &mut raw)
}

fn elements(scalar: Scalar, lengths: &[i32], raw: &mut &[u8]) -> Result<Value> {
    let Some((length, inner)) = lengths.split_first() else {
        let length = i32::from_be_bytes(take(raw)?);
        let Ok(length) = usize::try_from(length) else { return Ok(Value::Null) };
        let (element, rest) = raw.split_at_checked(length).ok_or_else(unreadable)?;
        *raw = rest;
        return value(scalar, element);
    };
    (0..*length).map(|_| elements(scalar, inner, raw)).collect::<Result<_>>().map(Value::Array)
}

fn take<const N: usize>(raw: &mut &[u8]) -> Result<[u8; N]> {
    let (taken, rest) = raw.split_first_chunk().ok_or_else(unreadable)?;
    *raw = rest;
    Ok(*taken)
}

fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N]> {
    raw.try_into().map_err(|_| unreadable())
}

fn unreadable() -> Error {
    Error::general("The database has sent what its own protocol does not know: has the table changed since the start?")
}
