//! Names of files in `Content-Disposition` (RFC 6266).

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use wingbeat_core::query_string::percent_decoded;

/// What RFC 8187 leaves as it is.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'!').remove(b'$').remove(b'&');

/// The name in a header of a request: `filename*`, or else `filename`.
pub(super) fn name(header: &[u8]) -> Option<String> {
    let header = std::str::from_utf8(header).ok()?;
    let (_, parameters) = header.split_once(';')?;
    let (mut rest, mut plain) = (parameters, None);
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after.trim_start())?;
        match name.trim().to_ascii_lowercase().as_str() {
            "filename*" => {
                let (charset, text) = value.split_once('\'')?;
                let (_, text) = text.split_once('\'')?;
                if charset.eq_ignore_ascii_case("utf-8") {
                    return percent_decoded(text);
                }
            }
            "filename" => plain = Some(value),
            _ => {}
        }
        rest = after.trim_start().strip_prefix(';').unwrap_or_default();
    }
    plain
}

/// A value, quoted or not, and what follows.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return Some((text[..end].trim().to_owned(), &text[end..]));
    };
    let (mut value, mut characters) = (String::new(), quoted.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// The header by which a browser downloads a file under its name.
pub(super) fn attachment(name: Option<&str>) -> HeaderValue {
    let header = name.map(|name| format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(name, ENCODED)));
    let header = header.and_then(|header| HeaderValue::try_from(header).ok());
    header.unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_as_clients_write_them() {
        for (header, expected) in [
            ("attachment; filename=a.png", Some("a.png")),
            ("attachment; filename=\"a;\\\" b.png\"; x=y", Some("a;\" b.png")),
            ("attachment; filename=\"x\"; filename*=UTF-8''F%C3%BC%C3%9Fe.png", Some("Füße.png")),
            ("attachment; filename=\"Füße.png\"", Some("Füße.png")),
            ("attachment; filename=\"open", None),
            ("attachment", None),
            ("attachment; filename*=UTF-8''%ff", None),
        ] {
            assert_eq!(name(header.as_bytes()).as_deref(), expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn a_name_comes_back_as_it_went(text in "[^\0]{1,60}") {
            prop_assert_eq!(name(attachment(Some(&text)).as_bytes()), Some(text));
        }

        #[test]
        fn whatever_stands_there_is_read_or_not(header in ".{0,200}") {
            let _ = name(header.as_bytes());
        }
    }
}
