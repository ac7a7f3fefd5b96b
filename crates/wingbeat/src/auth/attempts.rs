//! How often somebody may try.

use crate::service::Params;
use governor::clock::MonotonicClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use wingbeat_core::{Error, Result, network};

/// How often it is looked whether something can be forgotten.
const SWEEP: u32 = 256;

type Key = (u64, Place);
type Limiter = RateLimiter<Key, HashMapStateStore<Key>, MonotonicClock, NoOpMiddleware<Instant>>;

/// Counts attempts by name and place, so that who guesses at somebody's password does not lock out its owner, who is
/// elsewhere.
pub(super) struct Attempts {
    limiter: Limiter,
    hasher: RandomState,
    since_sweep: AtomicU32,
}

/// Where an attempt comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// An address; of IPv6 the network, of which everybody has plenty of addresses.
    Address(IpAddr),
    /// A connection of which no more is known.
    Connection(u64),
    /// Somewhere.
    Unknown,
}

impl Place {
    /// Where a call comes from; nowhere if the server makes it itself.
    pub(super) fn of(params: &Params) -> Option<Place> {
        let connection = || params.connection.as_ref().map(|connection| Place::Connection(connection.id()));
        let place = || params.address().map(Place::address).or_else(connection).unwrap_or(Place::Unknown);
        (!params.is_internal()).then(place)
    }

    pub(super) fn address(address: IpAddr) -> Place {
        Place::Address(network(address))
    }
}

impl Attempts {
    /// So many at once, and then so many in a span.
    pub(super) fn new(count: NonZeroU32, span: Duration) -> Result<Attempts> {
        let each = span / count.get();
        let quota = Quota::with_period(each).ok_or_else(|| Error::general("Attempts can not be limited in no time"))?;
        let limiter = RateLimiter::new(quota.allow_burst(count), HashMapStateStore::default(), MonotonicClock);
        Ok(Attempts { limiter, hasher: RandomState::new(), since_sweep: AtomicU32::new(0) })
    }

    pub(super) fn check(&self, name: &str, place: Place) -> Result<()> {
        if self.since_sweep.fetch_add(1, Ordering::Relaxed) >= SWEEP {
            self.since_sweep.store(0, Ordering::Relaxed);
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        // Hashed with a key that nobody knows: names are not kept, and none can be made to collide with another.
        let key = (self.hasher.hash_one(name.to_lowercase()), place);
        let refused = |_| Error::too_many_requests("Too many attempts, try again later");
        self.limiter.check_key(&key).map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ten() -> Attempts {
        Attempts::new(NonZeroU32::new(10).unwrap(), Duration::from_secs(3600)).unwrap()
    }

    fn at(address: &str) -> Place {
        Place::address(address.parse().unwrap())
    }

    #[test]
    fn who_guesses_is_stopped_and_the_owner_is_not() {
        let attempts = ten();
        let guesses = (0..20).filter(|_| attempts.check("Ann", at("6.6.6.6")).is_ok()).count();
        assert_eq!(guesses, 10);
        assert_eq!(attempts.check("ann", at("6.6.6.6")).unwrap_err().code(), 429);
        assert!(attempts.check("ann", at("1.2.3.4")).is_ok());
        assert!(attempts.check("bob", at("6.6.6.6")).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_place() {
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:2"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:1.2.3.4"), at("1.2.3.4"));
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let attempts = Attempts::new(NonZeroU32::new(10).unwrap(), Duration::from_micros(10)).unwrap();
        for n in 0..10_000 {
            attempts.check(&n.to_string(), Place::Unknown).unwrap();
        }
        assert!(attempts.limiter.len() <= 2 * SWEEP as usize + 2, "{}", attempts.limiter.len());
    }
}
