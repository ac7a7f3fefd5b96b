//! How often somebody may try.
//!
//! Each name has from each place a moment until which what was tried is paid for, which every attempt moves on by the
//! time that it costs (the generic cell rate algorithm). An attempt that succeeds takes its own step back: so only those
//! count that failed, and those that are under way.

use crate::locked;
use crate::service::Params;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use wingbeat_core::{Error, Result};
use wingbeat_protocol::network;

/// After so many attempts it is looked whether something can be forgotten.
const SWEEP: u32 = 256;

/// The longest span: sums of such spans do not overflow.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// A name from a place.
type Key = (u64, AttemptOrigin);

/// Counts attempts by name and place, so that who guesses at somebody's password does not lock out its owner, who is
/// elsewhere.
pub(in crate::auth) struct Attempts {
    /// What one attempt costs.
    each: Duration,
    /// How far ahead of the time the attempts may be.
    span: Duration,
    start: Instant,
    hasher: RandomState,
    usage: Mutex<Usage>,
}

#[derive(Default)]
struct Usage {
    /// Since the start.
    until: HashMap<Key, Duration>,
    since_sweep: u32,
}

/// An attempt that counts, until it is [forgiven](Attempts::forgive).
#[derive(Debug)]
pub(in crate::auth) struct CountedAttempt(Key);

/// Where an attempt comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::auth) enum AttemptOrigin {
    /// An address; of IPv6 the network, of which everybody has plenty of addresses.
    Address(IpAddr),
    /// A connection whose address is unknown.
    Connection(u64),
    /// Neither is known.
    Unknown,
}

impl AttemptOrigin {
    /// Where a call comes from; `None` if the server makes it itself.
    pub(in crate::auth) fn of(params: &Params) -> Option<AttemptOrigin> {
        let connection = || params.connection.as_ref().map(|connection| AttemptOrigin::Connection(connection.id()));
        let place =
            || params.address().map(AttemptOrigin::address).or_else(connection).unwrap_or(AttemptOrigin::Unknown);
        (!params.is_internal()).then(place)
    }

    pub(in crate::auth) fn address(address: IpAddr) -> AttemptOrigin {
        AttemptOrigin::Address(network(address))
    }
}

impl Attempts {
    /// So many at once, and then so many in a span.
    pub(in crate::auth) fn new(count: NonZeroU32, span: Duration) -> Result<Attempts> {
        let each = span.min(LONGEST) / count.get();
        if each.is_zero() {
            return Err(Error::general(
                "Invalid limit of attempts: the time span is too short. Write 60 s, for example",
            ));
        }
        let (start, hasher) = (Instant::now(), RandomState::new());
        Ok(Attempts { each, span: each * count.get(), start, hasher, usage: Mutex::default() })
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// TooManyRequests if there were too many.
    pub(in crate::auth) fn count(&self, name: &str, place: AttemptOrigin) -> Result<CountedAttempt> {
        self.count_at(self.start.elapsed(), name, place)
    }

    fn count_at(&self, now: Duration, name: &str, place: AttemptOrigin) -> Result<CountedAttempt> {
        // Hashed with a key that nobody knows: names are not kept, and none can be made to collide with another.
        let key = (self.hasher.hash_one(name.to_lowercase()), place);
        let mut usage = locked(&self.usage);
        usage.since_sweep += 1;
        if usage.since_sweep > SWEEP {
            usage.since_sweep = 0;
            usage.until.retain(|_, until| *until > now);
            usage.until.shrink_to_fit();
        }
        let until = usage.until.get(&key).copied().unwrap_or_default().max(now) + self.each;
        if until - now > self.span {
            return Err(Error::too_many_requests("Too many attempts, try again later"));
        }
        usage.until.insert(key.clone(), until);
        Ok(CountedAttempt(key))
    }

    /// These attempts have succeeded.
    pub(in crate::auth) fn forgive(&self, counted: Vec<CountedAttempt>) {
        let mut usage = locked(&self.usage);
        for CountedAttempt(key) in counted {
            if let Some(until) = usage.until.get_mut(&key) {
                *until = until.saturating_sub(self.each);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ten() -> Attempts {
        Attempts::new(NonZeroU32::new(10).unwrap(), Duration::from_secs(3600)).unwrap()
    }

    fn at(address: &str) -> AttemptOrigin {
        AttemptOrigin::address(address.parse().unwrap())
    }

    #[test]
    fn who_guesses_is_stopped_and_the_owner_is_not() {
        let attempts = ten();
        let guesses = (0..20).filter(|_| attempts.count("Ann", at("6.6.6.6")).is_ok()).count();
        assert_eq!(guesses, 10);
        assert_eq!(attempts.count("ann", at("6.6.6.6")).unwrap_err().code(), 429);
        assert!(attempts.count("ann", at("1.2.3.4")).is_ok());
        assert!(attempts.count("bob", at("6.6.6.6")).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_place() {
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:2"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:1.2.3.4"), at("1.2.3.4"));
    }

    #[test]
    fn only_what_fails_counts_and_what_is_under_way() {
        let (attempts, now) = (ten(), Duration::ZERO);
        for _ in 0..100 {
            let counted = attempts.count_at(now, "ann", at("1.2.3.4")).unwrap();
            attempts.forgive(vec![counted]);
        }
        let under_way: Vec<_> = std::iter::from_fn(|| attempts.count_at(now, "ann", at("1.2.3.4")).ok()).collect();
        assert_eq!(under_way.len(), 10);
        attempts.forgive(under_way.into_iter().take(3).collect());
        assert_eq!(std::iter::from_fn(|| attempts.count_at(now, "ann", at("1.2.3.4")).ok()).count(), 3);
        let later = Duration::from_secs(360);
        assert!(attempts.count_at(later, "ann", at("1.2.3.4")).is_ok(), "one in a tenth of the span");
        assert!(attempts.count_at(later, "ann", at("1.2.3.4")).is_err());
    }

    #[test]
    fn a_span_without_end_is_a_long_one() {
        let attempts = Attempts::new(NonZeroU32::new(2).unwrap(), Duration::MAX).unwrap();
        assert_eq!((0..5).filter(|_| attempts.count("ann", AttemptOrigin::Unknown).is_ok()).count(), 2);
        assert!(Attempts::new(NonZeroU32::new(2).unwrap(), Duration::from_nanos(1)).is_err());
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let attempts = Attempts::new(NonZeroU32::new(10).unwrap(), Duration::from_micros(10)).unwrap();
        for n in 0..10_000 {
            attempts.count(&n.to_string(), AttemptOrigin::Unknown).unwrap();
        }
        let kept = locked(&attempts.usage).until.len();
        assert!(kept <= 2 * SWEEP as usize + 2, "{kept}");
    }
}
