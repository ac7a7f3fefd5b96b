//! What people and rooms are called, and which names could be taken for one another.

use serde::{Deserialize, Serialize};
use unicode_general_category::{GeneralCategory as Category, get_general_category};
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::skeleton;

/// A name as it is shown: of one to `MAX` characters that can be seen, written in one way (NFKC), with single blanks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Name<const MAX: usize>(String);

impl<const MAX: usize> Name<MAX> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Name<MAX> {
    type Error = String;

    fn try_from(name: String) -> Result<Name<MAX>, String> {
        let name: String = name.trim().nfkc().collect();
        if let Some(hidden) = name.chars().find(|letter| !shows(*letter)) {
            return Err(format!("A name has only characters that can be seen, not U+{:04X}", u32::from(hidden)));
        }
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        match name.chars().count() {
            count if count == 0 || count > MAX => Err(format!("A name has 1 to {MAX} characters, not {count}")),
            _ => Ok(Name(name)),
        }
    }
}

impl<const MAX: usize> From<Name<MAX>> for String {
    fn from(name: Name<MAX>) -> String {
        name.0
    }
}

/// What of a name is the same for all that could be taken for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// Without upper and lower case.
    pub(crate) folded: String,
    /// What its letters look like in any script (the skeleton of Unicode's UTS 39), in upper or lower case.
    pub(crate) shape: String,
}

impl Look {
    pub(crate) fn of(name: &str) -> Look {
        // Before folding too: a Cyrillic capital looks like a B, and its small letter does not look like a b.
        let shape: String = skeleton(name).collect();
        let shape = fold(&shape);
        // A capital i looks like a small L, and is the same as a small i.
        let shape = skeleton(&shape).map(|letter| if letter == 'i' { 'l' } else { letter }).collect();
        Look { folded: fold(name), shape }
    }

    pub(crate) fn is_like(&self, other: &Look) -> bool {
        self.folded == other.folded || self.shape == other.shape
    }
}

/// By way of the capitals, so that ß is ss and all sigmas are one.
fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// Whether there is something to be seen of a character, or it is a blank.
fn shows(letter: char) -> bool {
    let hidden = matches!(
        get_general_category(letter),
        Category::Control
            | Category::Format
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::PrivateUse
            | Category::Unassigned
    );
    // What a skeleton leaves out is ignored on display; the Braille blank is a character of its own.
    !hidden && letter != '\u{2800}' && skeleton(letter.encode_utf8(&mut [0; 4])).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Result<String, String> {
        Name::<24>::try_from(name.to_owned()).map(String::from)
    }

    #[test]
    fn a_name_is_written_in_one_way() {
        assert_eq!(named("  Ada  King ").unwrap(), "Ada King");
        assert_eq!(named("Ａｄａ\u{a0}King").unwrap(), "Ada King");
        assert_eq!(named("Mu\u{308}ller").unwrap(), "Müller");
        for name in ["李小龙", "Ο Σωκράτης", "मीरा", "🦀 Ferris", "O'Neil-Smith"] {
            assert_eq!(named(name).unwrap(), name);
        }
    }

    #[test]
    fn what_can_not_be_seen_is_in_no_name() {
        let hidden =
            ['\u{200b}', '\u{feff}', '\0', '\u{202e}', '\u{2066}', '\u{ad}', '\u{3164}', '\u{180e}', '\u{e0041}'];
        for hidden in hidden.into_iter().chain(['\n', '\u{7f}', '\u{2028}', '\u{fe0f}', '\u{2800}', '\u{e000}']) {
            let error = named(&format!("A{hidden}da")).unwrap_err();
            assert!(error.starts_with("A name has only characters that can be seen"), "{hidden:?}: {error}");
        }
        assert_eq!(named(" ").unwrap_err(), "A name has 1 to 24 characters, not 0");
    }

    #[test]
    fn names_that_could_be_taken_for_another_are_alike() {
        for (one, other) in [
            ("Ada", "ADA"),
            ("MÜLLER", "müller"),
            ("Straße", "STRASSE"),
            ("Σωκράτης", "ΣΩΚΡΆΤΗΣ"),
            ("Ada", "\u{410}da"),
            ("Ada", "\u{430}d\u{430}"),
            ("ADA", "\u{430}da"),
            ("Bob", "\u{412}ob"),
            ("Alan", "AIan"),
            ("IDA", "ida"),
            ("Bob", "B0b"),
            ("Вера", "ВЕРА"),
        ] {
            assert!(Look::of(one).is_like(&Look::of(other)), "{one} {other}");
        }
        for (one, other) in [("Ada", "Adam"), ("Muller", "Müller"), ("Bob", "Rob"), ("Grace", "Ada")] {
            assert!(!Look::of(one).is_like(&Look::of(other)), "{one} {other}");
        }
    }
}
