//! From values to JSON.

use super::number::is_whole;
use crate::Result;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use std::io;

/// Appends a value as JSON.
///
/// # Errors
/// If the value has no JSON form (a map whose keys are no texts).
pub fn write(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(out, Whole))?)
}

/// Appends a text as JSON, as [`write()`] does, sooner where nothing in it is escaped.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    // Without a branch for each byte: the compiler looks at many at once.
    let is_escaped = |any, byte: &u8| any | (*byte < b' ') | (*byte == b'"') | (*byte == b'\\');
    if text.as_bytes().iter().fold(false, is_escaped) {
        // Memory takes everything.
        let _ = write(out, text);
        return;
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// The text of a value.
pub fn text(value: &Value) -> String {
    let mut text = Vec::new();
    // A tree always has a text.
    let _ = write(&mut text, value);
    String::from_utf8(text).unwrap_or_default()
}

/// As short as serde_json writes, with floats that are whole like integers.
struct Whole;

impl Formatter for Whole {
    fn write_f64<W: io::Write + ?Sized>(&mut self, out: &mut W, float: f64) -> io::Result<()> {
        match float {
            // -0 among them.
            _ if float.fract() == 0.0 && float.abs() < 9e15 => CompactFormatter.write_i64(out, float as i64),
            _ if is_whole(float) => write!(out, "{float}"),
            _ => CompactFormatter.write_f64(out, float),
        }
    }

    fn write_f32<W: io::Write + ?Sized>(&mut self, out: &mut W, float: f32) -> io::Result<()> {
        match float {
            _ if float.fract() == 0.0 && float.abs() < 1e7 => CompactFormatter.write_i64(out, float as i64),
            _ if is_whole(float.into()) => write!(out, "{float}"),
            _ => CompactFormatter.write_f32(out, float),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn written(value: impl Serialize) -> String {
        let mut out = Vec::new();
        write(&mut out, &value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn whole_floats_leave_as_javascript_writes_them() {
        for (float, json) in [
            (3.0, "3"),
            (-0.0, "0"),
            (-2.0, "-2"),
            (1.5, "1.5"),
            (9007199254740992.0, "9007199254740992"),
            (123456789012345680000.0, "123456789012345680000"),
            (1e20, "100000000000000000000"),
            (f64::NAN, "null"),
            (f64::INFINITY, "null"),
        ] {
            assert_eq!((written(float), text(&json!(float))), (json.to_owned(), json.to_owned()));
        }
        assert_eq!(written((3f32, 0.1f32, 1e10f32, -0f32)), "[3,0.1,10000000000,0]");
        assert_eq!(written(BTreeMap::from([("a", Some(2.0)), ("b", None)])), r#"{"a":2,"b":null}"#);
    }

    proptest! {
        #[test]
        fn a_text_is_written_as_every_value_is(text in any::<String>()) {
            let mut out = Vec::new();
            write_text(&mut out, &text);
            prop_assert_eq!(String::from_utf8(out).unwrap(), written(text));
        }

        #[test]
        fn a_float_that_is_written_is_the_float_that_is_read(float in any::<f64>()) {
            prop_assume!(float.is_finite());
            prop_assert_eq!(super::super::read::<f64>(&written(float)).unwrap(), float);
        }

        #[test]
        fn a_small_float_that_is_written_is_the_one_that_is_read(float in any::<f32>()) {
            prop_assume!(float.is_finite());
            prop_assert_eq!(super::super::read::<f32>(&written(float)).unwrap(), float);
        }
    }
}
