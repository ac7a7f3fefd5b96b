//! The JSON Schemas of what a service takes and gives.

use serde_json::Value;

/// The JSON Schemas of what a service takes and gives, as far as anybody can say: whoever knows the types makes them,
/// before these are forgotten. With the feature `schema`, `wingbeat::schema::schemas` makes them of types.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Schemas {
    /// A record, as it goes out.
    pub item: Option<Value>,
    /// What create and update take.
    pub data: Option<Value>,
    /// What patch takes.
    pub patch: Option<Value>,
    /// What queries may say.
    pub query: Option<Value>,
}

impl Schemas {
    /// These, and others where these say nothing.
    #[must_use]
    pub fn or(self, others: Schemas) -> Schemas {
        Schemas {
            item: self.item.or(others.item),
            data: self.data.or(others.data),
            patch: self.patch.or(others.patch),
            query: self.query.or(others.query),
        }
    }
}
