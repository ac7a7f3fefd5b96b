//! Query strings and forms as [qs](https://github.com/ljharb/qs) reads and writes them, which Express asks and Feathers' REST client
//! writes for: `user[name]=Ann&id[$in][]=1&id[$in][]=2`.

mod merge;
mod node;
mod write;

use crate::{Error, Result};
use merge::merge;
use node::Node;
use serde_json::{Map, Value};
use std::collections::HashMap;
pub use write::{number_text, percent_encode, stringify, write};

/// How many parameters there may be. qs leaves further ones out without a word, here they are an error.
pub const MAX_PARAMETERS: usize = 1_000;
/// How deep brackets nest; what is deeper is one literal key, as in qs.
pub const MAX_DEPTH: usize = 5;
/// Up to where a number in brackets is a place in a list; a higher one is a key. qs stops at 20, which breaks `$in` with more
/// values without a word.
pub const MAX_INDEX: usize = 2_000;

/// Reads a query string, without its question mark, or a form. All values are texts, lists and objects of them.
///
/// ```
/// use serde_json::{Value, json};
/// use wingbeat_core::query_string;
///
/// let query = query_string::parse("room=7&text[$in][]=a&text[$in][]=b%20c&$sort[at]=-1").unwrap();
/// let expected = json!({"room": "7", "text": {"$in": ["a", "b c"]}, "$sort": {"at": "-1"}});
/// assert_eq!(Value::Object(query), expected);
/// ```
///
/// `__proto__` is left out, as in qs. Text that is not percent-encoded UTF-8 stays as it is.
///
/// # Errors
/// BadRequest for more than [`MAX_PARAMETERS`].
pub fn parse(text: &str) -> Result<Map<String, Value>> {
    // Most requests have none.
    if text.is_empty() {
        return Ok(Map::new());
    }
    let mut tree = Node::object();
    let mut parameters = parameters(text)?;
    // The order in which JavaScript goes through them.
    parameters.sort_by_key(|(key, _)| number(key).unwrap_or(u32::MAX));
    for (key, values) in parameters {
        tree = merge(tree, branch(&key, values));
    }
    Ok(tree.into_members())
}

/// The parameters in their order; those of one name are together where the first of them stands.
fn parameters(text: &str) -> Result<Vec<(String, Vec<String>)>> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut places = HashMap::new();
    let text = text.replace("%5B", "[").replace("%5b", "[").replace("%5D", "]").replace("%5d", "]");
    for (count, part) in text.split('&').enumerate() {
        if count == MAX_PARAMETERS {
            let limit = format!("Invalid query: more than {MAX_PARAMETERS} parameters");
            return Err(Error::bad_request(limit));
        }
        // An equals sign in brackets belongs to the key.
        let end = part.find("]=").map(|at| at + 1).or_else(|| part.find('='));
        let (key, value) = end.map_or((part, ""), |at| (&part[..at], &part[at + 1..]));
        let (key, value) = (decode(key), decode(value));
        if key.is_empty() {
            continue;
        }
        match places.get(&key) {
            Some(&place) => {
                let (_, values): &mut (String, Vec<String>) = &mut found[place];
                values.push(value);
            }
            None => {
                places.insert(key.clone(), found.len());
                found.push((key, vec![value]));
            }
        }
    }
    Ok(found)
}

/// What one parameter says, as a tree of its own.
fn branch(key: &str, mut values: Vec<String>) -> Node {
    let leaf = match values.len() {
        1 => Node::Text(values.remove(0)),
        _ => Node::list(values.into_iter().map(Node::Text)),
    };
    keys(key).into_iter().rev().fold(leaf, |leaf, key| match (key, leaf) {
        (Key::Next, list @ Node::List(_)) => list,
        (Key::Next, one) => Node::list([one]),
        (Key::Place(place), leaf) => Node::item(place, leaf),
        (Key::Name(name), leaf) => Node::member(name, leaf),
    })
}

enum Key<'a> {
    Name(&'a str),
    /// `[7]`.
    Place(usize),
    /// `[]`.
    Next,
}

impl Key<'_> {
    fn in_brackets(text: &str) -> Key<'_> {
        match text {
            "" => Key::Next,
            text => index(text).map_or(Key::Name(text), Key::Place),
        }
    }
}

/// The place in a list that a text is.
fn index(text: &str) -> Option<usize> {
    number(text).and_then(|number| usize::try_from(number).ok()).filter(|index| *index < MAX_INDEX)
}

/// The number that a text is, if JavaScript would write it like that.
fn number(text: &str) -> Option<u32> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| canonical)
}

/// `a[b][]` as `a`, `b` and the next place. Brackets may hold brackets; those that do not close, and what is deeper than
/// [`MAX_DEPTH`], are one name as they stand.
fn keys(key: &str) -> Vec<Key<'_>> {
    let mut open = key.find('[');
    let parent = &key[..open.unwrap_or(key.len())];
    let mut keys = Vec::from_iter((!parent.is_empty()).then_some(Key::Name(parent)));
    let mut depth = 0;
    while let Some(start) = open {
        match closing(key, start).filter(|_| depth < MAX_DEPTH) {
            Some(end) => {
                keys.push(Key::in_brackets(&key[start + 1..end]));
                open = key[end..].find('[').map(|at| end + at);
                depth += 1;
            }
            None => {
                keys.push(Key::Name(&key[start..]));
                open = None;
            }
        }
    }
    keys
}

/// Where the bracket closes that opens there.
fn closing(key: &str, open: usize) -> Option<usize> {
    let mut level = 0;
    let mut brackets = key[open..].bytes().enumerate().filter(|(_, byte)| matches!(byte, b'[' | b']'));
    let end = brackets.find(|(_, byte)| {
        if *byte == b'[' {
            level += 1;
        } else {
            level -= 1;
        }
        level == 0
    });
    end.map(|(at, _)| open + at)
}

/// `decodeURIComponent`, with plus signs for spaces; text that it would refuse stays as it is.
fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    if !spaced.contains('%') {
        return spaced;
    }
    percent_decoded(&spaced).unwrap_or(spaced)
}

/// The text that is percent-encoded; nothing if an escape is broken, or what comes of it is not UTF-8.
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit()? << 4 | digit()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
