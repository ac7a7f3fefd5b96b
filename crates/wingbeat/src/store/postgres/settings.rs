//! How a database is reached.

use std::time::Duration;

/// How a database is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresSettings {
    /// How many connections there are at most: 10, and at least 2. One in five is shared by calls that read a record by
    /// its id, many at a time; each of the others serves one call, or transaction, at a time.
    pub connections: u32,
    /// How long a call waits for a connection before it is answered with Unavailable: 5 seconds. So long it may take to
    /// reach the server, too.
    pub wait: Duration,
    /// How long a statement may take: 10 seconds. The server ends it then.
    pub statement: Duration,
}

impl Default for PostgresSettings {
    fn default() -> PostgresSettings {
        PostgresSettings { connections: 10, wait: Duration::from_secs(5), statement: Duration::from_secs(10) }
    }
}

impl PostgresSettings {
    /// Sets [`connections`](PostgresSettings::connections).
    #[must_use]
    pub fn connections(mut self, connections: u32) -> PostgresSettings {
        self.connections = connections;
        self
    }

    /// Sets [`wait`](PostgresSettings::wait).
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> PostgresSettings {
        self.wait = wait;
        self
    }

    /// Sets [`statement`](PostgresSettings::statement).
    #[must_use]
    pub fn statement(mut self, limit: Duration) -> PostgresSettings {
        self.statement = limit;
        self
    }

    /// How many connections many calls share.
    pub(super) fn shared(self) -> usize {
        (self.connections as usize / 5).max(1)
    }

    /// How many connections serve one call at a time.
    pub(super) fn own(self) -> usize {
        (self.connections as usize).saturating_sub(self.shared()).max(1)
    }
}
