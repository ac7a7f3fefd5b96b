//! MessagePack to JSON.

use crate::packet::MAX_DEPTH;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Reads one value that fills the bytes. Binary values become placeholders and attachments.
pub(super) fn read(bytes: &[u8]) -> Option<(Value, Vec<Bytes>)> {
    let mut reader = Reader { rest: bytes, attachments: Vec::new() };
    let value = reader.value(MAX_DEPTH)?;
    reader.rest.is_empty().then_some((value, reader.attachments))
}

struct Reader<'a> {
    rest: &'a [u8],
    attachments: Vec<Bytes>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    /// A big-endian number of this many bytes.
    fn number(&mut self, width: usize) -> Option<u64> {
        Some(self.take(width)?.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn len(&mut self, width: usize) -> Option<usize> {
        usize::try_from(self.number(width)?).ok()
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        let first = self.take(1)?[0];
        Some(match first {
            0x00..=0x7f => Value::from(first),
            0x80..=0x8f => self.map(usize::from(first & 0x0f), depth)?,
            0x90..=0x9f => self.array(usize::from(first & 0x0f), depth)?,
            0xa0..=0xbf => self.text(usize::from(first & 0x1f))?,
            0xc0 => Value::Null,
            0xc2 => Value::Bool(false),
            0xc3 => Value::Bool(true),
            0xc4..=0xc6 => {
                let len = self.len(1 << (first - 0xc4))?;
                self.binary(len)?
            }
            0xc7..=0xc9 => {
                let len = self.len(1 << (first - 0xc7))?;
                self.extension(len)?
            }
            0xca => Value::from(f64::from(f32::from_bits(self.number(4)? as u32))),
            0xcb => Value::from(f64::from_bits(self.number(8)?)),
            0xcc..=0xcf => Value::from(self.number(1 << (first - 0xcc))?),
            0xd0 => Value::from(self.number(1)? as u8 as i8),
            0xd1 => Value::from(self.number(2)? as u16 as i16),
            0xd2 => Value::from(self.number(4)? as u32 as i32),
            0xd3 => Value::from(self.number(8)? as i64),
            0xd4..=0xd8 => self.extension(1 << (first - 0xd4))?,
            0xd9..=0xdb => {
                let len = self.len(1 << (first - 0xd9))?;
                self.text(len)?
            }
            0xdc | 0xdd => {
                let len = self.len(2 << (first - 0xdc))?;
                self.array(len, depth)?
            }
            0xde | 0xdf => {
                let len = self.len(2 << (first - 0xde))?;
                self.map(len, depth)?
            }
            0xe0..=0xff => Value::from(first as i8),
            0xc1 => return None,
        })
    }

    fn text(&mut self, len: usize) -> Option<Value> {
        Some(Value::from(simdutf8::basic::from_utf8(self.take(len)?).ok()?))
    }

    fn array(&mut self, len: usize, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        // The length is the sender's word: room is made as elements come.
        let mut items = Vec::new();
        for _ in 0..len {
            items.push(self.value(depth)?);
        }
        Some(Value::Array(items))
    }

    fn map(&mut self, len: usize, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        let mut map = Map::new();
        for _ in 0..len {
            let Value::String(key) = self.value(depth)? else { return None };
            let value = self.value(depth)?;
            map.insert(key, value);
        }
        Some(Value::Object(map))
    }

    fn binary(&mut self, len: usize) -> Option<Value> {
        let bytes = Bytes::copy_from_slice(self.take(len)?);
        self.attachments.push(bytes);
        Some(json!({"_placeholder": true, "num": self.attachments.len() - 1}))
    }

    /// `undefined` and dates, as the reference's encoder writes them; nothing else is known.
    fn extension(&mut self, len: usize) -> Option<Value> {
        let kind = self.take(1)?[0];
        match (kind, len) {
            (0, 1) => self.take(1).map(|_| Value::Null),
            (0, 8) => Some(Value::from(date(self.number(8)? as i64)?)),
            _ => None,
        }
    }
}

/// Milliseconds since 1970 as JSON has dates: `2026-01-31T12:00:00.000Z`.
fn date(millis: i64) -> Option<String> {
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    if !(-719_162..=2_932_896).contains(&days) {
        return None;
    }
    // Counted from the first of March of a year 0: then leap days come last.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", rest % 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_what_json_makes_of_them() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_767_225_599_123, "2025-12-31T23:59:59.123Z"),
        ] {
            assert_eq!(date(millis).unwrap(), text);
        }
    }

    #[test]
    fn every_width_of_number_is_read() {
        for (bytes, number) in [
            (&b"\xd0\x80"[..], -128i64),
            (b"\xd1\xff\x00", -256),
            (b"\xd2\xff\xff\xff\x00", -256),
            (b"\xd3\xff\xff\xff\xff\xff\xff\xff\x00", -256),
            (b"\xff", -1),
            (b"\xcd\x01\x00", 256),
        ] {
            assert_eq!(read(bytes).unwrap().0, Value::from(number));
        }
        assert_eq!(read(b"\xca\x3f\xc0\x00\x00").unwrap().0, json!(1.5));
    }
}
