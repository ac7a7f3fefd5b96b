//! The framework from outside: its structure, and real sockets.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod beside;
mod documentation;
mod mounted;
mod rooms;
mod sockets;
