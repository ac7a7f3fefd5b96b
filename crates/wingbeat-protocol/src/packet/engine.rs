//! Engine.IO packets: one type character and the content.

use std::ops::Range;

/// Separates the packets of one HTTP long-polling body.
pub const SEPARATOR: u8 = 0x1e;

/// What an Engine.IO packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketType {
    /// `0`: the server's handshake.
    Open,
    /// `1`: the end of the session.
    Close,
    /// `2`: the server's heartbeat; with `probe`, a client's test of a WebSocket.
    Ping,
    /// `3`: the answer to a ping.
    Pong,
    /// `4`: a Socket.IO packet.
    Message,
    /// `5`: the client moves to the probed WebSocket.
    Upgrade,
    /// `6`: nothing; releases a waiting poll.
    Noop,
}

/// Takes a text packet apart; `None` if the type is unknown or missing.
pub fn decode(text: &str) -> Option<(PacketType, &str)> {
    let kind = match text.as_bytes().first()? {
        b'0' => PacketType::Open,
        b'1' => PacketType::Close,
        b'2' => PacketType::Ping,
        b'3' => PacketType::Pong,
        b'4' => PacketType::Message,
        b'5' => PacketType::Upgrade,
        b'6' => PacketType::Noop,
        _ => return None,
    };
    Some((kind, &text[1..]))
}

/// Where the packet of a long-polling body stands that begins at `at`, which moves on to the next one; `None` behind the
/// last. A body has one packet more than separators, so any of them may be empty. Those that start with `b` are binary,
/// in base64.
pub fn next_packet(body: &[u8], at: &mut usize) -> Option<Range<usize>> {
    let begin = *at;
    let rest = body.get(begin..)?;
    let end = rest.iter().position(|&byte| byte == SEPARATOR).map_or(body.len(), |len| begin + len);
    *at = end + 1;
    Some(begin..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_split_at_its_separators() {
        let packets = |body: &'static str| {
            let mut at = 0;
            std::iter::from_fn(move || Some(&body[next_packet(body.as_bytes(), &mut at)?])).collect::<Vec<_>>()
        };
        assert_eq!(packets("4a\u{1e}b4AA=\u{1e}"), ["4a", "b4AA=", ""]);
        assert_eq!(packets("\u{1e}2"), ["", "2"]);
        assert_eq!(packets(""), [""]);
    }

    #[test]
    fn only_the_seven_types_are_known() {
        assert_eq!(decode("4é"), Some((PacketType::Message, "é")));
        for bad in ["", "7", "b", "é", "-1"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
