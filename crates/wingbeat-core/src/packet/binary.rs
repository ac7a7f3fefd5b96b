//! Placeholders: where attachments belong in the JSON of a binary packet.

use serde_json::Value;

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
        Value::Object(map) if map.get("_placeholder") == Some(&Value::Bool(true)) => {
            map.get("num").and_then(Value::as_u64).is_some_and(|num| num < attachments as u64)
        }
        Value::Object(map) => map.values().all(|item| placeholders(item, attachments) == Placeholders::Complete),
        _ => true,
    };
    if complete { Placeholders::Complete } else { Placeholders::OutOfRange }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
}
