//! What `find` answers.

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// One page of the records that match.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "the four members that Feathers has")]
pub struct Page<T> {
    /// How many records match in all.
    pub total: u64,
    /// How many records a page has at most.
    #[serde(default)]
    pub limit: u64,
    /// How many records were left out before these.
    #[serde(default)]
    pub skip: u64,
    /// The records.
    pub data: Vec<T>,
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

    /// How many records match in all.
    pub fn total(&self) -> u64 {
        match self {
            Found::List(records) => records.len() as u64,
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
        assert_eq!((list.total(), list.into_records()), (2, vec![1, 2]));
        let page: Found<u8> = serde_json::from_str(r#"{"total":9,"limit":1,"skip":2,"data":[3]}"#).unwrap();
        assert_eq!((page.total(), page.records()), (9, &[3][..]));
        for bad in ["1", "null", "{}", r#"{"total":-1,"data":[]}"#, r#"["x"]"#] {
            assert!(serde_json::from_str::<Found<u8>>(bad).is_err(), "{bad}");
        }
    }
}
