//! Values of conditions that came as texts, because a query string has nothing else.

use super::{Condition, Kind, Path, Test};
use serde_json::Value;

/// Reads the texts in a condition as what the fields hold that they are compared with. What no field of that kind holds
/// stays a text, which no such field equals.
pub(super) fn read_by_kind(condition: &mut Condition, kind: &impl Fn(&Path) -> Option<Kind>) {
    match condition {
        Condition::All(conditions) | Condition::Any(conditions) => {
            conditions.iter_mut().for_each(|condition| read_by_kind(condition, kind));
        }
        Condition::Field(path, test) => {
            let Some(kind) = kind(path) else { return };
            match test {
                Test::Is(value) | Test::IsNot(value) | Test::Compare(_, value) => read(value, kind),
                Test::In(values) | Test::NotIn(values) => values.iter_mut().for_each(|value| read(value, kind)),
                Test::Like(_) | Test::Own(_) => {}
            }
        }
    }
}

fn read(value: &mut Value, kind: Kind) {
    let Value::String(text) = value else { return };
    let read = match kind {
        Kind::Text | Kind::Binary | Kind::Json => None,
        // What the REST client writes for null, and what people write.
        _ if matches!(&**text, "" | "null") => Some(Value::Null),
        Kind::Boolean => text.parse().ok().map(Value::Bool),
        // Without a number's own spellings of JavaScript: `1e3` is one, `0x10` is not.
        Kind::Integer | Kind::Number => serde_json::from_str(text).ok().filter(Value::is_number),
    };
    if let Some(read) = read {
        *value = read;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Query;
    use crate::store::Limits;
    use serde_json::json;

    #[test]
    fn texts_become_what_their_fields_hold() {
        let kind = |path: &Path| match path.split().0 {
            "n" => Some(Kind::Integer),
            "x" => Some(Kind::Number),
            "read" => Some(Kind::Boolean),
            "text" => Some(Kind::Text),
            _ => None,
        };
        let read = |query: Value| {
            let mut condition = Condition::from_query(&Query::from_value(query).unwrap(), Limits::default()).unwrap();
            read_by_kind(&mut condition, &kind);
            condition
        };
        let same = |texts: Value, values: Value| {
            assert_eq!(
                read(texts),
                Condition::from_query(&Query::from_value(values).unwrap(), Limits::default()).unwrap()
            );
        };
        same(json!({"n": "7", "x": {"$gt": "1.5"}, "read": "true"}), json!({"n": 7, "x": {"$gt": 1.5}, "read": true}));
        same(json!({"n": {"$in": ["1", "", "null"]}}), json!({"n": {"$in": [1, null, null]}}));
        same(json!({"text": "", "other": "7"}), json!({"text": "", "other": "7"}));
        same(json!({"n": "7a", "read": "yes", "x": "0x10"}), json!({"n": "7a", "read": "yes", "x": "0x10"}));
        same(json!({"$or": [{"n": "1"}, {"n": {"$nin": ["2"]}}]}), json!({"$or": [{"n": 1}, {"n": {"$nin": [2]}}]}));
    }
}
