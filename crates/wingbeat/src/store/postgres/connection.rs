//! One connection, and the statements that it has prepared.

use super::cell::{Raw, Reading};
use super::dialect::{Columns, Statement};
use super::ending::Line;
use super::error::{is_stale, mapped, too_slow};
use super::scalar::Scalar;
use super::server::Server;
use crate::fair::micros;
use crate::locked;
use crate::store::sql::Shown;
use crate::store::{JsonRecords, Record};
use futures_util::future::join;
use futures_util::{FutureExt as _, TryStreamExt as _};
use hashlink::LruCache;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};
use wingbeat_core::{Error, Result};

/// How many statements are kept prepared, and how long their texts may be: longer ones are seldom asked for twice.
const STATEMENTS: usize = 256;
const PREPARED: usize = 2048;

/// So many values may stand beside a text.
const VALUES: usize = 65_535;

pub(super) struct Connection {
    line: Line,
    statements: Mutex<LruCache<Box<str>, Arc<Prepared>>>,
    /// The server ends a statement after its limit, unless it is not there any more.
    pub(super) patience: Duration,
    is_stuck: AtomicBool,
    /// When it was opened, and how many microseconds later it last answered one of those who [share](Connection::shared) it.
    opened: Instant,
    answered: AtomicU64,
}

/// A statement, and how what it answers is read.
pub(super) struct Prepared {
    statement: tokio_postgres::Statement,
    readings: Box<[Reading]>,
    /// Whether the last page that it has answered was full: the next one will be.
    pub(super) is_full: AtomicBool,
    /// How long that page was as text: the next one will be as long.
    pub(super) len: AtomicUsize,
}

impl Connection {
    pub(super) async fn open(server: &Server) -> Result<Connection> {
        Ok(Connection {
            line: server.connect().await?,
            statements: Mutex::new(LruCache::new(STATEMENTS)),
            patience: server.patience(),
            is_stuck: AtomicBool::new(false),
            opened: Instant::now(),
            answered: AtomicU64::new(0),
        })
    }

    /// Whether nothing more comes of it.
    pub(super) fn is_lost(&self) -> bool {
        self.line.client.is_closed() || self.is_stuck.load(Relaxed)
    }

    pub(super) fn client(&self) -> &Client {
        &self.line.client
    }

    /// Runs it, and finishes when it is closed.
    pub(super) fn task(&self) -> AbortHandle {
        self.line.task.clone()
    }

    /// Runs statements without values, one after another.
    pub(super) async fn batch(&self, sql: &str) -> Result<()> {
        self.in_time(self.patience, async { self.line.client.batch_execute(sql).await.map_err(mapped) }).await
    }

    /// The same, however long it takes.
    pub(super) async fn batch_without_limit(&self, sql: &str) -> Result<()> {
        self.line.client.batch_execute(sql).await.map_err(mapped)
    }

