//! Transports: from bytes to calls and back.

mod health;
#[cfg(feature = "metrics")]
mod metrics;
mod serve;
mod socketio;

pub use health::Health;
#[cfg(feature = "metrics")]
pub use metrics::Metrics;
pub use serve::{Serve, serve};
pub use socketio::SocketIo;
