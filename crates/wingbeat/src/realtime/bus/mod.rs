//! Other nodes of the same application, over a bus.

mod fields;
mod heartbeat;
mod message;
mod node;
mod orders;
mod others;
mod port;
mod questions;
mod raw;
mod receiving;
mod subscriptions;
mod travel;

pub(crate) use node::{Here, Node, Sent};
pub use port::{Bus, BusConnection, Full, Inbox, Incoming, Topic};
pub(crate) use raw::SocketRelay;
pub(crate) use travel::Outgoing;
