//! The HTTP side: handshakes, polls, client files.

mod answer;
mod body;
mod client_files;
mod gzip;
mod request;
mod service;
mod upgrade;

pub use body::Body;
pub(crate) use client_files::ClientFiles;
pub use service::EngineService;
#[cfg(any(test, fuzzing))]
pub(crate) use upgrade::propose;
