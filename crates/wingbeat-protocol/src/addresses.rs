//! How many things one address has.

use crate::network;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who is behind an address: its [`network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin(IpAddr);

impl Origin {
    /// `None` for an address that is not counted: an unknown one, and with a default limit those of the machine and of
    /// private networks. There, one address is often a proxy that stands for all clients.
    pub fn counted(address: IpAddr, by_default: bool) -> Option<Origin> {
        let address = address.to_canonical();
        if address.is_unspecified() || (by_default && is_local(address)) {
            return None;
        }
        Some(Origin(network(address)))
    }
}

fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// How many things each address has.
#[derive(Clone, Default)]
pub struct AddressCounts(Arc<Mutex<HashMap<Origin, usize>>>);

/// One of them, until it is dropped.
pub struct AddressCount {
    counts: AddressCounts,
    origin: Origin,
}

impl AddressCounts {
    /// One more, unless there are `max` already.
    pub fn one_more(&self, origin: Origin, max: usize) -> Option<AddressCount> {
        let mut counts = self.lock();
        let count = counts.entry(origin).or_default();
        // An entry that was only just made has none, and a limit of nothing would leave it there.
        if *count >= max.max(1) {
            return None;
        }
        *count += 1;
        Some(AddressCount { counts: self.clone(), origin })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Origin, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressCount {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str, by_default: bool) -> Option<Origin> {
        Origin::counted(text.parse().unwrap(), by_default)
    }

    #[test]
    fn a_customer_of_ipv6_is_one_whatever_address_it_takes() {
        assert_eq!(origin("2001:db8:1:2::1", true), origin("2001:db8:1:2:ffff::9", true));
        assert_ne!(origin("2001:db8:1:2::1", true), origin("2001:db8:1:3::1", true));
        assert_eq!(origin("::ffff:203.0.113.9", true), origin("203.0.113.9", true));
    }

    #[test]
    fn local_addresses_are_counted_only_if_asked_for() {
        for local in ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.0.1", "::1", "fd00::1", "fe80::1"] {
            assert!(origin(local, true).is_none() && origin(local, false).is_some(), "{local}");
        }
        assert_eq!(origin("0.0.0.0", false), None);
    }

    #[test]
    fn what_is_dropped_makes_room_and_leaves_nothing() {
        let (counts, origin) = (AddressCounts::default(), origin("203.0.113.9", true).unwrap());
        let first = counts.one_more(origin, 2);
        let second = counts.one_more(origin, 2);
        assert!(first.is_some() && second.is_some() && counts.one_more(origin, 2).is_none());
        drop(first);
        let third = counts.one_more(origin, 2);
        assert!(third.is_some());
        drop((second, third));
        assert!(counts.lock().is_empty());
    }
}
