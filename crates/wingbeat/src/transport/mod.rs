//! Transports: from bytes to calls and back.

mod serve;
mod socketio;

pub use serve::{serve, serve_until};
pub use socketio::SocketIo;
