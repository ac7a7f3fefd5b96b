//! Options that the reference server lacks: what a client, or all of them together, may use up.

use super::Config;

impl Config {
    /// How many bytes may wait to be sent to one client. Beyond that the session ends with
    /// [`OutboxFull`](crate::Reason::OutboxFull). Default 4 MiB.
    pub fn outbox_limit(mut self, bytes: usize) -> Config {
        self.outbox_limit = bytes;
        self
    }

    /// How many calls of one client may run at a time. Further ones wait, up to one payload; then the client is no
    /// longer read from. Default 128, at least 1.
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
        self.max_args = args;
        self
    }

    /// How many attachments an event may have. More end the session. Default 10, as in the reference's parser.
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
}
