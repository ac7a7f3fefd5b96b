//! Reading in the order of the records' ids: each page begins behind the last id of the one before. By position, what is
//! removed meanwhile would move others over the end of a page, and nobody would see them.

use crate::error::{Error, Problem};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use wingbeat_core::ErrorKind;

type Query = Map<String, Value>;

/// How far a query is read, in the order of this field.
pub(crate) struct Keys {
    name: &'static str,
    /// The ids of the last page: its first and its last.
    page: Option<(Value, Value)>,
}

/// What a page is asked for, of each record: the field is `id`, or `_id`.
#[derive(Deserialize)]
pub(crate) struct RecordId {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    _id: Value,
}

impl Keys {
    /// In the order of which field a query can be read; `None` if it has an order of its own, or a position to begin at.
    pub(crate) fn of(query: &Query) -> Option<Keys> {
        if query.get("$skip").is_some_and(|skip| !is(skip, "0")) {
            return None;
        }
        let sort = query.get("$sort").map_or(Some(Vec::new()), |sort| sort.as_object().map(Vec::from_iter))?;
        let name = match sort[..] {
            [] => "id",
            [(name, order)] if name == "id" && is(order, "1") => "id",
            [(name, order)] if name == "_id" && is(order, "1") => "_id",
            _ => return None,
        };
        Some(Keys { name, page: None })
    }

    /// Whether nothing has been read yet.
    pub(crate) fn is_at_start(&self) -> bool {
        self.page.is_none()
    }

    /// The query of the next page.
    pub(crate) fn next(&self, query: &Query) -> Query {
        let mut query = match &self.page {
            Some((_, last)) => self.compared(query, "$gt", last),
            None => query.clone(),
        };
        query.insert("$sort".to_owned(), json!({ self.name: 1 }));
        query
    }

    /// What asks for the record with the highest id.
    pub(crate) fn highest(&self, query: &Query) -> Query {
        let mut query = query.clone();
        query.insert("$sort".to_owned(), json!({ self.name: -1 }));
        query.insert("$limit".to_owned(), 1.into());
        query
    }

    /// What asks whether this id compares with anything: it does with itself.
    pub(crate) fn at_least(&self, query: &Query, id: &Value) -> Query {
        let mut query = self.compared(query, "$gte", id);
        query.insert("$limit".to_owned(), 1.into());
        query
    }

    /// The query with one more condition. The id is that of a record that matches: a lower bound of the query's own is
    /// not above it, and can go.
    fn compared(&self, query: &Query, operator: &str, id: &Value) -> Query {
        let mut query = query.clone();
        match query.get_mut(self.name) {
            None => drop(query.insert(self.name.to_owned(), json!({ operator: id }))),
            Some(Value::Object(conditions)) => drop(conditions.insert(operator.to_owned(), id.clone())),
            Some(_) => {
                let condition = json!({ self.name: { operator: id } });
                // If it is not a list, the server says so.
                if let Value::Array(all) = query.entry("$and").or_insert_with(|| json!([])) {
                    all.push(condition);
                }
            }
        }
        query
    }

    /// Whether the records have `_id` instead: then the field is that, and the page has to be asked for again.
    pub(crate) fn turns_out_other(&mut self, records: &[RecordId]) -> bool {
        let other = self.is_at_start()
            && self.name == "id"
            && records.iter().all(|record| record.id.is_null() && !record._id.is_null());
        if other {
            self.name = "_id";
        }
        other
    }

    /// Notes a page.
    pub(crate) fn read(&mut self, records: Vec<RecordId>) -> Result<(), Error> {
        let mut ids = records.into_iter().map(|record| self.key(record));
        let Some(first) = ids.next().transpose()? else { return Ok(()) };
        if let Some((before, last)) = &self.page
            && (*before == first || self.order(last, &first)? != Ordering::Less)
        {
            return Err(self.unordered());
        }
        let mut last = first.clone();
        for id in ids {
            let id = id?;
            if self.order(&last, &id)? != Ordering::Less {
                return Err(self.unordered());
            }
            last = id;
        }
        self.page = Some((first, last));
        Ok(())
    }

    /// Whether this is the id that was read last.
    pub(crate) fn ends_with(&self, id: &Value) -> Result<bool, Error> {
        let Some((_, last)) = &self.page else { return Ok(true) };
        Ok(self.order(last, id)? == Ordering::Equal)
    }

    pub(crate) fn key(&self, record: RecordId) -> Result<Value, Error> {
        match if self.name == "id" { record.id } else { record._id } {
            id @ (Value::Number(_) | Value::String(_)) => Ok(id),
            _ => Err(self.keyless()),
        }
    }

    /// How two ids follow one another. Of texts only the server knows: what is not equal is in its order.
    fn order(&self, one: &Value, other: &Value) -> Result<Ordering, Error> {
        match (one, other) {
            (Value::String(one), Value::String(other)) if one == other => Ok(Ordering::Equal),
            (Value::String(_), Value::String(_)) => Ok(Ordering::Less),
            (Value::Number(one), Value::Number(other)) => {
                let exact = one.as_i64().zip(other.as_i64()).map(|(one, other)| one.cmp(&other));
                let rough = || one.as_f64()?.partial_cmp(&other.as_f64()?);
                exact.or_else(rough).ok_or_else(|| self.unordered())
            }
            _ => Err(self.cannot("some are numbers and some are texts, which compare with nothing")),
        }
    }

