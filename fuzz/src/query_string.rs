//! Query strings, as REST reads them.

use serde_json::Value;
use wingbeat_core::query_string::{MAX_DEPTH, parse};

/// Reads a query string twice: it means the same, holds no more than was written, and nests no deeper than may be.
pub fn query_string(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(query) = parse(text) else { return };
    assert_eq!(parse(text).ok().as_ref(), Some(&query), "{text}");
    let query = Value::Object(query);
    // Escapes are three bytes of text for one, or for a replacement character of three.
    assert!(bytes(&query) <= 3 * text.len() + 4 * values(&query), "{text}");
    // The name, what is in brackets, and the rest: each in a list where it met a text, as in qs.
    assert!(depth(&query) <= 2 * (MAX_DEPTH + 2), "{text}");
}

/// The bytes of all texts and names.
fn bytes(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(bytes).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + bytes(value)).sum(),
        Value::String(text) => text.len(),
        other => panic!("{other} cannot stand in a query string"),
    }
}

/// How many values there are, objects and lists among them.
fn values(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        Value::Object(members) => {
            assert!(!members.contains_key("__proto__"), "a prototype");
            1 + members.values().map(values).sum::<usize>()
        }
        _ => 1,
    }
}

fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => None,
    };
    inner.map_or(0, |inner| inner + 1)
}
