//! The fields that a query names, read without knowing which service will answer it.

use crate::javascript;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The way to a field: its name, and those of the fields that it is in before it.
pub(super) type Path = Box<[Box<str>]>;

pub(super) fn paths<F: AsRef<str>>(fields: impl IntoIterator<Item = F>) -> impl Iterator<Item = Path> {
    fields.into_iter().map(|field| field.as_ref().split('.').map(Box::from).collect())
}

/// The names in a `$select` or `$sort`, in every form that a service could read.
pub(super) fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items
            .iter()
            .flat_map(|item| match item {
                Value::Object(_) => names(item),
                // As the stores read it.
                item => vec![javascript::text(item)],
            })
            .collect(),
        Value::Object(members) => members.keys().cloned().collect(),
        Value::String(text) => text.split([' ', ',']).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Where the path that a query names is, seen from a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// It is the field, or in it.
    Within,
    /// The field is in what is named.
    Around,
    Elsewhere,
}

pub(super) fn relation(field: &[Box<str>], asked: &str) -> Relation {
    relation_of(field, asked.split('.'))
}

/// As [`place`], for a path whose keys are at hand.
pub(super) fn relation_of<'a>(field: &[Box<str>], asked: impl Iterator<Item = &'a str>) -> Relation {
    let mut left = field;
    for key in asked {
        match left.split_first() {
            None => return Relation::Within,
            Some((next, rest)) if **next == *key => left = rest,
            // One element of a list; read as the stores read it.
            Some(_) if left.len() < field.len() && key.parse::<usize>().is_ok() => {}
            Some(_) => return Relation::Elsewhere,
        }
    }
    match left.len() {
        0 => Relation::Within,
        rest if rest < field.len() => Relation::Around,
        _ => Relation::Elsewhere,
    }
}

pub(super) fn is_listed(fields: Option<&[Path]>, name: &str) -> bool {
    fields.is_none_or(|fields| fields.iter().any(|field| relation(field, name) == Relation::Within))
}

/// Whether a test could tell what is inside the tested value. Plain values are never equal to what has something inside,
/// nor less or more.
pub(super) fn sees_inside(test: &Value) -> bool {
    let plain = |value: &Value| !value.is_object() && !value.is_array();
    let tests = |members: &Map<String, Value>| {
        members.iter().all(|(name, operand)| match (name.as_str(), operand) {
            ("$in" | "$nin", Value::Array(items)) => items.iter().all(plain),
            ("$in" | "$nin" | "$lt" | "$lte" | "$gt" | "$gte" | "$ne", operand) => plain(operand),
            _ => false,
        })
    };
    match test {
        Value::Object(members) => members.is_empty() || !tests(members),
        test => !plain(test),
    }
}

/// How many elements a list has.
pub(super) struct Length(pub(super) usize);

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Length, D::Error> {
        struct Counting;

        impl<'de> Visitor<'de> for Counting {
            type Value = Length;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Length, A::Error> {
                let mut length = 0;
                while elements.next_element::<IgnoredAny>()?.is_some() {
                    length += 1;
                }
                Ok(Length(length))
            }
        }

        deserializer.deserialize_seq(Counting)
    }
}

/// The names of the fields of a record, or of those in a list. What is not a record has none.
pub(super) struct Members(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        let mut names = Vec::new();
        deserializer.deserialize_any(Naming { names: &mut names, may_be_list: true })?;
        Ok(Members(names))
    }
}

struct Naming<'a> {
    names: &'a mut Vec<String>,
    may_be_list: bool,
}

impl<'de> DeserializeSeed<'de> for Naming<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Naming<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record, or a list of records")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key()? {
            members.next_value::<IgnoredAny>()?;
            self.names.push(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        if !self.may_be_list {
            return IgnoredAny.visit_seq(elements).map(drop);
        }
        while elements.next_element_seed(Naming { names: self.names, may_be_list: false })?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_found_however_the_way_to_it_is_written() {
        let ssn: Vec<Path> = paths(["people.ssn"]).collect();
        let at = |asked| relation(&ssn[0], asked);
        for asked in ["people.ssn", "people.ssn.0", "people.0.ssn", "people.+0.ssn.x", "people.0.1.ssn"] {
            assert!(at(asked) == Relation::Within, "{asked}");
        }
        for asked in ["people", "people.0"] {
            assert!(at(asked) == Relation::Around, "{asked}");
        }
        for asked in ["", "0", "ssn", "people.name", "people.ssns", "0.people.ssn", "People.ssn"] {
            assert!(at(asked) == Relation::Elsewhere, "{asked}");
        }
    }

    #[test]
    fn fields_are_named_whatever_stands_beside_them() {
        let names = |json: &str| serde_json::from_str::<Members>(json).unwrap().0;
        assert_eq!(names(r#"{"a": {"b": 1}, "\u0063": 1, "a": 2}"#), ["a", "c", "a"]);
        assert_eq!(names(r#"[null, true, -1, 1, 1.5, "x", [{"d": 1}], {"a": 1}, {"b": []}]"#), ["a", "b"]);
        assert!(names("null").is_empty());
    }

    #[test]
    fn plain_values_tell_nothing_of_what_is_inside_another() {
        for test in [json!(1), json!(null), json!({"$in": ["a", null]}), json!({"$ne": 1, "$gt": "a"})] {
            assert!(!sees_inside(&test), "{test}");
        }
        for test in [
            json!({}),
            json!({"a": 1}),
            json!([1]),
            json!({"$in": [{}]}),
            json!({"$gt": {"a": 1}}),
            json!({"$ne": [1]}),
            json!({"$like": "a"}),
            json!({"$gt": 1, "a": 1}),
        ] {
            assert!(sees_inside(&test), "{test}");
        }
    }
}
