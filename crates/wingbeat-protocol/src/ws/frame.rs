//! Single frames.

use crate::packet::{Opcode, write_header};
use std::fmt;

/// What a peer did wrong, as the code of the close frame that tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Against the framing rules.
    Protocol,
    /// Text that is no UTF-8.
    NotUtf8,
    /// A message that is too large.
    TooBig,
}

impl Violation {
    /// The code of the close frame that tells it.
    pub fn code(self) -> u16 {
        match self {
            Violation::Protocol => 1002,
            Violation::NotUtf8 => 1007,
            Violation::TooBig => 1009,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Violation::Protocol => "a frame breaks the WebSocket protocol",
            Violation::NotUtf8 => "invalid UTF-8 in a text",
            Violation::TooBig => "a message is larger than accepted",
        })
    }
}

impl std::error::Error for Violation {}

/// Who has sent what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A client: it masks every frame.
    Client,
    /// A server: it masks none.
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    pub(super) fn is_control(self) -> bool {
        matches!(self, Kind::Close | Kind::Ping | Kind::Pong)
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fin: bool,
    pub(super) kind: Kind,
    /// Where the payload starts.
    pub(super) start: usize,
    pub(super) len: usize,
    /// Of a client's frame.
    pub(super) key: [u8; 4],
}

impl Header {
    /// Reads a header; `None` if it is not complete. What is wrong is noticed as early as the bytes allow.
    #[inline]
    pub(super) fn read(from: Sender, bytes: &[u8]) -> Result<Option<Header>, Violation> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        let fin = first & 0x80 != 0;
        let kind = match first & 0x0f {
            0 => Kind::Continuation,
            1 => Kind::Text,
            2 => Kind::Binary,
            8 => Kind::Close,
            9 => Kind::Ping,
            10 => Kind::Pong,
            _ => return Err(Violation::Protocol),
        };
        // No extension was agreed on that gives the reserved bits a meaning.
        if first & 0x70 != 0 || (kind.is_control() && !fin) {
            return Err(Violation::Protocol);
        }
        let Some(&second) = bytes.get(1) else { return Ok(None) };
        let short = second & 0x7f;
        if (second & 0x80 != 0) != (from == Sender::Client) || (kind.is_control() && short > 125) {
            return Err(Violation::Protocol);
        }
        let (len, at) = match short {
            126 => {
                let Some(bytes) = bytes.get(2..4) else { return Ok(None) };
                let len = u64::from(bytes[0]) << 8 | u64::from(bytes[1]);
                (len, 4)
            }
            127 => {
                let Some(bytes) = bytes.get(2..10) else { return Ok(None) };
                (bytes.iter().fold(0, |len, &byte| len << 8 | u64::from(byte)), 10)
            }
            short => (u64::from(short), 2),
        };
        // The shortest form is required, and the first bit of the long one must be 0.
        if (at == 4 && len < 126) || (at == 10 && (len <= 0xffff || len >> 63 != 0)) {
            return Err(Violation::Protocol);
        }
        let Ok(len) = usize::try_from(len) else { return Err(Violation::TooBig) };
        if from == Sender::Server {
            return Ok(Some(Header { fin, kind, start: at, len, key: [0; 4] }));
        }
        let Some(key) = bytes.get(at..at + 4) else { return Ok(None) };
        Ok(Some(Header { fin, kind, start: at + 4, len, key: [key[0], key[1], key[2], key[3]] }))
    }
}

