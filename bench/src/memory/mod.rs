//! Connections in memory, with a client at the other end: sessions without a network, and more of them than a process
//! may open files.

#![allow(clippy::exhaustive_structs, reason = "nothing of this is published")]

mod client;
mod listener;

pub use client::{Count, Wire};
pub use listener::Connections;
