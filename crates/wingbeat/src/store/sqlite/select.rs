//! Finding records.

use super::dialect::Sql;
use super::row;
use super::statement::Statement;
use crate::store::{JsonRecords, Rows, sql};
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
            return self.text(connection);
        };
        if self.is_only_count() {
            return Ok(Rows::default().total(counted(connection, count)?));
        }
        // One transaction, so that page and total are of the same moment. The worker ends it if something fails.
        let is_alone = connection.is_autocommit();
        if is_alone {
            connection.prepare_cached("BEGIN")?.execute([])?;
        }
        let rows = self.text(connection)?;
        let total = match self.total(rows.records.len() as u64) {
            Ok(total) => total,
            Err(_) => counted(connection, count)?,
        };
        if is_alone {
            connection.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(rows.total(total))
    }

    fn text(&self, connection: &Connection) -> Result<Rows> {
        let (mut records, mut last, mut is_last) = (JsonRecords::with_capacity(self.room()), None, true);
        let shown = self.shown().unwrap_or_default();
        self.rows.run(connection, |found| {
            if self.is_full(records.len()) {
                is_last = false;
                return Ok(ControlFlow::Break(()));
            }
            row::write(found, &self.columns.list, shown, records.next())?;
            if let Some(end) = self.end(records.len()) {
                last = Some(row::keys(found, end)?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Rows::new(records).keys(last.filter(|_| !is_last)))
    }

    fn pick(&self, connection: &Connection) -> Result<Rows> {
        let mut picking = self.picking();
        self.rows.run(connection, |found| {
            picking.take(row::record(found, &self.columns.list)?, |end| row::keys(found, end))
        })?;
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
