//! JSON that stays text until somebody looks at it.

use crate::packet::within_depth;
use crate::{Error, Result};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fmt;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Scratch memory larger than this is given back.
const KEEP: usize = 64 * 1024;

/// The text of one valid JSON value, shared cheaply.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(Bytes);

impl RawJson {
    /// `null`.
    pub const NULL: RawJson = RawJson(Bytes::from_static(b"null"));

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// If the value has no JSON form (a map whose keys are no texts).
    pub fn new(value: &(impl Serialize + ?Sized)) -> Result<RawJson> {
        // Written into memory of the thread, then kept in one piece of the right size: one allocation instead of three.
        let mut scratch = SCRATCH.take();
        scratch.clear();
        let written = serde_json::to_writer(&mut scratch, value);
        let text = Bytes::copy_from_slice(&scratch);
        if scratch.capacity() <= KEEP {
            SCRATCH.set(scratch);
        }
        written?;
        Ok(RawJson(text))
    }

    /// Takes text that came from outside.
    ///
    /// # Errors
    /// BadRequest if it is not one JSON value, or nests deeper than [`MAX_DEPTH`](crate::packet::MAX_DEPTH).
    pub fn parse(text: impl Into<Bytes>) -> Result<RawJson> {
        let text = text.into();
        if !within_depth(&text) {
            return Err(Error::bad_request("Invalid JSON: it nests too deep"));
        }
        match serde_json::from_slice::<&RawValue>(&text) {
            Ok(_) => Ok(RawJson(text)),
            Err(error) => Err(Error::bad_request(format!("Invalid JSON: {error}"))),
        }
    }

    /// Takes text that is known to be one JSON value, such as an argument that a decoder has found.
    ///
    /// Text that is not would be sent on as it is, and only then be noticed.
    pub fn from_valid(text: Bytes) -> RawJson {
        debug_assert!(serde_json::from_slice::<&RawValue>(&text).is_ok(), "not JSON: {text:?}");
        RawJson(text)
    }

    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, shared.
    pub fn bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        &*self.0 == b"null"
    }

    /// Reads the text as a value of type `T`.
    ///
    /// # Errors
    /// BadRequest if it does not fit.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T> {
        let mut reader = serde_json::Deserializer::from_slice(&self.0);
        // The parser's own limit is lower than ours, which text from outside has passed by now.
        reader.disable_recursion_limit();
        let value = T::deserialize(&mut reader).map_err(unfit)?;
        reader.end().map_err(unfit)?;
        Ok(value)
    }

    /// The elements, if this is a list: parts of the same text, nothing is copied.
    pub fn elements(&self) -> Option<Vec<RawJson>> {
        if self.0.first().is_none_or(|first| *first != b'[' && !first.is_ascii_whitespace()) {
            return None;
        }
        let elements: Vec<&RawValue> = serde_json::from_slice(&self.0).ok()?;
        Some(elements.into_iter().map(|element| RawJson(self.0.slice_ref(element.get().as_bytes()))).collect())
    }
}

fn unfit(error: serde_json::Error) -> Error {
    // Where in the text helps nobody: clients have sent a value, and users read the message.
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    Error::bad_request(format!("Invalid data: {}", text.strip_suffix(&place).unwrap_or(&text)))
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(&self.0).fmt(f)
    }
}

/// The data or the result of a call: a JSON value, kept as text until somebody looks.
///
/// A typed service reads it directly; a hook that asks for the value pays for the conversion, once.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Text nobody has looked at yet.
    Raw(RawJson),
    /// A tree.
    Value(Value),
}

impl Payload {
    /// `null`.
    pub const NULL: Payload = Payload::Value(Value::Null);

    /// Writes a value as JSON text.
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn new(value: &(impl Serialize + ?Sized)) -> Result<Payload> {
        RawJson::new(value).map(Payload::Raw)
    }

    /// The value, to look at. The text is read at the first look.
    ///
    /// # Errors
    /// BadRequest if the text has no value in Unicode (a lone surrogate).
    pub fn value(&mut self) -> Result<&Value> {
        self.value_mut().map(|value| &*value)
    }

