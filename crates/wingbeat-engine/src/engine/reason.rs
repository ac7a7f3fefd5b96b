//! Why a socket is gone.

use std::fmt;

/// Why a socket is gone, in the reference server's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The client left the namespace.
    ClientNamespaceDisconnect,
    /// The server made it leave.
    ServerNamespaceDisconnect,
    /// The connection was closed by the client or is lost.
    TransportClose,
    /// The client broke the transport's rules.
    TransportError,
    /// The client did not answer a ping in time, or takes next to nothing of what waits for it.
    PingTimeout,
    /// The client sent an invalid Engine.IO packet.
    ParseError,
    /// The client sent an invalid Socket.IO packet.
    ForcedClose,
    /// The client sent a packet where none was allowed, or joined no namespace in time; or a handler panicked and left
    /// the client without the answer that it waits for.
    ForcedServerClose,
    /// The server is shutting down.
    ServerShuttingDown,
    /// More was waiting than may: of what is sent to the client alone ([`outbox_limit`](crate::Config::outbox_limit)), or
    /// for all clients together, of which it was the slowest ([`outbox_total`](crate::Config::outbox_total)).
    OutboxFull,
}

impl Reason {
    /// The text, for example `transport close`.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::ClientNamespaceDisconnect => "client namespace disconnect",
            Reason::ServerNamespaceDisconnect => "server namespace disconnect",
            Reason::TransportClose => "transport close",
            Reason::TransportError => "transport error",
            Reason::PingTimeout => "ping timeout",
            Reason::ParseError => "parse error",
            Reason::ForcedClose => "forced close",
            Reason::ForcedServerClose => "forced server close",
            Reason::ServerShuttingDown => "server shutting down",
            Reason::OutboxFull => "outbox full",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
