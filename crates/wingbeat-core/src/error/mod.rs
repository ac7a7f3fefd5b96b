//! The one error type: a Feathers error class with its message and data.

mod foreign;
mod kind;

pub use kind::ErrorKind;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, as one of Feathers' classes.
///
/// Clients receive `name`, `message`, `code`, `className` and, where set, `data` and `errors`; never a source, never a
/// stack. Any other error becomes a [`GeneralError`](ErrorKind::GeneralError) through `?`, an `anyhow::Error` included:
/// its text stays on the server, as the source, for the log. An error that was caused by one of these, such as one with
/// a context of `anyhow` around it, keeps that one's class, message and data.
///
/// The other way, `?` makes it an `anyhow::Error` or a `Box<dyn std::error::Error>`, and `thiserror` takes it as `#[from]`
/// and `#[source]`. It is no `std::error::Error` itself, because then `?` could not take every other error; for what
/// asks for one there is [`into_std`](Error::into_std).
///
/// ```
/// use wingbeat_core::Error;
/// use serde_json::json;
///
/// let error = Error::bad_request("That name is taken").with_data(json!({"field": "name"}));
/// assert_eq!(
///     serde_json::to_value(&error).unwrap(),
///     json!({"name": "BadRequest", "message": "That name is taken", "code": 400, "className": "bad-request", "data": {"field": "name"}}),
/// );
///
/// fn parse(text: &str) -> wingbeat_core::Result<u8> {
///     Ok(text.parse::<u8>()?)
/// }
/// assert_eq!(parse("x").unwrap_err().code(), 500);
/// ```
// Boxed: a result of a small value stays small, and errors are the rare case.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    data: Option<Value>,
    errors: Option<Value>,
    // Shared, so that errors can be cloned.
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    /// Made of another crate's error, or the program's own: nobody has worded that one for clients.
    is_foreign: bool,
}

/// What clients read when the cause is none of their business.
const NEUTRAL: &str = "An internal error occurred";

impl Error {
    /// An error of the given class.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Error {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            data: None,
            errors: None,
            source: None,
            is_foreign: false,
        }))
    }

    /// A [`GeneralError`](ErrorKind::GeneralError) with a neutral message that keeps its cause for the log.
    pub fn internal(source: impl Into<Source>) -> Error {
        let mut error = Error::general(NEUTRAL).with_source(source);
        error.0.is_foreign = true;
        error
    }

    /// Adds `data`, which clients see.
    pub fn with_data(mut self, data: impl Into<Value>) -> Error {
        self.0.data = Some(data.into());
        self
    }

    /// Adds `errors` (by convention one entry a field), which clients see.
    pub fn with_errors(mut self, errors: impl Into<Value>) -> Error {
        self.0.errors = Some(errors.into());
        self
    }

    /// Adds the cause, which is logged and never sent.
    pub fn with_source(mut self, source: impl Into<Source>) -> Error {
        self.0.source = Some(source.into().into());
        self
    }

    /// The class.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The class' code, for example 404.
    pub fn code(&self) -> u16 {
        self.0.kind.code()
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What was added as `data`.
    pub fn data(&self) -> Option<&Value> {
        self.0.data.as_ref()
    }

    /// What was added as `errors`.
    pub fn errors(&self) -> Option<&Value> {
        self.0.errors.as_ref()
    }

    /// The cause.
    pub fn source(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }
}

/// For people: [escaped](crate::Escaped), because clients have a say in messages.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// For the log: in one line, with data and causes.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// As clients see it: `name, message, code, className`, then `data` and `errors` where set.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.0.kind.name())?;
        map.serialize_entry("message", &self.0.message)?;
        map.serialize_entry("code", &self.0.kind.code())?;
        map.serialize_entry("className", self.0.kind.class_name())?;
        if let Some(data) = &self.0.data {
            map.serialize_entry("data", data)?;
        }
        if let Some(errors) = &self.0.errors {
            map.serialize_entry("errors", errors)?;
        }
        map.end()
    }
}

/// From what a server sent: known by name, else by code, else a general error. Only the documented fields are taken.
impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Error, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let mut take = |key: &str| value.get_mut(key).map(Value::take);
        let (name, code, message) = (take("name"), take("code"), take("message"));
        let (data, errors) = (take("data"), take("errors"));
        let by_name = name.as_ref().and_then(Value::as_str).and_then(ErrorKind::from_name);
        let by_code =
            || code.as_ref().and_then(Value::as_u64).and_then(|code| ErrorKind::from_code(code.try_into().ok()?));
        let kind = by_name.or_else(by_code).unwrap_or(ErrorKind::GeneralError);
        let message = match message {
            Some(Value::String(text)) => text,
            _ => "Error".to_owned(),
        };
        let mut error = Error::new(kind, message);
        error.0.data = data;
        error.0.errors = errors;
        Ok(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Escaped;
    use serde_json::json;

    #[test]
    fn every_class_survives_the_wire() {
        for &kind in ErrorKind::ALL {
            let sent = Error::new(kind, "m").with_data(json!({"a": 1})).with_errors(json!([1]));
            let received: Error = serde_json::from_str(&serde_json::to_string(&sent).unwrap()).unwrap();
            assert_eq!(received.kind(), kind);
            assert_eq!((received.message(), received.data(), received.errors()), ("m", sent.data(), sent.errors()));
        }
    }

    #[test]
    fn a_foreign_error_keeps_its_text_on_the_server() {
        let error = Error::from(std::io::Error::other("the password is swordfish"));
        assert!(!serde_json::to_string(&error).unwrap().contains("swordfish"));
        assert!(format!("{error:?}").contains("swordfish"));
    }

    #[test]
    fn whatever_is_in_an_error_it_is_shown_in_one_line() {
        let text = "a\n\r\u{7}\u{1b}[31m\u{9b}\u{2028}\u{202e}b";
        let error = Error::bad_request(text).with_data(json!({text: text})).with_source(std::io::Error::other(text));
        for shown in [format!("{error:?}"), error.to_string()] {
            assert!(!shown.contains(Escaped::escapes), "{shown:?}");
        }
        assert_eq!(error.message(), text);
    }

    #[test]
    fn an_unknown_name_is_known_by_its_code() {
        let error: Error = serde_json::from_value(json!({"name": "Odd", "code": 410, "message": "m"})).unwrap();
        assert_eq!(error.kind(), ErrorKind::Gone);
    }
}