    /// The value, to change.
    ///
    /// # Errors
    /// As [`value`](Payload::value).
    pub fn value_mut(&mut self) -> Result<&mut Value> {
        if let Payload::Raw(raw) = self {
            *self = Payload::Value(raw.to()?);
        }
        match self {
            Payload::Value(value) => Ok(value),
            Payload::Raw(_) => Err(Error::general("A payload was read and is still text")),
        }
    }

    /// The value, to keep.
    ///
    /// # Errors
    /// As [`value`](Payload::value).
    pub fn into_value(self) -> Result<Value> {
        match self {
            Payload::Raw(raw) => raw.to(),
            Payload::Value(value) => Ok(value),
        }
    }

    /// A copy of the value.
    ///
    /// # Errors
    /// As [`value`](Payload::value).
    pub fn to_value(&self) -> Result<Value> {
        self.clone().into_value()
    }

    /// Reads the value as a `T`.
    ///
    /// # Errors
    /// BadRequest if it does not fit.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T> {
        match self {
            Payload::Raw(raw) => raw.to(),
            Payload::Value(value) => T::deserialize(value).map_err(unfit),
        }
    }

    /// The text.
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn to_raw(&self) -> Result<RawJson> {
        match self {
            Payload::Raw(raw) => Ok(raw.clone()),
            Payload::Value(value) => RawJson::new(value),
        }
    }

    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        match self {
            Payload::Raw(raw) => raw.is_null(),
            Payload::Value(value) => value.is_null(),
        }
    }

    /// Whether the value is a list.
    pub fn is_array(&self) -> bool {
        match self {
            Payload::Raw(raw) => raw.as_bytes().trim_ascii_start().starts_with(b"["),
            Payload::Value(value) => value.is_array(),
        }
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Payload {
        Payload::Value(value)
    }
}

impl From<RawJson> for Payload {
    fn from(raw: RawJson) -> Payload {
        Payload::Raw(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_that_was_changed_is_what_is_written() {
        let mut payload = Payload::Raw(RawJson::parse(r#"{"a":1}"#).unwrap());
        payload.value_mut().unwrap()["b"] = json!(2);
        assert_eq!(payload.to_raw().unwrap().as_bytes(), br#"{"a":1,"b":2}"#);
    }

    #[test]
    fn what_may_come_in_can_be_read() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(RawJson::parse(nested(256)).unwrap().to::<Value>().is_ok());
        assert_eq!(RawJson::parse(nested(257)).unwrap_err().code(), 400);
    }

    #[test]
    fn the_elements_of_a_list_are_its_parts() {
        let elements = RawJson::parse(r#"[{"a":[1]}, "b,c"]"#).unwrap().elements().unwrap();
        assert_eq!(elements, [RawJson::parse(r#"{"a":[1]}"#).unwrap(), RawJson::parse(r#""b,c""#).unwrap()]);
        assert!(RawJson::parse(r#"{"a":[1]}"#).unwrap().elements().is_none());
        assert!(RawJson::parse("[]").unwrap().elements().unwrap().is_empty());
    }

    #[test]
    fn what_does_not_fit_is_told_the_same_of_text_and_of_value() {
        let raw = Payload::Raw(RawJson::parse(r#"{"a":"x"}"#).unwrap());
        let value = Payload::Value(json!({"a": "x"}));
        for payload in [raw, value] {
            let error = payload.to::<std::collections::BTreeMap<String, u8>>().unwrap_err();
            assert_eq!(error.message(), "Invalid data: invalid type: string \"x\", expected u8");
        }
    }

    #[test]
    fn text_that_is_no_json_is_a_bad_request() {
        assert_eq!(RawJson::parse("{").unwrap_err().code(), 400);
        assert_eq!(Payload::Raw(RawJson::parse(r#""\ud800""#).unwrap()).into_value().unwrap_err().code(), 400);
    }
}
