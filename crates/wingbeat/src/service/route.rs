//! The values of a path's placeholders.

use serde_json::Value;
use std::sync::Arc;

/// The values of a path's placeholders: `users/:userId/messages` called as `users/2/messages` has `userId` = `"2"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route(Option<Box<[Placeholder]>>);

/// Its name and its value.
type Placeholder = (Arc<str>, Box<str>);

impl Route {
    /// The value of a placeholder, always text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(key, value)| (key == name).then_some(value))
    }

    /// All placeholders in the order of the path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flatten().map(|(key, value)| (&**key, &**value))
    }

    /// The values as a JSON object.
    pub fn to_value(&self) -> Value {
        Value::Object(self.iter().map(|(key, value)| (key.to_owned(), value.into())).collect())
    }
}

impl FromIterator<Placeholder> for Route {
    fn from_iter<I: IntoIterator<Item = Placeholder>>(values: I) -> Route {
        let values: Box<[_]> = values.into_iter().collect();
        Route((!values.is_empty()).then_some(values))
    }
}
