//! The query of a call, in Feathers' syntax.

use crate::{Error, Result};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// The query of a call, as a JSON object: which records, in which order, which fields. It is the only part of a call's
/// params that travels from a client.
///
/// Clients and servers write one in the same way; values with no JSON form are null. An empty query owns no memory.
///
/// ```
/// use wingbeat_core::{Order, Query};
///
/// let query = Query::new().eq("userId", 2).gt("n", 10).sort("createdAt", Order::Descending).limit(3);
/// assert_eq!(
///     serde_json::to_string(&query).unwrap(),
///     r#"{"userId":2,"n":{"$gt":10},"$sort":{"createdAt":-1},"$limit":3}"#,
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query(Option<Box<Map<String, Value>>>);

/// The direction of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two directions")]
pub enum Order {
    /// The smallest first.
    Ascending,
    /// The largest first.
    Descending,
}

macro_rules! operators {
    ($($name:ident $operator:literal $what:literal),*) => {
        $(
            #[doc = concat!("Only records whose field is ", $what, ".")]
            pub fn $name(self, field: &str, value: impl Serialize) -> Query {
                self.operator(field, $operator, value)
            }
        )*
    };
}

impl Query {
    /// All records.
    pub fn new() -> Query {
        Query::default()
    }

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

    /// Only records whose field is equal to the value.
    pub fn eq(self, field: &str, value: impl Serialize) -> Query {
        // Conditions that the field has already hold on.
        if self.get(field).is_some() { self.operator(field, "$in", [value]) } else { self.with(field, value) }
    }

    operators! {
        ne "$ne" "not equal to the value",
        lt "$lt" "less than the value",
        lte "$lte" "less than the value or equal to it",
        gt "$gt" "greater than the value",
        gte "$gte" "greater than the value or equal to it",
        one_of "$in" "one of the values",
        none_of "$nin" "none of the values"
    }

    /// An operator of the server's own, such as `$like`.
    pub fn operator(mut self, field: &str, operator: &str, value: impl Serialize) -> Query {
        let condition = self.0.get_or_insert_default().entry(field).or_insert_with(|| json!({}));
        if !condition.is_object() {
            // Both hold: equal to a value, and the operator.
            *condition = json!({ "$in": [condition.take()] });
        }
        condition[operator] = serde_json::to_value(value).unwrap_or_default();
        self
    }

    /// Only records that match one of these queries.
    pub fn or(self, queries: impl IntoIterator<Item = Query>) -> Query {
        self.with("$or", Vec::from_iter(queries))
    }

    /// Only records that match all of these queries.
    pub fn and(self, queries: impl IntoIterator<Item = Query>) -> Query {
        self.with("$and", Vec::from_iter(queries))
    }

    /// Sorts by a field; a second call sorts what is equal by the first.
    pub fn sort(mut self, field: &str, order: Order) -> Query {
        let sort = self.0.get_or_insert_default().entry("$sort").or_insert_with(|| json!({}));
        if sort.is_object() {
            sort[field] = json!(if order == Order::Ascending { 1 } else { -1 });
        }
        self
    }

    /// At most so many records.
    pub fn limit(self, limit: u64) -> Query {
        self.with("$limit", limit)
    }

    /// Without the first so many records.
    pub fn skip(self, skip: u64) -> Query {
        self.with("$skip", skip)
    }

    /// The page behind this cursor, which is the [`next`](crate::Page::next) of the page before; `""` is the first page.
    pub fn cursor(self, cursor: &str) -> Query {
        self.with("$cursor", cursor)
    }

    /// Only these fields.
    pub fn select<S: Serialize>(self, fields: impl IntoIterator<Item = S>) -> Query {
        self.with("$select", Vec::from_iter(fields))
    }

    /// Anything else, under its name on the wire.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Query {
        self.set(name, serde_json::to_value(value).unwrap_or_default());
        self
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
        Value::Object(self.clone().into())
    }
}

impl From<Map<String, Value>> for Query {
    fn from(map: Map<String, Value>) -> Query {
        Query((!map.is_empty()).then(|| Box::new(map)))
    }
}

impl From<Query> for Map<String, Value> {
    fn from(query: Query) -> Map<String, Value> {
        query.0.map_or_else(Map::new, |map| *map)
    }
}

impl Serialize for Query {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_of_one_field_hold_together() {
        let query = Query::new().gt("n", 1).lt("n", 5).eq("a", 1).ne("a", 2).or([Query::new().one_of("x", [1, 2])]);
        let wire = json!({"n": {"$gt": 1, "$lt": 5}, "a": {"$in": [1], "$ne": 2}, "$or": [{"x": {"$in": [1, 2]}}]});
        assert_eq!(serde_json::to_value(query).unwrap(), wire);
    }

    #[test]
    fn equality_replaces_no_condition() {
        let query = Query::new().ne("n", 2).eq("n", 1).eq("a", 1).eq("a", 2);
        assert_eq!(serde_json::to_value(query).unwrap(), json!({"n": {"$ne": 2, "$in": [1]}, "a": {"$in": [2]}}));
    }

    #[test]
    fn sorts_keep_their_order() {
        let query = Query::new().sort("b", Order::Ascending).sort("a", Order::Descending).select(["a"]).skip(0);
        assert_eq!(serde_json::to_string(&query).unwrap(), r#"{"$sort":{"b":1,"a":-1},"$select":["a"],"$skip":0}"#);
    }

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
