//! SQL of the application's own.

use super::connection::Connection;
use super::error::{is_read_only, worded};
use super::{Postgres, within};
use crate::fair::attended;
use crate::store::sql::transaction::Open;
use tokio_postgres::Client;
use wingbeat_core::Result;

impl Postgres {
    /// Reads with SQL of your own, on a connection of the pool and in a transaction that is `READ ONLY`. Within a
    /// [transaction](Postgres::within) it is a part of that, and sees what has been written there. Errors that come through
    /// `?` are told to clients as those of tables are.
    ///
    /// The client is that of [`tokio_postgres`](crate::store::tokio_postgres). Transactions are begun and ended here, not by
    /// statements of your own; what is set for the whole session (`SET`, not `SET LOCAL`) stays for others.
    ///
    /// ```no_run
    /// # async fn count(db: wingbeat::store::Postgres) -> wingbeat::Result<()> {
    /// let room = 7_i64;
    /// let count: i64 = db
    ///     .read(async |client| {
    ///         let row = client.query_one("SELECT count(*) FROM messages WHERE room_id = $1", &[&room]).await?;
    ///         Ok(row.try_get(0)?)
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of `work`; Unavailable if there is no connection.
    pub async fn read<T>(&self, work: impl AsyncFnOnce(&Client) -> Result<T>) -> Result<T> {
        let read = async |connection: &Connection| {
            connection.batch("SET TRANSACTION READ ONLY").await?;
            // A read that writes is a mistake of the program, and not of a server that has become a standby.
            work(connection.client()).await.map_err(|error| if is_read_only(&error) { error } else { worded(error) })
        };
        match Open::current(self) {
            Some(open) => within(&open, read).await,
            // It ends with who has asked, as finds do.
            None => attended(self.transact(read)).await,
        }
    }

    /// Writes with SQL of your own, in a transaction: it is committed if `work` succeeds, and rolled back if it fails. No
    /// events follow. Within a [transaction](Postgres::within) it is a part of that, which is undone by itself if it fails.
    /// What is said of the client at [`read`](Postgres::read) holds here, too.
    ///
    /// ```no_run
    /// # async fn tidy(db: wingbeat::store::Postgres) -> wingbeat::Result<()> {
    /// db.write(async |client| {
    ///     client.execute("DELETE FROM messages WHERE room_id = $1", &[&7_i64]).await?;
    ///     Ok(client.execute("UPDATE messages SET room_id = 7 WHERE room_id = $1", &[&8_i64]).await?)
    /// })
    /// .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`read`](Postgres::read), and if it can not be committed.
    pub async fn write<T>(&self, work: impl AsyncFnOnce(&Client) -> Result<T>) -> Result<T> {
        self.transact(async |connection: &Connection| work(connection.client()).await.map_err(worded)).await
    }
}
