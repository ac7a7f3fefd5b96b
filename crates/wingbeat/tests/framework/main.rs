//! The framework from outside: its structure, and real sockets.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod beside;
mod mounted;
mod rooms;
mod sockets;