/// Puts the mask on or takes it off, eight bytes at a time.
#[inline]
pub(super) fn mask(payload: &mut [u8], key: [u8; 4]) {
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// Appends a server's close frame, with a code if there is one to tell.
pub fn close_frame(out: &mut Vec<u8>, code: Option<u16>) {
    match code {
        Some(code) => {
            out.extend_from_slice(&[0x88, 2]);
            out.extend_from_slice(&code.to_be_bytes());
        }
        None => out.extend_from_slice(&[0x88, 0]),
    }
}

/// Appends a server's pong; a control frame's payload is never longer than its one byte of length can tell.
pub fn pong_frame(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend_from_slice(&[0x8a, payload.len() as u8]);
    out.extend_from_slice(payload);
}

/// Appends a client's frame with a whole message in it. The key must be new, and one that nobody could guess.
#[inline]
pub fn write_masked(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: [u8; 4]) {
    let start = out.len();
    write_header(out, opcode, payload.len());
    masked(out, start, payload, key);
}

/// Appends a client's close frame, with a code if there is one to tell.
pub fn masked_close(out: &mut Vec<u8>, code: Option<u16>, key: [u8; 4]) {
    let (start, code) = (out.len(), code.map(u16::to_be_bytes));
    let payload = code.as_ref().map_or(&[][..], |code| code);
    out.extend_from_slice(&[0x88, payload.len() as u8]);
    masked(out, start, payload, key);
}

/// Appends a client's pong.
pub fn masked_pong(out: &mut Vec<u8>, payload: &[u8], key: [u8; 4]) {
    let start = out.len();
    out.extend_from_slice(&[0x8a, payload.len() as u8]);
    masked(out, start, payload, key);
}

/// Makes the header at `start` a masked one, and appends what it announces.
#[inline]
fn masked(out: &mut Vec<u8>, start: usize, payload: &[u8], key: [u8; 4]) {
    out[start + 1] |= 0x80;
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    mask(&mut out[start..], key);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_headers_are_refused_at_the_first_byte_that_shows_it() {
        for (bytes, why) in [
            (&[0x83][..], "reserved data opcode"),
            (&[0x8b], "reserved control opcode"),
            (&[0xc1], "reserved bit 1"),
            (&[0xa1], "reserved bit 2"),
            (&[0x91], "reserved bit 3"),
            (&[0x09], "a ping in fragments"),
            (&[0x81, 0x05], "no mask"),
            (&[0x89, 0xfe], "a ping of 126 bytes"),
            (&[0x81, 0xfe, 0, 125], "16 bits for 125"),
            (&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], "64 bits for 65535"),
            (&[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], "a length with its first bit set"),
        ] {
            assert_eq!(Header::read(Sender::Client, bytes), Err(Violation::Protocol), "{why}");
        }
    }

    #[test]
    fn who_masks_and_who_does_not_is_held_to_it() {
        assert_eq!(Header::read(Sender::Server, &[0x81, 0x85]), Err(Violation::Protocol));
        let header = Header::read(Sender::Server, &[0x81, 0x05]).unwrap().unwrap();
        assert_eq!((header.start, header.len, header.key), (2, 5, [0; 4]));
    }

    #[test]
    fn what_a_client_writes_is_read_again() {
        for len in [0, 1, 7, 125, 126, 65_535, 65_536] {
            let (payload, mut out) = (vec![b'x'; len], b"before".to_vec());
            write_masked(&mut out, Opcode::Text, &payload, [9, 8, 7, 6]);
            let frame = &mut out[6..];
            let header = Header::read(Sender::Client, frame).unwrap().unwrap();
            mask(&mut frame[header.start..], header.key);
            assert_eq!((header.len, &frame[header.start..]), (len, &payload[..]));
        }
        let mut out = Vec::new();
        masked_close(&mut out, Some(1000), [0; 4]);
        masked_close(&mut out, None, [1; 4]);
        masked_pong(&mut out, b"a", [2; 4]);
        assert_eq!(out, b"\x88\x82\0\0\0\0\x03\xe8\x88\x80\x01\x01\x01\x01\x8a\x81\x02\x02\x02\x02c");
    }

    #[test]
    fn an_incomplete_header_is_waited_for() {
        let whole = [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4];
        for end in 0..whole.len() {
            assert_eq!(Header::read(Sender::Client, &whole[..end]), Ok(None), "{end}");
        }
        let header = Header::read(Sender::Client, &whole).unwrap().unwrap();
        assert_eq!((header.start, header.len, header.key, header.fin), (14, 65_536, [1, 2, 3, 4], true));
    }

    #[test]
    fn the_mask_comes_off_at_every_length() {
        for len in 0..40 {
            let mut bytes: Vec<u8> = (0..len).map(|i: usize| i as u8 ^ [1, 2, 3, 4][i % 4]).collect();
            mask(&mut bytes, [1, 2, 3, 4]);
            assert!(bytes.iter().enumerate().all(|(i, &byte)| usize::from(byte) == i));
        }
    }
}
