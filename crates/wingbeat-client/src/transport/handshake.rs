//! The server's handshake, and what is believed of it.

use serde::Deserialize;
use std::time::Duration;
use wingbeat_core::packet::engine::{self, PacketType};

/// The content of an Engine.IO OPEN packet.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Handshake {
    pub(crate) sid: String,
    #[serde(default)]
    upgrades: Vec<String>,
    ping_interval: u64,
    ping_timeout: u64,
    #[serde(default)]
    max_payload: Option<u64>,
}

/// Longer is no heartbeat any more.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Handshake {
    /// Reads an OPEN packet. `None` if it is none, or its session id cannot stand in an address.
    pub(crate) fn parse(packet: &str) -> Option<Handshake> {
        let (PacketType::Open, json) = engine::decode(packet)? else { return None };
        let handshake: Handshake = serde_json::from_str(json).ok()?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        ((1..=256).contains(&handshake.sid.len()) && handshake.sid.bytes().all(plain)).then_some(handshake)
    }

    /// How long the server may be silent before it counts as gone.
    pub(crate) fn silence(&self, limit: Duration) -> Duration {
        let announced = Duration::from_millis(self.ping_interval.saturating_add(self.ping_timeout));
        announced.clamp(Duration::from_millis(1), LONGEST).min(limit)
    }

    /// Whether the server offers to go on over a WebSocket.
    pub(crate) fn offers_websocket(&self) -> bool {
        self.upgrades.iter().any(|name| name == "websocket")
    }

    /// How many bytes the server accepts in one body.
    pub(crate) fn max_payload(&self) -> usize {
        self.max_payload.and_then(|max| usize::try_from(max).ok()).unwrap_or(1_000_000).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_believed_is_refused_or_bounded() {
        for bad in [
            "",
            "0",
            "0{}",
            "1{}",
            r#"0{"sid":"","pingInterval":1,"pingTimeout":1}"#,
            r#"0{"sid":"a&b","pingInterval":1,"pingTimeout":1}"#,
        ] {
            assert!(Handshake::parse(bad).is_none(), "{bad}");
        }
        let text = format!(r#"0{{"sid":"x","pingInterval":{0},"pingTimeout":{0}}}"#, u64::MAX);
        let handshake = Handshake::parse(&text).unwrap();
        assert_eq!(handshake.silence(Duration::MAX), LONGEST);
        assert_eq!(handshake.silence(Duration::from_secs(1)), Duration::from_secs(1));
        assert!(!handshake.offers_websocket());
    }
}
