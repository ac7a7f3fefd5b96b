//! One connection, and the statements that it has prepared.

use super::cell::{Raw, Reading};
use super::dialect::{Columns, Select, Statement};
use super::error::{is_stale, mapped, too_slow};
use super::scalar::Scalar;
use super::server::Server;
use crate::locked;
use crate::store::sql::Shown;
use crate::store::{JsonRecords, Record, Rows};
use futures_util::TryStreamExt as _;
use futures_util::future::join;
use hashlink::LruCache;
use serde_json::Value;
use std::ops::Range;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{CancelToken, Client, Row};
use wingbeat_core::{Error, Result};

/// How many statements are kept prepared, and how long their texts may be: longer ones are seldom asked for twice.
const STATEMENTS: usize = 256;
const PREPARED: usize = 2048;

/// So many values may stand beside a text.
const VALUES: usize = 65_535;

pub(super) struct Connection {
    client: Client,
    statements: Mutex<LruCache<Box<str>, Arc<Prepared>>>,
    /// The server ends a statement after its limit, unless it is not there any more.
    patience: Duration,
    is_stuck: AtomicBool,
}

/// A statement, and how what it answers is read.
pub(super) struct Prepared {
    statement: tokio_postgres::Statement,
    readings: Box<[Reading]>,
}

impl Connection {
    pub(super) async fn open(server: &Server) -> Result<Connection> {
        let client = server.connect().await?;
        let patience = server.settings.statement.saturating_add(Duration::from_secs(1));
        Ok(Connection {
            client,
            statements: Mutex::new(LruCache::new(STATEMENTS)),
            patience,
            is_stuck: AtomicBool::new(false),
        })
    }

    /// Whether nothing more comes of it.
    pub(super) fn is_lost(&self) -> bool {
        self.is_closed() || self.is_stuck.load(Relaxed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// Runs statements without values, one after another.
    pub(super) async fn batch(&self, sql: &str) -> Result<()> {
        self.in_time(async { self.client.batch_execute(sql).await.map_err(mapped) }).await
    }

    /// The same, however long it takes.
    pub(super) async fn batch_without_limit(&self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(mapped)
    }

    /// All rows that a statement of ours answers.
    pub(super) async fn query(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        self.in_time(async { self.client.query(sql, values).await.map_err(mapped) }).await
    }

    pub(super) async fn prepared(&self, text: &str) -> Result<Arc<Prepared>> {
        if let Some(prepared) = locked(&self.statements).get(text) {
            return Ok(prepared.clone());
        }
        let statement = self.client.prepare(text).await.map_err(mapped)?;
        let reading = |column: &tokio_postgres::Column| {
            let (scalar, is_list) = Scalar::or_list_of(column.type_());
            Reading { scalar, is_list }
        };
        let readings = statement.columns().iter().map(reading).collect();
        let prepared = Arc::new(Prepared { statement, readings });
        if text.len() <= PREPARED {
            // Dropped without the lock: what is put out is closed on the server.
            let _out = locked(&self.statements).insert(text.into(), prepared.clone());
        }
        Ok(prepared)
    }

    /// Runs a statement to its end.
    pub(super) async fn run(
        &self,
        statement: &Statement,
        row: impl FnMut(&Row, &[Reading]) -> Result<()>,
    ) -> Result<()> {
        if statement.values.len() > VALUES {
            return Err(Error::bad_request(format!("Invalid query: more than {VALUES} values")));
        }
        self.in_time(self.run_to_its_end(statement, row)).await
    }

    async fn in_time<T>(&self, running: impl Future<Output = Result<T>>) -> Result<T> {
        timeout(self.patience, running).await.unwrap_or_else(|_| {
            self.is_stuck.store(true, Relaxed);
            Err(too_slow())
        })
    }

    async fn run_to_its_end(
        &self,
        statement: &Statement,
        mut row: impl FnMut(&Row, &[Reading]) -> Result<()>,
    ) -> Result<()> {
        let mut prepared = self.prepared(&statement.text).await?;
        let mut rows = self.client.query_raw(&prepared.statement, &statement.values).await;
        // The table has been altered since: nothing has been done yet.
        if rows.as_ref().is_err_and(|error| error.code().is_some_and(is_stale)) {
            let _stale = locked(&self.statements).remove(&*statement.text);
            prepared = self.prepared(&statement.text).await?;
            rows = self.client.query_raw(&prepared.statement, &statement.values).await;
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

    /// The records of a find, and how many match in all where that is asked for.
    pub(super) async fn find(&self, select: &Select) -> Result<Rows> {
        let Some(shown) = select.shown() else { return self.pick(select).await };
        let Some(count) = &select.count else {
            return self.page(select, shown).await;
        };
        if select.is_only_count() {
            return Ok(Rows::default().total(self.count(count).await?));
        }
        let rows = self.page(select, shown).await?;
        let total = match select.total(rows.records.len() as u64) {
            Ok(total) => total,
            // Others may have removed some meanwhile: a transaction would cost as much as the page.
            Err(least) => self.count(count).await?.max(least),
        };
        Ok(rows.total(total))
    }

    /// The records of a find as text, and where the last stands, if that is asked for.
    async fn page(&self, select: &Select, shown: &[Shown]) -> Result<Rows> {
        let (mut records, mut last, mut is_last) = (JsonRecords::new(), None, true);
        let take = |row: &Row, readings: &[Reading]| {
            if select.is_full(records.len()) {
                is_last = false;
                return Ok(());
            }
            write(row, readings, &select.columns, shown, records.next())?;
            if let Some(end) = select.end(records.len()) {
                last = Some(keys(row, end)?);
            }
            Ok(())
        };
        self.run(&select.rows, take).await?;
        Ok(Rows::new(records).keys(last.filter(|_| !is_last)))
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

    async fn pick(&self, select: &Select) -> Result<Rows> {
        let (mut picking, mut is_done) = (select.picking(), false);
        let take = |row: &Row, readings: &[Reading]| {
            if !is_done {
                is_done = picking.take(record(row, readings, &select.columns)?, |end| keys(row, end))?.is_break();
            }
            Ok(())
        };
        self.run(&select.rows, take).await?;
        Ok(picking.rows())
    }

    async fn count(&self, count: &Statement) -> Result<u64> {
        let mut counted = 0;
        let read = |row: &Row, _: &[Reading]| {
            counted = row.try_get::<_, i64>(0).map_err(mapped)?.unsigned_abs();
            Ok(())
        };
        self.run(count, read).await?;
        Ok(counted)
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

/// What these columns hold as the keys of a cursor: their texts.
fn keys(row: &Row, columns: Range<usize>) -> Result<Vec<Value>> {
    let key = |at| Ok(row.try_get::<_, Option<String>>(at).map_err(mapped)?.map_or(Value::Null, Value::String));
    columns.map(key).collect()
}

pub(super) fn raw(row: &Row, at: usize) -> Result<Option<&[u8]>> {
    Ok(row.try_get::<_, Option<Raw<'_>>>(at).map_err(mapped)?.map(|raw| raw.0))
}
