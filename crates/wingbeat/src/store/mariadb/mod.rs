//! Records in MariaDB.

mod cell;
mod column;
mod connection;
mod decimal;
mod dialect;
mod error;
mod insert;
mod migrate;
mod own;
mod reading;
mod scalar;
mod schema;
mod server;
mod settings;
mod table;
#[cfg(test)]
pub(super) mod tests;
mod time;
mod transaction;
mod url;
mod write;

pub use settings::MariaDbSettings;
pub use table::MariaDbTable;
pub use transaction::MariaDbTransaction;

use crate::store::sql::fields_of;
use crate::store::sql::pool::{self, Pool};
use crate::store::sql::transaction::Open;
use crate::store::{Answer, Table};
use connection::Connection;
use serde::de::DeserializeOwned;
use server::Server;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{Error, Result};
use write::Write;

type Taken = pool::Taken<Server>;

/// A MariaDB database, of version 10.5 or later. Clones share its connections.
///
/// Calls wait for a connection in a fair queue: who asks for much waits behind his own calls. A call whose caller has gone,
/// or whose time is over, is ended on the server. While the server cannot be reached calls are answered with Unavailable;
/// when it is there again they go on.
///
/// Events leave in the order in which the database has written. What is written by SQL of your own, or by another program,
/// is not among it.
///
/// MySQL has been forked from, and has no `RETURNING`: it is refused.
///
/// ```no_run
/// use serde::Deserialize;
/// use wingbeat::{prelude::*, store::MariaDb};
///
/// #[derive(Deserialize)]
/// struct Message { id: i64, text: String }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let db = MariaDb::connect("mariadb://chat:secret@localhost/chat").await?;
/// db.migrate(&[("messages", "CREATE TABLE messages (id bigint AUTO_INCREMENT PRIMARY KEY, text text)")]).await?;
/// let app = App::builder().mount("messages", Mount::new(db.table::<Message>("messages").paginate(10, 50))).build()?;
/// # Ok(())
/// # }
/// ```
///
/// # Columns and JSON
/// | in MariaDB | in JSON |
/// |---|---|
/// | `boolean`, which is `tinyint(1)`, and `bit(1)` | a boolean |
/// | `tinyint` to `bigint`, with or without sign, `bit(n)`, `year`, `float`, `double` | a number |
/// | `decimal` | a text, which loses no digit; numbers are taken as well |
/// | `char`, `varchar`, `text`, `enum`, `set` | a text |
/// | `datetime`, `timestamp` | a text as JavaScript writes dates: `2026-01-02T03:04:05.678Z`. Both are of UTC |
/// | `date`, `time` | a text: `2026-01-02`, `03:04:05` |
/// | `binary`, `varbinary`, `blob` | base64 text |
/// | `uuid`, `inet4`, `inet6` | a text |
/// | `json` | any value |
///
/// Data of another type is a BadRequest, and so is a field that is no column, in data and queries. A type `T` with named
/// fields is the view of the table: these fields, which must all be columns, are read and written, other columns are not
/// seen. With a type that keeps its fields to itself (a map, `#[serde(flatten)]`) all columns are.
///
/// # Where the answers differ from those of [`Memory`](super::Memory)
/// * A field that was left out is null: SQL has no absent. `update` sets such columns to null.
/// * Members come in the order of the table's columns.
/// * Creating a record with an id that exists is a Conflict; so is every other violation of uniqueness. Other
///   constraints are BadRequests, and what triggers signal.
/// * A text equals itself and no other, whatever its collation: `'ann'` finds neither `'ANN'` nor `'ann '`. Less, more and
///   order are those of the collation, and uniqueness is: with `COLLATE utf8mb4_nopad_bin` they are those of memory. In
///   an order the first 1,024 bytes count (`max_sort_length`). UUIDs stand in an order of their own.
/// * What a column cuts is cut: `char` ends before its last spaces, `decimal` and `datetime` have so many digits behind
///   the point.
/// * A day that there is not, such as `0000-00-00`, is read as it is, equals nothing, and cannot be written.
/// * Generated columns are left out of data.
/// * Conditions and sorting on `json` columns, and [operators of your own](Table::operator), are answered exactly, but by
///   reading every record that the other conditions leave. A generated column with an index makes them fast, or an operator
///   that [SQL has as well](Table::sql_operator).
/// * A page and its total are of two moments, if records are written between them.
/// * A query has at most 65,535 values, of which a text is two.
#[derive(Clone)]
pub struct MariaDb(Arc<Pool<Server>>);

