//! Options that the reference server lacks: what a client, or all of them together, may use up.

use super::Config;
use crate::outbox::SMALL;
use std::time::Duration;

/// What may wait for one client if its messages are small.
const MIN_OUTBOX: usize = 4 << 20;
/// What may wait for all.
const MIN_TOTAL: usize = 256 << 20;
/// More cannot be counted.
const MAX_OUTBOX: usize = 1 << 31;

impl Config {
    /// How many bytes that are sent to one client alone may wait for it, beside one frame that has more than half of that
    /// by itself.
    ///
    /// Where half of it waits already, of whatever kind, no further call of the client is begun until it has taken some.
    /// So the answers of its calls need no limit: those that are under way then are kept. Nor do events that are published
    /// to many, which are counted [for all](Config::outbox_total): that much happened at once is no fault of who listens.
    /// Only where nothing can be made to wait, for what is sent to a single socket ([`Socket::send`](crate::Socket::send))
    /// and for answers to a WebSocket's pings, more ends the session with [`OutboxFull`](crate::Reason::OutboxFull); so does
    /// a frame of more than 1 GiB, which no JavaScript client could read. At least 4 KiB, at most 2 GiB.
    ///
    /// Default four times [`max_http_buffer_size`](Config::max_http_buffer_size), and not less than 4 MiB: who creates
    /// the largest record that may be gets it twice, as event and as answer, and others go on writing meanwhile.
    pub fn outbox_limit(mut self, bytes: usize) -> Config {
        self.outbox_limit = Some(bytes);
        self
    }

    /// How many bytes that are sent to one client alone may wait for it.
    pub fn most_waiting(&self) -> usize {
        let bytes = self.outbox_limit.unwrap_or_else(|| self.max_payload.saturating_mul(4).max(MIN_OUTBOX));
        bytes.clamp(SMALL, MAX_OUTBOX).min(self.outbox_total.map_or(MAX_OUTBOX, |total| total.max(SMALL)))
    }

    /// How long a client may seem to be there that has gone: until the next ping, and as long as its answer may take.
    pub fn loss_unnoticed(&self) -> Duration {
        self.ping_interval.saturating_add(self.ping_timeout)
    }

    /// How many bytes may wait for all clients together, each counted as often as it is in memory: an event that thousands
    /// wait for is there once.
    ///
    /// Where it is more, the slowest clients are closed with [`OutboxFull`](crate::Reason::OutboxFull), those for which the
    /// most waits first, until there is room. Choose it by the memory that there is. For one client alone no more than
    /// 2 GiB wait.
    ///
    /// Default 256 MiB, and not less than four times [`outbox_limit`](Config::outbox_limit). At least 4 KiB.
    pub fn outbox_total(mut self, bytes: usize) -> Config {
        self.outbox_total = Some(bytes);
        self
    }

    /// How many bytes may wait for all clients together.
    pub(crate) fn most_for_all(&self) -> usize {
        self.outbox_total.unwrap_or_else(|| self.most_waiting().saturating_mul(4).max(MIN_TOTAL)).max(SMALL)
    }

    /// How many bytes in a second a client has to take of what waits for it, on the average of
    /// [`ping_timeout`](Config::ping_timeout) or longer.
    ///
    /// One that takes so much is not closed for the rest, however much that is, and has more time to answer a ping that it
    /// may not have seen. One that takes less is not there any more, and ends with
    /// [`PingTimeout`](crate::Reason::PingTimeout). Default 1024, at least 1.
    pub fn min_data_rate(mut self, bytes_per_second: u32) -> Config {
        self.min_data_rate = bytes_per_second.max(1);
        self
    }

    /// How many calls of one client may run at a time. Further ones wait, until they are more than one payload may hold;
    /// then the client is no longer read from. The last of them, with its attachments, is kept whole. Default 128, at
    /// least 1.
    pub fn max_running_calls(mut self, calls: usize) -> Config {
        self.max_running = calls.max(1);
        self
    }

    /// How many calls may go on running though their clients are gone. Further ones are dropped. Default 10,000.
    pub fn max_orphaned_calls(mut self, calls: usize) -> Config {
        self.max_orphans = calls;
        self
    }

    /// How many arguments an event may have. More end the session. Default 64.
    pub fn max_args(mut self, args: usize) -> Config {
        // With the name it is one more.
        self.max_args = args.min(usize::MAX - 1);
        self
    }

    /// How many attachments one packet may have. A client that sends more ends its session. What services answer and
    /// publish keeps to it as well: an answer with more becomes GeneralError, an event with more is logged and not sent.
    /// Default 10, as in the reference's parser.
    pub fn max_attachments(mut self, attachments: usize) -> Config {
        self.max_attachments = attachments;
        self
    }

    /// How many namespaces one client may join. One more ends the session. Default 64.
    pub fn max_namespaces(mut self, namespaces: usize) -> Config {
        self.max_namespaces = namespaces;
        self
    }

    /// How many sessions there may be. Further handshakes are answered 503. Default 1,000,000.
    pub fn max_connections(mut self, connections: usize) -> Config {
        self.max_connections = connections;
        self
    }

    /// How many sessions one address may have. Further handshakes are answered 429. An address is an IPv4 address or an
    /// IPv6 network of 64 bits; behind [trusted proxies](Config::trusted_proxies) it is the client's. At least 1.
    ///
    /// Default 10,000 for addresses of the internet, and no limit for those of the machine and of private networks, which
    /// are often a proxy that nobody has named; a value that is set counts for all.
    pub fn max_connections_per_address(mut self, connections: usize) -> Config {
        self.connections_per_address = Some(connections);
        self
    }

    /// How many sessions one address may begin in a second, in the long run; at once it may begin those of ten seconds.
    /// Further handshakes are answered 429. Default 100, for the addresses of
    /// [`max_connections_per_address`](Config::max_connections_per_address); at least 1, and more than a million are no
    /// limit.
    pub fn max_handshakes_per_second(mut self, handshakes: u32) -> Config {
        self.handshakes_per_address = Some(handshakes.max(1));
        self
    }

    /// How many events one client may send in a second, in the long run; at once it may send those of one second. One
    /// that sends more is read from no faster, and waits. Joining a namespace counts as an event. Default no limit: many
    /// events of one client never delay others', and how many are too many, only the application can say. At least 1.
    pub fn max_events_per_second(mut self, events: u32) -> Config {
        self.events_per_second = Some(events.max(1));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_wait_follows_the_largest_message_unless_it_is_set() {
        let config = Config::default();
        assert_eq!(config.most_waiting(), 4 << 20);
        assert_eq!(config.clone().max_http_buffer_size(1000).most_waiting(), 4 << 20);
        assert_eq!(config.clone().max_http_buffer_size(10 << 20).most_waiting(), 40 << 20);
        assert_eq!(config.clone().outbox_limit(7000).max_http_buffer_size(10 << 20).most_waiting(), 7000);
        assert_eq!(config.clone().outbox_limit(0).most_waiting(), 4096);
        assert_eq!(config.max_http_buffer_size(usize::MAX).most_waiting(), 1 << 31);
    }
}
