//! What stands on the command line, as JSON.

use serde_json::Value;
use std::fs;
use std::path::Path;
use wingbeat_client::{Error, Id, IdArg, Result};

/// JSON, or an error that quotes it.
pub(crate) fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| Error::bad_request(format!("'{text}' is no JSON: {error}")))
}

/// `null`, a whole number, or text. Quotes make a text of digits: `'"7"'`.
pub(crate) fn id(text: &str) -> IdArg {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Null) => IdArg::Null,
        Ok(Value::Number(number)) if number.is_i64() => IdArg::Id(Id::Number(number)),
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
    fn an_id_is_what_it_looks_like() {
        assert_eq!((id("7"), id("null"), id("abc")), (IdArg::from(7), IdArg::Null, IdArg::from("abc")));
        assert_eq!((id("\"7\""), id("1.5"), id("{}")), (IdArg::from("7"), IdArg::from("1.5"), IdArg::from("{}")));
    }
}
