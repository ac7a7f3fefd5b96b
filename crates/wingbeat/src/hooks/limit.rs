//! How often somebody may call.

use super::{Context, Hook};
use crate::BoxFuture;
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use serde_json::json;
use std::future::ready;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use wingbeat_core::{Error, Result};
use wingbeat_protocol::network;

/// After so many calls those are forgotten who have been quiet.
const SWEEP: u32 = 1000;
/// Of so many callers the calls are counted apart; whoever comes then shares one count, until some have been quiet.
const CALLERS: usize = 100_000;

/// Refuses clients' calls beyond so many a minute with TooManyRequests: each caller has its own count, by what `by` says of
/// it ([`by_address`], [`by_connection`], with authentication `auth::by_user`, or a function of yours). A caller may call so
/// often at once, and as fast as the minute goes by from then on; the error's `data.retryAfter` says in how many seconds the
/// next call will pass. Callers of whom `by` says nothing share one count. Calls that the server makes itself pass.
///
/// ```
/// use wingbeat::{hooks::{by_address, limit}, prelude::*, store::Memory};
///
/// let messages = Mount::new(Memory::new()).before(Create, limit(60, by_address));
/// ```
pub fn limit(per_minute: u32, by: impl Fn(&Context) -> Option<String> + Send + Sync + 'static) -> impl Hook {
    let quota = NonZeroU32::new(per_minute).map(Quota::per_minute);
    let limiter = quota.map(|quota| RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock));
    Limit { limiter, since_sweep: AtomicU32::new(0), by, callers: CALLERS }
}

/// The caller's address (of IPv6 its network), or its connection where that is not known.
pub fn by_address(context: &Context) -> Option<String> {
    let address = context.params.address().map(|address| network(address).to_string());
    address.or_else(|| by_connection(context))
}

/// The caller's connection.
pub fn by_connection(context: &Context) -> Option<String> {
    context.params.connection.as_ref().map(|connection| format!("connection {}", connection.id()))
}

type Limiter = RateLimiter<Option<String>, HashMapStateStore<Option<String>>, MonotonicClock, NoOpMiddleware<Instant>>;

struct Limit<F> {
    limiter: Option<Limiter>,
    since_sweep: AtomicU32,
    by: F,
    callers: usize,
}

impl<F: Fn(&Context) -> Option<String> + Send + Sync + 'static> Hook for Limit<F> {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(self.spend(context)))
    }

    fn check(&self) -> Result<()> {
        match self.limiter {
            Some(_) => Ok(()),
            None => Err(Error::general("`limit(0, …)` lets nobody call: use `disallow([\"external\"])` for that")),
        }
    }
}

impl<F: Fn(&Context) -> Option<String>> Limit<F> {
    fn spend(&self, context: &Context) -> Result<()> {
        let Some(limiter) = self.limiter.as_ref().filter(|_| !context.params.is_internal()) else { return Ok(()) };
        let is_full = limiter.len() >= self.callers;
        if is_full || self.since_sweep.fetch_add(1, Ordering::Relaxed) >= SWEEP {
            self.since_sweep.store(0, Ordering::Relaxed);
            limiter.retain_recent();
        }
        let caller = (self.by)(context).filter(|_| limiter.len() < self.callers);
        limiter.check_key(&caller).map_err(|refused| {
            let seconds = refused.wait_time_from(MonotonicClock.now()).as_secs() + 1;
            Error::too_many_requests("Too many calls, try again later").with_data(json!({ "retryAfter": seconds }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use crate::store::Memory;
    use crate::test::Client;

    fn app(hook: impl Hook) -> Result<App> {
        App::builder().mount("notes", Mount::new(Memory::new()).before(Find, hook)).build()
    }

    #[tokio::test]
    async fn who_calls_too_often_is_told_when_to_come_back_and_others_go_on() {
        let app = app(limit(3, by_connection)).unwrap();
        let (one, two) = (Client::connect(&app).await.unwrap(), Client::connect(&app).await.unwrap());
        for _ in 0..3 {
            one.service("notes").find().await.unwrap();
        }
        let refused = one.service("notes").find().await.unwrap_err();
        assert_eq!(refused.code(), 429);
        assert!((1..=20).contains(&refused.data().unwrap()["retryAfter"].as_u64().unwrap()));
        two.service("notes").find().await.unwrap();
        for _ in 0..10 {
            app.service("notes").find(Params::new()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn more_callers_than_are_counted_apart_share_one_count() {
        let limit = Limit {
            limiter: Some(RateLimiter::new(
                Quota::per_minute(NonZeroU32::new(2).unwrap()),
                HashMapStateStore::default(),
                MonotonicClock,
            )),
            since_sweep: AtomicU32::new(0),
            by: by_connection,
            callers: 2,
        };
        let app = app(limit).unwrap();
        let mut passed = Vec::new();
        for _ in 0..5 {
            let client = Client::connect(&app).await.unwrap();
            passed.push(client.service("notes").find().await.is_ok());
        }
        assert_eq!(passed, [true, true, true, true, false]);
    }

    #[test]
    fn a_limit_of_nothing_is_not_built() {
        assert!(app(limit(0, by_address)).unwrap_err().message().contains("disallow"));
    }
}
