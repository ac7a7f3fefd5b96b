//! Placeholders: how Socket.IO keeps bytes beside a JSON text, and says in it where they belong.

use crate::objects::{self, find};
use bytes::Bytes;
use std::io::Write;
use std::ops::Range;

/// Whether every `{"_placeholder":true,"num":n}` in a JSON text has an attachment, and there are no more of them than those.
///
/// Senders give every placeholder an attachment of its own. Many that name the same one would be as many copies of it
/// where the text is read.
pub fn fit(json: &str, attachments: usize) -> bool {
    let found = all(json.as_bytes());
    found.len() <= attachments && found.iter().all(|(_, num)| num.is_some_and(|num| num < attachments))
}

/// Writes what stands for an attachment.
pub fn write(out: &mut Vec<u8>, num: usize) {
    // Into a `Vec` nothing fails.
    let _ = write!(out, r#"{{"_placeholder":true,"num":{num}}}"#);
}

/// A JSON text with something else in the place of every placeholder that names an attachment; `None` if none does. There
/// are no more of them than attachments, or the others stay.
pub(crate) fn replace(json: &[u8], attachments: &[Bytes], mut by: impl FnMut(&mut Vec<u8>, &Bytes)) -> Option<Vec<u8>> {
    let mut found = all(json);
    found.retain(|(_, num)| num.is_some_and(|num| num < attachments.len()));
    found.truncate(attachments.len());
    let named = found.into_iter().filter_map(|(range, num)| Some((range, attachments.get(num?)?)));
    let mut named = named.peekable();
    named.peek()?;
    Some(objects::replace(json, named, |out, bytes| by(out, bytes)))
}

const SIGN: &str = "_placeholder";

/// All placeholders, with their numbers.
fn all(json: &[u8]) -> Vec<(Range<usize>, Option<usize>)> {
    // An escaped name is still the name.
    if memchr::memmem::find(json, SIGN.as_bytes()).is_none() && !json.contains(&b'\\') {
        return Vec::new();
    }
    find(json, [SIGN, "num"], |object| (object.values[0]? == b"true").then(|| number(object.values[1]?)))
}

fn number(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_an_attachment_is_noticed() {
        let json = r#"["a", {"deep": [{"_placeholder": true, "num": 1}]}]"#;
        assert!(fit(json, 2));
        assert!(!fit(json, 1));
        for bad in [
            r#"{"_placeholder":true}"#,
            r#"{"_placeholder":true,"num":-1}"#,
            r#"{"_placeholder":true,"num":"0"}"#,
            r#"{"_placeholder":true,"num":99999999999999999999999}"#,
            r#"{"\u005fplaceholder":true,"num":[0]}"#,
        ] {
            assert!(!fit(bad, 5), "{bad}");
        }
        for other in [r#"{"_placeholder":false}"#, r#"{"_placeholder":"true"}"#, r#"["_placeholder",true]"#] {
            assert!(fit(other, 1), "{other}");
        }
    }

    #[test]
    fn one_attachment_does_not_stand_in_many_places() {
        let json = r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#;
        assert_eq!([1, 2].map(|attachments| fit(json, attachments)), [false, true]);
    }

    #[test]
    fn placeholders_are_replaced_wherever_they_are() {
        let json = r#"["a",{"deep":[{"_placeholder":true,"num":1}]},{"num":0,"_placeholder":true},{"_placeholder":true,"num":7}]"#;
        let attachments = [Bytes::from_static(b"0"), Bytes::from_static(b"1")];
        let text = replace(json.as_bytes(), &attachments, |out, bytes| out.extend_from_slice(bytes)).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), r#"["a",{"deep":[1]},0,{"_placeholder":true,"num":7}]"#);
        assert_eq!(replace(b"[]", &attachments, |_, _| {}), None);
    }
}
