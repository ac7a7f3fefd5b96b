//! Service methods.

use std::fmt;
use std::sync::Arc;

/// A method of a service: one of the six standard ones, or a custom one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "the six of Feathers, and every other by its name")]
pub enum Method {
    /// All records that match a query.
    Find,
    /// One record by its id.
    Get,
    /// A new record, or several.
    Create,
    /// Replaces a record.
    Update,
    /// Merges into a record, or into all that match a query.
    Patch,
    /// Removes a record, or all that match a query.
    Remove,
    /// A method of the service's own.
    Custom(Arc<str>),
}

impl Method {
    /// The six standard methods, in Feathers' order.
    pub const STANDARD: [Method; 6] =
        [Method::Find, Method::Get, Method::Create, Method::Update, Method::Patch, Method::Remove];

    /// The standard method of this name, else a custom one.
    pub fn named(name: &str) -> Method {
        Method::standard(name).unwrap_or_else(|| Method::Custom(name.into()))
    }

    /// The standard method of this name.
    pub fn standard(name: &str) -> Option<Method> {
        Some(match name {
            "find" => Method::Find,
            "get" => Method::Get,
            "create" => Method::Create,
            "update" => Method::Update,
            "patch" => Method::Patch,
            "remove" => Method::Remove,
            _ => return None,
        })
    }

    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Find => "find",
            Method::Get => "get",
            Method::Create => "create",
            Method::Update => "update",
            Method::Patch => "patch",
            Method::Remove => "remove",
            Method::Custom(name) => name,
        }
    }

    /// The event that a successful call sends: `created`, `updated`, `patched` or `removed`.
    pub fn event(&self) -> Option<&'static str> {
        match self {
            Method::Create => Some("created"),
            Method::Update => Some("updated"),
            Method::Patch => Some("patched"),
            Method::Remove => Some("removed"),
            Method::Find | Method::Get | Method::Custom(_) => None,
        }
    }

    /// Whether the first argument is an id.
    pub fn takes_id(&self) -> bool {
        matches!(self, Method::Get | Method::Update | Method::Patch | Method::Remove)
    }

    /// Whether there is a data argument.
    pub fn takes_data(&self) -> bool {
        matches!(self, Method::Create | Method::Update | Method::Patch | Method::Custom(_))
    }

    /// How many arguments come between the path and the query.
    pub fn query_position(&self) -> usize {
        usize::from(self.takes_id()) + usize::from(self.takes_data())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for Method {
    fn from(name: &str) -> Method {
        Method::named(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_its_method_go_both_ways() {
        for method in Method::STANDARD.into_iter().chain([Method::Custom("archive".into())]) {
            assert_eq!(Method::named(method.as_str()), method);
        }
    }

    #[test]
    fn the_query_follows_id_and_data() {
        let positions = ["find", "get", "create", "update", "patch", "remove", "archive"]
            .map(|name| Method::named(name).query_position());
        assert_eq!(positions, [0, 1, 1, 2, 2, 1, 1]);
    }
}
