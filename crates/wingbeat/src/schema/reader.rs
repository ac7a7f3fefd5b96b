//! Where records and their members lie in JSON text.

use memchr::memchr2;
use serde_json::Value;
use std::ops::Range;
use wingbeat_core::json;

/// Of records with more members values are built: members are found by looking at each.
const MOST: usize = 64;

/// Longer integers may not fit the integers of JSON values.
const DIGITS: usize = 18;

/// Where a member is: its name without the quotes, and its value.
pub(super) struct Member {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Where a record is, and its members.
pub(super) type Record = (Range<usize>, Vec<Member>);

/// Reads text that is known to be JSON. Whatever it does not expect is `None`.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    pub(super) fn new(text: &str) -> Reader<'_> {
        Reader { text, at: 0 }
    }

    fn json(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The next byte that is not white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.json().get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        let is_it = self.peek()? == byte;
        self.at += usize::from(is_it);
        is_it.then_some(())
    }

    /// Behind an element: whether another one follows, or else the end.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        (byte == b',' || byte == end).then_some(byte == b',')
    }

    /// The records of a page, and what lies between their brackets.
    pub(super) fn page(&mut self) -> Option<(Vec<Record>, Range<usize>)> {
        let mut data = None;
        self.take(b'{')?;
        loop {
            let name = self.name()?;
            if self.json()[name] == *b"data" {
                if data.replace(self.list()?).is_some() {
                    return None;
                }
            } else {
                self.value()?;
            }
            if !self.goes_on(b'}')? {
                return data;
            }
        }
    }

    /// The records of a list, and what lies between its brackets.
    pub(super) fn list(&mut self) -> Option<(Vec<Record>, Range<usize>)> {
        self.take(b'[')?;
        let (mut records, start) = (Vec::new(), self.at);
        if self.take(b']').is_none() {
            records.push(self.record()?);
            while self.goes_on(b']')? {
                records.push(self.record()?);
            }
        }
        Some((records, start..self.at - 1))
    }

    pub(super) fn record(&mut self) -> Option<Record> {
        self.take(b'{')?;
        let (start, mut members) = (self.at - 1, Vec::<Member>::with_capacity(8));
        if self.take(b'}').is_none() {
            loop {
                let name = self.name()?;
                let json = self.json();
                let is_twice = |member: &Member| json[member.name.clone()] == json[name.clone()];
                if members.len() == MOST || members.iter().any(is_twice) {
                    return None;
                }
                let value = self.value()?;
                members.push(Member { name, value });
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        Some((start..self.at, members))
    }

    /// A name, which has no escape in it, and its colon.
    fn name(&mut self) -> Option<Range<usize>> {
        self.take(b'"')?;
        let start = self.at;
        let is_escaped = self.string()?;
        let name = start..self.at - 1;
        self.take(b':')?;
        (!is_escaped).then_some(name)
    }

    /// From behind the opening quote to behind the closing one. Whether something is escaped in it.
    fn string(&mut self) -> Option<bool> {
        let mut is_escaped = false;
        loop {
            let rest = self.json().get(self.at..)?;
            let special = memchr2(b'"', b'\\', rest)?;
            let ends = rest[special] == b'"';
            self.at += special + 1;
            if ends {
                return Some(is_escaped);
            }
            // Whatever is escaped.
            (self.at, is_escaped) = (self.at + 1, true);
        }
    }

    /// A value that a value of Rust can hold.
    fn value(&mut self) -> Option<Range<usize>> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => {
                self.at += 1;
                self.string()?;
            }
            b'{' | b'[' => {
                self.nested()?;
                json::read::<Value>(&self.text[start..self.at]).ok()?;
            }
            _ => {
                let rest = &self.json()[start..];
                let len =
                    rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'))?;
                let is_digits = rest[usize::from(first == b'-')..len].iter().all(u8::is_ascii_digit);
                self.at += len;
                if !(matches!(first, b't' | b'f' | b'n') || is_digits && len <= DIGITS) {
                    json::read::<Value>(&self.text[start..self.at]).ok()?;
                }
            }
        }
        Some(start..self.at)
    }

    /// A list or an object, up to its end.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => drop(self.string()?),
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 1 => return Some(()),
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
    }
}
