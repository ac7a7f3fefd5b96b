//! Records in a SQLite file.

mod asking;
mod batch;
mod bound;
mod column;
mod columns;
mod dialect;
mod error;
mod group;
mod job;
mod line;
mod migrate;
mod near;
mod progress;
mod row;
mod running;
mod select;
mod session;
mod settings;
mod statement;
mod table;
#[cfg(test)]
mod tests;
mod transaction;
mod worker;

pub use settings::SqliteSettings;
pub use table::SqliteTable;
pub use transaction::SqliteTransaction;

use crate::store::shape::Shape;
use crate::store::sql::transaction::Open;
use crate::store::{Table, sql::fields_of};
use job::{Reading, Work, Writing};
use line::Line;
use near::Near;
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use std::fmt;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::sync::watch;
use wingbeat_core::{Error, Result};

/// A SQLite database: one thread that writes, and several that read meanwhile (WAL). Clones share it.
///
/// Calls wait for these threads in a fair queue: who asks for much waits behind his own calls, and finds that take long have
/// threads of their own. Writes that come together
/// are committed together, and answered after the commit. A call whose caller has gone, or whose time is over, is dropped
/// or interrupted. A record that is asked for by its key alone is read at once, by the thread that asks.
///
/// Events leave in the order in which that thread has written. What is written by SQL of your own, by another process
/// or by a second handle to the file is not among it.
///
/// ```
/// use serde::Deserialize;
/// use serde_json::json;
/// use wingbeat::{Params, service::RawService, store::Sqlite};
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
#[derive(Clone)]
pub struct Sqlite(Arc<Shared>);

