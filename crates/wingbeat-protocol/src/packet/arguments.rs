//! Where the elements of an event's JSON array lie.

use super::scan;
use bytes::Bytes;
use bytestring::ByteString;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::ops::Range;
use wingbeat_core::json::MAX_DEPTH;
use wingbeat_core::{Result, json};

/// Elements that need no allocation: a call has a name, a path, an id, data and a query.
const INLINE: usize = 5;

/// The elements of a JSON array, as ranges of its text, which is borrowed until [`into_owned`](Arguments::into_owned).
#[derive(Clone, Debug)]
pub struct Arguments<'a> {
    text: Text<'a>,
    inline: [(u32, u32); INLINE],
    rest: Vec<(u32, u32)>,
    len: u32,
}

#[derive(Clone, Debug)]
enum Text<'a> {
    Borrowed(&'a str),
    Shared(ByteString),
}

impl<'a> Arguments<'a> {
    /// Finds the elements. `None` if the text is no JSON array, is nested too deeply or has more than `max` elements.
    pub fn parse(text: &'a str, max: usize) -> Option<Arguments<'a>> {
        // Ranges are 32 bits wide; limits on payloads keep far below.
        u32::try_from(text.len()).ok()?;
        let mut found = Arguments { text: Text::Borrowed(text), inline: [(0, 0); INLINE], rest: Vec::new(), len: 0 };
        let json = text.as_bytes();
        let mut at = scan::space(json, 0);
        if json.get(at) != Some(&b'[') {
            return None;
        }
        at = scan::space(json, at + 1);
        if json.get(at) != Some(&b']') {
            loop {
                let end = scan::value(json, at, MAX_DEPTH - 1)?;
                found.push(at as u32, end as u32, max)?;
                at = scan::space(json, end);
                match json.get(at)? {
                    b',' => at = scan::space(json, at + 1),
                    b']' => break,
                    _ => return None,
                }
            }
        }
        if scan::space(json, at + 1) != json.len() {
            return None;
        }
        Some(found)
    }

    /// The same with a text of its own: copied once, and shared from then on.
    pub fn into_owned(self) -> Arguments<'static> {
        let text = Text::Shared(match self.text {
            Text::Borrowed(text) => text.into(),
            Text::Shared(text) => text,
        });
        Arguments { text, inline: self.inline, rest: self.rest, len: self.len }
    }

    fn push(&mut self, start: u32, end: u32, max: usize) -> Option<()> {
        let at = self.len();
        if at >= max {
            return None;
        }
        match self.inline.get_mut(at) {
            Some(slot) => *slot = (start, end),
            None => self.rest.push((start, end)),
        }
        self.len += 1;
        Some(())
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Forgets the last element, which stays in the text of the whole.
    pub fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
        self.rest.truncate(self.len().saturating_sub(INLINE));
    }

    /// The text of an element.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.range(index).map(|range| &self.text()[range])
    }

    /// The text of the whole array.
    pub fn text(&self) -> &str {
        match &self.text {
            Text::Borrowed(text) => text,
            Text::Shared(text) => text,
        }
    }

    /// The text of an element to keep: a copy where the array's is borrowed, a part of it where that is shared.
    pub fn bytes(&self, index: usize) -> Option<Bytes> {
        self.range(index).map(|range| match &self.text {
            Text::Borrowed(text) => Bytes::copy_from_slice(text[range].as_bytes()),
            Text::Shared(text) => text.as_bytes().slice(range),
        })
    }

    /// Reads an element as a `T`, without looking for attachments. One that is not there is null.
    ///
    /// # Errors
    /// BadRequest if it does not fit.
    pub fn get_as<T: DeserializeOwned>(&self, index: usize) -> Result<T> {
        json::read(self.get(index).unwrap_or("null"))
    }

    fn range(&self, index: usize) -> Option<Range<usize>> {
        if index >= self.len() {
            return None;
        }
        let (start, end) = if index < INLINE { self.inline[index] } else { self.rest[index - INLINE] };
        Some(start as usize..end as usize)
    }

    /// The first element as the name of an event; `None` if it is not a name that an event can have.
    pub fn event_name(&self) -> Option<EventName> {
        let text = self.get(0)?;
        match text.as_bytes() {
            [b'"', plain @ .., b'"'] if !plain.contains(&b'\\') => {
                if is_reserved(plain) {
                    return None;
                }
                let (start, end) = self.inline[0];
                Some(EventName::Plain(start + 1, end - 1))
            }
            [b'"', ..] => {
                let name: String = json::read(text).ok()?;
                (!is_reserved(name.as_bytes())).then(|| EventName::Escaped(name.into()))
            }
            [b'-' | b'0'..=b'9', ..] => Some(match json::plain(text) {
                Cow::Borrowed(_) => EventName::Plain(self.inline[0].0, self.inline[0].1),
                Cow::Owned(number) => EventName::Escaped(number.into()),
            }),
            _ => None,
        }
    }

    /// The text of a name.
    pub fn name<'n>(&'n self, name: &'n EventName) -> &'n str {
        match name {
            EventName::Plain(start, end) => &self.text()[*start as usize..*end as usize],
            EventName::Escaped(name) => name,
        }
    }
}

