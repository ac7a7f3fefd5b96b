//! Options that the reference server lacks: what a client, or all of them together, may use up.

use super::Config;
use crate::out::SMALL;

/// What may wait for one client if its messages are small.
const MIN_OUTBOX: usize = 4 << 20;
/// More cannot be counted.
const MAX_OUTBOX: usize = 1 << 31;

impl Config {
    /// How many bytes may wait to be sent to one client, beside one frame that has more than half of that by itself.
    ///
    /// Where half of it waits already, no further call of the client is begun until it has read some. What is too much
    /// nevertheless, events or answers of calls that were under way, ends the session with
    /// [`OutboxFull`](crate::Reason::OutboxFull); so does a frame of more than 1 GiB, which no JavaScript client could
    /// read. At least 4 KiB, at most 2 GiB.
    ///
    /// Default four times [`max_http_buffer_size`](Config::max_http_buffer_size), and not less than 4 MiB: who creates
    /// the largest record that may be gets it twice, as event and as answer, and others go on writing meanwhile.
    pub fn outbox_limit(mut self, bytes: usize) -> Config {
        self.outbox_limit = Some(bytes);
        self
    }

    /// How many bytes may wait to be sent to one client.
    pub(crate) fn most_waiting(&self) -> usize {
        let bytes = self.outbox_limit.unwrap_or_else(|| self.max_payload.saturating_mul(4).max(MIN_OUTBOX));
        bytes.clamp(SMALL, MAX_OUTBOX)
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
