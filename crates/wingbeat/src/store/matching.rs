//! Whether a record fulfils a condition.

use super::sort::{compare, rank};
use super::{Comparison, Condition, Record, Test};
use serde_json::Value;
use std::cmp::Ordering;

/// Whether a record fulfils a condition.
pub fn matches(condition: &Condition, record: &Record) -> bool {
    match condition {
        Condition::All(conditions) => conditions.iter().all(|condition| matches(condition, record)),
        Condition::Any(conditions) => conditions.iter().any(|condition| matches(condition, record)),
        Condition::Field(path, test) => {
            let (field, inner) = path.split();
            let value = record.get(field).unwrap_or(&Value::Null);
            match test {
                Test::Is(wanted) => any(value, inner, &|value| equal(value, wanted)),
                Test::IsNot(unwanted) => !any(value, inner, &|value| equal(value, unwanted)),
                Test::In(list) => any(value, inner, &|value| list.iter().any(|wanted| equal(value, wanted))),
                Test::NotIn(list) => !any(value, inner, &|value| list.iter().any(|unwanted| equal(value, unwanted))),
                Test::Compare(comparison, bound) => any(value, inner, &|value| ordered(value, *comparison, bound)),
                Test::Like(like) => any(value, inner, &|value| like.holds(value)) != like.is_negated(),
                Test::Own(test) => any(value, inner, &|value| test.holds(value)),
            }
        }
    }
}

/// Whether a value at the end of the path passes. Lists on the way stand for each of their elements, a list at the end
/// for itself as well; a number in the path picks one element.
fn any(value: &Value, path: &[Box<str>], test: &dyn Fn(&Value) -> bool) -> bool {
    let Some((key, rest)) = path.split_first() else {
        let element = value.as_array().is_some_and(|items| items.iter().any(|item| any(item, path, test)));
        return element || test(value);
    };
    match value {
        Value::Object(members) => any(members.get(&**key).unwrap_or(&Value::Null), rest, test),
        Value::Array(items) => match key.parse::<usize>() {
            Ok(index) => items.get(index).is_some_and(|item| any(item, rest, test)),
            Err(_) => items.iter().any(|item| any(item, path, test)),
        },
        _ => test(&Value::Null),
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (Value::Number(_), Value::Number(_)) => compare(a, b) == Ordering::Equal,
        (a, b) => a == b,
    }
}

fn ordered(value: &Value, comparison: Comparison, bound: &Value) -> bool {
    // Lists and objects have an order for sorting, but no less and more.
    if rank(value) != rank(bound) || value.is_array() || value.is_object() {
        return false;
    }
    let ordering = compare(value, bound);
    match comparison {
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::read;
    use super::super::operator::Syntax;
    use super::*;
    use crate::service::Query;
    use serde_json::json;

    fn hits(query: Value, record: Value) -> bool {
        let condition = read(&Query::from_value(query).unwrap(), &Syntax::default()).unwrap();
        matches(&condition, record.as_object().unwrap())
    }

    #[test]
    fn types_are_never_converted() {
        assert!(hits(json!({"n": 10}), json!({"n": 10.0})));
        for (query, record) in [
            (json!({"n": "10"}), json!({"n": 10})),
            (json!({"n": 1}), json!({"n": true})),
            (json!({"n": {"$gt": "1"}}), json!({"n": 10})),
            (json!({"n": {"$gte": 0}}), json!({"n": null})),
            (json!({"n": {"$lt": [9]}}), json!({"n": [1]})),
            (json!({"n": {"$in": ["1"]}}), json!({"n": 1})),
        ] {
            assert!(!hits(query.clone(), record.clone()), "{query} {record}");
        }
    }

    #[test]
    fn null_is_the_same_as_absent() {
        for query in
            [json!({"a": null}), json!({"a.b": null}), json!({"a": {"$in": [null]}}), json!({"a": {"$lte": null}})]
        {
            assert!(hits(query.clone(), json!({})), "{query}");
            assert!(hits(query.clone(), json!({"a": null})), "{query}");
            assert!(!hits(query.clone(), json!({"a": {"b": 0}})), "{query}");
        }
        assert!(!hits(json!({"a": {"$ne": null}}), json!({})));
        assert!(hits(json!({"a": {"$nin": [1]}}), json!({})));
    }

    #[test]
    fn a_list_matches_by_element_or_as_a_whole() {
        let record = json!({"tags": ["x", "y"], "n": [1, 9]});
        for query in [
            json!({"tags": "x"}),
            json!({"tags": ["x", "y"]}),
            json!({"tags": {"$in": ["y", "z"]}}),
            json!({"n": {"$gt": 8, "$lt": 2}}),
            json!({"tags.1": "y"}),
        ] {
            assert!(hits(query.clone(), record.clone()), "{query}");
        }
        for query in [json!({"tags": ["y", "x"]}), json!({"tags": {"$ne": "x"}}), json!({"tags": {"$nin": ["y"]}})] {
            assert!(!hits(query.clone(), record.clone()), "{query}");
        }
    }

    #[test]
    fn dotted_names_descend_through_objects_and_lists() {
        let record = json!({"a": {"b": {"c": 1}}, "list": [{"v": 1}, {"v": 2}, 3]});
        assert!(hits(json!({"a.b.c": 1}), record.clone()));
        assert!(hits(json!({"list.v": 2}), record.clone()));
        assert!(hits(json!({"list.0.v": 1}), record.clone()));
        assert!(!hits(json!({"list.0.v": 2}), record.clone()));
        assert!(!hits(json!({"a.b": 1}), record));
    }

    #[test]
    fn objects_match_when_deeply_equal_in_any_order_of_keys() {
        assert!(hits(json!({"a": {"x": 1, "y": [2]}}), json!({"a": {"y": [2], "x": 1}})));
        assert!(!hits(json!({"a": {"x": 1}}), json!({"a": {"x": 1, "y": 2}})));
    }

    #[test]
    fn groups_and_fields_must_all_hold() {
        let record = json!({"id": 1, "n": 30});
        assert!(hits(json!({"$or": [{"id": 9}, {"n": 30}]}), record.clone()));
        assert!(!hits(json!({"$or": [{"id": 1}], "n": 2}), record.clone()));
        assert!(hits(json!({"$and": [{"$or": [{"id": 1}, {"id": 2}]}, {"n": 30}]}), record.clone()));
        assert!(hits(json!({"$or": [{}]}), record));
    }
}