    pub(crate) fn keyless(&self) -> Error {
        self.cannot("a record has no number or text in that field")
    }

    pub(crate) fn unordered(&self) -> Error {
        self.cannot("the service does not sort by it, or does not compare with it")
    }

    fn cannot(&self, why: &str) -> Error {
        Error::Unreadable(Problem::new(format!(
            "Pages cannot be read in the order of '{}': {why}. {REMEDY}",
            self.name
        )))
    }

    /// Says what was asked for beyond the query, if the server may not like it.
    pub(crate) fn explained(&self, error: Error) -> Error {
        let Error::Answered(said) = &error else { return error };
        if !self.is_at_start() || !matches!(said.kind(), ErrorKind::BadRequest | ErrorKind::GeneralError) {
            return error;
        }
        let text = format!("{} (pages are asked for in the order of '{}'. {REMEDY})", said.message(), self.name);
        let mut told = wingbeat_core::Error::new(said.kind(), text);
        if let Some(data) = said.data() {
            told = told.with_data(data.clone());
        }
        if let Some(errors) = said.errors() {
            told = told.with_errors(errors.clone());
        }
        Error::Answered(told)
    }
}

const REMEDY: &str = "With a $sort of its own a query is read by position, where records may be missed or come twice \
                      while others write";

/// Queries may come from an address, where numbers are texts.
fn is(value: &Value, number: &str) -> bool {
    match value {
        Value::String(text) => text == number,
        Value::Number(given) => given.to_string() == number,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(query: Value) -> Query {
        serde_json::from_value(query).unwrap()
    }

    fn page(ids: Value) -> Vec<RecordId> {
        let ids: Vec<Value> = serde_json::from_value(ids).unwrap();
        ids.into_iter().map(|id| RecordId { id, _id: Value::Null }).collect()
    }

    #[test]
    fn a_query_with_an_order_or_a_beginning_of_its_own_is_read_by_position() {
        let name = |given| Keys::of(&query(given)).map(|keys| keys.name);
        for by_id in [json!({}), json!({"a": 1, "$limit": 5}), json!({"$sort": {"id": "1"}, "$skip": 0})] {
            assert_eq!(name(by_id), Some("id"));
        }
        assert_eq!(name(json!({"$sort": {"_id": 1}})), Some("_id"));
        for other in [
            json!({"$sort": {"a": 1}}),
            json!({"$sort": {"id": -1}}),
            json!({"$sort": {"id": 1, "a": 1}}),
            json!({"$skip": 3}),
            json!({"$sort": 1}),
        ] {
            assert_eq!(name(other.clone()), None, "{other}");
        }
    }

    #[test]
    fn each_page_begins_behind_the_last_id_whatever_the_query_says_of_ids() {
        for (given, next) in [
            (json!({"a": 1}), json!({"a": 1, "id": {"$gt": 7}, "$sort": {"id": 1}})),
            (json!({"id": {"$gt": 2, "$lt": 9}}), json!({"id": {"$gt": 7, "$lt": 9}, "$sort": {"id": 1}})),
            (json!({"id": 7}), json!({"id": 7, "$and": [{"id": {"$gt": 7}}], "$sort": {"id": 1}})),
            (json!({"id": 7, "$and": [{}]}), json!({"id": 7, "$and": [{}, {"id": {"$gt": 7}}], "$sort": {"id": 1}})),
        ] {
            let mut keys = Keys::of(&query(given.clone())).unwrap();
            assert!(!keys.next(&query(given.clone())).contains_key("$gt"));
            keys.read(page(json!([3, 7]))).unwrap();
            assert_eq!(Value::Object(keys.next(&query(given))), next);
        }
    }

    #[test]
    fn what_does_not_come_in_order_is_told() {
        let read = |pages: &[Value]| {
            let mut keys = Keys::of(&Query::new()).unwrap();
            pages.iter().try_for_each(|ids| keys.read(page(ids.clone())))
        };
        assert!(read(&[json!([1, 2]), json!([3, 10, 10.5]), json!([])]).is_ok());
        assert!(read(&[json!(["b", "a"]), json!(["c"])]).is_ok(), "only the server knows the order of texts");
        for bad in [
            &[json!([2, 1])][..],
            &[json!([1, 1])],
            &[json!([1, 2]), json!([1, 2])],
            &[json!([1, 2]), json!([2, 3])],
            &[json!(["a", "b"]), json!(["a", "b"])],
            &[json!(["a", "b"]), json!(["b", "c"])],
            &[json!([1, "a"])],
            &[json!([1]), json!(["a"])],
            &[json!([null])],
            &[json!([{}])],
        ] {
            let error = read(bad).unwrap_err();
            assert!(
                matches!(error, Error::Unreadable(_)) && error.message().contains("$sort of its own"),
                "{bad:?}: {error}"
            );
        }
    }
}
