//! Several nodes of one application, over brokers that people already trust.

#[doc(inline)]
pub use crate::realtime::bus::{Bus, BusConnection, Full, Inbox, Incoming, Topic};
