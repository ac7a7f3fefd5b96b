//! What stands on the command line, as JSON.

use anyhow::{Result, anyhow};
use serde_json::Value;
use std::fs;
use std::path::Path;
use wingbeat_client::{Id, IdArg, RawJson};

/// JSON, as deep as servers take it, or an error that quotes it.
pub(crate) fn json(text: &str) -> Result<Value> {
    RawJson::parse(text.to_owned()).and_then(|raw| raw.to()).map_err(|error| {
        let why = error.message().trim_start_matches("Invalid JSON: ");
        anyhow!("Invalid JSON '{text}': {why}")
    })
}

/// `null`, a whole number, or text. Quotes make a text of digits: `'"7"'`.
pub(crate) fn id(text: &str) -> IdArg {
    match json(text) {
        Ok(Value::Null) => IdArg::Null,
        // `1e2` is the text of an id rather than a hundred.
        Ok(Value::Number(number)) if number.is_i64() && number.to_string() == text => IdArg::Id(Id::Number(number)),
        Ok(Value::String(text)) => IdArg::from(text),
        _ => IdArg::from(text),
    }
}

/// Whether it is a file in a folder, or would be: others can stand beside it. Devices and pipes are none, nor is what
/// the shell has opened.
pub(crate) fn is_file(path: &Path) -> bool {
    let has_folder = !["/dev", "/proc"].iter().any(|folder| path.starts_with(folder));
    has_folder && fs::metadata(path).map_or(true, |found| found.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_as_javascript_does() {
        assert_eq!(json(r#"{"text":"\ud83d","n":1.0}"#).unwrap(), serde_json::json!({"text": "\u{fffd}", "n": 1}));
        assert_eq!(
            json("{").unwrap_err().to_string(),
            "Invalid JSON '{': EOF while parsing an object at line 1 column 1"
        );
    }

    #[test]
    fn an_id_is_what_it_looks_like() {
        assert_eq!((id("7"), id("null"), id("abc")), (IdArg::from(7), IdArg::Null, IdArg::from("abc")));
        assert_eq!(
            (id("1e2"), id("007"), id("\"\\ud83d\"")),
            (IdArg::from("1e2"), IdArg::from("007"), IdArg::from("\u{fffd}"))
        );
        assert_eq!((id("\"7\""), id("1.5"), id("{}")), (IdArg::from("7"), IdArg::from("1.5"), IdArg::from("{}")));
    }
}
