//! Engine.IO packets: one type character and the content.

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

/// The packets of a long-polling body. Those that start with `b` are binary, in base64.
pub fn split_payload(body: &str) -> impl Iterator<Item = &str> {
    body.split(char::from(SEPARATOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_split_at_its_separators() {
        assert_eq!(split_payload("4a\u{1e}b4AA=\u{1e}").collect::<Vec<_>>(), ["4a", "b4AA=", ""]);
    }

    #[test]
    fn only_the_seven_types_are_known() {
        assert_eq!(decode("4é"), Some((PacketType::Message, "é")));
        for bad in ["", "7", "b", "é", "-1"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