struct Shared {
    writer: Arc<Line>,
    /// With threads of its own for what takes long. In memory the same one.
    readers: Arc<Line>,
    near: Near,
    transaction_timeout: Duration,
    /// Knows when all threads have ended.
    alive: watch::Sender<()>,
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
        let path: Arc<PathBuf> = Arc::new(path.as_ref().to_owned());
        let failed = |error| Error::general(format!("Can not open the database {}", path.display())).with_source(error);
        let threads = settings.readers.max(1) as usize;
        let long = Line::new(settings.long_readers(), settings.busy_timeout);
        let readers = Line::with_long(threads, long);
        let db = Sqlite::of(settings, Some(readers));
        let file = path.clone();
        let open = move || settings.file(&file);
        // Who closes the file last puts all into it, and those that read cannot.
        let (reading, readers) = mpsc::channel::<()>();
        let last = move || readers.recv().unwrap_or_default();
        worker::start(&db.0.writer, 0, "sqlite-writer", db.0.alive.subscribe(), last, open).await?.map_err(failed)?;
        let long = db.0.readers.long.iter().map(|line| (line, "sqlite-long"));
        for (line, name) in iter::once((&db.0.readers, "sqlite-reader")).chain(long) {
            for thread in 0..line.threads() {
                let file = path.clone();
                let open = move || settings.file_to_read(&file);
                let alive = (reading.clone(), db.0.alive.subscribe());
                worker::start(line, thread, name, alive, || (), open).await?.map_err(failed)?;
            }
        }
        db.0.near.open(|| settings.file_to_read(&path)).map_err(failed)?;
        Ok(db)
    }

    /// A database in memory, gone with its last handle. It has one thread for everything.
    ///
    /// # Errors
    /// If SQLite can not start.
    pub async fn memory() -> Result<Sqlite> {
        Sqlite::memory_with(SqliteSettings::default()).await
    }

    /// A database in memory with settings of your own; its one thread reads and writes.
    ///
    /// # Errors
    /// As [`memory`](Sqlite::memory).
    pub async fn memory_with(settings: SqliteSettings) -> Result<Sqlite> {
        let db = Sqlite::of(settings, None);
        let open = move || settings.memory();
        worker::start(&db.0.writer, 0, "sqlite", db.0.alive.subscribe(), || (), open).await?.map_err(error::mapped)?;
        Ok(db)
    }

    fn of(settings: SqliteSettings, readers: Option<Line>) -> Sqlite {
        let writer = Arc::new(Line::new(1, settings.busy_timeout));
        let readers = readers.map_or_else(|| writer.clone(), Arc::new);
        Sqlite(Arc::new(Shared {
            writer,
            readers,
            near: Near::default(),
            transaction_timeout: settings.transaction_timeout,
            alive: watch::Sender::new(()),
        }))
    }

    /// Brings the tables up to date: runs, in order and in one transaction, those `(name, sql)` that this database has
    /// not run yet, and remembers them in the table `_migrations`.
    ///
    /// # Errors
    /// If one fails, if one that has run differs from what ran then, or if the database has run one that is not listed
    /// in its place. Nothing is changed then.
    pub async fn migrate(&self, migrations: &[(&str, &str)]) -> Result<()> {
        let owned = |(name, sql): &(&str, &str)| ((*name).to_owned(), (*sql).to_owned());
        let migrations: Vec<_> = migrations.iter().map(owned).collect();
        self.write(move |connection| migrate::migrate(connection, &migrations)).await
    }

    /// The records of a table as a service, with `id` as id field; see [`Table`] for what it can do.
    ///
    /// The table is looked at when the application starts, or else by the first call: a table or a column that does not
    /// exist is an error there.
    pub fn table<T: DeserializeOwned>(&self, name: &str) -> Table<SqliteTable> {
        Table::over(SqliteTable::new(self.clone(), name, fields_of::<T>()))
    }

    /// Reads with SQL of your own, on one of the threads that read: nothing can be written. Within a
    /// [transaction](Sqlite::within) it is a part of that, and sees what has been written there. Errors that come through
    /// `?` are told to clients as those of tables are.
    ///
    /// ```
    /// # use wingbeat::store::Sqlite;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> wingbeat::Result<()> {
    /// # let db = Sqlite::memory().await?;
    /// # db.migrate(&[("messages", "CREATE TABLE messages (id INTEGER PRIMARY KEY, roomId INTEGER)")]).await?;
    /// let room = 7;
    /// let count: i64 = db
    ///     .read(move |connection| {
    ///         let mut count = connection.prepare_cached("SELECT count(*) FROM messages WHERE roomId = ?")?;
    ///         Ok(count.query_row([room], |row| row.get(0))?)
    ///     })
    ///     .await?;
    /// # assert_eq!(count, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of `work`; Unavailable if it had to wait longer than [`SqliteSettings::busy_timeout`], or the database is
    /// closed.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let is_writer = Arc::ptr_eq(&self.0.readers, &self.0.writer) || self.is_in_transaction();
        let mut work = once(work);
        self.reading(None, move |connection| {
            let _only = if is_writer { Some(ReadOnly::new(connection)?) } else { None };
            work(connection)
        })
        .await
    }

    /// Writes with SQL of your own, in a transaction, on the thread that writes: it is committed if `work` succeeds, and
    /// rolled back if it fails. Other writes wait meanwhile. No events follow. Within a [transaction](Sqlite::within) it is a
    /// part of that, which is undone by itself if it fails.
    ///
    /// ```
    /// # use wingbeat::store::Sqlite;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> wingbeat::Result<()> {
    /// # let db = Sqlite::memory().await?;
    /// # db.migrate(&[("messages", "CREATE TABLE messages (id INTEGER PRIMARY KEY, roomId INTEGER)")]).await?;
    /// db.write(|connection| {
    ///     connection.execute("DELETE FROM messages WHERE roomId = ?", [7])?;
    ///     Ok(connection.execute("UPDATE messages SET roomId = 7 WHERE roomId = ?", [8])?)
    /// })
    /// .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`read`](Sqlite::read), and if it can not be committed.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.writing(None, once(work), |_: &T| ()).await
    }

    /// Ends what waits, waits for what runs, and closes the file.
    pub async fn close(&self) {
        self.0.close();
        self.0.alive.closed().await;
    }

    /// Reads. `work` may be done again, when it has turned out long; without a shape it is done once.
    async fn reading<T: Send + 'static>(
        &self,
        shape: Option<Shape>,
        work: impl FnMut(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if let Some(open) = Open::current(self) {
            return open.work(async |transaction| transaction.run(work).await).await;
        }
        self.0.readers.ask(shape, |answer| Work::Read(Box::new(Reading { work, done: None, answer }))).await
    }

    /// Writes. `work` may be done again, when others have undone it; without a shape it is done once.
    async fn writing<T: Send + 'static>(
        &self,
        shape: Option<Shape>,
        mut work: impl FnMut(&Connection) -> Result<T> + Send + 'static,
        note: impl Fn(&T) + Send + 'static,
    ) -> Result<T> {
        if let Some(open) = Open::current(self) {
            // Who writes the same record next waits for the end of this: so it is said at once.
            let work = move |connection: &Connection| work(connection).inspect(&note);
            return open.work(async |transaction| transaction.part(work).await).await;
        }
        let is_alone = shape.is_none();
        let make = |answer| Work::Write(Box::new(Writing { work, note, is_alone, done: None, answer }));
        self.0.writer.ask(shape, make).await
    }
}

/// Work of the application's own.
fn once<T>(work: impl FnOnce(&Connection) -> Result<T>) -> impl FnMut(&Connection) -> Result<T> {
    let mut work = Some(work);
    move |connection: &Connection| match work.take() {
        Some(work) => work(connection),
        None => Err(Error::general("The work has been done already")),
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sqlite")
    }
}

impl Shared {
    fn close(&self) {
        self.near.close();
        self.readers.close();
        self.writer.close();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

/// While it lives, the connection that writes does not, as those that read files.
struct ReadOnly<'c>(&'c Connection);

impl ReadOnly<'_> {
    fn new(connection: &Connection) -> Result<ReadOnly<'_>> {
        connection.pragma_update(None, "query_only", true)?;
        Ok(ReadOnly(connection))
    }
}

impl Drop for ReadOnly<'_> {
    fn drop(&mut self) {
        // Without it the next write fails, and is told so.
        let _ = self.0.pragma_update(None, "query_only", false);
    }
}
