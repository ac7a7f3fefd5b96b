//! Where streams of events are, and what they may use up.

use std::time::Duration;
use wingbeat_core::{Error, Result};

/// Streams of events for clients without sockets, for [`Rest::events`](crate::Rest::events). A path alone is one with
/// the limits that are written here.
///
/// ```
/// use std::time::Duration;
/// use wingbeat::{Rest, transport::EventStreams};
///
/// let rest = Rest::new().events("sse");
/// let rest = Rest::new().events(EventStreams::at("live/events").heartbeat(Duration::from_secs(10)).max_streams(50_000));
/// ```
#[must_use = "hand it to `Rest::events`"]
#[derive(Clone, Debug)]
pub struct EventStreams {
    pub(super) path: Box<str>,
    pub(super) heartbeat: Duration,
    pub(super) max_streams: usize,
    pub(super) max_streams_per_address: Option<usize>,
    pub(super) outbox_limit: usize,
    pub(super) outbox_total: usize,
}

impl EventStreams {
    /// Streams at a path.
    pub fn at(path: impl Into<String>) -> EventStreams {
        EventStreams {
            path: path.into().trim_matches('/').into(),
            heartbeat: Duration::from_secs(25),
            max_streams: 16_384,
            max_streams_per_address: None,
            outbox_limit: 16 << 20,
            outbox_total: 256 << 20,
        }
    }

    /// After how long without an event a comment is sent, so that nobody on the way takes the stream for dead, and clients
    /// that have gone are noticed. Default 25 s, at least one millisecond.
    pub fn heartbeat(mut self, interval: Duration) -> EventStreams {
        self.heartbeat = interval.max(Duration::from_millis(1));
        self
    }

    /// How many streams there may be. Further ones are answered 503. Default 16,384.
    ///
    /// Over HTTP/1.1 each is a connection as well, which [`HttpLimits`](wingbeat_engine::HttpLimits) count.
    pub fn max_streams(mut self, streams: usize) -> EventStreams {
        self.max_streams = streams;
        self
    }

    /// How many streams one address may have. Further ones are answered 429. An address is an IPv4 address or an IPv6
    /// network of 64 bits; behind [trusted proxies](crate::Rest::trusted_proxies) it is the client's. At least 1.
    ///
    /// Default 1,000 for addresses of the internet, and no limit for those of the machine and of private networks; a value
    /// that is set counts for all.
    pub fn max_streams_per_address(mut self, streams: usize) -> EventStreams {
        self.max_streams_per_address = Some(streams.max(1));
        self
    }

    /// How many bytes may wait for one client. One that has more does not read, or not fast enough: its stream ends.
    /// Default 16 MiB.
    pub fn outbox_limit(mut self, bytes: usize) -> EventStreams {
        self.outbox_limit = bytes;
        self
    }

    /// How many bytes may wait for all clients together; an event that many wait for is counted once, and for each of them with 64 bytes. Where it is more,
    /// clients for which more than their share of it waits lose their streams when the next event comes for them; their
    /// share is this, divided by [`max_streams`](EventStreams::max_streams). Default 256 MiB.
    pub fn outbox_total(mut self, bytes: usize) -> EventStreams {
        self.outbox_total = bytes;
        self
    }

    /// # Errors
    /// If no request could have this path.
    pub(in super::super) fn check(&self, is_mounted: impl Fn(&str) -> bool) -> Result<()> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
        if self.path.split('/').any(str::is_empty) || !self.path.chars().all(is_plain) {
            return Err(Error::general(format!(
                "Invalid path of event streams '{}': write letters, digits, '-', '.', '_' and '~', with '/' between segments",
                self.path
            )));
        }
        if is_mounted(&self.path) {
            return Err(Error::general(format!(
                "A service is mounted at '{}', where event streams shall be: choose another path for one of them",
                self.path
            )));
        }
        Ok(())
    }
}

impl<P: Into<String>> From<P> for EventStreams {
    fn from(path: P) -> EventStreams {
        EventStreams::at(path)
    }
}
