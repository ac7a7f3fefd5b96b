//! JSON that stays text until somebody looks at it.

use crate::{Error, RawJson, Result, json};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The data or the result of a call: a JSON value, kept as text until somebody looks.
///
/// A typed service reads it directly; a hook that asks for the value pays for the conversion, once.
#[derive(Clone, Debug)]
pub struct Payload {
    form: Form,
    /// Whether a service has answered it: that it does not fit is then no fault of who calls.
    answered: bool,
}

#[derive(Clone, Debug)]
enum Form {
    /// Nobody has looked at it yet.
    Text(RawJson),
    // On the heap: a tree is 72 bytes and text 40, and a call moves its payload several times.
    Tree(Box<Value>),
}

impl Payload {
    /// `null`.
    pub const NULL: Payload = Payload { form: Form::Text(RawJson::NULL), answered: false };

    /// Writes a value as JSON text.
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn new(value: &(impl Serialize + ?Sized)) -> Result<Payload> {
        RawJson::new(value).map(Payload::from)
    }

    /// The value, to look at. The text is read at the first look.
    ///
    /// # Errors
    /// BadRequest if the text has no value (a number beyond every type).
    pub fn value(&mut self) -> Result<&Value> {
        self.value_mut().map(|value| &*value)
    }

    /// The value, to change.
    ///
    /// # Errors
    /// As [`value`](Payload::value).
    pub fn value_mut(&mut self) -> Result<&mut Value> {
        if let Form::Text(raw) = &self.form {
            self.form = Form::Tree(Box::new(raw.to()?));
        }
        match &mut self.form {
            Form::Tree(value) => Ok(value),
            Form::Text(_) => Err(Error::general("A payload was read and is still text")),
        }
    }

    /// The value, to keep.
    ///
    /// # Errors
    /// As [`value`](Payload::value).
    pub fn into_value(self) -> Result<Value> {
        match self.form {
            Form::Text(raw) => raw.to(),
            Form::Tree(value) => Ok(*value),
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
    /// If it does not fit: BadRequest, but for what a [service has answered](Payload::into_answer): clients are to blame for
    /// their data alone, and must not read in an error what is stored.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T> {
        let read = match &self.form {
            Form::Text(raw) => raw.to(),
            Form::Tree(value) => json::read_value(value),
        };
        read.map_err(|error| match self.answered {
            true => Error::internal(format!("A service's answer cannot be read: {}", error.message())),
            false => error,
        })
    }

    /// Marks it as what a service has answered. What stores answer and what calls from inside give is marked already.
    #[must_use]
    pub fn into_answer(self) -> Payload {
        Payload { answered: true, ..self }
    }

    /// The text, as long as nobody has looked at the value.
    pub fn as_raw(&self) -> Option<&RawJson> {
        match &self.form {
            Form::Text(raw) => Some(raw),
            Form::Tree(_) => None,
        }
    }

    /// The text.
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn to_raw(&self) -> Result<RawJson> {
        match &self.form {
            Form::Text(raw) => Ok(raw.clone()),
            Form::Tree(value) => RawJson::new(value),
        }
    }

    /// The text, to keep.
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn into_raw(self) -> Result<RawJson> {
        match self.form {
            Form::Text(raw) => Ok(raw),
            Form::Tree(value) => RawJson::new(&value),
        }
    }

    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        match &self.form {
            Form::Text(raw) => raw.is_null(),
            Form::Tree(value) => value.is_null(),
        }
    }

    /// Whether the value is a list.
    pub fn is_array(&self) -> bool {
        match &self.form {
            Form::Text(raw) => raw.as_bytes().trim_ascii_start().starts_with(b"["),
            Form::Tree(value) => value.is_array(),
        }
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Payload {
        Payload { form: Form::Tree(Box::new(value)), answered: false }
    }
}

impl From<RawJson> for Payload {
    fn from(raw: RawJson) -> Payload {
        Payload { form: Form::Text(raw), answered: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Binary;
    use serde_json::json;

    #[test]
    fn a_value_that_was_changed_is_what_is_written() {
        let mut payload = Payload::from(RawJson::parse(r#"{"a":1}"#).unwrap());
        payload.value_mut().unwrap()["b"] = json!(2);
        assert_eq!(payload.to_raw().unwrap().as_bytes(), br#"{"a":1,"b":2}"#);
    }

    #[test]
    fn what_does_not_fit_is_told_the_same_of_text_and_of_value() {
        let raw = Payload::from(RawJson::parse(r#"{"a":"x"}"#).unwrap());
        let value = Payload::from(json!({"a": "x"}));
        for payload in [raw, value] {
            let error = payload.to::<std::collections::BTreeMap<String, u8>>().unwrap_err();
            assert_eq!(error.message(), "Invalid data: a: invalid type: string \"x\", expected u8");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        #[derive(serde::Deserialize, Debug)]
        #[allow(dead_code, reason = "only read")]
        struct Message {
            text: String,
            author: Option<Author>,
        }
        #[derive(serde::Deserialize, Debug)]
        #[allow(dead_code, reason = "only read")]
        struct Author {
            ages: Vec<u8>,
        }
        for (data, message) in [
            (json!({"text": 5}), "text: invalid type: integer `5`, expected a string"),
            (json!({}), "missing field `text`"),
            (
                json!({"text": "", "author": {"ages": [1, 300]}}),
                "author.ages[1]: invalid value: integer `300`, expected u8",
            ),
            (json!({"text": "", "author": {}}), "author: missing field `ages`"),
            (json!("x"), "invalid type: string \"x\", expected struct Message"),
        ] {
            for payload in [Payload::new(&data).unwrap(), Payload::from(data)] {
                let error = payload.to::<Message>().unwrap_err();
                assert_eq!((error.code(), error.message()), (400, &*format!("Invalid data: {message}")));
            }
        }
    }

    #[test]
    fn bytes_survive_every_form_of_a_payload() {
        let data = json!({"name": "x", "parts": [Binary::from(vec![1]), {"deep": Binary::from(vec![2, 3])}]});
        let mut payload = Payload::new(&data).unwrap();
        let sent = r#"{"name":"x","parts":[{"_placeholder":true,"num":0},{"deep":{"_placeholder":true,"num":1}}]}"#;
        for _ in 0..2 {
            let raw = payload.to_raw().unwrap();
            assert_eq!(raw.as_bytes(), sent.as_bytes());
            assert_eq!(raw.attachments(), [&[1][..], &[2, 3]]);
            assert_eq!(*payload.value().unwrap(), data);
        }
    }

    #[test]
    fn what_nobody_looks_at_leaves_as_it_came() {
        let sent = r#"["\ud83d",1.0]"#;
        let mut payload = Payload::from(RawJson::parse(sent).unwrap());
        assert_eq!(payload.to::<(String, i64)>().unwrap(), ("\u{fffd}".into(), 1));
        assert_eq!(payload.to_raw().unwrap().as_bytes(), sent.as_bytes());
        assert_eq!(payload.value().unwrap(), &json!(["\u{fffd}", 1]));
        assert_eq!(payload.into_raw().unwrap().to_string(), "[\"\u{fffd}\",1]");
    }

    #[test]
    fn text_that_is_no_json_is_a_bad_request() {
        assert_eq!(RawJson::parse("{").unwrap_err().code(), 400);
        assert_eq!(Payload::from(RawJson::parse("1e400").unwrap()).into_value().unwrap_err().code(), 400);
    }
}
