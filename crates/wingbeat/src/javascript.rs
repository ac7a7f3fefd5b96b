//! What JavaScript makes of values, where clients of Feathers can tell the difference.

use serde_json::Value;
use wingbeat_core::json;

/// Whether an `if` would take the value for false: null, `false`, 0 and `""`.
pub(crate) fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// The value as a text, as in a template string.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let item = |item: &Value| if item.is_null() { String::new() } else { text(item) };
            items.iter().map(item).collect::<Vec<_>>().join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
        plain => json::text(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_texts_as_in_javascript() {
        for (value, expected) in [
            (json!("a"), "a"),
            (json!(1), "1"),
            (json!(1.5), "1.5"),
            (json!(2.0), "2"),
            (json!(null), "null"),
            (json!(true), "true"),
            (json!([1, null, ["a", "b"]]), "1,,a,b"),
            (json!({"a": 1}), "[object Object]"),
        ] {
            assert_eq!(text(&value), expected);
        }
    }

    #[test]
    fn what_is_empty_is_falsy_but_lists_and_objects_are_not() {
        assert!([json!(null), json!(false), json!(0), json!(0.0), json!("")].iter().all(is_falsy));
        assert!(![json!(true), json!(1), json!("0"), json!([]), json!({})].iter().any(is_falsy));
    }
}
