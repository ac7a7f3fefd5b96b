//! The framework from outside: its structure, and real sockets.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod advisories;
mod beside;
#[cfg(all(feature = "auth", any(feature = "nats", feature = "redis")))]
#[allow(dead_code, reason = "the tests inside the crate use more of it")]
mod brokers;
mod burst;
mod documentation;
mod extends;
mod fallback;
mod javascript;
mod limits;
mod listen;
mod memory;
mod mounted;
#[cfg(feature = "auth")]
mod nodes;
mod overload;
#[allow(unreachable_pub, reason = "the fuzzers need it to be public")]
#[path = "../../../../fuzz/src/query.rs"]
mod query;
#[allow(unreachable_pub, reason = "the fuzzers need it to be public")]
#[path = "../../../../fuzz/src/query_string.rs"]
mod query_string;
#[cfg(feature = "auth")]
mod recovery;
mod returns;
mod rooms;
#[cfg(all(feature = "auth", feature = "axum"))]
mod routes;
mod signatures;
mod sockets;
mod stalled;
