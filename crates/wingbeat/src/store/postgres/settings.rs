//! How a database is reached.

use std::time::Duration;

/// How a database is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresSettings {
    /// How many connections there are at most: 10, and at least 2. One in five is shared by calls that read a record by
    /// its id, many at a time, and from five on one in five by finds that have been short before; each of the others serves
    /// one call, or transaction, at a time.
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

    /// How many connections reads by a key share, how many finds do, and how many serve one call each.
    pub(super) fn parts(self) -> [usize; 3] {
        let finds = self.connections as usize / 5;
        let keys = finds.max(1);
        [keys, finds, (self.connections as usize).saturating_sub(keys + finds).max(1)]
    }
}
