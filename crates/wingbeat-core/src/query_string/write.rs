//! The way back: values as a query string.

use super::{MAX_DEPTH, MAX_PARAMETERS, index};
use crate::{Error, Result};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::fmt::Write;

/// Writes a query string as `qs.stringify` does, which Feathers' REST client asks: `a[b][0]=1`, percent-encoded, null as an
/// empty text. Like qs it leaves out lists and objects that are empty; [`write()`] refuses them.
///
/// ```
/// use serde_json::json;
/// use wingbeat_core::query_string;
///
/// let query = json!({"room": 7, "text": {"$in": ["a", "b c"]}, "none": []});
/// let written = query_string::stringify(query.as_object().unwrap());
/// assert_eq!(written, "room=7&text%5B%24in%5D%5B0%5D=a&text%5B%24in%5D%5B1%5D=b%20c");
/// ```
pub fn stringify(query: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (name, value) in query {
        let mut encoded = String::with_capacity(name.len());
        percent_encode(name, is_encoded, &mut encoded);
        parameters(&mut encoded, value, &mut out);
    }
    out
}

/// Writes a query string that [`parse`](super::parse), Express and Koa read as it is meant, but for what a query string
/// does not have: numbers and booleans arrive as texts, and null as the empty one.
///
/// What is empty and sets no condition is left out: `{"$nin": []}`, `{"$and": []}`, `{"$sort": {}}`.
///
/// # Errors
/// BadRequest, with the place in the query, for what would arrive as something else: an empty list or object, which
/// does not arrive at all (so that `{"id": {"$in": []}}` would select everything), an element of a list or an operator
/// of which nothing would arrive (as of `{"$or": [{"id": {"$nin": []}}, …]}`), names that are empty or hold brackets, an
/// object with the names of a list's places, more than [`MAX_DEPTH`] brackets, more than [`MAX_PARAMETERS`].
pub fn write(query: &Map<String, Value>) -> Result<String> {
    let mut count = 0;
    for (name, value) in query {
        check_name(name, name)?;
        check(name, name, value, 0, &mut count)?;
    }
    if count > MAX_PARAMETERS {
        return Err(Error::bad_request(format!(
            "Invalid query: it has {count} values, and servers read at most {MAX_PARAMETERS} of a query string"
        )));
    }
    Ok(stringify(query))
}

fn parameters(name: &mut String, value: &Value, out: &mut String) {
    let length = name.len();
    let mut inner = |key: &str, value: &Value, out: &mut String| {
        name.push_str("%5B");
        percent_encode(key, is_encoded, name);
        name.push_str("%5D");
        parameters(name, value, out);
        name.truncate(length);
    };
    match value {
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                inner(&place.to_string(), item, out);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                inner(key, member, out);
            }
        }
        leaf => {
            if !out.is_empty() {
                out.push('&');
            }
            out.push_str(name);
            out.push('=');
            percent_encode(&text(leaf), is_encoded, out);
        }
    }
}

/// The text that JavaScript makes of a value that is no list and no object.
fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        Value::Number(number) => number_text(number).into(),
        Value::Bool(true) => "true".into(),
        Value::Bool(false) => "false".into(),
        _ => "".into(),
    }
}

