//! What connections may use up before they are sessions.

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
}
