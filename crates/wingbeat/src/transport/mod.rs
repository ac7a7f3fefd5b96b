//! Transports: from bytes to calls and back.

mod local;
mod serve;
mod socketio;

pub use local::LocalClient;
pub use serve::{serve, serve_until};
pub use socketio::SocketIo;
