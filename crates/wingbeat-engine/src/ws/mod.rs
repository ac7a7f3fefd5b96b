//! WebSocket (RFC 6455), the server's side.

mod handshake;
mod io;
mod refuse;
mod websocket;

pub(crate) use handshake::{VERSION, Wrong, accept, is_upgrade, protocol};
pub(crate) use io::Io;
pub(crate) use refuse::refuse;
pub(crate) use websocket::{Lost, Read, WebSocket};
pub(crate) use wingbeat_protocol::ws::{Fragments, Item, Sender, Violation, close_frame, next_item, pong_frame};
