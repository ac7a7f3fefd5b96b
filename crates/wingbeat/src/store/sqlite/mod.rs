//! Records in a SQLite file.

mod columns;
mod error;
mod fields;
mod migrate;
mod statement;
mod table;
#[cfg(test)]
mod tests;

pub use table::SqliteTable;

use crate::store::Table;
use error::mapped;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::path::Path;
use std::time::Duration;
use wingbeat_core::{Error, Result};

/// A SQLite database: one connection that writes, and several that read meanwhile (WAL). Clones share it.
///
/// Events leave in the order in which that connection has written. What is written by SQL of your own, by another process
/// or by a second handle to the file is not among it.
///
/// ```
/// use serde::Deserialize;
/// use serde_json::json;
/// use wingbeat::{Params, RawService, store::Sqlite};
///
/// #[derive(Deserialize)]
/// struct Message { id: i64, text: String }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wingbeat::Result<()> {
/// let db = Sqlite::memory().await?;
/// db.migrate(&[("messages", "CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")]).await?;
/// let messages = db.table::<Message>("messages").paginate(10, 50);
/// let created = messages.create(Some(json!({"text": "Hello"}).into()), &Params::new()).await?;
/// assert_eq!(created.into_value()?, json!({"id": 1, "text": "Hello"}));
/// # Ok(())
/// # }
/// ```
///
/// # Columns and JSON
/// A column's declared type says what it holds: `BOOLEAN` booleans, `INTEGER` whole numbers, `REAL` numbers, `TEXT` (and
/// dates) texts, `BLOB` bytes as base64 text, `JSON` any value. Data of another type is a BadRequest, and so is a field
/// that is no column, in data and queries. A type `T` with named fields is the view of the table: these fields, which
/// must all be columns, are read and written, other columns are not seen. With a type that keeps its fields to itself (a
/// map, `#[serde(flatten)]`) all columns are.
///
/// # Where the answers differ from those of [`Memory`](super::Memory)
/// * A field that was left out is null: SQL has no absent. `update` sets such columns to null.
/// * Members come in the order of the table's columns.
/// * Creating a record with an id that exists is a Conflict; so is every other violation of uniqueness. Other
///   constraints are BadRequests, those of foreign keys among them: they are held, unless
///   [`SqliteSettings::foreign_keys`] says otherwise.
/// * A text that looks like a number is a BadRequest for columns of types that SQLite takes for numeric (`UUID`, `DATE`,
///   and what it does not know): it would become a number.
/// * Collations, defaults, triggers and generated columns do what they say, except in groups (`$or`) and orders that
///   have JSON columns in them; generated columns in data are left out.
/// * Conditions and sorting on `JSON` columns, and [operators of your own](Table::operator), are answered exactly, but by
///   reading every record that the other conditions leave. A generated column with an index makes them fast, or an
///   operator that [SQL has as well](Table::sql_operator).
/// * Numbers beyond 64 bits lose precision.
#[derive(Clone, Debug)]
pub struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

/// How a database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteSettings {
    /// How many connections read: 4.
    pub readers: u32,
    /// How long a call waits for its turn before it is answered with Unavailable: 5 seconds.
    pub busy_timeout: Duration,
    /// Whether SQLite holds `REFERENCES` of the tables, and does what `ON DELETE` says: yes. SQLite's own default is no,
    /// and so is that of its drivers for Node (Knex among them): a schema from there may have references that its data
    /// does not keep. With no, a record that others refer to can be removed, and nothing cascades.
    pub foreign_keys: bool,
}

impl Default for SqliteSettings {
    fn default() -> SqliteSettings {
        SqliteSettings { readers: 4, busy_timeout: Duration::from_secs(5), foreign_keys: true }
    }
}

impl Sqlite {
    /// Opens a database file, and makes it if there is none.
    ///
    /// # Errors
    /// If the file can not be opened or is no database.
    pub async fn open(path: impl AsRef<Path>) -> Result<Sqlite> {
        Sqlite::open_with(path, SqliteSettings::default()).await
    }

    /// Opens a database file with settings of your own.
    ///
    /// # Errors
    /// As [`open`](Sqlite::open).
    pub async fn open_with(path: impl AsRef<Path>, settings: SqliteSettings) -> Result<Sqlite> {
        let path = path.as_ref();
        let failed = |error| Error::general(format!("Can not open the database {}", path.display())).with_source(error);
        let options = options(settings).filename(path).journal_mode(SqliteJournalMode::Wal);
        let options = options.synchronous(SqliteSynchronous::Normal);
        let writer = pool(settings, 1).connect_with(options.clone().create_if_missing(true)).await.map_err(failed)?;
        let readers = pool(settings, settings.readers.max(1)).connect_with(options.read_only(true)).await;
        Ok(Sqlite { writer, readers: readers.map_err(failed)? })
    }

    /// A database in memory, gone with its last handle. It has one connection for everything.
    ///
    /// # Errors
    /// If SQLite can not start.
    pub async fn memory() -> Result<Sqlite> {
        Sqlite::memory_with(SqliteSettings::default()).await
    }

    /// A database in memory with settings of your own; its one connection reads and writes.
    ///
    /// # Errors
    /// As [`memory`](Sqlite::memory).
    pub async fn memory_with(settings: SqliteSettings) -> Result<Sqlite> {
        let pool = pool(settings, 1).min_connections(1).connect_with(options(settings).in_memory(true)).await;
        let writer = pool.map_err(mapped)?;
        Ok(Sqlite { readers: writer.clone(), writer })
    }

    /// Brings the tables up to date: runs, in order and in one transaction, those `(name, sql)` that this database has
    /// not run yet, and remembers them in the table `_migrations`.
    ///
    /// # Errors
    /// If one fails, if one that has run differs from what ran then, or if the database has run one that is not listed
    /// in its place. Nothing is changed then.
    pub async fn migrate(&self, migrations: &[(&str, &str)]) -> Result<()> {
        migrate::migrate(&self.writer, migrations).await
    }

    /// The records of a table as a service, with `id` as id field; see [`Table`] for what it can do.
    ///
    /// The table is looked at when the application starts, or else by the first call: a table or a column that does not
    /// exist is an error there.
    pub fn table<T: DeserializeOwned>(&self, name: &str) -> Table<SqliteTable> {
        Table::over(SqliteTable::new(self.clone(), name, fields::of::<T>()))
    }

    /// The connection that writes, for SQL of your own.
    pub fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// The connections that read, for SQL of your own.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Waits for what runs and closes the connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn options(settings: SqliteSettings) -> SqliteConnectOptions {
    SqliteConnectOptions::new().foreign_keys(settings.foreign_keys).busy_timeout(settings.busy_timeout)
}

fn pool(settings: SqliteSettings, connections: u32) -> SqlitePoolOptions {
    let pool = SqlitePoolOptions::new().max_connections(connections).acquire_timeout(settings.busy_timeout);
    // A connection to a file does not go stale, and one to memory must never be replaced.
    pool.test_before_acquire(false).idle_timeout(None).max_lifetime(None)
}
