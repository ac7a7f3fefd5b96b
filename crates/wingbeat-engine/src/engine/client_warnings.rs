//! Clients that cannot work with this server, and what the log says about them: one line that names the remedy, at most
//! once a second.

use super::Shared;
use wingbeat_protocol::LogThrottle;
use wingbeat_protocol::packet::{Packet, PacketKind, msgpack};

/// How often each kind has come.
#[derive(Default)]
pub(crate) struct ClientWarnings {
    old: LogThrottle,
    json: LogThrottle,
    msgpack: LogThrottle,
    bundles: LogThrottle,
    foreign: LogThrottle,
}

/// The answer to clients of protocol 3.
pub(crate) const TOO_OLD: &str = "This server speaks Socket.IO 3 and 4: update socket.io-client to version 4";

impl ClientWarnings {
    /// A client speaks protocol 3 of Engine.IO.
    pub(crate) fn old(&self) {
        if let Some(times) = self.old.happened() {
            tracing::warn!(
                times,
                "a client of Socket.IO 1 or 2 (EIO=3) was refused: update its socket.io-client to version 4"
            );
        }
    }

    /// A request has come for a session of another node.
    pub(crate) fn foreign(&self) {
        if let Some(times) = self.foreign.happened() {
            tracing::warn!(
                times,
                "a request has come for a session of another node: let the balancer look at the last two letters of `sid` \
                 (`Config::node`)"
            );
        }
    }

    /// A client asks for a bundle, and no folder is configured.
    pub(crate) fn bundle(&self, name: &str) {
        if let Some(times) = self.bundles.happened() {
            tracing::warn!(
                name,
                times,
                "a client bundle was asked for, and none are served: `Config::client_files` with the folder \
                 node_modules/socket.io-client/dist serves them, `Config::serve_client(false)` leaves it at that"
            );
        }
    }
}

impl Shared {
    /// A text has come where all is MessagePack.
    #[cold]
    pub(crate) fn unexpected_text(&self, packet: &Packet<'_>) {
        if packet.kind == PacketKind::Connect
            && let Some(times) = self.client_warnings.json.happened()
        {
            tracing::warn!(
                times,
                "a client that speaks JSON was disconnected: `Config::msgpack` is on, so it needs the option \
                 `parser` with socket.io-msgpack-parser, or the server has to leave that off"
            );
        }
    }

    /// Bytes have come that belong to no packet.
    #[cold]
    pub(crate) fn unexpected_bytes(&self, bytes: &[u8]) {
        let connect = || msgpack::decode(bytes, 0).is_some_and(|(text, _)| text.starts_with('0'));
        if connect()
            && let Some(times) = self.client_warnings.msgpack.happened()
        {
            tracing::warn!(
                times,
                "a client that speaks MessagePack was disconnected: set `Config::msgpack(true)`, or leave the option \
                 `parser` away in the client"
            );
        }
    }
}
