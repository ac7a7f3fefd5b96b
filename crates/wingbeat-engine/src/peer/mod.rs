//! Who a client is before it has said anything: its address, the proxies before it, and the request that began its
//! session.

mod addresses;
mod forwarded;
mod handshake;

pub(crate) use addresses::{Counted, Counts, Origin, Rates};
pub(crate) use forwarded::{client as forwarded_client, host as forwarded_host};
pub use handshake::{Handshake, Peer};
