//! Names of channels by pattern.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A pattern such as `rooms/*`: each `*` stands for any text, also for none and across slashes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub(crate) struct Pattern(Box<[Box<str>]>);

impl Pattern {
    pub(crate) fn new(text: &str) -> Pattern {
        Pattern(text.split('*').map(Box::from).collect())
    }

    /// About how much memory it takes beside itself.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|part| size_of_val(part) + part.len()).sum()
    }

    pub(crate) fn fits(&self, name: &str) -> bool {
        let (first, rest) = self.0.split_first().expect("a split has at least one part");
        let Some(name) = name.strip_prefix(&**first) else { return false };
        let Some((last, between)) = rest.split_last() else { return name.is_empty() };
        // The first place for each part leaves the most for those after it.
        let left = between.iter().try_fold(name, |name, part| name.find(&**part).map(|at| &name[at + part.len()..]));
        left.is_some_and(|left| left.ends_with(&**last))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("*"))
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.to_string()
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Pattern {
        Pattern::new(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, name, fits) in [
            ("rooms/*", "rooms/1", true),
            ("rooms/*", "rooms/", true),
            ("rooms/*", "room", false),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("plain", "plain", true),
            ("plain", "plainer", false),
            ("*ä*", "xäx", true),
        ] {
            assert_eq!(Pattern::new(pattern).fits(name), fits, "{pattern} {name}");
        }
    }

    /// Letter by letter.
    fn naive(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((&'*', rest)) => (0..=name.len()).any(|at| naive(rest, &name[at..])),
            Some((letter, rest)) => name.first() == Some(letter) && naive(rest, &name[1..]),
        }
    }

    proptest! {
        #[test]
        fn fits_as_letter_by_letter(pattern in "[ab*]{0,8}", name in "[ab]{0,10}") {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(Pattern::new(&pattern).fits(&name), naive(&letters(&pattern), &letters(&name)));
        }
    }
}
