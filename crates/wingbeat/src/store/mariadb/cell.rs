//! From cells to JSON: to its text, or to values where somebody looks at them.

use super::scalar::Scalar;
use super::time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mysql_async::Value as Cell;
use serde_json::Value;
use std::str::from_utf8;
use wingbeat_core::{Error, Result, json};

/// Appends it as JSON.
pub(super) fn write(scalar: Scalar, cell: &Cell, out: &mut Vec<u8>) -> Result<()> {
    match (scalar, cell) {
        (_, Cell::NULL) => out.extend_from_slice(b"null"),
        (Scalar::Boolean, Cell::Int(0)) => out.extend_from_slice(b"false"),
        (Scalar::Boolean, Cell::Int(1)) => out.extend_from_slice(b"true"),
        (Scalar::Integer(..), Cell::Int(integer)) => json::write(out, integer)?,
        (Scalar::Integer(..), Cell::UInt(integer)) => json::write(out, integer)?,
        (Scalar::Float, Cell::Float(float)) => json::write(out, float)?,
        (Scalar::Double, Cell::Double(float)) => json::write(out, float)?,
        (Scalar::Text(_), Cell::Bytes(text)) => json::write_utf8(out, text)?,
        (scalar, cell) => json::write(out, &value(scalar, cell)?)?,
    }
    Ok(())
}

pub(super) fn value(scalar: Scalar, cell: &Cell) -> Result<Value> {
    Ok(match (scalar, cell) {
        (_, Cell::NULL) => Value::Null,
        (Scalar::Boolean, Cell::Int(integer @ (0 | 1))) => (*integer == 1).into(),
        (Scalar::Boolean, Cell::Bytes(bits)) => (bits.as_slice() != [0]).into(),
        // What another program has put there.
        (Scalar::Integer(..) | Scalar::Boolean, Cell::Int(integer)) => (*integer).into(),
        (Scalar::Integer(..), Cell::UInt(integer)) => (*integer).into(),
        (Scalar::Integer(..), Cell::Bytes(bits)) if bits.len() <= 8 => {
            bits.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)).into()
        }
        // By its own text: it has more digits as `f64`.
        (Scalar::Float, Cell::Float(float)) => {
            let number = float.to_string().parse().ok().and_then(json::number);
            number.map_or(Value::Null, Value::Number)
        }
        (Scalar::Double, Cell::Double(float)) => json::number(*float).map_or(Value::Null, Value::Number),
        (Scalar::Json, Cell::Bytes(text)) => {
            let text = from_utf8(text)?;
            // Numbers that are too large for ours make a text of it.
            json::parse(text).unwrap_or_else(|_| text.into())
        }
        (Scalar::Bytes, Cell::Bytes(bytes)) => BASE64.encode(bytes).into(),
        (Scalar::Text(_) | Scalar::Decimal(_) | Scalar::Uuid | Scalar::Inet4 | Scalar::Inet6, Cell::Bytes(text)) => {
            from_utf8(text)?.into()
        }
        (Scalar::Moment, cell) => time::moment(cell).ok_or_else(unreadable)?.into(),
        (Scalar::Date, cell) => time::day(cell).ok_or_else(unreadable)?.into(),
        (Scalar::Time, cell) => time::time(cell).ok_or_else(unreadable)?.into(),
        _ => return Err(unreadable()),
    })
}

/// As the key of a cursor: exactly, and such that it can be bound again.
pub(super) fn key(cell: &Cell) -> Value {
    match cell {
        Cell::NULL => Value::Null,
        Cell::Int(integer) => (*integer).into(),
        Cell::UInt(integer) => (*integer).into(),
        Cell::Float(float) => json::number((*float).into()).map_or(Value::Null, Value::Number),
        Cell::Double(float) => json::number(*float).map_or(Value::Null, Value::Number),
        Cell::Bytes(bytes) => match from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => Value::from_iter([("blob", BASE64.encode(bytes))]),
        },
        Cell::Date(year, month, day, hour, minute, second, micros) => {
            let parts = [month, day, hour, minute, second].map(|part| u32::from(*part));
            [(*year).into()].into_iter().chain(parts).chain([*micros]).collect()
        }
        Cell::Time(is_negative, days, hour, minute, second, micros) => {
            let parts = [hour, minute, second].map(|part| u32::from(*part));
            [u32::from(*is_negative), *days].into_iter().chain(parts).chain([*micros]).collect()
        }
    }
}

/// The same the other way round, if it is one.
pub(super) fn of_key(key: &Value) -> Option<Cell> {
    Some(match key {
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Cell::Int(integer),
            (_, Some(integer)) => Cell::UInt(integer),
            _ => Cell::Double(number.as_f64()?),
        },
        Value::String(text) => Cell::Bytes(text.clone().into_bytes()),
        Value::Array(parts) => {
            let parts = parts.iter().map(|part| u32::try_from(part.as_u64()?).ok()).collect::<Option<Vec<_>>>()?;
            let small = |part: u32| u8::try_from(part).ok();
            match parts[..] {
                [year, month, day, hour, minute, second, micros] => {
                    let year = u16::try_from(year).ok()?;
                    Cell::Date(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, micros)
                }
                [is_negative, days, hour, minute, second, micros] => {
                    Cell::Time(is_negative == 1, days, small(hour)?, small(minute)?, small(second)?, micros)
                }
                _ => return None,
            }
        }
        key => Cell::Bytes(BASE64.decode(key.get("blob")?.as_str()?).ok()?),
    })
}

fn unreadable() -> Error {
    Error::general(
        "The database has sent a value of another type than its column had: has the table changed since the start?",
    )
}
