//! What connections may use up before they are sessions.

use super::head_timer::HeadTimer;
#[cfg(feature = "http2")]
use hyper_util::rt::TokioTimer;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::Semaphore;
use wingbeat_protocol::{AddressCount, AddressCounts, Origin};

/// No span is longer: what ends after it has to be a moment that can be named.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// What connections may use up while they speak HTTP. Spans are at most a year: a longer one counts as that.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    pub(super) max_connections: usize,
    pub(super) max_header_bytes: usize,
    pub(super) header_timeout: Duration,
    pub(super) keep_alive_timeout: Duration,
    pub(super) write_timeout: Duration,
    per_address: Option<usize>,
}

/// For addresses of the internet, unless something else is said.
const PER_ADDRESS: usize = 4096;

impl Default for HttpLimits {
    fn default() -> HttpLimits {
        HttpLimits {
            max_connections: 16_384,
            max_header_bytes: 16 * 1024,
            header_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            per_address: None,
        }
    }
}

impl HttpLimits {
    /// How many connections may speak HTTP at a time: handshakes, polls and all other requests, but not WebSockets.
    /// Further ones are closed as they come. Default 16,384; more than 2^61 - 1 are as many.
    pub fn max_connections(mut self, connections: usize) -> HttpLimits {
        self.max_connections = connections.min(Semaphore::MAX_PERMITS);
        self
    }

    /// How large the headers of one request may be. Larger ones are answered 431. Default 16 KiB, at least 8.
    pub fn max_header_bytes(mut self, bytes: usize) -> HttpLimits {
        self.max_header_bytes = bytes.max(8 * 1024);
        self
    }

    /// How long a connection has for the TLS handshake, for its first request, and for the headers of any. Then it is
    /// closed. Default 10 s.
    pub fn header_timeout(mut self, timeout: Duration) -> HttpLimits {
        self.header_timeout = timeout.min(LONGEST);
        self
    }

    /// How long a connection is kept that has had a request and waits for the next. Default 75 s: proxies and load
    /// balancers hold theirs for up to 60, and would send a request into one that is just being closed.
    pub fn keep_alive_timeout(mut self, timeout: Duration) -> HttpLimits {
        self.keep_alive_timeout = timeout.min(LONGEST);
        self
    }

    /// How long a client may take nothing of an answer before its connection is closed. Default 30 s.
    pub fn write_timeout(mut self, timeout: Duration) -> HttpLimits {
        self.write_timeout = timeout.min(LONGEST);
        self
    }

    /// How many of the connections one address may have. Further ones are closed as they come. An address is an IPv4
    /// address or an IPv6 network of 64 bits, and that of a proxy where there is one.
    ///
    /// Default 4,096 for addresses of the internet, and no limit for those of the machine and of private networks; a
    /// value that is set counts for all. At least 1.
    pub fn max_connections_per_address(mut self, connections: usize) -> HttpLimits {
        self.per_address = Some(connections);
        self
    }

    /// A place for a connection from this address: `None` where none is needed.
    ///
    /// # Errors
    /// If the address has as many as it may.
    pub(super) fn place_of(&self, address: IpAddr, counts: &AddressCounts) -> Result<Option<AddressCount>, ()> {
        let Some(origin) = Origin::counted(address, self.per_address.is_none()) else { return Ok(None) };
        counts.one_more(origin, self.per_address.unwrap_or(PER_ADDRESS)).map(Some).ok_or(())
    }

    pub(super) fn http1(&self, timer: HeadTimer) -> hyper::server::conn::http1::Builder {
        let mut http1 = hyper::server::conn::http1::Builder::new();
        http1.timer(timer).header_read_timeout(self.header_timeout).max_buf_size(self.max_header_bytes);
        http1
    }

    #[cfg(feature = "http2")]
    pub(super) fn http2(&self) -> hyper::server::conn::http2::Builder<hyper_util::rt::TokioExecutor> {
        let mut http2 = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new());
        // Who says nothing for long is asked whether it is still there.
        http2
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(self.max_header_bytes).unwrap_or(u32::MAX))
            .max_concurrent_streams(100)
            .keep_alive_interval(self.header_timeout)
            .keep_alive_timeout(self.header_timeout);
        http2
    }
}
