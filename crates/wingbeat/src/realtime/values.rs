//! The named values of a connection.

use serde::de::DeserializeOwned;
use serde_json::Value;
use wingbeat_core::{Error, RawJson, Result, json};

/// A named value as a `T`. If it does not fit, the error is internal: clients must not read the value in it.
pub(crate) fn named_as<T: DeserializeOwned>(name: &str, value: Option<Value>) -> Result<T> {
    let value = value.unwrap_or_default();
    json::read_value(&value).map_err(|error| Error::internal(format!("The value '{name}': {}", error.message())))
}

/// Named JSON values, kept as text: most connections are idle, and a tree takes five times the memory of its text (800
/// bytes for a small user record).
#[derive(Default)]
pub(super) struct Values(Vec<(Box<str>, RawJson)>);

impl Values {
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        self.text(name)?.to().ok()
    }

    pub(super) fn text(&self, name: &str) -> Option<&RawJson> {
        self.0.iter().find(|(other, _)| **other == *name).map(|(_, json)| json)
    }

    pub(super) fn set(&mut self, name: String, json: RawJson) {
        match self.0.iter_mut().find(|(other, _)| **other == *name) {
            Some((_, before)) => *before = json,
            None => {
                self.0.reserve_exact(1);
                self.0.push((name.into(), json));
            }
        }
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.0.retain(|(other, _)| **other != *name);
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wingbeat_core::Binary;

    #[test]
    fn a_named_value_is_read_as_a_type() {
        assert_eq!(named_as::<u8>("seats", Some(json!(7))).unwrap(), 7);
        assert_eq!(named_as::<Option<u8>>("seats", None).unwrap(), None);
        let error = named_as::<u8>("seats", Some(json!("seven"))).unwrap_err();
        assert_eq!(error.kind(), wingbeat_core::ErrorKind::GeneralError);
        assert!(!error.message().contains("seven"), "{}", error.message());
    }

    #[test]
    fn what_was_set_last_is_what_is_there() {
        let mut values = Values::default();
        let deep = (0..300).fold(json!(0.1), |inner, _| json!([inner]));
        for (name, value) in [("a", json!(1)), ("b", json!({"x": Binary::from(vec![7])})), ("a", deep.clone())] {
            values.set(name.into(), RawJson::new(&value).unwrap());
        }
        assert_eq!((values.get("a"), values.names()), (Some(deep), vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(values.get("b"), Some(json!({"x": Binary::from(vec![7])})));
        values.unset("a");
        assert_eq!((values.get("a"), values.get("c")), (None, None));
    }
}
