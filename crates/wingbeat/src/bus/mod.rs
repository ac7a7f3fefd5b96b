//! Several nodes of one application, over brokers that people already trust.

#[cfg(all(test, any(feature = "nats", feature = "redis")))]
#[path = "../../tests/framework/brokers.rs"]
mod brokers;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
#[cfg(any(feature = "nats", feature = "redis"))]
mod link;
mod memory;
#[cfg(feature = "nats")]
mod nats;
mod publisher;
#[cfg(feature = "redis")]
mod redis;

#[cfg(feature = "redis")]
pub use self::redis::Redis;
#[doc(inline)]
pub use crate::realtime::bus::{Bus, BusConnection, Full, Inbox, Incoming, Topic};
pub use memory::Memory;
#[cfg(feature = "nats")]
pub use nats::Nats;
pub use publisher::Publisher;

/// What names in a broker begin with must not be taken for a part of a name, and brokers have rules of their own.
#[cfg(any(feature = "nats", feature = "redis"))]
fn check_prefix(prefix: &str) -> wingbeat_core::Result<()> {
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    // NATS knows no empty parts.
    if prefix.chars().all(is_known) && prefix.split('.').all(|part| !part.is_empty()) {
        return Ok(());
    }
    let message = format!(
        "The prefix '{}' cannot be used: it has letters, digits, `_`, `-`, and single `.` between these",
        prefix.escape_debug()
    );
    Err(wingbeat_core::Error::general(message))
}
