//! Patterns of texts: `$like`, `$notlike`, `$ilike`.

use serde_json::Value;
use std::fmt;
use std::str::Chars;
use wingbeat_core::{Error, Result};

pub(super) const NAMES: [&str; 3] = ["$like", "$notlike", "$ilike"];

/// How many characters a pattern may have.
const MOST: usize = 256;

/// A pattern of texts: `%` stands for any characters, `_` for one, and `\` before them for themselves.
#[derive(Clone, PartialEq)]
pub struct Like {
    pattern: Box<[Piece]>,
    ignores_case: bool,
    is_negated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Piece {
    /// Any characters, or none.
    Any,
    /// One character.
    One,
    This(char),
}

impl Like {
    /// # Errors
    /// BadRequest if it is no pattern.
    pub(super) fn read(operator: &str, operand: &Value) -> Result<Like> {
        let pattern = operand.as_str().filter(|text| text.chars().count() <= MOST).ok_or_else(|| {
            Error::bad_request(format!("Invalid {operator}: it must be text of at most {MOST} characters"))
        })?;
        let (mut pieces, mut chars) = (Vec::with_capacity(pattern.len()), pattern.chars());
        while let Some(c) = chars.next() {
            pieces.push(match c {
                '%' => Piece::Any,
                '_' => Piece::One,
                '\\' => Piece::This(chars.next().ok_or_else(|| {
                    Error::bad_request(format!(r"Invalid {operator}: write \\ for a backslash at the end of a pattern"))
                })?),
                c => Piece::This(c),
            });
        }
        Ok(Like { pattern: pieces.into(), ignores_case: operator == "$ilike", is_negated: operator == "$notlike" })
    }

    /// Whether a text has this pattern.
    pub fn matches(&self, text: &str) -> bool {
        let (mut rest, mut at) = (text.chars(), 0);
        // Behind the last `%`, and what its characters have not been tried with.
        let mut retry: Option<(usize, Chars<'_>)> = None;
        loop {
            let fits = match self.pattern.get(at) {
                Some(Piece::Any) => {
                    retry = Some((at + 1, rest.clone()));
                    true
                }
                Some(Piece::One) => rest.next().is_some(),
                Some(Piece::This(wanted)) => rest.next().is_some_and(|c| self.is_same(*wanted, c)),
                None if rest.as_str().is_empty() => return true,
                None => false,
            };
            at += 1;
            if fits {
                continue;
            }
            let Some((behind, from)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            (at, rest) = (*behind, from.clone());
        }
    }

    /// Whether a value passes: of a list one of its elements has to have the pattern.
    pub(super) fn holds(&self, value: &Value) -> bool {
        value.as_str().is_some_and(|text| self.matches(text))
    }

    /// Whether letters are the same in both cases: those of ASCII, and others where the store knows them.
    pub fn ignores_case(&self) -> bool {
        self.ignores_case
    }

    /// Whether it is asked for what has not this pattern: other texts, and all that is no text.
    pub fn is_negated(&self) -> bool {
        self.is_negated
    }

    /// The pattern with another character before what means itself, for `LIKE … ESCAPE`.
    pub fn escaped(&self, escape: char) -> String {
        let mut text = String::new();
        for piece in &self.pattern {
            match piece {
                Piece::Any => text.push('%'),
                Piece::One => text.push('_'),
                Piece::This(c) => {
                    text.extend((['%', '_', escape].contains(c)).then_some(escape));
                    text.push(*c);
                }
            }
        }
        text
    }

    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mariadb"))]
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pattern
    }

    fn is_same(&self, one: char, other: char) -> bool {
        one == other || self.ignores_case && one.eq_ignore_ascii_case(&other)
    }
}

impl fmt::Debug for Like {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES[usize::from(self.is_negated) + 2 * usize::from(self.ignores_case)];
        write!(f, "{name} {:?}", self.escaped('\\'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn like(pattern: &str) -> Like {
        Like::read("$like", &json!(pattern)).unwrap()
    }

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text) in [
            ("", ""),
            ("%", ""),
            ("a%", "a"),
            ("%b%", "abc"),
            ("_b_", "ébü"),
            (r"\%\_\\\a", r"%_\a"),
            ("a%a%b", "aaab"),
        ] {
            assert!(like(pattern).matches(text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a", "ab"), ("_", ""), ("_", "ab"), ("a%", "ba"), (r"\%", "a"), ("A", "a")]
        {
            assert!(!like(pattern).matches(text), "{pattern} {text}");
        }
        let ignoring = Like::read("$ilike", &json!("ÄnN%")).unwrap();
        assert!(ignoring.matches("ÄNna") && !ignoring.matches("änna"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for operand in [json!(1), json!(null), json!(["a"]), json!("ü".repeat(257)), json!(r"a\")] {
            assert_eq!(Like::read("$like", &operand).unwrap_err().code(), 400);
        }
        assert!(Like::read("$like", &json!("ü".repeat(256))).is_ok());
    }

    #[test]
    fn hostile_patterns_end_soon() {
        let (pattern, text) = ("%a".repeat(127) + "b", "a".repeat(100_000));
        assert!(!like(&pattern).matches(&text));
    }

    /// In the simplest way.
    fn naive(pattern: &[Piece], text: &[char]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            ([Piece::Any, rest @ ..], text) => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            ([Piece::One, pattern @ ..], [_, text @ ..]) => naive(pattern, text),
            ([Piece::This(c), pattern @ ..], [first, text @ ..]) => c == first && naive(pattern, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_a_naive_one(pattern in "[ab%_\\\\]{0,8}x?", text in "[ab%_]{0,8}") {
            if let Ok(like) = Like::read("$like", &json!(pattern)) {
                prop_assert_eq!(like.matches(&text), naive(&like.pattern, &text.chars().collect::<Vec<_>>()));
                // Escaped by another character it is the same.
                prop_assert_eq!(Like::read("$like", &json!(like.escaped('\\'))).unwrap(), like);
            }
        }
    }
}
