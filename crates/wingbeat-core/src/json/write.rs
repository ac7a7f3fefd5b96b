//! From values to JSON.

use super::number::is_whole;
use crate::Result;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use std::io;
use std::str::Utf8Error;

/// Appends a value as JSON.
///
/// # Errors
/// If the value has no JSON form (a map whose keys are no texts).
pub fn write(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) -> Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(out, Whole))?)
}

/// Appends a text as JSON, as [`write()`] does, sooner where nothing in it is escaped.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    if special(text.as_bytes(), 0) == 0 {
        quote(out, text.as_bytes());
    } else {
        // Memory takes everything.
        let _ = write(out, text);
    }
}

/// The same of a text that should be UTF-8, without a look whether it is where it is ASCII.
///
/// # Errors
/// If it is not.
pub fn write_utf8(out: &mut Vec<u8>, text: &[u8]) -> Result<(), Utf8Error> {
    match special(text, HIGHS) {
        0 => quote(out, text),
        _ => write_text(out, std::str::from_utf8(text)?),
    }
    Ok(())
}

fn quote(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
/// The highest bit of each byte: those of ASCII do not have it.
const HIGHS: u64 = ONES << 7;

/// Whether something in a text is escaped, or has a bit of the `mask`: not 0. It looks at eight bytes at a time, without a
/// branch for each.
fn special(text: &[u8], mask: u64) -> u64 {
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGHS;
    let of_word = |word: u64| {
        let of = |byte: u8| word ^ (ONES * u64::from(byte));
        let (quotes, backslashes) = (of(b'"'), of(b'\\'));
        below(word, u64::from(b' ')) | below(quotes, 1) | below(backslashes, 1) | word & mask
    };
    let (words, rest) = text.as_chunks::<8>();
    let any = words.iter().fold(0, |any, word| any | of_word(u64::from_ne_bytes(*word)));
    match text.last_chunk::<8>() {
        _ if rest.is_empty() => any,
        // Some of it twice.
        Some(last) => any | of_word(u64::from_ne_bytes(*last)),
        None => rest.iter().fold(any, |any, byte| any | of_word(ONES * u64::from(*byte))),
    }
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
        fn a_text_is_written_as_every_value_is(text in r#"[a-z]{0,20}[\x00-\x21"\\é\x7f-\xa0]{0,2}[ -~]{0,20}"#) {
            let (mut out, mut of_bytes) = (Vec::new(), Vec::new());
            write_text(&mut out, &text);
            write_utf8(&mut of_bytes, text.as_bytes()).unwrap();
            prop_assert_eq!((&out, String::from_utf8(of_bytes).unwrap()), (&written(&text).into_bytes(), written(text)));
        }

        #[test]
        fn bytes_are_a_text_if_they_are_utf_8(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
            let mut out = Vec::new();
            let is_text = write_utf8(&mut out, &bytes).is_ok();
            prop_assert_eq!(is_text.then_some(out), String::from_utf8(bytes).ok().map(|text| written(text).into_bytes()));
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
