//! The HTTP side: handshakes, polls, client files.

mod answer;
mod body;
mod client_files;
mod request;
mod service;
mod upgrade;

pub use body::Body;
pub use service::EngineService;
#[cfg(any(test, fuzzing))]
pub(crate) use upgrade::propose;