/// A number as `String(number)` of JavaScript has it.
pub fn number_text(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    if float == 0.0 {
        return "0".to_owned();
    }
    // The shortest digits that read as this number, and where the point stands.
    let scientific = format!("{:e}", float.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits = mantissa.replace('.', "");
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let behind = i32::try_from(digits.len()).unwrap_or(i32::MAX) - 1;
    let sign = if float < 0.0 { "-" } else { "" };
    match exponent {
        0..=20 if exponent >= behind => format!("{sign}{digits}{}", zeros(exponent - behind)),
        0..=20 => {
            let (whole, fraction) = digits.split_at(usize::try_from(exponent).unwrap_or_default() + 1);
            format!("{sign}{whole}.{fraction}")
        }
        -6..=-1 => format!("{sign}0.{}{digits}", zeros(-exponent - 1)),
        _ => format!("{sign}{mantissa}e{exponent:+}"),
    }
}

/// Whether a byte is encoded in a query string; `qs` leaves as little as RFC 3986 does.
fn is_encoded(byte: u8) -> bool {
    !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// Appends a text in which the bytes of which `is_escaped` says so are `%XX`, and all that is not ASCII.
pub fn percent_encode(text: &str, is_escaped: impl Fn(u8) -> bool, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii() && !is_escaped(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Empty lists and objects under these names set no condition.
fn is_harmless_if_empty(key: &str) -> bool {
    matches!(key, "$nin" | "$and" | "$sort")
}

fn check(place: &str, key: &str, value: &Value, depth: usize, count: &mut usize) -> Result<()> {
    let before = *count;
    check_inside(place, key, value, depth, count)?;
    // Elements of a list have an empty key. What is left out of one, or of a `$not`, is a condition that always holds;
    // without it the others mean something else.
    if *count == before && (key.is_empty() || key.starts_with('$')) && !is_harmless_if_empty(key) {
        let why = "has only what is left out of a query string, and without it the query means something else";
        return Err(Error::bad_request(format!("Invalid query: '{place}' {why}")));
    }
    Ok(())
}

fn check_inside(place: &str, key: &str, value: &Value, depth: usize, count: &mut usize) -> Result<()> {
    let wrong = |why: &str| Error::bad_request(format!("Invalid query: '{place}' {why}"));
    let is_empty = match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => {
            *count += 1;
            return Ok(());
        }
    };
    if is_empty {
        return if is_harmless_if_empty(key) {
            Ok(())
        } else {
            Err(wrong("is empty, and a query string cannot say that: it would be left out, and more records selected"))
        };
    }
    if depth == MAX_DEPTH {
        return Err(wrong(&format!("nests deeper than the {MAX_DEPTH} brackets that servers read of a query string")));
    }
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(at, item)| check(&format!("{place}[{at}]"), "", item, depth + 1, count)),
        Value::Object(members) => {
            if members.keys().all(|key| index(key).is_some()) {
                return Err(wrong("has numbers as names, which servers read as the places of a list"));
            }
            members.iter().try_for_each(|(key, member)| {
                let place = format!("{place}[{key}]");
                check_name(&place, key)?;
                check(&place, key, member, depth + 1, count)
            })
        }
        _ => Ok(()),
    }
}

fn check_name(place: &str, name: &str) -> Result<()> {
    if name.is_empty() || name == "__proto__" || name.contains(['[', ']']) {
        let why = "servers read a name that is empty, holds brackets or is __proto__ as something else";
        return Err(Error::bad_request(format!("Invalid query: '{place}': {why}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_string::parse;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn values_are_written_as_qs_writes_them() {
        for (query, expected) in [
            (json!({"a": 1, "b": {"c": ["x", true]}}), "a=1&b%5Bc%5D%5B0%5D=x&b%5Bc%5D%5B1%5D=true"),
            (json!({"a": null, "b": "", "c": [], "d": {}, "e": {"f": []}}), "a=&b="),
            (
                json!({"a b": "\u{e9}!'()*~", "n": [1.5, 1e21, 1e-7, -0.000_001]}),
                "a%20b=%C3%A9%21%27%28%29%2A~&n%5B0%5D=1.5&n%5B1%5D=1e%2B21&n%5B2%5D=1e-7&n%5B3%5D=-0.000001",
            ),
            (json!({"$or": [{"a": 1}, {"b[c": 2}]}), "%24or%5B0%5D%5Ba%5D=1&%24or%5B1%5D%5Bb%5Bc%5D=2"),
            (json!({}), ""),
        ] {
            assert_eq!(stringify(&object(query)), expected);
        }
    }

    #[test]
    fn what_would_arrive_as_something_else_is_refused_with_its_place() {
        for (query, place) in [
            (json!({"id": {"$in": []}}), "'id[$in]' is empty"),
            (json!({"$or": [{"a": 1}, {}]}), "'$or[1]' is empty"),
            (json!({"a": {}}), "'a' is empty"),
            (json!({"$or": [{"id": {"$nin": []}}, {"a": 1}]}), "'$or[0]' has only what is left out"),
            (json!({"$or": [{"a": 1}, {"$and": []}]}), "'$or[1]' has only"),
            (json!({"a": [{"b": {"$sort": {}}}]}), "'a[0]' has only"),
            (json!({"$not": {"a": {"$nin": []}}}), "'$not' has only"),
            (json!({"": 1}), "'': "),
            (json!({"a": {"b]": 1}}), "'a[b]]': "),
            (json!({"__proto__": 1}), "'__proto__': "),
            (json!({"a": {"0": 1, "1": 2}}), "'a' has numbers"),
            (json!({"a": [[[[[[1]]]]]]}), "'a[0][0][0][0][0]' nests deeper"),
            (json!({"a": vec![1; MAX_PARAMETERS + 1]}), "it has 1001 values"),
        ] {
            let error = write(&object(query)).unwrap_err();
            assert!(error.code() == 400 && error.message().contains(place), "{place}: {error}");
        }
        let harmless = object(
            json!({"id": {"$nin": []}, "b": {"c": {"$nin": []}}, "$and": [], "$sort": {}, "a": {"0": 1, "b": 2}}),
        );
        assert_eq!(write(&harmless).unwrap(), "a%5B0%5D=1&a%5Bb%5D=2");
    }

    fn texts() -> impl Strategy<Value = Value> {
        any::<String>().prop_map(Value::from).prop_recursive(5, 24, 4, |inner| {
            let members = prop::collection::vec((".{0,4}|[a-c]|[0-9]{1,2}", inner.clone()), 0..4);
            let object = members.prop_map(|members| Value::Object(members.into_iter().collect()));
            prop_oneof![prop::collection::vec(inner, 0..4).prop_map(Value::Array), object]
        })
    }

    proptest! {
        #[test]
        fn texts_come_back_as_they_were_written(members in prop::collection::vec((".{0,3}|[a-c]", texts()), 0..4)) {
            let query: Map<String, Value> = members.into_iter().collect();
            if let Ok(written) = write(&query) {
                prop_assert_eq!(Value::Object(parse(&written).unwrap()), Value::Object(query));
            }
        }
    }
}
