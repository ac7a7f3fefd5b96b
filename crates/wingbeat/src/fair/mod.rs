//! Fair queues: what many sources want done and only few can have at a time, such as hashes and statements.
//!
//! One principle for all of them: next is who has had least, first among the addresses and then among the connections of
//! one address, so a source that asks for much waits behind its own work and nobody else's. Where the queue is full, the
//! longest gives way.

mod gate;
mod level;
mod queue;

pub(crate) use gate::{Gate, Place};

use std::net::IpAddr;

/// Who wants something done: one connection at an address.
///
/// Without a connection it is the address as a whole, without either the server itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    /// Of IPv6 the network, of which everybody has plenty of addresses.
    pub(crate) address: Option<IpAddr>,
    /// The connection's number.
    pub(crate) connection: Option<u64>,
}

#[cfg(test)]
impl Source {
    fn at(address: [u8; 4], connection: u64) -> Source {
        Source { address: Some(address.into()), connection: Some(connection) }
    }
}
