//! The engine, driven by raw sockets.
#![allow(missing_docs)]

mod calls;
mod client;
mod http_client;
mod packets;
mod polling;
mod http;
mod robust;
mod server;
mod websocket;
