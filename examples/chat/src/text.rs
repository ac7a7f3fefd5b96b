//! What people write.

use serde::{Deserialize, Serialize};

/// Text of one to `MAX` characters, without the blanks around it.
///
/// As a field of what comes in, it makes everything else a BadRequest before any hook or method sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text<const MAX: usize>(String);

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Text<MAX>, String> {
        let text = text.trim();
        match text.chars().count() {
            count if count == 0 || count > MAX => Err(format!("a text has 1 to {MAX} characters here, not {count}")),
            _ => Ok(Text(text.to_owned())),
        }
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> String {
        text.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn blanks_around_a_text_do_not_count() {
        assert_eq!(from_value::<Text<3>>(json!(" äöü\n")).unwrap(), Text("äöü".to_owned()));
        for wrong in [json!(""), json!(" \t"), json!("four"), json!(3), json!(null)] {
            assert!(from_value::<Text<3>>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
