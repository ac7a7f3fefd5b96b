//! What `find` answers.

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// One page of the records that match.
///
/// A service that makes pages of its own writes what it has, and leaves out the rest:
///
/// ```
/// use wingbeat_core::Page;
///
/// let page = Page { total: Some(9), limit: 2, data: vec!["a", "b"], ..Page::default() };
/// assert_eq!(serde_json::to_string(&page).unwrap(), r#"{"total":9,"limit":2,"skip":0,"data":["a","b"]}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "services write them, with `..Page::default()`")]
pub struct Page<T> {
    /// How many records match in all; absent where the service does not count them. One that counts so far only says
    /// that number where more match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// How many records a page has at most.
    #[serde(default)]
    pub limit: u64,
    /// How many records were left out before these.
    #[serde(default)]
    pub skip: u64,
    /// The records.
    pub data: Vec<T>,
    /// The `$cursor` of the next page; absent on the last one, and where the query had no `$cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

// The derive would ask for records that have a default.
impl<T> Default for Page<T> {
    fn default() -> Page<T> {
        Page { total: None, limit: 0, skip: 0, data: Vec::new(), next: None }
    }
}

/// The records that match: all of them, or a page, as the service is set up.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
#[expect(clippy::exhaustive_enums, reason = "Feathers answers a list or a page")]
pub enum Found<T> {
    /// All of them.
    List(Vec<T>),
    /// One page.
    Page(Page<T>),
}

impl<T> Found<T> {
    /// The records.
    pub fn records(&self) -> &[T] {
        match self {
            Found::List(records) => records,
            Found::Page(page) => &page.data,
        }
    }

    /// The records.
    pub fn into_records(self) -> Vec<T> {
        match self {
            Found::List(records) => records,
            Found::Page(page) => page.data,
        }
    }

    /// How many records match in all; absent where the service does not count them.
    pub fn total(&self) -> Option<u64> {
        match self {
            Found::List(records) => Some(records.len() as u64),
            Found::Page(page) => page.total,
        }
    }
}

impl<T> From<Vec<T>> for Found<T> {
    fn from(records: Vec<T>) -> Found<T> {
        Found::List(records)
    }
}

impl<T> From<Page<T>> for Found<T> {
    fn from(page: Page<T>) -> Found<T> {
        Found::Page(page)
    }
}

impl<T> IntoIterator for Found<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_records().into_iter()
    }
}

// By hand: an untagged enum would copy everything first, and say nothing of what is wrong with a record.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Found<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Found<T>, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = Found<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list or a page of records")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Found<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Found::List)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Found<T>, A::Error> {
                Page::deserialize(MapAccessDeserializer::new(map)).map(Found::Page)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_and_a_page_are_told_apart() {
        let list: Found<u8> = serde_json::from_str("[1,2]").unwrap();
        assert_eq!((list.total(), list.into_records()), (Some(2), vec![1, 2]));
        let page: Found<u8> = serde_json::from_str(r#"{"total":9,"limit":1,"skip":2,"data":[3]}"#).unwrap();
        assert_eq!((page.total(), page.records()), (Some(9), &[3][..]));
        for bad in ["1", "null", "{}", r#"{"total":-1,"data":[]}"#, r#"["x"]"#] {
            assert!(serde_json::from_str::<Found<u8>>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_says_only_what_the_service_knows() {
        for (json, total, next) in [
            (r#"{"limit":1,"skip":2,"data":[3]}"#, None, None),
            (r#"{"total":9,"limit":1,"skip":2,"data":[3]}"#, Some(9), None),
            (r#"{"limit":1,"skip":0,"data":[3],"next":"W10"}"#, None, Some("W10")),
        ] {
            let page: Page<u8> = serde_json::from_str(json).unwrap();
            assert_eq!((page.total, page.next.as_deref()), (total, next));
            assert_eq!(serde_json::to_string(&Found::from(page)).unwrap(), json);
        }
        let null: Page<u8> = serde_json::from_str(r#"{"total":null,"data":[],"next":null}"#).unwrap();
        assert_eq!(null, Page::default());
    }
}
