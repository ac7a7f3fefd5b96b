//! The order of records, and of values of different types.

use super::{Path, Record};
use serde_json::{Number, Value};
use std::cmp::Ordering;
use wingbeat_core::{Error, Result};

/// One key of a `$sort`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SortKey {
    /// The field.
    pub path: Path,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl SortKey {
    /// The smallest comes first.
    pub fn ascending(path: Path) -> SortKey {
        SortKey { path, descending: false }
    }

    /// The largest comes first.
    pub fn descending(path: Path) -> SortKey {
        SortKey { path, descending: true }
    }

    fn compare(&self, a: &Value, b: &Value) -> Ordering {
        let ordering = compare(a, b);
        if self.descending { ordering.reverse() } else { ordering }
    }
}

/// Sorts records; those that are equal by all keys stay as they are.
pub fn sort(records: &mut [Record], keys: &[SortKey]) {
    sort_by_record(records, keys, |record| record);
}

pub(super) fn sort_by_record<T>(items: &mut [T], keys: &[SortKey], record: impl Fn(&T) -> &Record) {
    if !keys.is_empty() {
        items.sort_by(|a, b| {
            let by_key = |key: &SortKey| key.compare(at(record(a), &key.path), at(record(b), &key.path));
            keys.iter().map(by_key).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
        });
    }
}

/// Whether a record stands behind these values of the keys.
pub(super) fn is_behind(record: &Record, keys: &[SortKey], values: &[Value]) -> bool {
    let mut by_key = keys.iter().zip(values).map(|(key, value)| key.compare(at(record, &key.path), value));
    by_key.find(|ordering| ordering.is_ne()).is_some_and(Ordering::is_gt)
}

/// Reads a `$sort`. As in Feathers, whatever is not an object asks for no order, and so does a direction that is not a number,
/// for its key and those after it.
pub(super) fn read(value: &Value, most: usize) -> Result<Vec<SortKey>> {
    let members = match value {
        Value::Object(members) => members,
        Value::Null => return Err(Error::bad_request("Invalid $sort: it must be an object")),
        _ => return Ok(Vec::new()),
    };
    if members.len() > most {
        return Err(Error::bad_request(format!("Invalid $sort: more than {most} keys")));
    }
    let mut keys = Vec::new();
    for (name, direction) in members {
        match super::page::integer(direction).filter(|_| !direction.is_array()) {
            None => break,
            Some(0) => {}
            Some(direction) => keys.push(SortKey { path: Path::new(name), descending: direction < 0 }),
        }
    }
    Ok(keys)
}

/// What is at the end of a path.
pub(super) fn at<'a>(record: &'a Record, path: &Path) -> &'a Value {
    let (field, inner) = path.split();
    inner.iter().fold(record.get(field).unwrap_or(&Value::Null), |value, key| {
        let inner = match value {
            Value::Object(members) => members.get(&**key),
            Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        inner.unwrap_or(&Value::Null)
    })
}

/// The rank of a value's type: null, number, string, boolean, list, object.
pub(super) fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Bool(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// Texts compare by code point.
pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => numbers(a, b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let differing = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|ordering| ordering.is_ne());
            differing.unwrap_or(a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let (mut keys_a, mut keys_b) = (Vec::from_iter(a.keys()), Vec::from_iter(b.keys()));
            keys_a.sort();
            keys_b.sort();
            let mut values = keys_a.iter().zip(&keys_b).map(|(key_a, key_b)| compare(&a[*key_a], &b[*key_b]));
            values.find(|ordering| ordering.is_ne()).unwrap_or(a.len().cmp(&b.len()))
        }
        (a, b) => rank(a).cmp(&rank(b)),
    }
}

fn numbers(a: &Number, b: &Number) -> Ordering {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => match (a.as_u64(), b.as_u64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sorted(values: &[Value], sort_by: Value) -> Vec<Value> {
        let mut records: Vec<Record> = values.iter().map(|value| value.as_object().unwrap().clone()).collect();
        sort(&mut records, &read(&sort_by, 9).unwrap());
        records.into_iter().map(Value::Object).collect()
    }

    #[test]
    fn types_come_in_their_order() {
        let ordered = json!([null, -1, 0.5, 2, "a", "b", false, true, [], [1], [1, 0], [2], {}, {"a": 1}, {"a": 2}]);
        let records: Vec<Value> = ordered.as_array().unwrap().iter().map(|value| json!({"v": value})).collect();
        let reversed: Vec<Value> = records.iter().rev().cloned().collect();
        assert_eq!(sorted(&reversed, json!({"v": 1})), records);
        assert_eq!(sorted(&records, json!({"v": "-1"})), reversed);
    }

    #[test]
    fn later_keys_decide_among_equals_and_the_rest_keeps_its_order() {
        let records = [
            json!({"a": 1, "b": 1, "i": 0}),
            json!({"a": 0, "i": 1}),
            json!({"a": 1, "b": 2, "i": 2}),
            json!({"a": 0, "i": 3}),
        ];
        let order =
            |sort_by| sorted(&records, sort_by).iter().map(|record| record["i"].as_i64().unwrap()).collect::<Vec<_>>();
        assert_eq!(order(json!({"a": 1, "b": -1})), [1, 3, 2, 0]);
        assert_eq!(order(json!({"a": "desc", "b": -1})), [0, 1, 2, 3]);
        assert_eq!(order(json!({"a": 0, "b": -1})), [2, 0, 1, 3]);
    }

    #[test]
    fn a_missing_parent_counts_as_absent() {
        let records = [json!({"deep": {"v": 1}}), json!({"text": "x"})];
        assert_eq!(sorted(&records, json!({"deep.v": 1}))[0], json!({"text": "x"}));
    }

    #[test]
    fn a_sort_that_is_no_object_orders_nothing_and_null_is_refused() {
        assert!(read(&json!("n"), 9).unwrap().is_empty());
        assert!(read(&json!({}), 9).unwrap().is_empty());
        assert_eq!(read(&json!(null), 9).unwrap_err().code(), 400);
        assert_eq!(read(&json!({"a": 1, "b": 1}), 1).unwrap_err().code(), 400);
    }
}
