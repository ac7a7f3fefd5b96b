//! SQL of the application's own.

use super::connection::Connection;
use super::{MariaDb, Taken};
use crate::fair::attended;
use crate::store::sql::transaction::Open;
use mysql_async::Conn;
use wingbeat_core::Result;

impl MariaDb {
    /// Reads with SQL of your own, on a connection of the pool and in a transaction that is `READ ONLY`. Within a
    /// [transaction](MariaDb::within) it is a part of that, and sees what has been written there; what it should write
    /// itself is undone. Errors that come through `?` are told to clients as those of tables are.
    ///
    /// The connection is that of [`mysql_async`](crate::store::mysql_async). Transactions are begun and ended here, not by
    /// statements of your own, nor by such as change tables, which commit; what is set for the whole session stays for
    /// others.
    ///
    /// ```no_run
    /// use wingbeat::store::mysql_async::prelude::Queryable;
    ///
    /// # async fn count(db: wingbeat::store::MariaDb) -> wingbeat::Result<()> {
    /// let room = 7_i64;
    /// let count: Option<i64> = db
    ///     .read(async |conn| Ok(conn.exec_first("SELECT count(*) FROM messages WHERE room_id = ?", (room,)).await?))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of `work`; Unavailable if there is no connection.
    pub async fn read<T>(&self, work: impl AsyncFnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        match Open::current(self) {
            Some(open) => open.work(async |taken: &mut Taken| taken.connection()?.look(work).await).await,
            // It ends with who has asked, as finds do.
            None => attended(self.transact("START TRANSACTION READ ONLY", work)).await,
        }
    }

    /// Writes with SQL of your own, in a transaction: it is committed if `work` succeeds, and rolled back if it fails. No
    /// events follow. Within a [transaction](MariaDb::within) it is a part of that, which is undone by itself if it fails.
    /// What is said of the connection at [`read`](MariaDb::read) holds here, too.
    ///
    /// ```no_run
    /// use wingbeat::store::mysql_async::prelude::Queryable;
    ///
    /// # async fn tidy(db: wingbeat::store::MariaDb) -> wingbeat::Result<()> {
    /// db.write(async |conn| {
    ///     conn.exec_drop("DELETE FROM messages WHERE room_id = ?", (7,)).await?;
    ///     conn.exec_drop("UPDATE messages SET room_id = 7 WHERE room_id = ?", (8,)).await?;
    ///     Ok(conn.affected_rows())
    /// })
    /// .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`read`](MariaDb::read), and if it can not be committed. Where others wait for what it has written, and it for
    /// them, MariaDB rolls one of the two back: then it is Unavailable, and may be done again.
    pub async fn write<T>(&self, work: impl AsyncFnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        match Open::current(self) {
            Some(open) => {
                let part = async |connection: &mut Connection| connection.own(work).await;
                open.work(async |taken: &mut Taken| taken.connection()?.part(part).await).await
            }
            None => self.transact("START TRANSACTION", work).await,
        }
    }

    async fn transact<T>(&self, begin: &str, work: impl AsyncFnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        let transact = async |connection: &mut Connection| {
            connection.batch(begin).await?;
            // Where MariaDB has rolled back by itself, which the code may not have noticed, the savepoint is gone.
            match connection.part(async |connection: &mut Connection| connection.own(work).await).await {
                Ok(done) => connection.commit().await.map(|()| done),
                Err(error) => {
                    // If that fails the connection is lost, which rolls back as well.
                    let _ = connection.roll_back().await;
                    Err(error)
                }
            }
        };
        self.take().await?.work(transact).await
    }
}
