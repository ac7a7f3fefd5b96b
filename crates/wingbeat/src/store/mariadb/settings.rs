//! How a database is reached.

use std::time::Duration;

/// How a database is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MariaDbSettings {
    /// How many connections there are at most: 10, and at least 1. Each serves one call, or transaction, at a time.
    pub connections: u32,
    /// How long a call waits for a connection before it is answered with Unavailable: 5 seconds. So long it may take to
    /// reach the server, too.
    pub wait: Duration,
    /// How long a statement may take: 10 seconds. The server ends it then.
    pub statement: Duration,
}

impl Default for MariaDbSettings {
    fn default() -> MariaDbSettings {
        MariaDbSettings { connections: 10, wait: Duration::from_secs(5), statement: Duration::from_secs(10) }
    }
}

impl MariaDbSettings {
    /// Sets [`connections`](MariaDbSettings::connections).
    #[must_use]
    pub fn connections(mut self, connections: u32) -> MariaDbSettings {
        self.connections = connections;
        self
    }

    /// Sets [`wait`](MariaDbSettings::wait).
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> MariaDbSettings {
        self.wait = wait;
        self
    }

    /// Sets [`statement`](MariaDbSettings::statement).
    #[must_use]
    pub fn statement(mut self, limit: Duration) -> MariaDbSettings {
        self.statement = limit;
        self
    }
}
