//! Text from outside, as it may stand in a log or on a terminal.

use std::fmt::{self, Display, Write};

/// Shows text that others have a say in: in one line, in its own order, and without what commands a terminal. Line ends and
/// other control characters (C0, C1, U+2028, U+2029) and those that turn the direction of writing are written as in Rust,
/// `\n` and `\u{1b}`. A log whose lines clients can end holds lines that they have written.
///
/// ```
/// use wingbeat_core::Escaped;
///
/// assert_eq!(Escaped("one\nERROR two\u{1b}[31m").to_string(), r"one\nERROR two\u{1b}[31m");
/// ```
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a way to show what is in it")]
pub struct Escaped<T>(pub T);

impl Escaped<()> {
    /// Whether a character is one of those that are not written as they are.
    pub fn escapes(c: char) -> bool {
        let turns =
            matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
    }
}

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

/// The same: what is logged by `?` is logged by `%`.
impl<T: Display> fmt::Debug for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut from = 0;
        for (at, c) in text.char_indices().filter(|(_, c)| Escaped::escapes(*c)) {
            self.0.write_str(&text[from..at])?;
            write!(self.0, "{}", c.escape_default())?;
            from = at + c.len_utf8();
        }
        self.0.write_str(&text[from..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_lines_commands_terminals_or_turns_text_is_escaped() {
        let foreign: Vec<char> = ('\0'..=char::MAX).filter(|c| Escaped::escapes(*c)).collect();
        // C0, delete and C1, two separators, twelve that turn.
        assert_eq!(foreign.len(), 32 + 33 + 2 + 12);
        for c in foreign {
            let shown = Escaped(format!("a{c}b")).to_string();
            assert!(shown.starts_with("a\\") && shown.ends_with('b') && shown.is_ascii(), "{shown}");
        }
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        let text = r#"Grüße "x" \n 日本 👩‍👧"#;
        assert_eq!((Escaped(text).to_string(), format!("{:?}", Escaped(text))), (text.to_owned(), text.to_owned()));
    }
}
