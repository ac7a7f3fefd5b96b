//! How often one address may come.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use wingbeat_protocol::Origin;

/// When each address may come again: what came lately, as the time until which it has used up its rate.
#[derive(Default)]
pub(crate) struct Rates(Mutex<(HashMap<Origin, u64>, u64)>);

/// So much may come at once as may come within this time, in microseconds.
const BURST: u64 = 10_000_000;
/// More addresses than these are looked through for those that may be forgotten, at most once a second.
const MANY: usize = 1024;

impl Rates {
    /// Whether one more may come at this time, in milliseconds.
    pub(crate) fn admit(&self, origin: Origin, per_second: u32, now: u64) -> bool {
        let now = now * 1000;
        let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (used, tidied) = &mut *rates;
        if used.len() > MANY && now >= *tidied + 1_000_000 {
            used.retain(|_, until| *until > now);
            *tidied = now;
        }
        let until = used.get(&origin).map_or(now, |until| now.max(*until)) + 1_000_000 / u64::from(per_second.max(1));
        let admitted = until <= now + BURST;
        if admitted {
            used.insert(origin, until);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn origin(text: &str, by_default: bool) -> Option<Origin> {
        Origin::counted(text.parse().unwrap(), by_default)
    }

    #[test]
    fn a_rate_allows_ten_seconds_worth_at_once_and_then_its_pace() {
        let (rates, origin) = (Rates::default(), origin("203.0.113.9", true).unwrap());
        let burst = (0..1000).filter(|_| rates.admit(origin, 20, 5)).count();
        assert_eq!(burst, 200);
        let later = (0..1000).filter(|_| rates.admit(origin, 20, 1005)).count();
        assert_eq!(later, 20);
    }

    #[test]
    fn addresses_that_may_come_again_are_forgotten() {
        let rates = Rates::default();
        for n in 0..5000u32 {
            let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0808_0000 + n));
            assert!(rates.admit(Origin::counted(address, true).unwrap(), 1, u64::from(n) * 100));
        }
        assert!(rates.0.lock().unwrap().0.len() <= MANY + 11);
    }
}