impl MariaDb {
    /// Connects to the database of a URL: `mariadb://user:password@host:3306/name`, or `mysql://…`. After a `?` stand
    /// options: `socket` is the file of a Unix socket, and `sslmode` says how the way there is encrypted:
    ///
    /// * `disable`: not at all.
    /// * `prefer`, without which it is the same: if the server offers it with a certificate that is valid, as far as is
    ///   known; otherwise not. Somebody between can see to that.
    /// * `require` and `verify-full`: always, and the server's certificate must be valid for its name. Trusted is what the
    ///   system trusts, or the file that `sslrootcert` names.
    ///
    /// The latter need the feature `tls`; without it `prefer` is `disable`. Others are refused.
    ///
    /// # Errors
    /// If the URL is invalid, or the database can not be reached, or is none of MariaDB.
    pub async fn connect(url: &str) -> Result<MariaDb> {
        MariaDb::connect_with(url, MariaDbSettings::default()).await
    }

    /// Connects with settings of your own.
    ///
    /// # Errors
    /// As [`connect`](MariaDb::connect).
    pub async fn connect_with(url: &str, settings: MariaDbSettings) -> Result<MariaDb> {
        let db = MariaDb(Arc::new(Pool::new(Server::new(url, settings)?)));
        let named = |error: Error| {
            let told = format!("Can not connect to the database {}", db.0.server.name());
            Error::unavailable(told).with_source(error)
        };
        // What is wrong shows now.
        let mut taken = db.take().await.map_err(named)?;
        taken.work(async |connection: &mut Connection| connection.check_version().await).await?;
        drop(taken);
        Ok(db)
    }

    /// Brings the tables up to date: runs, in order, those `(name, sql)` that this database has not run yet, and remembers
    /// them in the table `_migrations`. Of several programs that do so at once each waits for the others.
    ///
    /// MariaDB cannot undo what changes tables, so one that fails after its first statement leaves half of it. Then nothing
    /// runs until somebody has seen to that: write one statement for each.
    ///
    /// # Errors
    /// If one fails, or was left half done, if one that has run differs from what ran then, or if the database has run one
    /// that is not listed in its place.
    pub async fn migrate(&self, migrations: &[(&str, &str)]) -> Result<()> {
        let mut taken = self.take().await?;
        // Until its end, and beyond: migrations may have left it as they like.
        taken.begin();
        migrate::migrate(taken.connection()?, migrations).await
    }

    /// The records of a table as a service, with `id` as id field; see [`Table`] for what it can do. The name may have a
    /// database before it: `sales.orders`.
    ///
    /// The table is looked at when the application starts, or else by the first call: a table or a column that does not
    /// exist is an error there.
    pub fn table<T: DeserializeOwned>(&self, name: &str) -> Table<MariaDbTable> {
        Table::over(MariaDbTable::new(self.clone(), name, fields_of::<T>()))
    }

    /// Lets no call begin any more, and ends the connections that serve none.
    pub fn close(&self) {
        self.0.close();
    }

    /// Does something on a connection, in the transaction in which the running code is, if it is in one.
    async fn work<T>(&self, work: impl AsyncFnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        match Open::current(self) {
            Some(open) => open.work(async |taken: &mut Taken| taken.connection()?.part(work).await).await,
            None => self.take().await?.work(work).await,
        }
    }

    /// Writes something as a whole, or not at all.
    async fn carry_out(&self, write: &Write<'_>) -> Result<Answer> {
        match Open::current(self) {
            Some(_) => self.work(async |connection: &mut Connection| write.run(connection).await).await,
            None => self.work(async |connection: &mut Connection| connection.write(write).await).await,
        }
    }

    fn is_in_transaction(&self) -> bool {
        Open::current(self).is_some()
    }

    async fn take(&self) -> Result<Taken> {
        self.0.take().await
    }
}

impl fmt::Debug for MariaDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MariaDb")
    }
}
