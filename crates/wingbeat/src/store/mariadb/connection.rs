//! One connection, and the statements that it has prepared.

use super::dialect::Statement;
use super::error::{
    conflict, is_deadlock, is_end_of_connection, is_fatal, is_stale, mapped, too_large, too_slow, worded,
};
use super::write::Write;
use crate::store::Answer;
use hashlink::LruCache;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error as Driver, Row, Statement as Prepared, Value as Cell};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use wingbeat_core::{Error, Result};

/// How many statements are kept prepared, and how long their texts may be: longer ones are seldom asked for twice.
const STATEMENTS: usize = 256;
const PREPARED: usize = 2048;

/// How often what is no part of a longer transaction is begun.
const ATTEMPTS: u32 = 10;

/// So many values may stand beside a text.
pub(super) const VALUES: usize = 65_535;

pub(in crate::store) struct Connection {
    conn: Conn,
    statements: LruCache<Box<str>, Prepared>,
    /// How many bytes the server takes at once. It hangs up on more.
    largest: usize,
    /// The server ends a statement after its limit, unless it is not there any more.
    patience: Duration,
    is_lost: bool,
    /// The server has ended it, or is gone.
    is_closed: bool,
    opened: Instant,
    used: Instant,
    /// How many parts of a transaction lie within each other.
    parts: usize,
    /// MariaDB has rolled back the transaction by itself. What came now would be done outside of it.
    is_rolled_back: bool,
}

impl Connection {
    pub(super) async fn new(mut conn: Conn, limit: Duration) -> std::result::Result<Connection, Driver> {
        let largest: Option<u64> = conn.query_first("SELECT @@max_allowed_packet").await?;
        Ok(Connection {
            conn,
            largest: largest.and_then(|largest| usize::try_from(largest).ok()).unwrap_or(usize::MAX),
            statements: LruCache::new(STATEMENTS),
            patience: limit.saturating_add(Duration::from_secs(1)),
            is_lost: false,
            is_closed: false,
            opened: Instant::now(),
            used: Instant::now(),
            parts: 0,
            is_rolled_back: false,
        })
    }

    /// Its number on the server.
    pub(super) fn number(&self) -> u32 {
        self.conn.id()
    }

    /// Whether nothing more comes of it.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Whether there is nothing left of it on the server.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// How long it has done nothing.
    pub(super) fn idle(&self) -> Duration {
        self.used.elapsed()
    }

    pub(super) async fn ping(&mut self) -> bool {
        self.conn.ping().await.is_ok()
    }

    /// # Errors
    /// If it leads to another database than MariaDB, or to one that has no `RETURNING` yet.
    pub(super) async fn check_version(&mut self) -> Result<()> {
        let rows = self.query("SELECT VERSION()", Vec::new()).await?;
        let version = match rows.first().and_then(|row| row.as_ref(0)) {
            Some(Cell::Bytes(version)) => String::from_utf8_lossy(version).into_owned(),
            _ => String::new(),
        };
        if version.contains("MariaDB") && self.conn.server_version() >= (10, 5, 0) {
            return Ok(());
        }
        Err(Error::general(format!("The database is version '{version}'; MariaDB is needed, 10.5 or later")))
    }

    pub(super) async fn disconnect(self) {
        // It is left in any case.
        let _ = self.conn.disconnect().await;
    }

    /// Runs statements without values, one after another.
    pub(super) async fn batch(&mut self, sql: &str) -> Result<()> {
        self.begin_work()?;
        let done = timeout(self.patience, self.conn.query_drop(sql)).await;
        self.done(done.ok())
    }

    /// The same, however long it takes. If one fails: whether others were done before it.
    pub(super) async fn batch_without_limit(&mut self, sql: &str) -> std::result::Result<(), (Error, bool)> {
        let (done, is_begun) = match self.conn.query_iter(sql).await {
            Ok(first) => (first.drop_result().await, true),
            Err(error) => (Err(error), false),
        };
        self.done(Some(done)).map_err(|error| (error, is_begun || self.is_lost))
    }

    /// All rows that a statement of ours answers.
    pub(super) async fn query(&mut self, sql: &str, values: Vec<Cell>) -> Result<Vec<Row>> {
        let (statement, mut rows) = (Statement { text: sql.to_owned(), values }, Vec::new());
        let read = |row: Row| {
            rows.push(row);
            Ok(())
        };
        self.run(&statement, read).await?;
        Ok(rows)
    }

    /// Runs a statement to its end, and answers how many rows it has written.
    pub(super) async fn run(&mut self, statement: &Statement, mut row: impl FnMut(Row) -> Result<()>) -> Result<u64> {
        if statement.values.len() > VALUES {
            return Err(Error::bad_request(format!("Invalid query: more than {VALUES} values")));
        }
        if statement.text.len() + statement.values.iter().map(size).sum::<usize>() > self.largest {
            return Err(too_large());
        }
        self.begin_work()?;
        // One that cannot be read does not end the answer, whose rest would come before that of the next call.
        let mut read = Ok(());
        let take = |found: Row| {
            if read.is_ok() {
                read = row(found);
            }
        };
        let done = timeout(self.patience, self.run_to_its_end(statement, take)).await;
        self.done(done.ok())?;
        read.map(|()| self.conn.affected_rows())
    }

