//! Other nodes of the same application, over a bus.

mod port;

pub use port::{Bus, BusConnection, Full, Inbox, Incoming, Topic};
