//! The HTTP side: handshakes, polls, client files.

mod answer;
mod body;
mod service;

pub use body::Body;
pub use service::EngineService;
