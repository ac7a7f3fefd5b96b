//! A bus over Redis: its publish and subscribe.

mod address;
mod gate;
mod sentinel;
mod session;
#[cfg(test)]
mod tests;

use super::link::{self, Arrivals};
use super::{Bus, BusConnection, Inbox};
use crate::BoxFuture;
use address::Address;
use session::RedisSession;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::{Error, Result};

/// Connects the nodes of an application over Redis, or what speaks as it does (Valkey, KeyDB): 6.0 or later.
///
/// ```no_run
/// use wingbeat::{bus, prelude::*, store::Memory};
///
/// # async fn run() -> Result<()> {
/// let app = App::builder()
///     .mount("notes", Mount::new(Memory::new()).publish(|_| channel("all")))
///     .bus(bus::Redis::new("redis://wingbeat:secret@redis.example.com:6379")?.prefix("notes"))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// It uses publish and subscribe alone: nothing is kept in Redis, so its memory does not grow. Each node has two connections,
/// one to send and one to hear. If one of them is lost, both are made again, the first time after 50 ms and in the end each
/// five seconds; what would be sent meanwhile is refused, and the application is told that it may miss something.
///
/// A user of Redis needs `resetchannels &notes:* +publish +subscribe +unsubscribe +ping +info` for the prefix `notes`. With
/// Redis Cluster any of its nodes is the right one, because each hears what the others are sent; with replicas that Sentinel
/// watches, say [`sentinels`](Redis::sentinels).
///
/// Who may publish under the prefix speaks to every client and logs users out: keep the server closed to others.
#[derive(Clone)]
pub struct Redis {
    address: Address,
    prefix: Arc<str>,
    silence: Duration,
    sentinels: Vec<Address>,
}

impl Redis {
    /// The server of a URL: `redis://user:password@host:port`, `rediss://…` for TLS (feature `tls`; `?sslrootcert=file` names
    /// the certificates that are trusted, if not the system's are), or `unix:/path` for a socket. Databases do not separate
    /// what is published, so a number in the URL has no effect on it; a [prefix](Redis::prefix) has.
    ///
    /// # Errors
    /// If the URL is invalid, or asks for what is not supported. The error does not show it: there may be a password.
    pub fn new(url: &str) -> Result<Redis> {
        let address = Address::read(url)?;
        Ok(Redis { address, prefix: "wingbeat".into(), silence: Duration::from_secs(5), sentinels: Vec::new() })
    }

    /// What all names in Redis begin with, `wingbeat` otherwise: applications with other prefixes do not hear each other. It
    /// has letters, digits, `.`, `_` and `-`; others are told at setup.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Redis {
        self.prefix = prefix.into();
        self
    }

    /// How long the server may be silent until it counts as lost; five seconds otherwise. It is asked for a sign of life twice
    /// in that time.
    #[must_use]
    pub fn silence(mut self, silence: Duration) -> Redis {
        self.silence = silence;
        self
    }

    /// Asks these Sentinels, in turn, where the master is, each time that it connects. `urls` are as for [`new`](Redis::new);
    /// the host of that URL is then the name under which they watch it (`redis://user:password@mymaster`).
    ///
    /// # Errors
    /// As [`new`](Redis::new), and if there are none.
    pub fn sentinels<'a>(mut self, urls: impl IntoIterator<Item = &'a str>) -> Result<Redis> {
        self.sentinels = urls.into_iter().map(Address::of_sentinel).collect::<Result<_>>()?;
        if self.sentinels.is_empty() {
            return Err(address::invalid("there are no Sentinels to ask"));
        }
        Ok(self)
    }
}

impl Bus for Redis {
    fn connect(&self, inbox: Arc<dyn Inbox>) -> BoxFuture<'_, Result<Arc<dyn BusConnection>>> {
        Box::pin(async move {
            super::check_prefix(&self.prefix)?;
            if self.silence.is_zero() {
                return Err(Error::general("Redis cannot answer in no time: give `silence` a span"));
            }
            link::connect(self.clone(), inbox).await
        })
    }
}

impl link::Broker for Redis {
    type Session = RedisSession;
    const NAME: &'static str = "Redis";

    fn silence(&self) -> Duration {
        self.silence
    }

    async fn open(&self, arrivals: Arc<Arrivals>) -> Result<RedisSession> {
        if self.sentinels.is_empty() {
            RedisSession::open(&self.address, self.prefix.clone(), arrivals).await
        } else {
            let master = sentinel::master(&self.sentinels, &self.address).await?;
            RedisSession::open(&master, self.prefix.clone(), arrivals).await
        }
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("address", &self.address).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
