mod access;
mod carrying;
mod cluster;
mod loss;
mod sentinel;
#[cfg(feature = "tls")]
mod tls;

use super::Redis;
use crate::BoxFuture;
use crate::bus::brokers::{self, Broker};
use crate::bus::contract::Node;
use crate::bus::{Bus, Inbox, Incoming};
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::Error;

/// Who expects to hear nothing.
struct Deaf;

impl Inbox for Deaf {
    fn arrived(&self, _: Incoming) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Why a connection is refused.
async fn refused(redis: &Redis) -> Error {
    match redis.connect(Arc::new(Deaf)).await {
        Ok(connection) => match connection.subscribed().await {
            Ok(()) => panic!("{redis:?} is connected"),
            Err(error) => error,
        },
        Err(error) => error,
    }
}

impl Broker {
    fn redis(&self) -> Redis {
        Redis::new(&self.url("redis")).unwrap().silence(Duration::from_secs(2))
    }
}
