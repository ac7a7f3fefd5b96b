//! The form of JSON that serde reads as JavaScript does.

use super::number::is_whole;
use std::borrow::Cow;
use std::fmt::Write;

/// The same JSON for readers that know integers and Unicode: numbers that are whole without fraction and exponent, as
/// JavaScript prints them, and U+FFFD for each lone surrogate, as `String.prototype.toWellFormed` has it.
///
/// Integers stay as they are, however large. Text that is no JSON does not become JSON.
pub fn plain(json: &str) -> Cow<'_, str> {
    let changed = if is_plain(json.as_bytes()) { None } else { Rewriting::of(json) };
    changed.map_or(Cow::Borrowed(json), Cow::Owned)
}

/// Whether there is certainly nothing to change, as in nearly every text: 15 ns for a message of 47 bytes, and a
/// twenty-fifth of what reading a list of dated records as a tree takes.
fn is_plain(json: &[u8]) -> bool {
    let is_digit = |at: usize| json.get(at).is_some_and(u8::is_ascii_digit);
    let changes = |at: usize| match json[at] {
        b'\\' => json.get(at + 1) == Some(&b'u') && matches!(json.get(at + 2), Some(b'd' | b'D')),
        b'-' => json.get(at + 1) == Some(&b'0') && !is_digit(at + 2) && may_be_number(&json[..at]),
        // A point or an exponent.
        _ => at > 0 && is_digit(at - 1) && may_be_number(&json[..at]),
    };
    // Without branches the compiler looks at sixteen pairs at once, where `e` alone would be found everywhere.
    let pairs = json.iter().zip(json.get(1..).unwrap_or_default());
    let exponents = pairs.fold(false, |any, (a, b)| any | (a.is_ascii_digit() & (b | 0x20 == b'e')));
    let mut exponents = exponents.then(|| memchr::memchr2_iter(b'e', b'E', json)).into_iter().flatten();
    !memchr::memchr3_iter(b'.', b'-', b'\\', json).any(changes) && !exponents.any(changes)
}

/// Whether digits at the end of this are, or can become, a number: those of a date in a text (`T12:00:00.000Z`) do not
/// stand where one may.
fn may_be_number(json: &[u8]) -> bool {
    let before = json.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    let before = &json[..before];
    match before.strip_suffix(b"-").unwrap_or(before).trim_ascii_end() {
        [] | [.., b'[' | b','] => true,
        [name @ .., b':'] => name.trim_ascii_end().ends_with(b"\""),
        _ => false,
    }
}

struct Rewriting<'a> {
    json: &'a str,
    /// Up to where it has been taken over.
    done: usize,
    out: String,
}

impl<'a> Rewriting<'a> {
    /// The text with what is to change, if anything is.
    fn of(json: &'a str) -> Option<String> {
        let mut rewriting = Rewriting { json, done: 0, out: String::new() };
        let (bytes, mut at) = (json.as_bytes(), 0);
        while let Some(&byte) = bytes.get(at) {
            at = match byte {
                b'"' => rewriting.text(at + 1),
                b'-' | b'0'..=b'9' => rewriting.number(at),
                _ => at + 1,
            };
        }
        if rewriting.done == 0 {
            return None;
        }
        rewriting.out.push_str(&json[rewriting.done..]);
        Some(rewriting.out)
    }

    /// Puts something in the place of a part that begins and ends with an ASCII character.
    fn replace(&mut self, from: usize, to: usize, by: impl std::fmt::Display) {
        self.out.push_str(&self.json[self.done..from]);
        // A string takes whatever is written.
        let _ = write!(self.out, "{by}");
        self.done = to;
    }

    /// From behind a quote to behind the one that closes the text.
    fn text(&mut self, mut at: usize) -> usize {
        let json = self.json.as_bytes();
        while let Some(special) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
            at += special;
            if json[at] == b'"' {
                return at + 1;
            }
            at += match (unit(json, at), unit(json, at + 6)) {
                (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
                (Some(0xd800..0xe000), _) => {
                    self.replace(at, at + 6, char::REPLACEMENT_CHARACTER);
                    6
                }
                // An escaped quote or backslash begins nothing.
                _ => 2,
            };
        }
        json.len()
    }

