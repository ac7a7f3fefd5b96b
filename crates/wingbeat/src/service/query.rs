//! The query of a call.

use serde_json::{Map, Value};
use wingbeat_core::{Error, Result};

/// The query of a call: what a client may say about which records it means, as a JSON object.
///
/// It is the only part of [`Params`](super::Params) that travels from a client. An empty query owns no memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query(Option<Box<Map<String, Value>>>);

impl Query {
    /// Takes the query argument of a call. Null, numbers and booleans count as no query, as in Feathers.
    ///
    /// # Errors
    /// BadRequest for a text or a list, which Feathers would spread into its characters or elements.
    pub fn from_value(value: Value) -> Result<Query> {
        match value {
            Value::Object(map) => Ok(Query::from(map)),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Query::default()),
            Value::String(_) | Value::Array(_) => Err(Error::bad_request("Invalid query: it must be an object")),
        }
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// One member.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.as_ref()?.get(key)
    }

    /// Sets a member.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.0.get_or_insert_default().insert(key.into(), value.into());
    }

    /// Takes a member out.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        let value = self.0.as_mut()?.shift_remove(key);
        if self.0.as_ref().is_some_and(|map| map.is_empty()) {
            self.0 = None;
        }
        value
    }

    /// The members, in the client's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().flat_map(|map| map.iter()).map(|(key, value)| (key.as_str(), value))
    }

    /// The query as a JSON object.
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.as_deref().cloned().unwrap_or_default())
    }
}

impl From<Map<String, Value>> for Query {
    fn from(map: Map<String, Value>) -> Query {
        Query((!map.is_empty()).then(|| Box::new(map)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_and_lists_are_no_queries() {
        assert_eq!(Query::from_value(json!("ab")).unwrap_err().code(), 400);
        assert_eq!(Query::from_value(json!([1])).unwrap_err().code(), 400);
        assert!(Query::from_value(json!(7)).unwrap().is_empty());
    }

    #[test]
    fn a_member_that_was_taken_is_gone() {
        let mut query = Query::from_value(json!({"a": 1})).unwrap();
        assert_eq!(query.take("a"), Some(json!(1)));
        assert!(query.is_empty());
    }
}
