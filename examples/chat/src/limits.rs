//! What one visitor may do in a time, so that there is room for the others.
//!
//! A visitor is an address (of IPv6 its network), whatever connections come from there: who connects anew begins no new
//! count. How many connections that may be is an option of the program.

use crate::people::{Introduction, Person};
use governor::clock::MonotonicClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use wingbeat::{
    hooks::{Hook, sync},
    prelude::*,
};

/// After so many calls those are forgotten who have been quiet.
const SWEEP: u32 = 1000;

type Limiter = RateLimiter<Visitor, HashMapStateStore<Visitor>, MonotonicClock, NoOpMiddleware<Instant>>;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Visitor {
    Address(IpAddr),
    Connection(u64),
}

/// So many at once, then one each `every`.
struct Limit {
    limiter: Limiter,
    since_sweep: AtomicU32,
    told: &'static str,
}

/// A hook: names that are said, of which all are told.
pub(crate) fn names(connections: usize) -> impl Hook {
    // After a restart of the server all who are allowed say theirs, and some of them twice.
    let everybody = u32::try_from(connections.saturating_mul(2)).unwrap_or(u32::MAX);
    let first = Limit::new(everybody, Duration::from_millis(200), "Many have come from your address: wait a moment");
    let next = Limit::new(20, Duration::from_secs(5), "You have changed your name often: wait a while with the next");
    sync(move |context| match context.params.extension::<Person>() {
        None => first.spend(context, 1),
        Some(person) if context.data_as::<Introduction>()?.is(&person) => Ok(()),
        Some(_) => next.spend(context, 1),
    })
}

/// A hook: another room for a connection that is in one. All are told of it.
pub(crate) fn moves() -> impl Hook {
    let limit = Limit::new(100, Duration::from_millis(500), "You have changed rooms often: wait a moment");
    sync(move |context| {
        let person = context.params.extension::<Person>();
        if person.is_some_and(|person| person.room_id.is_some()) { limit.spend(context, 1) } else { Ok(()) }
    })
}

/// A hook: accounts.
pub(crate) fn accounts() -> impl Hook {
    let told = "Many accounts were made from your address: wait some minutes with the next";
    let limit = Limit::new(50, Duration::from_secs(60), told);
    sync(move |context| limit.spend(context, 1))
}

/// A hook: rooms, which stay for good.
pub(crate) fn rooms() -> impl Hook {
    let limit = Limit::new(10, Duration::from_secs(600), "You have made many rooms: wait some minutes with the next");
    sync(move |context| limit.spend(context, 1))
}

/// A hook: messages, and their bytes.
pub(crate) fn messages() -> impl Hook {
    let told = "You have sent much in a short time: wait a moment with the next message";
    let count = Limit::new(500, Duration::from_millis(200), told);
    let bytes = Limit::new(1_000_000, Duration::from_micros(500), told);
    sync(move |context| {
        let size: usize = context.items_mut()?.iter().filter_map(|item| item["text"].as_str()).map(str::len).sum();
        count.spend(context, 1)?;
        bytes.spend(context, u32::try_from(size).unwrap_or(u32::MAX))
    })
}

/// A hook: telling a room that one is typing.
pub(crate) fn typing() -> impl Hook {
    let limit = Limit::new(50, Duration::from_millis(200), "You have typed much in a short time");
    sync(move |context| limit.spend(context, 1))
}

/// A hook: asking what one has missed in many rooms.
pub(crate) fn unread() -> impl Hook {
    let limit = Limit::new(500, Duration::from_millis(200), "You have reloaded the page often: wait a moment");
    sync(move |context| limit.spend(context, 1))
}

impl Limit {
    fn new(at_once: u32, every: Duration, told: &'static str) -> Limit {
        let at_once = NonZeroU32::new(at_once).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(every).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(at_once);
        let limiter = RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock);
        Limit { limiter, since_sweep: AtomicU32::new(0), told }
    }

    fn spend(&self, context: &Context, amount: u32) -> Result<()> {
        let Some(amount) = NonZeroU32::new(amount) else { return Ok(()) };
        if context.params.is_internal() {
            return Ok(());
        }
        if self.since_sweep.fetch_add(1, Ordering::Relaxed) >= SWEEP {
            self.since_sweep.store(0, Ordering::Relaxed);
            self.limiter.retain_recent();
        }
        let connection = context.params.connection.as_ref().map_or(0, Connection::id);
        let visitor = context.params.address().map_or(Visitor::Connection(connection), Visitor::of);
        match self.limiter.check_key_n(&visitor, amount) {
            Ok(Ok(())) => Ok(()),
            _ => Err(Error::too_many_requests(self.told)),
        }
    }
}

