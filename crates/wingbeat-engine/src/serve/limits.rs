//! What connections may use up before they are sessions.

use hyper_util::rt::TokioTimer;
use std::time::Duration;

/// What connections may use up while they speak HTTP.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    pub(super) max_connections: usize,
    pub(super) max_header_bytes: usize,
    pub(super) header_timeout: Duration,
}

impl Default for HttpLimits {
    fn default() -> HttpLimits {
        HttpLimits { max_connections: 16_384, max_header_bytes: 16 * 1024, header_timeout: Duration::from_secs(10) }
    }
}

impl HttpLimits {
    /// How many connections may speak HTTP at a time: handshakes, polls and all other requests, but not WebSockets.
    /// Further ones are closed as they come. Default 16,384.
    pub fn max_connections(mut self, connections: usize) -> HttpLimits {
        self.max_connections = connections;
        self
    }

    /// How large the headers of one request may be. Larger ones are answered 431. Default 16 KiB, at least 8.
    pub fn max_header_bytes(mut self, bytes: usize) -> HttpLimits {
        self.max_header_bytes = bytes.max(8 * 1024);
        self
    }

    /// How long a connection has to send the headers of a request. Default 10 s.
    pub fn header_timeout(mut self, timeout: Duration) -> HttpLimits {
        self.header_timeout = timeout;
        self
    }

    pub(super) fn http1(&self) -> hyper::server::conn::http1::Builder {
        let mut http1 = hyper::server::conn::http1::Builder::new();
        http1.timer(TokioTimer::new()).header_read_timeout(self.header_timeout).max_buf_size(self.max_header_bytes);
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
