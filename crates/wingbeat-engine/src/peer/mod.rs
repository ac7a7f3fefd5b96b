//! Who a client is before it has said anything: its address, the proxies before it, and the request that began its
//! session.

mod forwarded;
mod handshake;
mod rates;
mod request;

pub use handshake::{Handshake, Peer};
pub(crate) use rates::Rates;
