//! Queries in Feathers' syntax.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// A query: which records, in which order, which fields.
///
/// ```
/// use wingbeat_client::{Order, Query};
///
/// let query = Query::new().eq("userId", 2).gt("n", 10).sort("createdAt", Order::Descending).limit(3);
/// assert_eq!(
///     serde_json::to_string(&query).unwrap(),
///     r#"{"userId":2,"n":{"$gt":10},"$sort":{"createdAt":-1},"$limit":3}"#,
/// );
/// ```
/// Values with no JSON form are null.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Query(Map<String, Value>);

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

    /// Only records whose field is equal to the value.
    pub fn eq(self, field: &str, value: impl Serialize) -> Query {
        // Conditions that the field has already hold on.
        if self.0.contains_key(field) { self.operator(field, "$in", [value]) } else { self.set(field, value) }
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
        let condition = self.0.entry(field).or_insert_with(|| json!({}));
        if !condition.is_object() {
            // Both hold: equal to a value, and the operator.
            *condition = json!({ "$in": [condition.take()] });
        }
        condition[operator] = serde_json::to_value(value).unwrap_or_default();
        self
    }

    /// Only records that match one of these queries.
    pub fn or(self, queries: impl IntoIterator<Item = Query>) -> Query {
        self.set("$or", Vec::from_iter(queries))
    }

    /// Only records that match all of these queries.
    pub fn and(self, queries: impl IntoIterator<Item = Query>) -> Query {
        self.set("$and", Vec::from_iter(queries))
    }

    /// Sorts by a field; a second call sorts what is equal by the first.
    pub fn sort(mut self, field: &str, order: Order) -> Query {
        let sort = self.0.entry("$sort").or_insert_with(|| json!({}));
        if sort.is_object() {
            sort[field] = json!(if order == Order::Ascending { 1 } else { -1 });
        }
        self
    }

    /// At most so many records.
    pub fn limit(self, limit: u64) -> Query {
        self.set("$limit", limit)
    }

    /// Without the first so many records.
    pub fn skip(self, skip: u64) -> Query {
        self.set("$skip", skip)
    }

    /// Only these fields.
    pub fn select<S: Serialize>(self, fields: impl IntoIterator<Item = S>) -> Query {
        self.set("$select", Vec::from_iter(fields))
    }

    /// Anything else, under its name on the wire.
    pub fn set(mut self, name: &str, value: impl Serialize) -> Query {
        self.0.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
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
}
