//! Finds where JSON values end, and refuses what is no JSON (RFC 8259), without building anything.
//!
//! The arguments of every event pass through here before anybody knows their types. serde_json's raw values do the same
//! for four times the instructions (1,590 for `["get","messages",1,{}]`), which were a fifth of a whole call; its
//! verdict is the one that the tests hold this to.

/// Where the value that begins at `at` ends. `None` if it is no JSON, or nests deeper than `room`.
pub(super) fn value(json: &[u8], mut at: usize, room: usize) -> Option<usize> {
    let mut open = Open { objects: [0; 4], depth: 0, room: room.min(256) };
    loop {
        at = match *json.get(at)? {
            b'"' => string(json, at + 1)?,
            b'-' | b'0'..=b'9' => number(json, at)?,
            b't' => literal(json, at, b"true")?,
            b'f' => literal(json, at, b"false")?,
            b'n' => literal(json, at, b"null")?,
            bracket @ (b'[' | b'{') => {
                let is_object = bracket == b'{';
                open.push(is_object)?;
                let inner = space(json, at + 1);
                let empty = json.get(inner) == Some(if is_object { &b'}' } else { &b']' });
                if !empty {
                    at = if is_object { name(json, inner)? } else { inner };
                    continue;
                }
                open.depth -= 1;
                inner + 1
            }
            _ => return None,
        };
        // A value has ended: so may those around it.
        loop {
            let Some(is_object) = open.innermost() else { return Some(at) };
            at = space(json, at);
            match (*json.get(at)?, is_object) {
                (b',', false) => at = space(json, at + 1),
                (b',', true) => at = name(json, space(json, at + 1))?,
                (b']', false) | (b'}', true) => {
                    open.depth -= 1;
                    at += 1;
                    continue;
                }
                _ => return None,
            }
            break;
        }
    }
}

/// The first byte from `at` on that is not white space.
pub(super) fn space(json: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = json.get(at) {
        at += 1;
    }
    at
}

/// The containers around a value: one bit each, whether it is an object.
struct Open {
    objects: [u64; 4],
    depth: usize,
    room: usize,
}

impl Open {
    fn push(&mut self, is_object: bool) -> Option<()> {
        if self.depth >= self.room {
            return None;
        }
        let (word, bit) = (self.depth / 64, self.depth % 64);
        self.objects[word] = self.objects[word] & !(1 << bit) | u64::from(is_object) << bit;
        self.depth += 1;
        Some(())
    }

    fn innermost(&self) -> Option<bool> {
        let last = self.depth.checked_sub(1)?;
        Some(self.objects[last / 64] >> (last % 64) & 1 == 1)
    }
}

/// A member's name and colon: where its value begins.
fn name(json: &[u8], at: usize) -> Option<usize> {
    if json.get(at) != Some(&b'"') {
        return None;
    }
    let at = space(json, string(json, at + 1)?);
    (json.get(at) == Some(&b':')).then(|| space(json, at + 1))
}

/// From behind the opening quote to behind the closing one.
fn string(json: &[u8], mut at: usize) -> Option<usize> {
    loop {
        while let Some(word) = json.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()) {
            let special = special(u64::from_le_bytes(word));
            if special != 0 {
                at += special.trailing_zeros() as usize / 8;
                break;
            }
            at += 8;
        }
        match *json.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at = escape(json, at + 1)?,
            0..0x20 => return None,
            _ => at += 1,
        }
    }
}

/// Marks the bytes of a word that are quotes, backslashes or control characters. Only the lowest mark is exact.
fn special(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    (below(word, 0x20) | below(word ^ (ONES * 0x22), 1) | below(word ^ (ONES * 0x5c), 1)) & (ONES * 0x80)
}

fn escape(json: &[u8], at: usize) -> Option<usize> {
    match *json.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => json.get(at + 1..at + 5)?.iter().all(u8::is_ascii_hexdigit).then_some(at + 5),
        _ => None,
    }
}

