//! WebSocket frames, the client's side, and Socket.IO acks.

use std::io::{Error, Result};
use std::ops::Range;

pub const TEXT: u8 = 0x1;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

/// Every frame of this client is masked with this key (a client must mask; RFC 6455
/// asks for unpredictable keys, which matters to proxies and not to a load test).
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Appends one masked frame to `out`.
pub fn write_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        n @ 0..126 => out.push(0x80 | n as u8),
        n @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    let start = out.len();
    out.extend_from_slice(payload);
    for (byte, key) in out[start..].iter_mut().zip(MASK.iter().cycle()) {
        *byte ^= key;
    }
}

/// The opcode and the payload's place of the frame that `buf` begins with; `None` while it
/// is not whole.
pub fn parse(buf: &[u8]) -> Result<Option<(u8, Range<usize>)>> {
    let &[first, second, ..] = buf else { return Ok(None) };
    if second & 0x80 != 0 {
        return Err(Error::other("the server masked a frame"));
    }
    if first & 0x80 == 0 {
        return Err(Error::other("the server fragmented a message: not supported by this client"));
    }
    let (len, at): (usize, usize) = match (second, &buf[2..]) {
        (126, [a, b, ..]) => (u16::from_be_bytes([*a, *b]) as usize, 4),
        (127, [a, b, c, d, e, f, g, h, ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) as usize, 10),
        (126 | 127, _) => return Ok(None),
        (n, _) => (n as usize, 2),
    };
    let whole = at.checked_add(len).ok_or_else(|| Error::other("a frame of absurd length"))?;
    Ok((buf.len() >= whole).then_some((first & 0x0f, at..whole)))
}

/// `43<id>[…]` → (id, `[…]`).
pub fn ack(message: &[u8]) -> Option<(u64, &[u8])> {
    leading_number(message.strip_prefix(b"43")?)
}

/// The decimal number that `text` begins with, and what follows it.
pub fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, rest))
}
