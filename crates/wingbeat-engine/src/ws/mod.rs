//! WebSocket (RFC 6455), the server's side.

mod frame;
mod handshake;
mod io;
mod message;
mod refuse;

pub(crate) use frame::{Violation, close_frame, pong_frame};
pub(crate) use handshake::{accept, is_upgrade};
pub(crate) use io::{Io, Lost, Read, WebSocket};
pub(crate) use message::{Fragments, Item, next_item};
pub(crate) use refuse::refuse;
