//! Finding records.

use super::dialect::Sql;
use super::row;
use super::statement::Statement;
use crate::store::{Answer, JsonRecords, Rows, sql};
use rusqlite::Connection;
use std::ops::ControlFlow;
use wingbeat_core::Result;

pub(super) type Select = sql::Select<Sql>;

impl Select {
    pub(super) fn run(&self, connection: &Connection) -> Result<Rows> {
        if self.shown().is_none() {
            return self.pick(connection);
        }
        let Some(count) = &self.count else {
            return Ok(Rows { records: self.text(connection)?.into(), total: None });
        };
        if self.is_only_count() {
            return Ok(Rows { records: Answer::default(), total: Some(counted(connection, count)?) });
        }
        // One transaction, so that page and total are of the same moment. The worker ends it if something fails.
        let is_alone = connection.is_autocommit();
        if is_alone {
            connection.prepare_cached("BEGIN")?.execute([])?;
        }
        let records = Answer::from(self.text(connection)?);
        let total = match self.total(records.len() as u64) {
            Ok(total) => total,
            Err(_) => counted(connection, count)?,
        };
        if is_alone {
            connection.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(Rows { records, total: Some(total) })
    }

    fn text(&self, connection: &Connection) -> Result<JsonRecords> {
        let mut records = JsonRecords::new();
        let shown = self.shown().unwrap_or_default();
        self.rows.run(connection, |found| {
            row::write(found, &self.columns.list, shown, records.next())?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(records)
    }

    fn pick(&self, connection: &Connection) -> Result<Rows> {
        let mut picking = self.picking();
        self.rows.run(connection, |found| Ok(picking.take(row::record(found, &self.columns.list)?)))?;
        Ok(picking.rows())
    }
}

fn counted(connection: &Connection, count: &Statement) -> Result<u64> {
    let mut counted = 0;
    count.run(connection, |row| {
        counted = row.get::<_, i64>(0)?.unsigned_abs();
        Ok(ControlFlow::Break(()))
    })?;
    Ok(counted)
}
