//! The wire between Wingbeat's server and its clients, without I/O: packets of Engine.IO 4 and Socket.IO 5
//! ([`packet`]), WebSocket frames ([`ws`]), and what both ends need beside them.
//!
//! **Internal to Wingbeat, and exempt from semantic versioning**: any release may change anything here. Programs use
//! [`wingbeat`](https://docs.rs/wingbeat) or [`wingbeat-client`](https://docs.rs/wingbeat-client); what those re-export
//! is as stable as they are.

#![allow(clippy::exhaustive_enums, clippy::exhaustive_structs, reason = "nothing here is promised")]

mod addresses;
mod network;
pub mod packet;
pub mod ws;

pub use addresses::{AddressCount, AddressCounts, Origin};
pub use network::network;
pub use wingbeat_core::LogThrottle;
