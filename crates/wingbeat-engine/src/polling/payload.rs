//! Packets as the body of a poll.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::collections::VecDeque;
use wingbeat_core::packet::engine::SEPARATOR;
use wingbeat_core::packet::{Frame, Opcode};

/// Joins packets to a body. Binary ones become base64 behind a `b`.
pub(crate) fn join(frames: &VecDeque<Bytes>) -> Vec<u8> {
    let mut body = Vec::with_capacity(frames.iter().map(Bytes::len).sum());
    for frame in frames {
        for (opcode, payload) in Frame::from_encoded(frame.clone()).packets() {
            if !body.is_empty() {
                body.push(SEPARATOR);
            }
            match opcode {
                Opcode::Text => body.extend_from_slice(payload),
                Opcode::Binary => {
                    body.push(b'b');
                    body.extend_from_slice(STANDARD.encode(payload).as_bytes());
                }
            }
        }
    }
    body
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
        assert_eq!(String::from_utf8(join(&frames)).unwrap(), body);
    }
}
