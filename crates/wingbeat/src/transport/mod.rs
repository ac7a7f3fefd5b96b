//! Transports: from bytes to calls and back.

mod health;
#[cfg(feature = "metrics")]
mod metrics;
mod serve;
mod socketio;

pub use health::Health;
#[cfg(feature = "metrics")]
pub use metrics::Metrics;
pub use serve::{Serve, serve, terminated};
pub use socketio::SocketIo;

/// The path as requests have it, with a slash in front.
fn absolute(path: Box<str>) -> Box<str> {
    if path.starts_with('/') { path } else { format!("/{path}").into() }
}
