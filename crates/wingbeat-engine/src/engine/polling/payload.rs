//! Packets as the body of a poll.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::collections::VecDeque;
use wingbeat_protocol::packet::engine::SEPARATOR;
use wingbeat_protocol::packet::{Frame, Opcode};

/// Longer packets stay where they are, shared with everybody who is sent the same.
const LONG: usize = 16 * 1024;

/// Joins packets to a body, in pieces. Binary ones become base64 behind a `b`.
pub(crate) fn join(frames: &VecDeque<Bytes>) -> Vec<Bytes> {
    let (mut pieces, mut piece) = (Vec::new(), Vec::new());
    let mut first = true;
    for frame in frames {
        for (opcode, payload) in Frame::from_encoded(frame.clone()).packets() {
            if !std::mem::take(&mut first) {
                piece.push(SEPARATOR);
            }
            match opcode {
                Opcode::Text if payload.len() < LONG => piece.extend_from_slice(payload),
                Opcode::Text => {
                    pieces.extend((!piece.is_empty()).then(|| Bytes::from(std::mem::take(&mut piece))));
                    pieces.push(frame.slice_ref(payload));
                }
                Opcode::Binary => {
                    piece.push(b'b');
                    piece.extend_from_slice(STANDARD.encode(payload).as_bytes());
                }
            }
        }
    }
    pieces.extend((!piece.is_empty()).then(|| Bytes::from(piece)));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_several_frames_become_one_body() {
        let blob = Frame::binary_event(
            "/",
            "b",
            &[br#"{"_placeholder":true,"num":0}"#],
            &[Bytes::from_static(b"\x01\x02\x03\x04")],
        );
        let frames = VecDeque::from([Frame::text(&[b"430[]"]).into_bytes(), blob.into_bytes()]);
        let body = "430[]\u{1e}451-[\"b\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQIDBA==";
        assert_eq!(String::from_utf8(join(&frames).concat()).unwrap(), body);
    }

    #[test]
    fn long_packets_are_not_copied() {
        let long = Frame::text(&[&[b'x'; LONG]]).into_bytes();
        let short = || Frame::text(&[b"s"]).into_bytes();
        let pieces = join(&VecDeque::from([short(), long.clone(), short(), short(), long.clone()]));
        let lengths: Vec<usize> = pieces.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [2, LONG, 5, LONG]);
        assert_eq!([&pieces[0][..], &pieces[2]], [&b"s\x1e"[..], b"\x1es\x1es\x1e"]);
        let shared = long[long.len() - LONG..].as_ptr();
        assert!([&pieces[1], &pieces[3]].iter().all(|piece| piece.as_ptr() == shared));
        assert_eq!(join(&VecDeque::from([long]))[0].as_ptr(), shared);
    }
}