fn number(json: &[u8], mut at: usize) -> Option<usize> {
    at += usize::from(json[at] == b'-');
    at = if json.get(at) == Some(&b'0') { at + 1 } else { digits(json, at)? };
    if json.get(at) == Some(&b'.') {
        at = digits(json, at + 1)?;
    }
    if let Some(b'e' | b'E') = json.get(at) {
        at += 1 + usize::from(matches!(json.get(at + 1), Some(b'+' | b'-')));
        at = digits(json, at)?;
    }
    Some(at)
}

/// At least one digit.
fn digits(json: &[u8], at: usize) -> Option<usize> {
    let count = json.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then_some(at + count)
}

fn literal(json: &[u8], at: usize, text: &[u8]) -> Option<usize> {
    json[at..].starts_with(text).then_some(at + text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    fn is_json(text: &str) -> bool {
        let json = text.as_bytes();
        value(json, space(json, 0), 256).is_some_and(|end| space(json, end) == json.len())
    }

    fn serde_takes(text: &str) -> bool {
        serde_json::from_str::<&RawValue>(text).is_ok()
    }

    #[test]
    fn the_verdict_is_the_parsers() {
        for text in [
            "",
            " ",
            "1",
            "-1",
            "-",
            "01",
            "-0",
            "1.",
            "1.5",
            ".5",
            "1e5",
            "1E+05",
            "1e",
            "1e-",
            "1e400",
            "tru",
            "true",
            "nul",
            "null ",
            "falsey",
            "[]",
            "[ ]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{}",
            "{ }",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 , \"b\" : [ { } ] }",
            "{1:2}",
            "[1}",
            "{\"a\":1]",
            "]",
            "\"",
            "\"\\\"",
            "\"\\\\\"",
            "\"\\u12\"",
            "\"\\u12G4\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"\u{1f}\"",
            "\"\u{7f}\"",
            "\"1234567\u{1}\"",
            "\"12345678é\"",
            "\u{feff}1",
            "\"abcdefgh\\",
            "[[[[",
            "1 1",
            "{\"a\":1,,\"b\":2}",
            "\"a\"b",
            "NaN",
            "+1",
            "\u{a0}1",
        ] {
            assert_eq!(is_json(text), serde_takes(text), "{text:?}");
        }
    }

    #[test]
    fn the_depth_that_is_left_is_exact() {
        let nested =
            |depth: usize| format!("{}{}", "[{\"a\":".repeat(depth / 2), "}]".repeat(depth / 2)).replace(":}", ":{}}");
        let text = nested(100);
        assert_eq!(value(text.as_bytes(), 0, 101), Some(text.len()));
        assert_eq!(value(text.as_bytes(), 0, 100), None);
        assert_eq!(value("[".repeat(100_000).as_bytes(), 0, usize::MAX), None);
        let wide = format!("[{}[]]", "[],".repeat(1000));
        assert_eq!(value(wide.as_bytes(), 0, 2), Some(wide.len()));
    }

    proptest! {
        #[test]
        fn any_text_gets_the_parsers_verdict(text in r#"[\[\]{},:"\\ tfn0-9eE.+a-u\n\x00-\x1fé-]{0,24}"#) {
            prop_assert_eq!(is_json(&text), serde_takes(&text));
        }

        #[test]
        fn a_valid_text_that_was_damaged_gets_the_parsers_verdict(
            words in prop::collection::vec(".{0,12}", 0..5), number in any::<f64>(), at in any::<prop::sample::Index>(), by in "[\\x00-\\x7f]",
        ) {
            let text = serde_json::json!({"words": words, "deep": [[number, null, true], {"x": {}}]}).to_string();
            prop_assert!(is_json(&text));
            let mut chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len());
            chars.splice(at..=at, by.chars());
            let damaged: String = chars.into_iter().collect();
            prop_assert_eq!(is_json(&damaged), serde_takes(&damaged), "{}", damaged);
        }
    }
}
