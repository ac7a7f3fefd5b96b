//! JSON as text.

use crate::binary::{extract, is_marked, write_marked};
use crate::placeholder::{self, replace};
use crate::{Error, Result, json};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Scratch memory larger than this is given back.
const KEEP: usize = 64 * 1024;

/// The text of one valid JSON value, shared cheaply; with [`Binary`](crate::Binary) in it, also the bytes that its
/// placeholders stand for.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson {
    text: Bytes,
    /// Nearly always none. Every one has its placeholder in the text, in order.
    attachments: Option<Arc<Vec<Bytes>>>,
}

impl RawJson {
    /// `null`.
    pub const NULL: RawJson = RawJson::plain(Bytes::from_static(b"null"));

    const fn plain(text: Bytes) -> RawJson {
        RawJson { text, attachments: None }
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// If the value has no JSON form (a map whose keys are no texts).
    pub fn new(value: &(impl Serialize + ?Sized)) -> Result<RawJson> {
        // Written into memory of the thread, then kept in one piece of the right size: one allocation instead of three.
        let mut scratch = SCRATCH.take();
        scratch.clear();
        let written = json::write(&mut scratch, value);
        let text = Bytes::copy_from_slice(&scratch);
        if scratch.capacity() <= KEEP {
            SCRATCH.set(scratch);
        }
        written.map(|()| RawJson::from_written(text))
    }

    /// Takes text that was written piece by piece with [`json::write`].
    pub fn from_written(text: impl Into<Bytes>) -> RawJson {
        let text = text.into();
        if !is_marked(&text) {
            return RawJson::from_valid(text);
        }
        let (text, attachments) = extract(&text);
        let attachments = (!attachments.is_empty()).then(|| Arc::new(attachments));
        RawJson { text: text.into(), attachments }
    }

    /// Takes text in which placeholders stand for some of these attachments; it keeps those, in its own order.
    pub fn with_attachments(text: Bytes, attachments: &[Bytes]) -> RawJson {
        if attachments.is_empty() {
            return RawJson::from_valid(text);
        }
        let mut used = Vec::new();
        let renumbered = replace(&text, attachments, |out, bytes| {
            placeholder::write(out, used.len());
            used.push(bytes.clone());
        });
        match renumbered {
            Some(text) => RawJson { text: text.into(), attachments: Some(Arc::new(used)) },
            None => RawJson::from_valid(text),
        }
    }

    /// The texts of several values, whose placeholders stand for one common list of attachments.
    pub fn join(values: &[RawJson]) -> (Vec<Bytes>, Vec<Bytes>) {
        let mut all: Vec<Bytes> = Vec::new();
        let mut texts = Vec::with_capacity(values.len());
        for value in values {
            let renumbered = if all.is_empty() { None } else { value.numbered_from(all.len()) };
            texts.push(renumbered.unwrap_or_else(|| value.bytes()));
            all.extend_from_slice(value.attachments());
        }
        (texts, all)
    }

    /// The text with other numbers in its placeholders, if it has any.
    fn numbered_from(&self, first: usize) -> Option<Bytes> {
        let mut next = first;
        let renumbered = replace(&self.text, self.attachments(), |out, _| {
            placeholder::write(out, next);
            next += 1;
        });
        renumbered.map(Bytes::from)
    }

    /// The text, with bytes as what `JSON.stringify` makes of a `Buffer`: `{"type":"Buffer","data":[…]}`. For wires that have
    /// no room beside the text.
    pub fn with_buffers(&self) -> Bytes {
        if self.attachments().is_empty() {
            return self.bytes();
        }
        let written = replace(&self.text, self.attachments(), |out, bytes| {
            out.extend_from_slice(br#"{"type":"Buffer","data":"#);
            // A vector takes everything.
            let _ = json::write(out, &**bytes);
            out.push(b'}');
        });
        written.map_or_else(|| self.bytes(), Bytes::from)
    }

    /// Takes text that came from outside.
    ///
    /// # Errors
    /// BadRequest if it is not one JSON value, or nests deeper than [`MAX_DEPTH`](json::MAX_DEPTH).
    pub fn parse(text: impl Into<Bytes>) -> Result<RawJson> {
        let text = text.into();
        if !json::within_depth(&text) {
            return Err(Error::bad_request("Invalid JSON: it nests too deep"));
        }
        match serde_json::from_slice::<&RawValue>(&text) {
            Ok(_) => Ok(RawJson::plain(text)),
            Err(error) => Err(Error::bad_request(format!("Invalid JSON: {error}"))),
        }
    }

    /// Takes text that is known to be one JSON value, such as an argument that a decoder has found.
    ///
    /// Text that is not would be sent on as it is, and only then be noticed.
    pub fn from_valid(text: Bytes) -> RawJson {
        debug_assert!(serde_json::from_slice::<&RawValue>(&text).is_ok(), "not JSON: {text:?}");
        RawJson::plain(text)
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    /// The text, shared.
    pub fn bytes(&self) -> Bytes {
        self.text.clone()
    }

    /// What the placeholders in the text stand for, in their order.
    pub fn attachments(&self) -> &[Bytes] {
        self.attachments.as_deref().map_or(&[], Vec::as_slice)
    }

    /// The text and the attachments, to keep.
    pub fn into_parts(self) -> (Bytes, Option<Arc<Vec<Bytes>>>) {
        (self.text, self.attachments)
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        &*self.text == b"null"
    }

    /// Reads the text as a value of type `T`.
    ///
    /// # Errors
    /// BadRequest if it does not fit.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T> {
        let marked = self.attachments.as_deref().and_then(|all| replace(&self.text, all, write_marked));
        // Looked at once: the parser would look at each text in it (create: 5,601 instructions, now 5,486).
        let text = simdutf8::basic::from_utf8(marked.as_deref().unwrap_or(&self.text));
        let text = text.map_err(|_| Error::bad_request("Invalid JSON: not UTF-8"))?;
        json::read(text)
    }

    /// The elements, if this is a list: parts of the same text, nothing is copied.
    pub fn elements(&self) -> Option<Vec<RawJson>> {
        if self.text.first().is_none_or(|first| *first != b'[' && !first.is_ascii_whitespace()) {
            return None;
        }
        let elements: Vec<&RawValue> = serde_json::from_slice(&self.text).ok()?;
        let texts = elements.into_iter().map(|element| self.text.slice_ref(element.get().as_bytes()));
        match self.attachments() {
            [] => Some(texts.map(RawJson::plain).collect()),
            attachments => Some(texts.map(|text| RawJson::with_attachments(text, attachments)).collect()),
        }
    }
}

/// The text.
impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&String::from_utf8_lossy(&self.text), f)
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.text), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Binary;
    use serde_json::Value;

    #[test]
    fn what_may_come_in_can_be_read() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(RawJson::parse(nested(256)).unwrap().to::<Value>().is_ok());
        assert_eq!(RawJson::parse(nested(257)).unwrap_err().code(), 400);
    }

    #[test]
    fn bytes_stay_bytes_as_deep_as_json_may_be() {
        let mut value = Value::from(Binary::from(vec![7]));
        for _ in 0..250 {
            value = vec![value].into();
        }
        let raw = RawJson::new(&value).unwrap();
        assert_eq!((raw.attachments(), raw.to::<Value>().unwrap()), (&[Bytes::from_static(&[7])][..], value));
    }

    #[test]
    fn a_lone_surrogate_stays_as_it_was_sent_and_reads_as_a_replacement_character() {
        let text = Bytes::from_static(br#"["\ud800",{"_placeholder":true,"num":1}]"#);
        let raw = RawJson::with_attachments(text, &[Bytes::new(), Bytes::from_static(b"x")]);
        assert_eq!(
            (raw.as_bytes(), raw.attachments()),
            (&br#"["\ud800",{"_placeholder":true,"num":0}]"#[..], &[Bytes::from_static(b"x")][..])
        );
        assert_eq!(raw.to::<(String, Binary)>().unwrap(), ("\u{fffd}".into(), Binary::from(&b"x"[..])));
    }

    proptest::proptest! {
        #[test]
        fn a_number_that_is_read_is_the_number_that_was_written(number in proptest::num::f64::NORMAL) {
            let raw = RawJson::new(&number).unwrap();
            proptest::prop_assert_eq!(raw.to::<f64>().unwrap(), number);
            proptest::prop_assert_eq!(raw.to::<Value>().unwrap().as_f64(), Some(number));
        }
    }

    #[test]
    fn it_prints_as_its_text() {
        assert_eq!(RawJson::new(&["one"]).unwrap().to_string(), r#"["one"]"#);
    }

    #[test]
    fn the_elements_of_a_list_are_its_parts() {
        let elements = RawJson::parse(r#"[{"a":[1]}, "b,c"]"#).unwrap().elements().unwrap();
        assert_eq!(elements, [RawJson::parse(r#"{"a":[1]}"#).unwrap(), RawJson::parse(r#""b,c""#).unwrap()]);
        assert!(RawJson::parse(r#"{"a":[1]}"#).unwrap().elements().is_none());
        assert!(RawJson::parse("[]").unwrap().elements().unwrap().is_empty());
    }

    #[test]
    fn every_element_keeps_its_own_attachments() {
        let all = [Bytes::from_static(b"0"), Bytes::from_static(b"1")];
        let text = r#"[{"_placeholder":true,"num":1},7,{"\u005fplaceholder":true,"num":0}]"#;
        let raw = RawJson::with_attachments(Bytes::from_static(text.as_bytes()), &all);
        assert_eq!(raw.attachments(), [&b"1"[..], b"0"]);
        let elements = raw.elements().unwrap();
        let own: Vec<_> = elements.iter().map(RawJson::attachments).collect();
        assert_eq!(own, [&[all[1].clone()][..], &[], &[all[0].clone()]]);
        assert!(elements.iter().all(|element| !element.as_bytes().ends_with(b"1}")));
        let (texts, joined) = RawJson::join(&elements);
        assert_eq!(joined, raw.attachments());
        assert_eq!([&b"["[..], &texts.join(&b","[..]), b"]"].concat(), raw.as_bytes());
    }

    #[test]
    fn a_placeholder_without_attachments_is_an_ordinary_object() {
        let raw = RawJson::parse(r#"{"_placeholder":true,"num":0}"#).unwrap();
        assert_eq!(RawJson::new(&raw.to::<Value>().unwrap()).unwrap(), raw);
    }
}
