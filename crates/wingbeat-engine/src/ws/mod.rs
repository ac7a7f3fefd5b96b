//! WebSocket (RFC 6455), the server's side.

mod handshake;
mod io;
mod websocket;

pub(crate) use handshake::{HandshakeError, VERSION, accept, is_upgrade, protocol};
pub(crate) use io::Io;
pub(crate) use websocket::{ConnectionLost, ReadOutcome, WebSocket};
pub(crate) use wingbeat_protocol::ws::{Fragments, Item, Sender, Violation, close_frame, next_item, pong_frame};

use std::time::Duration;

/// How long a client has to end when all was said. To part with it while it sends would reset the connection, and it would
/// lose what it has not read.
pub(crate) const LINGER: Duration = Duration::from_secs(2);
