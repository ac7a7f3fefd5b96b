//! The engine, driven by raw sockets.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod advisories;
mod burst;
mod calls;
mod client;
mod connections;
mod hostile;
mod http;
mod http_client;
mod limits;
mod log;
mod memory;
mod misfits;
mod origins;
mod overload;
mod packets;
mod polling;
mod protocol;
mod raw;
mod robust;
mod server;
mod shutdown;
mod silence;
mod slow;
mod suites;
#[cfg(feature = "tls")]
mod tls;
mod websocket;
