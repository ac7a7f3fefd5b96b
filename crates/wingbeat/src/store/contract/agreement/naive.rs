//! What a query means, in the simplest way.

use serde_json::Value;

/// All values that a path leads to, a list and its elements alike.
fn values_at(value: &Value, path: &[&str]) -> Vec<Value> {
    match (path, value) {
        ([], Value::Array(items)) => {
            items.iter().flat_map(|item| values_at(item, path)).chain([value.clone()]).collect()
        }
        ([], _) => vec![value.clone()],
        ([key, rest @ ..], Value::Object(members)) => values_at(members.get(*key).unwrap_or(&Value::Null), rest),
        ([key, rest @ ..], Value::Array(items)) => match key.parse::<usize>() {
            Ok(index) => items.iter().skip(index).take(1).flat_map(|item| values_at(item, rest)).collect(),
            Err(_) => items.iter().flat_map(|item| values_at(item, path)).collect(),
        },
        _ => vec![Value::Null],
    }
}

/// A value in one form: all numbers are floats, members are sorted.
pub(in super::super) fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("{:?}", number.as_f64().unwrap()),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let mut members: Vec<String> =
                members.iter().map(|(name, value)| format!("{name}:{}", canonical(value))).collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
        other => other.to_string(),
    }
}

pub(in super::super) fn naive(query: &Value, record: &Value) -> bool {
    query.as_object().unwrap().iter().all(|(name, wanted)| {
        if name == "$or" {
            return wanted.as_array().unwrap().iter().any(|alternative| naive(alternative, record));
        }
        let found = values_at(record, &name.split('.').collect::<Vec<_>>());
        let holds = |operator: &str, operand: &Value| {
            let listed = |value: &Value| match operand {
                Value::Array(items) => items.iter().any(|item| canonical(item) == canonical(value)),
                single => canonical(single) == canonical(value),
            };
            let equal = |value: &Value| canonical(value) == canonical(operand);
            let ordered = |test: fn(std::cmp::Ordering) -> bool| {
                found.iter().any(|value| match (value, operand) {
                    (Value::Null, Value::Null) => test(std::cmp::Ordering::Equal),
                    (Value::Number(a), Value::Number(b)) => test(a.as_f64().partial_cmp(&b.as_f64()).unwrap()),
                    (Value::String(a), Value::String(b)) => test(a.cmp(b)),
                    (Value::Bool(a), Value::Bool(b)) => test(a.cmp(b)),
                    _ => false,
                })
            };
            match operator {
                "$in" => found.iter().any(listed),
                "$nin" => !found.iter().any(listed),
                "$ne" => !found.iter().any(equal),
                "$lt" => ordered(|ordering| ordering.is_lt()),
                "$lte" => ordered(|ordering| ordering.is_le()),
                "$gt" => ordered(|ordering| ordering.is_gt()),
                "$gte" => ordered(|ordering| ordering.is_ge()),
                _ => found.iter().any(equal),
            }
        };
        match wanted.as_object().filter(|members| members.keys().any(|key| key.starts_with('$'))) {
            Some(operators) => operators.iter().all(|(operator, operand)| holds(operator, operand)),
            None => holds("", wanted),
        }
    })
}
