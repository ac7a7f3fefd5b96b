//! MessagePack to JSON.

use bytes::Bytes;
use serde::Serialize;
use wingbeat_core::json::MAX_DEPTH;
use wingbeat_core::{iso_date, json, placeholder};

/// What a packet consists of.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) kind: Option<u64>,
    pub(super) namespace: Option<&'a str>,
    pub(super) id: Option<u64>,
    /// JSON, with placeholders for the attachments.
    pub(super) data: Option<String>,
    pub(super) attachments: Vec<Bytes>,
}

/// Reads a packet that fills the bytes.
pub(super) fn packet(bytes: &[u8], max_attachments: usize) -> Option<Fields<'_>> {
    let mut reader = Reader { rest: bytes, json: Vec::new(), attachments: Vec::new(), max_attachments };
    let mut fields = Fields::default();
    for _ in 0..reader.map_len()? {
        match reader.text()? {
            "type" => fields.kind = Some(reader.json()?.parse().ok()?),
            "nsp" => fields.namespace = Some(reader.text()?),
            "id" => {
                fields.id = match &*reader.json()? {
                    "null" => None,
                    id => Some(id.parse().ok()?),
                }
            }
            "data" => fields.data = Some(reader.json()?),
            _ => drop(reader.json()?),
        }
    }
    fields.attachments = reader.attachments;
    reader.rest.is_empty().then_some(fields)
}

/// Writes the text as it reads: what came is never a tree in memory, which can be a hundred times its size.
struct Reader<'a> {
    rest: &'a [u8],
    json: Vec<u8>,
    attachments: Vec<Bytes>,
    max_attachments: usize,
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

    /// The head of a map.
    fn map_len(&mut self) -> Option<usize> {
        match self.take(1)?[0] {
            first @ 0x80..=0x8f => Some(usize::from(first & 0x0f)),
            first @ (0xde | 0xdf) => self.len(2 << (first - 0xde)),
            _ => None,
        }
    }

    /// A text, which must come next.
    fn text(&mut self) -> Option<&'a str> {
        let len = match self.take(1)?[0] {
            first @ 0xa0..=0xbf => usize::from(first & 0x1f),
            first @ 0xd9..=0xdb => self.len(1 << (first - 0xd9))?,
            _ => return None,
        };
        simdutf8::basic::from_utf8(self.take(len)?).ok()
    }

    /// One value as JSON.
    fn json(&mut self) -> Option<String> {
        self.value(MAX_DEPTH)?;
        String::from_utf8(std::mem::take(&mut self.json)).ok()
    }

    fn write(&mut self, value: impl Serialize) -> Option<()> {
        json::write(&mut self.json, &value).ok()
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        let first = *self.rest.first()?;
        if matches!(first, 0xa0..=0xbf | 0xd9..=0xdb) {
            let text = self.text()?;
            return self.write(text);
        }
        if matches!(first, 0x80..=0x8f | 0xde | 0xdf) {
            let len = self.map_len()?;
            return self.map(len, depth);
        }
        self.rest = &self.rest[1..];
        match first {
            0x00..=0x7f => self.write(first),
            0x90..=0x9f => self.array(usize::from(first & 0x0f), depth),
            0xc0 => self.write(()),
            0xc2 | 0xc3 => self.write(first == 0xc3),
            0xc4..=0xc6 => {
                let len = self.len(1 << (first - 0xc4))?;
                self.binary(len)
            }
            0xc7..=0xc9 => {
                let len = self.len(1 << (first - 0xc7))?;
                self.extension(len)
            }
            // What is not a number is null, as in JavaScript.
            0xca => {
                let bits = self.number(4)? as u32;
                self.write(f64::from(f32::from_bits(bits)))
            }
            0xcb => {
                let bits = self.number(8)?;
                self.write(f64::from_bits(bits))
            }
            0xcc..=0xcf => {
                let number = self.number(1 << (first - 0xcc))?;
                self.write(number)
            }
            0xd0..=0xd3 => {
                let width = 1 << (first - 0xd0);
                let unused = 64 - 8 * width as u32;
                let number = self.number(width)?;
                self.write((number << unused) as i64 >> unused)
            }
            0xd4..=0xd8 => self.extension(1 << (first - 0xd4)),
            0xdc | 0xdd => {
                let len = self.len(2 << (first - 0xdc))?;
                self.array(len, depth)
            }
            0xe0..=0xff => self.write(first as i8),
            // Texts and maps are above; 0xc1 is never used.
            _ => None,
        }
    }

    fn array(&mut self, len: usize, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.json.push(b'[');
        for at in 0..len {
            if at > 0 {
                self.json.push(b',');
            }
            self.value(depth)?;
        }
        self.json.push(b']');
        Some(())
    }

    fn map(&mut self, len: usize, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        self.json.push(b'{');
        for at in 0..len {
            if at > 0 {
                self.json.push(b',');
            }
            let key = self.text()?;
            self.write(key)?;
            self.json.push(b':');
            self.value(depth)?;
        }
        self.json.push(b'}');
        Some(())
    }

    fn binary(&mut self, len: usize) -> Option<()> {
        let bytes = self.take(len)?;
        if self.attachments.len() == self.max_attachments {
            return None;
        }
        let number = self.attachments.len();
        self.attachments.push(Bytes::copy_from_slice(bytes));
        placeholder::write(&mut self.json, number);
        Some(())
    }

    /// `undefined` and dates, as the reference's encoder writes them; nothing else is known. What is not a date is null, as in
    /// JavaScript.
    fn extension(&mut self, len: usize) -> Option<()> {
        let kind = self.take(1)?[0];
        match (kind, len) {
            (0, 1) => {
                self.take(1)?;
                self.write(())
            }
            (0, 8) => {
                let millis = self.number(8)? as i64;
                self.write(iso_date(millis))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_what_javascript_makes_of_them() {
        for (millis, json) in [
            (0, r#""1970-01-01T00:00:00.000Z""#),
            (253_402_300_800_000, r#""+010000-01-01T00:00:00.000Z""#),
            (i64::MAX, "null"),
        ] {
            let bytes = [&b"\xd7\x00"[..], &i64::to_be_bytes(millis)].concat();
            let mut reader = Reader { rest: &bytes, json: Vec::new(), attachments: Vec::new(), max_attachments: 0 };
            assert_eq!(reader.json().as_deref(), Some(json));
        }
    }

    #[test]
    fn every_width_of_number_is_read() {
        for (bytes, json) in [
            (&b"\xd0\x80"[..], "-128"),
            (b"\xd1\xff\x00", "-256"),
            (b"\xd2\xff\xff\xff\x00", "-256"),
            (b"\xd3\xff\xff\xff\xff\xff\xff\xff\x00", "-256"),
            (b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", "-9223372036854775808"),
            (b"\xff", "-1"),
            (b"\xcd\x01\x00", "256"),
            (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
            (b"\xca\x3f\xc0\x00\x00", "1.5"),
            (b"\xcb\x40\x08\x00\x00\x00\x00\x00\x00", "3"),
            (b"\xcb\x80\x00\x00\x00\x00\x00\x00\x00", "0"),
            (b"\xca\x7f\xc0\x00\x00", "null"),
        ] {
            let mut reader = Reader { rest: bytes, json: Vec::new(), attachments: Vec::new(), max_attachments: 0 };
            assert_eq!(reader.json().as_deref(), Some(json));
        }
    }
}