    fn number(&mut self, from: usize) -> usize {
        let rest = &self.json.as_bytes()[from..];
        let len = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let to = from + len.unwrap_or(rest.len());
        let digits = &self.json[from..to];
        // Integers are exact, beyond what a float can hold.
        let power = digits.contains(['e', 'E']);
        // Floats tell apart all that have 15 digits: most prices need no further look.
        let broken = !power && digits.len() <= 16 && !digits.ends_with('0');
        if digits == "-0" || power || digits.contains('.') && !broken {
            // Read as JSON: other notations stay, and stay wrong.
            if let Some(whole) = serde_json::from_str::<f64>(digits).ok().filter(|number| is_whole(*number)) {
                // JavaScript prints -0 without its sign.
                self.replace(from, to, if whole == 0.0 { 0.0 } else { whole });
            }
        }
        to
    }
}

/// The code unit that an escape stands for.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | (digit as char).to_digit(16)? as u16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn whole_numbers_are_written_as_javascript_does() {
        for (written, read) in [
            ("1.0", "1"),
            ("-1.00", "-1"),
            ("1e2", "100"),
            ("1.5E+1", "15"),
            ("120e-1", "12"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("-0e5", "0"),
            ("0.0", "0"),
            ("1e-400", "0"),
            ("0.99999999999999999999", "1"),
            ("0.9999999999999999", "0.9999999999999999"),
            ("[ 2.0 , -1.0]", "[ 2 , -1]"),
            ("{\"a\"\t: -12.0}", "{\"a\"\t: -12}"),
            (r#"{"12:00:00.000Z":"1,1.0","b":[3.0]}"#, r#"{"12:00:00.000Z":"1,1.0","b":[3]}"#),
            ("9007199254740993.0", "9007199254740992"),
            ("1e20", "100000000000000000000"),
            ("-923E16", "-9230000000000000000"),
            ("[1.0,-0]", "[1,0]"),
            (r#"{"a":2.0 ,"b":[3.5,{"c":-0}]}"#, r#"{"a":2 ,"b":[3.5,{"c":0}]}"#),
        ] {
            assert_eq!(plain(written), read, "{written}");
        }
    }

    #[test]
    fn other_numbers_and_texts_stay_as_they_are() {
        for json in [
            "",
            "0",
            "-10",
            "1.5",
            "-0.5",
            "1e-7",
            "1e21",
            "1e400",
            "9007199254740993",
            "123456789012345678901234567890",
            r#""1.0""#,
            r#"{"1.0":"\"1e2"}"#,
            r#""2026-01-31T12:00:00.000Z""#,
            r#"["-0","\\"]"#,
            // No JSON, and it shall not become any.
            "01.0",
            "1.",
            "[1.0.0]",
            "1e",
        ] {
            assert_eq!(plain(json), json);
        }
    }

    #[test]
    fn a_lone_surrogate_is_replaced_and_nothing_else() {
        for (written, read) in [
            (r#""\ud83d""#, "\"\u{fffd}\""),
            (r#""\uD83D\uDE00\uDE00""#, "\"\\uD83D\\uDE00\u{fffd}\""),
            (r#""\ud83d\ud83d\ude00""#, "\"\u{fffd}\\ud83d\\ude00\""),
            (r#""\ud83d\n\ude00""#, "\"\u{fffd}\\n\u{fffd}\""),
            (r#""\\ud83d \\\ud83d""#, "\"\\\\ud83d \\\\\u{fffd}\""),
            (r#"{"\udc00":"\u00e9"}"#, "{\"\u{fffd}\":\"\\u00e9\"}"),
            (r#"["\ud83d",1.0]"#, "[\"\u{fffd}\",1]"),
            // Cut off.
            (r#""\ud83d\u"#, "\"\u{fffd}\\u"),
            (r#""\ud8"#, r#""\ud8"#),
            (r#""\"#, r#""\"#),
            ("\"\\é\\ud83d", "\"\\é\u{fffd}"),
        ] {
            assert_eq!(plain(written), read, "{written}");
        }
    }

    /// What JavaScript writes into texts: UTF-16 with any units, escaped as one likes.
    fn written_text() -> impl Strategy<Value = (String, Vec<u16>)> {
        let unit = prop_oneof![0xd7f0..0xe010u16, 0x20..0x7fu16, any::<u16>()];
        prop::collection::vec((unit, any::<bool>()), 0..12).prop_map(|units| {
            let mut json = String::from("\"");
            for (unit, upper) in &units {
                match (char::from_u32(u32::from(*unit)), upper) {
                    (Some('\\'), true) => json.push_str("\\\\"),
                    (Some('"'), true) => json.push_str("\\\""),
                    (Some(plain), true) if !plain.is_control() => json.push(plain),
                    (_, true) => json.push_str(&format!("\\u{unit:04X}")),
                    (_, false) => json.push_str(&format!("\\u{unit:04x}")),
                }
            }
            (json + "\"", units.into_iter().map(|(unit, _)| unit).collect())
        })
    }

    proptest! {
        #[test]
        fn a_text_reads_as_well_formed_utf_16((json, units) in written_text()) {
            // `toWellFormed` and this have the same rule: each lone surrogate is one U+FFFD.
            let well_formed = String::from_utf16_lossy(&units);
            prop_assert_eq!(serde_json::from_str::<String>(&plain(&json)).unwrap(), well_formed.clone());
            let key = format!("{{{json}:1.0}}");
            prop_assert_eq!(serde_json::from_str::<Value>(&plain(&key)).unwrap(), json!({well_formed: 1}));
        }

        #[test]
        fn a_whole_number_reads_as_an_integer_in_every_notation(number in any::<i32>(), zeros in 0..5usize, power in 0..9i32) {
            for written in [
                format!("{number}.{}", "0".repeat(zeros + 1)),
                format!("{number}{}e-{zeros}", "0".repeat(zeros)),
                format!("{}E{power}", f64::from(number) / 10f64.powi(power)),
            ] {
                prop_assert_eq!(plain(&written), number.to_string(), "{}", written);
            }
        }

        #[test]
        fn nothing_is_overlooked(text in r#"[\[\]{},:" \\u0-9eE.+Zd-]{0,200}"#) {
            prop_assert!(!is_plain(text.as_bytes()) || Rewriting::of(&text).is_none() || serde_json::from_str::<Value>(&text).is_err());
        }

        #[test]
        fn no_number_is_overlooked_wherever_it_stands(before in "[a-z0-9:.,T -]{0,130}", space in "[ \n\t]{0,3}", number in r"-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?") {
            let json = format!("{{\"{before}\"{space}:{space}{number}{space},\"Z\":[{number}{space}]}}");
            let read: Value = serde_json::from_str(&plain(&json)).unwrap();
            let float: f64 = number.parse().unwrap();
            let beyond_integers = !(-9_223_372_036_854_775_808.0..18_446_744_073_709_551_616.0).contains(&float);
            for found in [&read[&before], &read["Z"][0]] {
                prop_assert_eq!(found.is_f64(), !is_whole(float) || beyond_integers, "{} {}", json, found);
                prop_assert_eq!(found.as_f64(), Some(float));
            }
        }

        #[test]
        fn what_is_plain_means_the_same(number in any::<f64>()) {
            let json = json!([number]).to_string();
            let read: [f64; 1] = serde_json::from_str(&plain(&json)).unwrap_or([f64::NAN]);
            prop_assert!(read[0] == number || !number.is_finite(), "{}", json);
        }

        #[test]
        fn no_text_does_harm_and_what_is_no_json_stays_so(text in r#"[\[\]{},:"\\ue1.0+d8é-]{0,24}"#) {
            let changed = plain(&text);
            prop_assert_eq!(&plain(&changed), &changed, "once is enough");
            let is_json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            prop_assert_eq!(is_json(&text), is_json(&changed), "{} {}", text, changed);
        }
    }
}