/// The name of an event: a part of the text, or what its escapes stand for. Numbers are names as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventName {
    /// A range of the array's text.
    Plain(u32, u32),
    /// A text of its own.
    Escaped(Box<str>),
}

fn is_reserved(name: &[u8]) -> bool {
    matches!(
        name,
        b"connect" | b"connect_error" | b"disconnect" | b"disconnecting" | b"newListener" | b"removeListener"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Arguments<'_>> {
        Arguments::parse(text, 100)
    }

    #[test]
    fn elements_are_found_whatever_stands_between_them() {
        let text = " [ \"get\" ,\n{\"a\":[1,\"]\"]}, null,-1.5e3 , \"x\\\"]\" ,7,[8] ] ";
        let found = parse(text).unwrap();
        let elements: Vec<_> = (0..found.len()).map(|i| found.get(i).unwrap()).collect();
        assert_eq!(elements, ["\"get\"", "{\"a\":[1,\"]\"]}", "null", "-1.5e3", "\"x\\\"]\"", "7", "[8]"]);
        assert_eq!(found.get(7), None);
        assert_eq!(found.name(&found.event_name().unwrap()), "get");
    }

    #[test]
    fn what_is_no_array_or_too_long_is_refused() {
        for bad in ["", "{}", "[", "[1", "[1,]", "[1]]", "[1] x", "\"a\"", "[01]", "[\u{1}]"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        assert!(Arguments::parse("[1,2,3]", 3).is_some());
        assert!(Arguments::parse("[1,2,3,4]", 3).is_none());
        assert!(parse(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))).is_none());
    }

    #[test]
    fn names_are_texts_or_numbers_and_not_reserved() {
        let name = |text: &str| {
            let found = parse(text).unwrap();
            found.event_name().map(|name| found.name(&name).to_owned())
        };
        assert_eq!(name(r#"["caf\u00e9"]"#).as_deref(), Some("café"));
        assert_eq!((name("[5]").as_deref(), name("[5.0]").as_deref()), (Some("5"), Some("5")));
        assert_eq!(name(r#"["error"]"#).as_deref(), Some("error"));
        assert_eq!(name(r#"["a\ud800b"]"#).as_deref(), Some("a\u{fffd}b"));
        for bad in ["[]", "[{}]", "[null]", "[true]", "[[1]]", r#"["connect"]"#, r#"["disconn\u0065ct"]"#] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }

    #[test]
    fn elements_outlive_the_text_once_they_own_it() {
        let owned = {
            let text = String::from(r#"["a",{"b":1}]"#);
            parse(&text).unwrap().into_owned()
        };
        assert_eq!(owned.get(1), Some(r#"{"b":1}"#));
        let kept = owned.bytes(1).unwrap();
        assert_eq!(kept.as_ptr(), owned.get(1).unwrap().as_ptr(), "a part of the shared text");
        drop(owned);
        assert_eq!(kept, r#"{"b":1}"#);
    }

    #[test]
    fn the_last_elements_are_forgotten_one_by_one() {
        let mut found = parse("[1,2,3,4,5,6,7]").unwrap();
        for left in (0..7).rev() {
            found.pop();
            assert_eq!((found.len(), found.get(left)), (left, None));
            assert_eq!(found.get(left.wrapping_sub(1)).is_some(), left > 0);
        }
        found.pop();
        assert!(found.is_empty());
    }

    #[test]
    fn lone_surrogates_in_arguments_pass() {
        assert_eq!(parse(r#"["a","\ud800"]"#).unwrap().get(1).unwrap(), r#""\ud800""#);
    }
}
