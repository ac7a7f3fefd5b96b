//! Identifiers of records.

use crate::json;
use serde::Serialize;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::{Number, Value};
use std::fmt;

/// The id of a record: a number or a text, never an object.
///
/// Two ids that read the same are not equal (`1` and `"1"`); stores look records up by their text.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "Feathers has numbers and texts as ids, and nothing else")]
pub enum Id {
    /// A number, as JSON has them.
    Number(Number),
    /// A text.
    Text(Box<str>),
}

impl Id {
    /// The id as a whole number, also when it came as text (`"7"`).
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Id::Number(number) => number.as_i64(),
            Id::Text(text) => text.parse().ok(),
        }
    }

    /// The id, if it is a text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Id::Number(_) => None,
            Id::Text(text) => Some(text),
        }
    }

    /// The id in a JSON value, if that is a number or a text. A number that is whole is an integer.
    pub fn from_value(value: &Value) -> Option<Id> {
        match value {
            Value::Number(number) if number.is_f64() => json::number(number.as_f64()?).map(Id::Number),
            Value::Number(number) => Some(Id::Number(number.clone())),
            Value::String(text) => Some(Id::Text(text.as_str().into())),
            _ => None,
        }
    }
}

// Written out: serde's untagged enums read into a tree of their own first, and ids are read with every call.
impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a text")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
        Ok(Id::Number(number.into()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Id, E> {
        Ok(Id::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Id, E> {
        json::number(number).map(Id::Number).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
        Ok(Id::Text(text.into()))
    }
}

/// As JavaScript prints it.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Id::Number(number) if number.is_f64() => f.write_str(&json::text(&Value::Number(number.clone()))),
            Id::Number(number) => number.fmt(f),
            Id::Text(text) => text.fmt(f),
        }
    }
}

/// As in JSON: `7` or `"7"`.
impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Id::Number(number) => fmt::Display::fmt(number, f),
            Id::Text(text) => fmt::Debug::fmt(text, f),
        }
    }
}

impl From<Id> for Value {
    fn from(id: Id) -> Value {
        match id {
            Id::Number(number) => Value::Number(number),
            Id::Text(text) => Value::String(text.into()),
        }
    }
}

macro_rules! from_numbers {
    ($($number:ty)*) => {
        $(
            impl From<$number> for Id {
                fn from(number: $number) -> Id {
                    Id::Number(number.into())
                }
            }
        )*
    };
}

from_numbers!(i64 u64 i32 u32);

impl From<&Id> for Id {
    fn from(id: &Id) -> Id {
        id.clone()
    }
}

impl From<&String> for Id {
    fn from(text: &String) -> Id {
        Id::Text(text.as_str().into())
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Id {
        Id::Text(text.into())
    }
}

impl From<String> for Id {
    fn from(text: String) -> Id {
        Id::Text(text.into())
    }
}

/// The id argument of a call, which a client may leave out or send as null.
///
/// Null means "all that the query selects" for update, patch and remove.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an argument is absent, null or an id")]
pub enum IdArg {
    /// No id was given.
    #[default]
    Absent,
    /// The id is null.
    Null,
    /// One record.
    Id(Id),
}

impl IdArg {
    /// The id, if there is one.
    pub fn id(&self) -> Option<&Id> {
        match self {
            IdArg::Id(id) => Some(id),
            IdArg::Absent | IdArg::Null => None,
        }
    }

    /// The id, if there is one.
    pub fn into_id(self) -> Option<Id> {
        match self {
            IdArg::Id(id) => Some(id),
            IdArg::Absent | IdArg::Null => None,
        }
    }

    /// Whether the client left the id out.
    pub fn is_absent(&self) -> bool {
        *self == IdArg::Absent
    }
}

/// As Feathers prints it in `No record found for id '…'`.
impl fmt::Display for IdArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdArg::Absent => f.write_str("undefined"),
            IdArg::Null => f.write_str("null"),
            IdArg::Id(id) => id.fmt(f),
        }
    }
}

impl<T: Into<Id>> From<T> for IdArg {
    fn from(id: T) -> IdArg {
        IdArg::Id(id.into())
    }
}

impl From<Option<Id>> for IdArg {
    fn from(id: Option<Id>) -> IdArg {
        id.map_or(IdArg::Null, IdArg::Id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_or_texts_and_nothing_else() {
        for (json, ok) in [
            ("1", true),
            ("1.5", true),
            ("\"x\"", true),
            ("null", false),
            ("{}", false),
            ("[1]", false),
            ("true", false),
        ] {
            assert_eq!(serde_json::from_str::<Id>(json).is_ok(), ok, "{json}");
        }
    }

    #[test]
    fn a_whole_number_is_the_same_id_however_it_is_written() {
        for (json, text) in [("1.0", "1"), ("1e2", "100"), ("-0", "0"), ("1e20", "100000000000000000000")] {
            let read: Id = serde_json::from_str(json).unwrap();
            assert_eq!(read.to_string(), text);
            assert_eq!(Id::from_value(&serde_json::from_str(json).unwrap()), Some(read));
        }
        assert_eq!(serde_json::from_str::<Id>("1.0").unwrap(), Id::from(1));
    }

    #[test]
    fn what_programs_have_as_ids_are_ids() {
        let id = Id::from(7u32);
        assert_eq!([Id::from(7), Id::from(7u64), Id::from(&id)], [id.clone(), id.clone(), id]);
        assert_eq!(Id::from(&"a".to_owned()), Id::from("a"));
        assert_eq!(format!("{:?} {:?}", Id::from(7), Id::from("7")), "7 \"7\"");
    }

    #[test]
    fn a_number_and_its_text_are_different_ids_with_one_text() {
        assert_ne!(Id::from(1), Id::from("1"));
        assert_eq!(Id::from(1).to_string(), Id::from("1").to_string());
    }
}