    /// All rows that a statement of ours answers.
    pub(super) async fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        self.in_time(self.patience, async { self.line.client.query(sql, values).await.map_err(mapped) }).await
    }

    pub(super) async fn prepared(&self, text: &str) -> Result<Arc<Prepared>> {
        if let Some(prepared) = locked(&self.statements).get(text) {
            return Ok(prepared.clone());
        }
        // On the heap, as all that is seldom done and large: the futures of calls stay small.
        let statement = Box::pin(self.line.client.prepare(text)).await.map_err(mapped)?;
        let reading = |column: &tokio_postgres::Column| {
            let (scalar, is_list) = Scalar::or_list_of(column.type_());
            Reading { scalar, is_list }
        };
        let readings = statement.columns().iter().map(reading).collect();
        let prepared =
            Arc::new(Prepared { statement, readings, is_full: AtomicBool::new(false), len: AtomicUsize::new(0) });
        if text.len() <= PREPARED {
            // Dropped without the lock: what is put out is closed on the server.
            let _out = locked(&self.statements).insert(text.into(), prepared.clone());
        }
        Ok(prepared)
    }

    pub(super) fn has_prepared(&self, text: &str) -> bool {
        locked(&self.statements).contains_key(text)
    }

    /// Runs a statement to its end.
    pub(super) async fn run(
        &self,
        statement: &Statement,
        row: impl FnMut(&Row, &[Reading]) -> Result<()>,
    ) -> Result<()> {
        self.in_time(self.patience, self.run_to_its_end(statement, row)).await
    }

    // No `async fn`, which keeps its arguments twice.
    pub(super) fn in_time<T>(
        &self,
        patience: Duration,
        running: impl Future<Output = Result<T>>,
    ) -> impl Future<Output = Result<T>> {
        timeout(patience, running).map(|done| {
            done.unwrap_or_else(|_| {
                self.give_up();
                Err(too_slow())
            })
        })
    }

    pub(super) async fn run_to_its_end(
        &self,
        statement: &Statement,
        row: impl FnMut(&Row, &[Reading]) -> Result<()>,
    ) -> Result<()> {
        let prepared = self.prepared(&statement.text).await?;
        self.run_prepared(prepared, statement, row).await
    }

    pub(super) async fn run_prepared(
        &self,
        mut prepared: Arc<Prepared>,
        statement: &Statement,
        mut row: impl FnMut(&Row, &[Reading]) -> Result<()>,
    ) -> Result<()> {
        if statement.values.len() > VALUES {
            return Err(Error::bad_request(format!("Invalid query: more than {VALUES} values")));
        }
        let mut rows = self.line.client.query_raw(&prepared.statement, &statement.values).await;
        // The table has been altered since: nothing has been done yet.
        if rows.as_ref().is_err_and(|error| error.code().is_some_and(is_stale)) {
            let _stale = locked(&self.statements).remove(&*statement.text);
            prepared = self.prepared(&statement.text).await?;
            rows = Box::pin(self.line.client.query_raw(&prepared.statement, &statement.values)).await;
        }
        let rows = rows.map_err(mapped)?;
        let mut rows = pin!(rows);
        // One that cannot be read does not end the answer, whose rest would come before that of the next call.
        let mut read = Ok(());
        while let Some(found) = rows.try_next().await.map_err(mapped)? {
            if read.is_ok() {
                read = row(&found, &prepared.readings);
            }
        }
        read
    }

    /// Does something in a transaction: it is committed if that succeeds, and rolled back if it fails.
    pub(super) async fn transact<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        // The beginning is on its way when the first statement follows, and needs no answer before.
        let (begun, done) = join(self.batch("BEGIN"), work).await;
        match begun.and(done) {
            Ok(done) => self.batch("COMMIT").await.map(|()| done),
            Err(error) => {
                // If that fails the connection is lost, which rolls back as well.
                let _ = self.batch("ROLLBACK").await;
                Err(error)
            }
        }
    }

    /// Does something within a transaction, which goes on without it if it fails.
    pub(super) async fn part<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let (begun, done) = join(self.batch("SAVEPOINT part"), work).await;
        begun?;
        self.end_part(done.is_ok()).await?;
        done
    }

    /// Keeps or undoes what has been done since the last savepoint.
    pub(super) async fn end_part(&self, is_kept: bool) -> Result<()> {
        self.batch(if is_kept { "RELEASE part" } else { "ROLLBACK TO part; RELEASE part" }).await
    }

    /// The records that a statement returns, as text.
    pub(super) async fn text(&self, statement: &Statement, columns: &Columns, shown: &[Shown]) -> Result<JsonRecords> {
        let mut records = JsonRecords::new();
        let write = |row: &Row, readings: &[Reading]| write(row, readings, columns, shown, records.next());
        self.run(statement, write).await?;
        Ok(records)
    }

    /// The records that a statement returns, as values.
    pub(super) async fn records(&self, statement: &Statement, columns: &Columns) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        let read = |row: &Row, readings: &[Reading]| {
            records.push(record(row, readings, columns)?);
            Ok(())
        };
        self.run(statement, read).await?;
        Ok(records)
    }

    /// Has all that it is at ended on the server, and says whether it is the first that does. It is closed then, once
    /// nobody holds it any more.
    pub(super) fn give_up(&self) -> bool {
        let is_first = !self.is_stuck.swap(true, Relaxed);
        if is_first {
            self.line.give_up();
        }
        is_first
    }

    /// Gives it up, and waits until it is closed.
    pub(super) async fn end(self) {
        self.line.end().await;
    }

    /// How long the server has had to do with what began at that [age](Connection::age), and has been answered now.
    pub(super) fn answered_since(&self, begun: u64) -> Duration {
        let now = self.age();
        let before = self.answered.swap(now, Relaxed);
        Duration::from_micros(now.saturating_sub(before.max(begun)))
    }

    /// How many microseconds ago it was opened.
    pub(super) fn age(&self) -> u64 {
        micros(self.opened.elapsed())
    }
}

/// Writes what a row shows of these columns as a JSON object.
pub(super) fn write(
    row: &Row,
    readings: &[Reading],
    columns: &Columns,
    shown: &[Shown],
    out: &mut Vec<u8>,
) -> Result<()> {
    out.push(b'{');
    for (index, shown) in shown.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&columns.list[shown.column].key);
        readings[shown.at].write(raw(row, shown.at)?, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// The record in a row of all columns.
pub(super) fn record(row: &Row, readings: &[Reading], columns: &Columns) -> Result<Record> {
    let member =
        |(at, reading): (usize, &Reading)| Ok((columns.list[at].name.to_string(), reading.value(raw(row, at)?)?));
    readings.iter().enumerate().take(columns.list.len()).map(member).collect()
}

pub(super) fn raw(row: &Row, at: usize) -> Result<Option<&[u8]>> {
    Ok(row.try_get::<_, Option<Raw<'_>>>(at).map_err(mapped)?.map(|raw| raw.0))
}
