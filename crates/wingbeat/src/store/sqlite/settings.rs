//! How a database is opened.

use rusqlite::{Connection, OpenFlags, Result};
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;

/// How a database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteSettings {
    /// How many threads read: as many as there are processors, at least 2 and at most 4. Queries that take long have
    /// threads of their own beside these, one fewer: they hold up no others, and leave them a processor.
    pub readers: u32,
    /// How long a call waits for its turn before it is answered with Unavailable: 5 seconds.
    pub busy_timeout: Duration,
    /// How long a [transaction](super::Sqlite::transaction) may take before it is rolled back, and answered with
    /// Unavailable: 3 seconds. Nobody else writes meanwhile, whatever it does or waits for; so it is less than
    /// `busy_timeout`, and one that never ends makes others wait, but fail none.
    pub transaction_timeout: Duration,
    /// Whether SQLite holds `REFERENCES` of the tables, and does what `ON DELETE` says: yes. SQLite's own default is no,
    /// and so is that of its drivers for Node (Knex among them): a schema from there may have references that its data
    /// does not keep. With no, a record that others refer to can be removed, and nothing cascades.
    pub foreign_keys: bool,
    /// Whether a write is on the disk before it is answered (SQLite's `synchronous = FULL`): no.
    ///
    /// What was answered survives the end of the program either way, whatever ends it. If the machine loses its power, or
    /// its system crashes, the last writes before that can be lost without this, up to the last checkpoint at worst; the
    /// file stays whole. With it nothing is lost that was answered, as far as the disk tells the truth. The price is one
    /// wait for the disk a commit: from a tenth of a millisecond to some milliseconds, which writes that come together
    /// share.
    pub durable: bool,
}

impl Default for SqliteSettings {
    fn default() -> SqliteSettings {
        let readers = available_parallelism().map_or(2, |processors| processors.get().clamp(2, 4) as u32);
        SqliteSettings {
            readers,
            busy_timeout: Duration::from_secs(5),
            transaction_timeout: Duration::from_secs(3),
            foreign_keys: true,
            durable: false,
        }
    }
}

impl SqliteSettings {
    /// Sets [`readers`](SqliteSettings::readers).
    #[must_use]
    pub fn readers(mut self, readers: u32) -> SqliteSettings {
        self.readers = readers;
        self
    }

    /// Sets [`busy_timeout`](SqliteSettings::busy_timeout).
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> SqliteSettings {
        self.busy_timeout = timeout;
        self
    }

    /// Sets [`transaction_timeout`](SqliteSettings::transaction_timeout).
    #[must_use]
    pub fn transaction_timeout(mut self, timeout: Duration) -> SqliteSettings {
        self.transaction_timeout = timeout;
        self
    }

    /// Sets [`foreign_keys`](SqliteSettings::foreign_keys).
    #[must_use]
    pub fn foreign_keys(mut self, held: bool) -> SqliteSettings {
        self.foreign_keys = held;
        self
    }

    /// Sets [`durable`](SqliteSettings::durable).
    #[must_use]
    pub fn durable(mut self, durable: bool) -> SqliteSettings {
        self.durable = durable;
        self
    }

    /// Opens a file to read and write it.
    pub(super) fn file(self, path: &Path) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(self.patience())?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", if self.durable { "full" } else { "normal" })?;
        self.set_up(connection)
    }

    /// Opens a file that is there to read it.
    pub(super) fn file_to_read(self, path: &Path) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        self.set_up(Connection::open_with_flags(path, flags)?)
    }

    pub(super) fn memory(self) -> Result<Connection> {
        self.set_up(Connection::open_in_memory()?)
    }

    fn set_up(self, connection: Connection) -> Result<Connection> {
        connection.pragma_update(None, "foreign_keys", self.foreign_keys)?;
        Ok(connection)
    }

    pub(super) fn long_readers(self) -> usize {
        self.readers.saturating_sub(1).max(1) as usize
    }

    /// While the file is opened: afterwards each call has a time of its own.
    fn patience(self) -> Duration {
        self.busy_timeout.min(Duration::from_secs(3600))
    }
}
