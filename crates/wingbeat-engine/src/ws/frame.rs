//! Single frames.

/// What a peer did wrong, as the code of the close frame that tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Against the framing rules.
    Protocol,
    /// Text that is no UTF-8.
    NotUtf8,
    /// A message that is too large.
    TooBig,
}

impl Violation {
    pub(crate) fn code(self) -> u16 {
        match self {
            Violation::Protocol => 1002,
            Violation::NotUtf8 => 1007,
            Violation::TooBig => 1009,
        }
    }
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

/// The header of a client's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fin: bool,
    pub(super) kind: Kind,
    /// Where the payload starts.
    pub(super) start: usize,
    pub(super) len: usize,
    pub(super) key: [u8; 4],
}

impl Header {
    /// Reads a header; `None` if it is not complete. What is wrong is noticed as early as the bytes allow.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Header>, Violation> {
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
        if second & 0x80 == 0 || (kind.is_control() && short > 125) {
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
        let Some(key) = bytes.get(at..at + 4) else { return Ok(None) };
        Ok(Some(Header { fin, kind, start: at + 4, len, key: [key[0], key[1], key[2], key[3]] }))
    }
}

/// Removes the mask, eight bytes at a time.
#[inline]
pub(super) fn unmask(payload: &mut [u8], key: [u8; 4]) {
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

/// Appends a close frame, with a code if there is one to tell.
pub(crate) fn close_frame(out: &mut Vec<u8>, code: Option<u16>) {
    match code {
        Some(code) => {
            out.extend_from_slice(&[0x88, 2]);
            out.extend_from_slice(&code.to_be_bytes());
        }
        None => out.extend_from_slice(&[0x88, 0]),
    }
}

/// Appends a pong; a control frame's payload is never longer than its one byte of length can tell.
pub(crate) fn pong_frame(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend_from_slice(&[0x8a, payload.len() as u8]);
    out.extend_from_slice(payload);
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
            assert_eq!(Header::read(bytes), Err(Violation::Protocol), "{why}");
        }
    }

    #[test]
    fn an_incomplete_header_is_waited_for() {
        let whole = [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4];
        for end in 0..whole.len() {
            assert_eq!(Header::read(&whole[..end]), Ok(None), "{end}");
        }
        let header = Header::read(&whole).unwrap().unwrap();
        assert_eq!((header.start, header.len, header.key, header.fin), (14, 65_536, [1, 2, 3, 4], true));
    }

    #[test]
    fn the_mask_comes_off_at_every_length() {
        for len in 0..40 {
            let mut bytes: Vec<u8> = (0..len).map(|i: usize| i as u8 ^ [1, 2, 3, 4][i % 4]).collect();
            unmask(&mut bytes, [1, 2, 3, 4]);
            assert!(bytes.iter().enumerate().all(|(i, &byte)| usize::from(byte) == i));
        }
    }
}
