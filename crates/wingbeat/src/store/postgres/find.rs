//! Finds on a connection.

use super::cell::Reading;
use super::connection::{Connection, Prepared, record, write};
use super::dialect::{Select, Statement};
use super::error::mapped;
use crate::store::sql::Shown;
use crate::store::{JsonRecords, Rows};
use futures_util::future::join;
use serde_json::Value;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Row;
use wingbeat_core::Result;

/// Room for so much of a page is made before it is read.
const ROOM: usize = 64 * 1024;

impl Connection {
    /// The records of a find, and how many match in all where that is asked for.
    pub(super) async fn find(&self, select: &Select) -> Result<Rows> {
        // Two statements may take as long as two.
        self.in_time(self.patience.saturating_mul(2), self.find_to_its_end(select)).await
    }

    async fn find_to_its_end(&self, select: &Select) -> Result<Rows> {
        let Some(shown) = select.shown() else { return Box::pin(self.pick(select)).await };
        if let Some(count) = select.count.as_ref().filter(|_| select.is_only_count()) {
            return Ok(Rows::default().total(self.count(count).await?));
        }
        let prepared = self.prepared(&select.rows.text).await?;
        // Only a full page leaves open how many there are. Where it was full last time both are asked for at once: one wait,
        // and one call of the system, instead of two.
        let at_once = select.count.as_ref().filter(|_| prepared.is_full.load(Relaxed));
        let (rows, counted) = join(self.page(prepared.clone(), select, shown), self.count_now(at_once)).await;
        let (rows, counted) = (rows?, counted?);
        let Some(count) = &select.count else { return Ok(rows) };
        let total = select.total(rows.records.len() as u64);
        prepared.is_full.store(total.is_err(), Relaxed);
        let total = match total {
            Ok(total) => total,
            // Others may have removed some meanwhile: a transaction would cost as much as the page.
            Err(least) => match counted {
                Some(counted) => counted.max(least),
                None => self.count(count).await?.max(least),
            },
        };
        Ok(rows.total(total))
    }

    /// As [`find`](Connection::find), among statements of others, and how long the server has had to do with it: what was
    /// sent before is done before. Nothing, if no answer comes within a time in which many should have come.
    pub(super) async fn find_among(&self, select: &Select, within: Duration) -> Result<Option<(Rows, Duration)>> {
        let begun = self.age();
        let Ok(found) = timeout(within, self.find_to_its_end(select)).await else { return Ok(None) };
        let took = self.answered_since(begun);
        Ok(Some((found?, took)))
    }

    /// The records of a find as text, and where the last stands, if that is asked for.
    async fn page(&self, prepared: Arc<Prepared>, select: &Select, shown: &[Shown]) -> Result<Rows> {
        let room = prepared.len.load(Relaxed).min(ROOM);
        let (mut records, mut last, mut is_last) = (JsonRecords::with_capacity(room), None, true);
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
        self.run_prepared(prepared.clone(), &select.rows, take).await?;
        prepared.len.store(records.text_len(), Relaxed);
        Ok(Rows::new(records).keys(last.filter(|_| !is_last)))
    }

    async fn pick(&self, select: &Select) -> Result<Rows> {
        let (mut picking, mut is_done) = (select.picking(), false);
        let take = |row: &Row, readings: &[Reading]| {
            if !is_done {
                is_done = picking.take(record(row, readings, &select.columns)?, |end| keys(row, end))?.is_break();
            }
            Ok(())
        };
        self.run_to_its_end(&select.rows, take).await?;
        Ok(picking.rows())
    }

    async fn count_now(&self, count: Option<&Statement>) -> Result<Option<u64>> {
        match count {
            Some(count) => self.count(count).await.map(Some),
            None => Ok(None),
        }
    }

    async fn count(&self, count: &Statement) -> Result<u64> {
        let mut counted = 0;
        let read = |row: &Row, _: &[Reading]| {
            counted = row.try_get::<_, i64>(0).map_err(mapped)?.unsigned_abs();
            Ok(())
        };
        self.run_to_its_end(count, read).await?;
        Ok(counted)
    }
}

/// What these columns hold as the keys of a cursor: their texts.
fn keys(row: &Row, columns: Range<usize>) -> Result<Vec<Value>> {
    let key = |at| Ok(row.try_get::<_, Option<String>>(at).map_err(mapped)?.map_or(Value::Null, Value::String));
    columns.map(key).collect()
}
