//! Several nodes of one application, over brokers that people already trust.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod memory;
mod publisher;

#[doc(inline)]
pub use crate::realtime::bus::{Bus, BusConnection, Full, Inbox, Incoming, Topic};
pub use memory::Memory;
pub use publisher::Publisher;
