//! Who a client is before it has said anything: its address, the proxies before it, and the request that began its
//! session.

mod addresses;
mod forwarded;
mod handshake;
mod request;

pub(crate) use addresses::{AddressCount, AddressCounts, Origin, Rates};
pub use handshake::{Handshake, Peer};
