//! The names of a type's fields, as serde knows them.

use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// The names of fields.
pub(in crate::store) type Fields = &'static [&'static str];

/// The fields of a struct, if it tells them: deserialising one begins with naming them all.
///
/// A type with `#[serde(flatten)]` asks for a map, and is not known.
pub(in crate::store) fn fields_of<T: DeserializeOwned>() -> Option<Fields> {
    let mut fields = None;
    // Always an error: there is nothing to read.
    let _ = T::deserialize(Listening(&mut fields));
    fields
}

struct Listening<'a>(&'a mut Option<Fields>);

impl<'de> Deserializer<'de> for Listening<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, fields: Fields, _: V) -> Result<V::Value, Error> {
        *self.0 = Some(fields);
        Err(Error::custom("only the names were asked for"))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Message {
        id: i64,
        #[serde(rename = "roomId")]
        room: Option<i64>,
        #[serde(default)]
        text: String,
        #[serde(skip)]
        here_only: bool,
    }

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Wrapped(Message);

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Open {
        id: i64,
        #[serde(flatten)]
        rest: BTreeMap<String, i64>,
    }

    #[test]
    fn a_struct_tells_its_fields_under_their_names_in_json() {
        assert_eq!(fields_of::<Message>(), Some(&["id", "roomId", "text"][..]));
        assert_eq!(fields_of::<Wrapped>(), Some(&["id", "roomId", "text"][..]));
    }

    #[test]
    fn other_types_tell_nothing() {
        assert_eq!(fields_of::<Open>(), None);
        assert_eq!(fields_of::<serde_json::Value>(), None);
        assert_eq!(fields_of::<Vec<Message>>(), None);
    }
}
