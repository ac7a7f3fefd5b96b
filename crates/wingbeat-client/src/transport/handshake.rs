//! The server's handshake, and what is believed of it.

use serde::Deserialize;
use std::time::Duration;
use wingbeat_core::json;
use wingbeat_protocol::packet::engine::{self, PacketType};

/// The content of an Engine.IO OPEN packet.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Handshake {
    pub(crate) sid: String,
    // Some servers write an empty list as null.
    #[serde(default)]
    upgrades: Option<Vec<String>>,
    ping_interval: f64,
    ping_timeout: f64,
    #[serde(default)]
    max_payload: Option<f64>,
}

/// Longer is not a heartbeat any more.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Handshake {
    /// Reads an OPEN packet. `None` if it is not one, or cannot be believed.
    pub(crate) fn parse(packet: &str) -> Option<Handshake> {
        let (PacketType::Open, text) = engine::decode(packet)? else { return None };
        let handshake: Handshake = json::parse(text).ok()?;
        let likely = handshake.ping_interval >= 0.0 && handshake.ping_timeout >= 0.0;
        (likely && (1..=256).contains(&handshake.sid.len())).then_some(handshake)
    }

    /// How long the server may be silent before it counts as gone.
    pub(crate) fn silence(&self, limit: Duration) -> Duration {
        // Numbers of any size and kind: the conversion saturates.
        let announced = Duration::from_millis((self.ping_interval + self.ping_timeout) as u64);
        announced.clamp(Duration::from_millis(1), LONGEST).min(limit)
    }

    /// Whether the server offers to go on over a WebSocket.
    pub(crate) fn offers_websocket(&self) -> bool {
        self.upgrades.iter().flatten().any(|name| name == "websocket")
    }

    /// How many bytes the server accepts in one message or body, if it says so.
    pub(crate) fn max_payload(&self) -> Option<usize> {
        self.max_payload.filter(|max| *max >= 1.0).map(|max| max as usize)
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
            r#"0{"sid":5,"pingInterval":1,"pingTimeout":1}"#,
        ] {
            assert!(Handshake::parse(bad).is_none(), "{bad}");
        }
        let text = format!(r#"0{{"sid":"x","pingInterval":{0},"pingTimeout":{0}}}"#, u64::MAX);
        let handshake = Handshake::parse(&text).unwrap();
        assert_eq!(handshake.silence(Duration::MAX), LONGEST);
        assert_eq!(handshake.silence(Duration::from_secs(1)), Duration::from_secs(1));
        assert!(!handshake.offers_websocket());
    }

    #[test]
    fn numbers_and_lists_may_be_what_javascript_takes() {
        let odd = r#"0{"sid":"a b/+","upgrades":null,"pingInterval":1.5,"pingTimeout":0.1,"maxPayload":-1}"#;
        let handshake = Handshake::parse(odd).unwrap();
        assert_eq!(handshake.silence(Duration::MAX), Duration::from_millis(1));
        assert_eq!((handshake.max_payload(), handshake.offers_websocket()), (None, false));
    }
}
