//! Transports: from bytes to calls and back.

mod guard;
mod serve;
mod socketio;

pub use serve::{serve, serve_until};
pub use socketio::SocketIo;