impl Visitor {
    fn of(address: IpAddr) -> Visitor {
        Visitor::Address(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            address => address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visitor::{self, opened};
    use serde_json::json;

    #[test]
    fn a_visitor_is_an_address_or_an_ipv6_network() {
        let visitor = |text: &str| Visitor::of(text.parse().unwrap());
        assert!(
            visitor("2001:db8::1") == visitor("2001:db8::2:3") && visitor("2001:db8::1") != visitor("2001:db8:0:1::1")
        );
        assert!(visitor("::ffff:10.0.0.1") == visitor("10.0.0.1") && visitor("10.0.0.1") != visitor("10.0.0.2"));
    }

    #[tokio::test]
    async fn who_does_too_much_is_told_to_wait_and_others_go_on() {
        let app = opened().await;
        let eve = visitor::Visitor::new(&app, "Eve", 1).await;
        let ada = visitor::Visitor::new(&app, "Ada", 1).await;
        for (path, method, at_once, told) in [
            ("users", "create", 50, "Many accounts were made from your address: wait some minutes with the next"),
            ("people", "create", 20, "You have changed your name often: wait a while with the next"),
            ("rooms", "create", 10, "You have made many rooms: wait some minutes with the next"),
            ("rooms", "enter", 100, "You have changed rooms often: wait a moment"),
            ("messages", "typing", 50, "You have typed much in a short time"),
        ] {
            let call = async |visitor: &visitor::Visitor, who: &str, turn: usize| match method {
                "create" => {
                    let name = format!("{who} {path} {}", letters(turn));
                    visitor.create(path, json!({ "name": name, "password": "correct horse" })).await
                }
                _ => visitor.call(path, method, json!({ "id": 1, "roomId": 1 })).await,
            };
            for turn in 0..at_once {
                call(&eve, "Eve", turn).await.unwrap();
            }
            let mut refused = None;
            for turn in at_once..2 * at_once {
                refused = refused.or(call(&eve, "Eve", turn).await.err());
            }
            let refused = refused.unwrap();
            assert_eq!((refused.code(), refused.message()), (429, told), "{path} {method}");
            call(&ada, "Ada", 0).await.unwrap();
        }
    }

    /// Of digits some could be taken for letters.
    fn letters(number: usize) -> String {
        ["abcdefgh", "stuvwxyz"].iter().zip([number / 8, number % 8]).map(|(all, at)| &all[at % 8..=at % 8]).collect()
    }

    #[tokio::test]
    async fn who_comes_and_goes_is_counted_and_who_says_the_same_name_again_is_not() {
        let app = opened().await;
        let eve = visitor::Visitor::member(&app, "Eve").await;
        let ada = visitor::Visitor::new(&app, "Ada", 1).await;
        for _ in 0..100 {
            ada.create("people", json!({ "name": "Ada" })).await.unwrap();
        }
        let refused = loop {
            eve.sign_out().await.unwrap();
            eve.sign_in("Eve", "correct horse").await.unwrap();
            if let Err(refused) = eve.create("people", json!({ "name": "Eve" })).await {
                break refused;
            }
        };
        assert_eq!((refused.code(), refused.message()), (429, "Many have come from your address: wait a moment"));
    }

    #[tokio::test]
    async fn the_bytes_of_messages_count_as_well_as_the_messages() {
        let app = opened().await;
        let eve = visitor::Visitor::new(&app, "Eve", 1).await;
        let text = "🦀".repeat(2000);
        let mut stored = 0;
        let refused = loop {
            let message = json!({ "uid": stored.to_string(), "roomId": 1, "text": text });
            match eve.create("messages", message).await {
                Ok(_) => stored += 1,
                Err(refused) => break refused,
            }
        };
        assert_eq!(refused.code(), 429);
        assert!((125..400).contains(&stored), "{stored} of 8,000 bytes were stored");
    }
}
