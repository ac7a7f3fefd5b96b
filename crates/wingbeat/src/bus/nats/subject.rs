//! Names of channels as parts of subjects.

use crate::bus::Topic;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// How long a part may be. A line of the protocol has 4,096 bytes at most, and each message carries it.
const LONGEST: usize = 200;

/// `<prefix>.<kind>.<name>`. Letters, digits, `_` and `-` stay what they are, so that one can read it; other bytes are `=` and
/// two digits. What is too long then is `=h` and a hash: who hears it knows what it has asked for.
pub(super) fn subject(prefix: &str, topic: &Topic) -> String {
    let (kind, name) = topic.parts();
    let mut subject = format!("{prefix}.{kind}.");
    let begin = subject.len();
    for byte in name.bytes().take(LONGEST + 1) {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => subject.push(char::from(byte)),
            // Writing to a text cannot fail.
            _ => drop(write!(subject, "={byte:02X}")),
        }
    }
    if subject.len() == begin {
        // No part is empty.
        subject.push('=');
    } else if subject.len() - begin > LONGEST {
        subject.truncate(begin);
        subject.push_str("=h");
        URL_SAFE_NO_PAD.encode_string(Sha256::digest(name.as_bytes()), &mut subject);
    }
    subject
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> String {
        subject("x", &Topic::Channel(name.into()))
    }

    #[test]
    fn subjects_have_nothing_that_nats_reads_as_something_else() {
        for (name, expected) in [
            ("", "x.c.="),
            ("Room_7-b", "x.c.Room_7-b"),
            ("a.b", "x.c.a=2Eb"),
            ("a *>=\0\r\n", "x.c.a=20=2A=3E=3D=00=0D=0A"),
            ("ö", "x.c.=C3=B6"),
        ] {
            assert_eq!(of(name), expected);
        }
        assert_eq!(subject("x.y", &Topic::All), "x.y.a.=");
        assert_eq!(subject("x", &Topic::Node(7)), "x.n.0000000000000007");
        assert_eq!(subject("x", &Topic::Room("r".into())), "x.r.r");
    }

    #[test]
    fn long_names_are_short_and_different() {
        let long = "a".repeat(LONGEST);
        assert_eq!(of(&long).len(), "x.c.".len() + LONGEST);
        let (one, two) = (of(&format!("{long}1")), of(&format!("{long}2")));
        assert_eq!((one.len(), one.starts_with("x.c.=h")), (two.len(), true));
        assert!(one != two && one.len() < 60 && of(&"ö".repeat(67)).starts_with("x.c.=h"));
    }
}
