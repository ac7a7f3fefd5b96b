//! JSON to MessagePack.

use serde_json::{Number, Value};

/// Writes a value. Placeholders become the attachments they name.
pub(super) fn write(value: &Value, attachments: &[&[u8]]) -> Vec<u8> {
    let mut writer = Writer { out: Vec::with_capacity(128), attachments };
    writer.value(value);
    writer.out
}

struct Writer<'a> {
    out: Vec<u8>,
    attachments: &'a [&'a [u8]],
}

impl<'a> Writer<'a> {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.push(0xc0),
            Value::Bool(false) => self.out.push(0xc2),
            Value::Bool(true) => self.out.push(0xc3),
            Value::Number(number) => self.number(number),
            Value::String(text) => {
                self.head(text.len(), (0xa0, 32), &[0xd9, 0xda, 0xdb], 1);
                self.out.extend_from_slice(text.as_bytes());
            }
            Value::Array(items) => {
                self.head(items.len(), (0x90, 16), &[0xdc, 0xdd], 2);
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(map) => {
                if let Some(bytes) = self.attachment(map) {
                    self.head(bytes.len(), (0, 0), &[0xc4, 0xc5, 0xc6], 1);
                    self.out.extend_from_slice(bytes);
                    return;
                }
                self.head(map.len(), (0x80, 16), &[0xde, 0xdf], 2);
                for (key, value) in map {
                    self.head(key.len(), (0xa0, 32), &[0xd9, 0xda, 0xdb], 1);
                    self.out.extend_from_slice(key.as_bytes());
                    self.value(value);
                }
            }
        }
    }

    fn attachment(&self, map: &serde_json::Map<String, Value>) -> Option<&'a [u8]> {
        if self.attachments.is_empty() || map.get("_placeholder") != Some(&Value::Bool(true)) {
            return None;
        }
        self.attachments.get(usize::try_from(map.get("num")?.as_u64()?).ok()?).copied()
    }

    /// A length: within the first byte if it is below `short.1`, else behind the first marker that has room, the first
    /// of which has `width` bytes and each further one twice as many.
    fn head(&mut self, len: usize, short: (u8, usize), markers: &[u8], width: usize) {
        if len < short.1 {
            self.out.push(short.0 | len as u8);
            return;
        }
        let mut width = width;
        for &marker in markers {
            if width >= 4 || len < 1 << (8 * width) {
                self.out.push(marker);
                self.big_endian(len as u64, width);
                return;
            }
            width *= 2;
        }
    }

    fn big_endian(&mut self, number: u64, width: usize) {
        self.out.extend_from_slice(&number.to_be_bytes()[8 - width..]);
    }

    fn number(&mut self, number: &Number) {
        if let Some(positive) = number.as_u64() {
            match positive {
                0..=0x7f => self.out.push(positive as u8),
                0x80..=0xff => self.marked(0xcc, positive, 1),
                0x100..=0xffff => self.marked(0xcd, positive, 2),
                0x1_0000..=0xffff_ffff => self.marked(0xce, positive, 4),
                _ => self.marked(0xcf, positive, 8),
            }
        } else if let Some(negative) = number.as_i64() {
            match negative {
                -32..=-1 => self.out.push(negative as u8),
                -128..=-33 => self.marked(0xd0, negative as u64, 1),
                -32_768..=-129 => self.marked(0xd1, negative as u64, 2),
                -2_147_483_648..=-32_769 => self.marked(0xd2, negative as u64, 4),
                _ => self.marked(0xd3, negative as u64, 8),
            }
        } else {
            self.marked(0xcb, number.as_f64().unwrap_or(f64::NAN).to_bits(), 8);
        }
    }

    fn marked(&mut self, marker: u8, number: u64, width: usize) {
        self.out.push(marker);
        self.big_endian(number, width);
    }
}
