//! Why a connection ended.

use std::fmt;

/// Why a connection ended, in Socket.IO's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The server sent DISCONNECT: it does not want this client, for example because its login has expired.
    ServerDisconnect,
    /// [`Client::disconnect`](crate::Client::disconnect) was called.
    ClientDisconnect,
    /// The server has been silent for longer than its heartbeat allows.
    PingTimeout,
    /// The server closed the connection.
    TransportClose,
    /// The connection broke.
    TransportError,
    /// The server sent what breaks the protocol.
    ParseError,
}

impl Reason {
    /// As socket.io-client names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::ServerDisconnect => "io server disconnect",
            Reason::ClientDisconnect => "io client disconnect",
            Reason::PingTimeout => "ping timeout",
            Reason::TransportClose => "transport close",
            Reason::TransportError => "transport error",
            Reason::ParseError => "parse error",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
