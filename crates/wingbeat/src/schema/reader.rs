//! Where records and their members lie in JSON text.

use memchr::memchr2;
use serde_json::Value;
use std::ops::Range;
use wingbeat_core::json;

/// Of records with more members values are built: members are found by looking at each.
const MOST: usize = 64;

/// Longer integers may not fit the integers of JSON values.
const DIGITS: usize = 18;

/// How long members usually are, with their names.
const USUAL: usize = 20;

/// Where a member is: its name without the quotes, and its value.
pub(super) struct Member {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

/// Where a record is, and which of the members are its own.
pub(super) struct Record {
    pub(super) place: Range<usize>,
    pub(super) members: Range<usize>,
}

/// Reads text that is known to be JSON. Whatever it does not expect is `None`.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    records: Vec<Record>,
    /// Those of all records, one after the other.
    members: Vec<Member>,
    is_plain: bool,
}

/// What a reader has found.
pub(super) struct Found {
    pub(super) records: Vec<Record>,
    pub(super) members: Vec<Member>,
    /// What lies between the brackets of a list, or the one record.
    pub(super) place: Range<usize>,
    /// Whether [`json::plain`] has certainly nothing to change in it.
    pub(super) is_plain: bool,
}

impl Reader<'_> {
    /// The records of a result: of a list, of a page if it is of a `find`, or the one that it is.
    pub(super) fn read(text: &str, is_find: bool) -> Option<Found> {
        // Room for most that are not short.
        let members = Vec::with_capacity(text.len() / USUAL + 4);
        let mut reader = Reader { text, at: 0, records: Vec::with_capacity(8), members, is_plain: true };
        let place = match reader.peek()? {
            b'[' => reader.list()?,
            _ if is_find => reader.page()?,
            _ => {
                reader.record()?;
                reader.records.first()?.place.clone()
            }
        };
        let is_whole = reader.peek().is_none();
        let Reader { records, members, is_plain, .. } = reader;
        is_whole.then_some(Found { records, members, place, is_plain })
    }

    fn json(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
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

    /// A page; what lies between the brackets of its records.
    fn page(&mut self) -> Option<Range<usize>> {
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

    /// A list of records; what lies between its brackets.
    fn list(&mut self) -> Option<Range<usize>> {
        self.take(b'[')?;
        let start = self.at;
        if self.take(b']').is_none() {
            self.record()?;
            while self.goes_on(b']')? {
                self.record()?;
            }
        }
        Some(start..self.at - 1)
    }

    fn record(&mut self) -> Option<()> {
        self.take(b'{')?;
        let (start, first) = (self.at - 1, self.members.len());
        // Records of a table have the same names in the same order: as long as they do, a look at the record before is
        // enough.
        let mut alike = self.records.last().map_or(0..0, |before| before.members.clone());
        if self.take(b'}').is_none() {
            loop {
                let name = match alike.next().and_then(|before| self.same_name(before)) {
                    Some(name) => name,
                    None => {
                        alike = 0..0;
                        self.new_name(first)?
                    }
                };
                let value = self.value()?;
                self.members.push(Member { name, value });
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        self.records.push(Record { place: start..self.at, members: first..self.members.len() });
        Some(())
    }

    /// The name that a member of the record before has, and its colon, if they are next.
    fn same_name(&mut self, before: usize) -> Option<Range<usize>> {
        let Member { name, value } = &self.members[before];
        let (before, start, len) = (name.start - 1..value.start, self.at + 1, name.len());
        let ends = self.at + before.len();
        (self.json().get(self.at..ends)? == &self.json()[before]).then(|| {
            self.at = ends;
            start..start + len
        })
    }

    /// A name that the record, whose members begin with the `first`, has not had yet.
    fn new_name(&mut self, first: usize) -> Option<Range<usize>> {
        let name = self.name()?;
        let (json, members) = (self.json(), &self.members[first..]);
        let is_twice = |member: &Member| json[member.name.clone()] == json[name.clone()];
        (members.len() < MOST && !members.iter().any(is_twice)).then_some(name)
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
            (self.at, is_escaped, self.is_plain) = (self.at + 1, true, false);
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
                self.held(start)?;
            }
            b't' | b'f' | b'n' => self.scalar()?,
            _ => {
                let digits = start + usize::from(first == b'-');
                let len = self.json()[digits..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                self.at = digits + len;
                let is_short = len <= DIGITS - usize::from(first == b'-');
                if !is_short || !matches!(self.json().get(self.at)?, b',' | b'}' | b']') {
                    self.scalar()?;
                    self.held(start)?;
                } else if first == b'-' && self.json()[digits] == b'0' {
                    self.is_plain = false;
                }
            }
        }
        Some(start..self.at)
    }

    /// A number or a word, up to its end.
    fn scalar(&mut self) -> Option<()> {
        let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
        self.at += self.json()[self.at..].iter().position(ends)?;
        Some(())
    }

    /// Of a value that ends here: whether one of Rust can hold it.
    fn held(&mut self, start: usize) -> Option<()> {
        self.is_plain = false;
        json::read::<Value>(&self.text[start..self.at]).ok().map(drop)
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
