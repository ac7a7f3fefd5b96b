//! The engine, driven by raw sockets.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod calls;
mod client;
mod http;
mod http_client;
mod packets;
mod polling;
mod protocol;
mod raw;
mod robust;
mod server;
#[cfg(feature = "tls")]
mod tls;
mod websocket;
