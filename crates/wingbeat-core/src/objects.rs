//! Objects of a certain form in a JSON text, found where they lie: as a tree, text can take a hundred times its size.

use std::ops::Range;

/// An object, as far as it was asked about.
pub(crate) struct Object<'a> {
    /// How many members it has.
    pub(crate) members: usize,
    /// The texts of the values that the names have, each the last one of its name.
    pub(crate) values: [Option<&'a [u8]>; 2],
}

/// Finds the objects for which `form` has something to say, in order. What stands within one of them is part of it.
///
/// The text has to be JSON; of another, anything may be found.
pub(crate) fn find<T>(
    json: &[u8],
    names: [&str; 2],
    mut form: impl FnMut(Object<'_>) -> Option<T>,
) -> Vec<(Range<usize>, T)> {
    let (mut found, mut open): (Vec<(Range<usize>, T)>, Vec<Open>) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        match (byte, open.last_mut()) {
            (b'{' | b'[', _) => open.push(Open::new(at, byte == b'{', found.len())),
            (b'}' | b']', Some(innermost)) => {
                innermost.value_ends(at);
                if innermost.is_object {
                    let values = innermost.values.clone().map(|value| Some(json.get(value?)?.trim_ascii()));
                    if let Some(known) = form(Object { members: innermost.members, values }) {
                        found.truncate(innermost.found);
                        found.push((innermost.start..at + 1, known));
                    }
                }
                open.pop();
            }
            (b',', Some(innermost)) => {
                innermost.value_ends(at);
                innermost.awaits_name = innermost.is_object;
            }
            (b':', Some(innermost)) => innermost.value = at + 1,
            (b'"', innermost) => {
                let end = string(json, at + 1);
                if let Some(innermost) = innermost
                    && std::mem::take(&mut innermost.awaits_name)
                {
                    innermost.members += 1;
                    innermost.asked_for = names.iter().position(|name| is_name(&json[at..end], name));
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// A container whose end has not come.
struct Open {
    start: usize,
    is_object: bool,
    awaits_name: bool,
    members: usize,
    /// Which of the names the present member has, and where its value begins.
    asked_for: Option<usize>,
    value: usize,
    values: [Option<Range<usize>>; 2],
    /// How many were found before it.
    found: usize,
}

impl Open {
    fn new(start: usize, is_object: bool, found: usize) -> Open {
        let values = [None, None];
        Open { start, is_object, awaits_name: is_object, members: 0, asked_for: None, value: start, values, found }
    }

    fn value_ends(&mut self, at: usize) {
        if let Some(name) = self.asked_for.take() {
            self.values[name] = Some(self.value..at);
        }
    }
}

/// From behind the opening quote to behind the closing one.
fn string(json: &[u8], mut at: usize) -> usize {
    while let Some(rest) = json.get(at..)
        && let Some(special) = memchr::memchr2(b'"', b'\\', rest)
    {
        at += special + 1;
        if rest[special] == b'"' {
            return at;
        }
        // Whatever is escaped.
        at += 1;
    }
    json.len()
}

/// Whether a text, with its quotes, is this name; an escaped name is still the name.
fn is_name(text: &[u8], name: &str) -> bool {
    if text.contains(&b'\\') {
        // An escape is six bytes at most.
        return text.len() <= 6 * name.len() + 2
            && serde_json::from_slice::<String>(text).is_ok_and(|text| text == name);
    }
    text.get(1..text.len() - 1) == Some(name.as_bytes())
}

/// The text with something else in the place of what was found.
pub(crate) fn replace<T>(
    json: &[u8],
    found: impl IntoIterator<Item = (Range<usize>, T)>,
    mut by: impl FnMut(&mut Vec<u8>, T),
) -> Vec<u8> {
    let (mut out, mut at) = (Vec::with_capacity(json.len()), 0);
    for (range, what) in found {
        out.extend_from_slice(&json[at..range.start]);
        by(&mut out, what);
        at = range.end;
    }
    out.extend_from_slice(&json[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn texts(json: &str) -> Vec<&str> {
        let found =
            find(json.as_bytes(), ["a", "b"], |object| object.values[0].is_some_and(|a| a == b"1").then_some(()));
        found.into_iter().map(|(range, ())| &json[range]).collect()
    }

    #[test]
    fn objects_are_found_wherever_they_are_and_the_outermost_counts() {
        assert_eq!(texts(r#"[{"a" : 1 },{"x":{"a":1,"b":[{}]}},{"a":2}]"#), [r#"{"a" : 1 }"#, r#"{"a":1,"b":[{}]}"#]);
        assert_eq!(texts(r#"{"x":{"a":1},"a":1}"#), [r#"{"x":{"a":1},"a":1}"#]);
        assert_eq!(
            texts(r#"[{"\u0061":1},{"b":"a","c":1},["a",1],"{\"a\":1}",{"a":[1]},{"a":1,"a":2},{"a":2,"a":1}]"#),
            [r#"{"\u0061":1}"#, r#"{"a":2,"a":1}"#]
        );
    }

    #[test]
    fn members_are_counted_and_what_they_hold_is_not() {
        let members = |json: &str| find(json.as_bytes(), ["", ""], |object| Some(object.members))[0].1;
        assert_eq!(
            [members("{}"), members(r#"{"a":{"b":1,"c":2}}"#), members(r#"{"a":[1,"x",{}],"b":"c"}"#)],
            [0, 1, 2]
        );
    }

    fn count(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(map) if map.get("a").is_some_and(Value::is_boolean) => 1,
            Value::Object(map) => map.values().map(count).sum(),
            _ => 0,
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![any::<bool>().prop_map(Value::from), "[a\"\\\\{}:,\\[\\]é]{0,4}".prop_map(Value::from)];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[ab\"\\\\]{0,2}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn as_many_are_found_as_a_tree_has(value in json()) {
            let text = value.to_string();
            let found = find(text.as_bytes(), ["a", ""], |object| matches!(object.values[0]?, b"true" | b"false").then_some(()));
            prop_assert_eq!(found.len(), count(&value), "{}", text);
        }

        #[test]
        fn no_text_makes_it_panic(text in r#"[\[\]{},:"\\a1 ]{0,24}"#) {
            let found = find(text.as_bytes(), ["a", "a"], |object| Some(object.members));
            replace(text.as_bytes(), found, |_, _| {});
        }
    }
}
