//! The named values of a call.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{Payload, RawJson, Result, json};

/// The values that a call has under names; few.
#[derive(Clone, Default)]
pub(super) struct NamedValues(Vec<(String, NamedValue)>);

/// A value as it came: shared by the copies of params, and built where somebody looks at it. Nearly nobody looks at what
/// authentication says with every call.
#[derive(Clone)]
pub(crate) enum NamedValue {
    Built(Arc<Value>),
    Text(RawJson),
    Kept(Arc<dyn KeepsValue>),
}

/// Something that lasts longer than a call, of which a value can be made.
pub(crate) trait KeepsValue: Send + Sync {
    fn value(&self) -> Value;
}

impl NamedValues {
    pub(super) fn get(&self, name: &str) -> Option<&NamedValue> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    pub(super) fn set(&mut self, name: String, value: NamedValue) {
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, before)) => *before = value,
            None => self.0.push((name, value)),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }
}

impl NamedValue {
    /// Nothing if it is text that no value can hold.
    pub(super) fn value(&self) -> Option<Value> {
        match self {
            NamedValue::Built(value) => Some(Value::clone(value)),
            NamedValue::Text(text) => text.to().ok(),
            NamedValue::Kept(kept) => Some(kept.value()),
        }
    }

    pub(super) fn to_payload(&self) -> Payload {
        match self {
            NamedValue::Built(value) => Value::clone(value).into(),
            NamedValue::Text(text) => text.clone().into(),
            NamedValue::Kept(kept) => kept.value().into(),
        }
    }

    /// A member, without building the others.
    ///
    /// # Errors
    /// If it is text that no value can hold.
    pub(super) fn member(&self, name: &str) -> Result<Option<Value>> {
        match self {
            NamedValue::Built(value) => Ok(value.get(name).cloned()),
            NamedValue::Kept(kept) => Ok(kept.value().get(name).cloned()),
            NamedValue::Text(text) => match member_of_text(text, name) {
                Some(member) => Ok(member),
                None => Ok(text.to::<Value>()?.get(name).cloned()),
            },
        }
    }
}

impl From<Value> for NamedValue {
    fn from(value: Value) -> NamedValue {
        NamedValue::Built(Arc::new(value))
    }
}

/// `None` where the whole has to be read: it has bytes beside it, or is no object.
fn member_of_text(text: &RawJson, name: &str) -> Option<Option<Value>> {
    if !text.attachments().is_empty() {
        return None;
    }
    let text = json::plain(std::str::from_utf8(text.as_bytes()).ok()?);
    serde_json::Deserializer::from_str(&text).deserialize_map(Member(name)).ok()
}

/// Finds the member of this name, the last if there are several.
struct Member<'n>(&'n str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Is(self.0))? {
            match is_it {
                true => found = Some(map.next_value()?),
                false => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

/// Whether a name is this one.
struct Is<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn text(json: &str) -> NamedValue {
        NamedValue::Text(RawJson::parse(json.to_owned()).unwrap())
    }

    #[test]
    fn a_member_of_a_text_is_that_of_its_value() {
        for json in [
            r#"{"id":1.0,"a":{"id":2}}"#,
            r#"{"a":[{"id":3}],"\u0069d":"\ud800x"}"#,
            r#"{"id":1,"id":null}"#,
            "{}",
            "null",
            r#"[{"id":1}]"#,
            r#""id""#,
        ] {
            let built = NamedValue::from(text(json).value().unwrap());
            for name in ["id", "a", "b", ""] {
                assert_eq!(text(json).member(name).unwrap(), built.member(name).unwrap(), "{name} of {json}");
            }
        }
        let bytes = RawJson::new(&json!({"id": wingbeat_core::Binary::from(vec![7])})).unwrap();
        let read = NamedValue::Text(bytes.clone()).member("id").unwrap();
        assert_eq!(read, Some(bytes.to::<Value>().unwrap()["id"].clone()));
    }

    #[test]
    fn what_no_value_can_hold_is_missing_or_an_error() {
        assert_eq!(text("1e400").value(), None);
        assert!(text(r#"{"id":1e400}"#).member("id").is_err());
    }

    proptest! {
        #[test]
        fn members_of_texts_are_those_of_values(names in prop::collection::vec("[a-c\"\\\\é]{0,2}", 0..5), name in "[a-c\"\\\\é]{0,2}") {
            let value: Value = names.iter().enumerate().map(|(at, name)| (name.clone(), json!([at, name]))).collect();
            let text = NamedValue::Text(RawJson::new(&value).unwrap());
            prop_assert_eq!(text.member(&name).unwrap(), value.get(&name).cloned());
        }
    }
}
