//! Placeholders: where attachments belong in the JSON of a binary packet.

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// What the placeholders of a value ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholders {
    /// Every number names an attachment.
    Complete,
    /// Some number does not.
    OutOfRange,
}

/// Whether every `{"_placeholder":true,"num":n}` in the value has an attachment.
pub fn placeholders(value: &Value, attachments: usize) -> Placeholders {
    let complete = match value {
        Value::Array(items) => items.iter().all(|item| placeholders(item, attachments) == Placeholders::Complete),
        Value::Object(map) if is_placeholder(map) => number(map).is_some_and(|num| num < attachments),
        Value::Object(map) => map.values().all(|item| placeholders(item, attachments) == Placeholders::Complete),
        _ => true,
    };
    if complete { Placeholders::Complete } else { Placeholders::OutOfRange }
}

/// What stands for an attachment.
pub(crate) fn placeholder(num: usize) -> Value {
    json!({"_placeholder": true, "num": num})
}

/// Replaces every placeholder of a value that names an attachment.
pub(crate) fn replace(value: &mut Value, attachments: &[Bytes], by: &mut impl FnMut(&Bytes) -> Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, attachments, by)),
        Value::Object(map) if is_placeholder(map) => {
            if let Some(bytes) = number(map).and_then(|num| attachments.get(num)) {
                *value = by(bytes);
            }
        }
        Value::Object(map) => map.values_mut().for_each(|item| replace(item, attachments, by)),
        _ => {}
    }
}

fn is_placeholder(map: &Map<String, Value>) -> bool {
    map.get("_placeholder") == Some(&Value::Bool(true))
}

fn number(map: &Map<String, Value>) -> Option<usize> {
    map.get("num")?.as_u64()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_an_attachment_is_noticed() {
        let value = json!(["a", {"deep": [{"_placeholder": true, "num": 1}]}]);
        assert_eq!(placeholders(&value, 2), Placeholders::Complete);
        assert_eq!(placeholders(&value, 1), Placeholders::OutOfRange);
        for bad in [
            json!({"_placeholder": true}),
            json!({"_placeholder": true, "num": -1}),
            json!({"_placeholder": true, "num": "0"}),
        ] {
            assert_eq!(placeholders(&bad, 5), Placeholders::OutOfRange);
        }
    }

    #[test]
    fn placeholders_are_replaced_wherever_they_are() {
        let mut value = json!(["a", {"deep": [placeholder(1)]}, placeholder(0), placeholder(7)]);
        let attachments = [Bytes::from_static(b"0"), Bytes::from_static(b"1")];
        replace(&mut value, &attachments, &mut |bytes| Value::from(String::from_utf8_lossy(bytes)));
        assert_eq!(value, json!(["a", {"deep": ["1"]}, "0", placeholder(7)]));
    }
}