    async fn run_to_its_end(
        &mut self,
        statement: &Statement,
        mut row: impl FnMut(Row),
    ) -> std::result::Result<(), Driver> {
        let mut prepared = self.prepared(&statement.text).await?;
        let mut done = self.execute(&prepared, statement, &mut row).await;
        // The table has been altered since: nothing has been done yet.
        if done.as_ref().is_err_and(is_stale) {
            self.statements.remove(&*statement.text);
            prepared = self.prepared(&statement.text).await?;
            done = self.execute(&prepared, statement, &mut row).await;
        }
        if statement.text.len() > PREPARED && !done.as_ref().is_err_and(is_fatal) {
            self.conn.close(prepared).await?;
        }
        done
    }

    async fn execute(
        &mut self,
        prepared: &Prepared,
        statement: &Statement,
        row: impl FnMut(Row),
    ) -> std::result::Result<(), Driver> {
        self.conn.exec_iter(prepared, statement.values.clone()).await?.for_each_and_drop(row).await
    }

    async fn prepared(&mut self, text: &str) -> std::result::Result<Prepared, Driver> {
        if let Some(prepared) = self.statements.get(text) {
            return Ok(prepared.clone());
        }
        let prepared = self.conn.prep(text).await?;
        if text.len() <= PREPARED {
            if self.statements.len() == STATEMENTS
                && let Some((_, out)) = self.statements.remove_lru()
            {
                self.conn.close(out).await?;
            }
            self.statements.insert(text.into(), prepared.clone());
        }
        Ok(prepared)
    }

    fn begin_work(&mut self) -> Result<()> {
        if self.is_rolled_back { Err(conflict()) } else { Ok(()) }
    }

    /// What became of a statement; absent if it has taken too long.
    fn done<T>(&mut self, done: Option<std::result::Result<T, Driver>>) -> Result<T> {
        self.used = Instant::now();
        let Some(done) = done else {
            self.is_lost = true;
            return Err(too_slow());
        };
        done.map_err(|error| {
            self.is_closed |= is_fatal(&error);
            self.is_lost |= self.is_closed;
            mapped(error)
        })
    }

    /// Writes something as a whole, or not at all. Where MariaDB has chosen it among some that wait for each other, it is
    /// done again.
    pub(super) async fn write(&mut self, write: &Write<'_>) -> Result<Answer> {
        let mut attempts = 1;
        loop {
            match self.write_once(write).await {
                Err(error) if attempts < ATTEMPTS && is_deadlock(&error) && !self.is_lost => attempts += 1,
                done => return done,
            }
        }
    }

    async fn write_once(&mut self, write: &Write<'_>) -> Result<Answer> {
        if write.is_one_statement() {
            return write.run(self).await;
        }
        self.batch("START TRANSACTION").await?;
        match write.run(self).await {
            Ok(done) => self.commit().await.map(|()| done),
            Err(error) => {
                // If that fails the connection is lost, which rolls back as well.
                let _ = self.roll_back().await;
                Err(error)
            }
        }
    }

    pub(super) async fn commit(&mut self) -> Result<()> {
        self.parts = 0;
        self.batch("COMMIT").await
    }

    pub(super) async fn roll_back(&mut self) -> Result<()> {
        (self.parts, self.is_rolled_back) = (0, false);
        self.batch("ROLLBACK").await
    }

    /// Does something within a transaction, which goes on without it if it fails.
    pub(super) async fn part<T>(&mut self, work: impl AsyncFnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        self.savepoint().await?;
        match work(self).await {
            Ok(done) => self.release().await.map(|()| done),
            Err(error) => {
                self.is_rolled_back |= is_deadlock(&error);
                if !self.is_rolled_back {
                    self.roll_back_to().await?;
                }
                Err(error)
            }
        }
    }

    /// SQL of the application's own.
    pub(super) async fn own<T>(&mut self, work: impl AsyncFnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        self.begin_work()?;
        let done = work(&mut self.conn).await;
        self.used = Instant::now();
        done.map_err(|error| {
            self.is_closed |= error.downcast_ref().is_some_and(is_end_of_connection);
            self.is_lost |= self.is_closed;
            worded(error)
        })
    }

    /// The same within a transaction, where it changes nothing.
    pub(super) async fn look<T>(&mut self, work: impl AsyncFnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        self.savepoint().await?;
        let done = self.own(work).await;
        self.is_rolled_back |= done.as_ref().is_err_and(is_deadlock);
        if !self.is_rolled_back {
            self.roll_back_to().await?;
        }
        done
    }

    /// Parts have names of their own: another one of the same name would end the first.
    pub(super) async fn savepoint(&mut self) -> Result<()> {
        self.batch(&format!("SAVEPOINT part{}", self.parts)).await?;
        self.parts += 1;
        Ok(())
    }

    pub(super) async fn release(&mut self) -> Result<()> {
        self.end_part("RELEASE SAVEPOINT part").await
    }

    pub(super) async fn roll_back_to(&mut self) -> Result<()> {
        self.end_part("ROLLBACK TO SAVEPOINT part").await
    }

    /// A savepoint that is not there any more has gone with its transaction.
    async fn end_part(&mut self, how: &str) -> Result<()> {
        self.parts = self.parts.saturating_sub(1);
        let ended = self.batch(&format!("{how}{}", self.parts)).await;
        self.is_rolled_back |= ended.is_err();
        ended.map_err(|error| if self.is_lost { error } else { conflict().with_source(error) })
    }
}

/// How many bytes a value takes, or a few more.
pub(super) fn size(value: &Cell) -> usize {
    match value {
        Cell::Bytes(bytes) => bytes.len() + 16,
        _ => 16,
    }
}
