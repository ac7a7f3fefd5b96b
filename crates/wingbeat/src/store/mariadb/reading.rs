//! Finding records, and reading rows.

use super::cell;
use super::column::Column;
use super::connection::Connection;
use super::dialect::{Columns, Select, Statement};
use crate::store::sql::Shown;
use crate::store::{JsonRecords, Record, Rows};
use mysql_async::{Row, Value as Cell};
use serde_json::Value;
use std::ops::Range;
use wingbeat_core::Result;

impl Connection {
    /// The records of a find, and how many match in all where that is asked for.
    pub(super) async fn find(&mut self, select: &Select) -> Result<Rows> {
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
    async fn page(&mut self, select: &Select, shown: &[Shown]) -> Result<Rows> {
        let (mut records, mut last, mut is_last) = (JsonRecords::new(), None, true);
        let take = |row: Row| {
            if select.is_full(records.len()) {
                is_last = false;
                return Ok(());
            }
            write(&row, &select.columns, shown, records.next())?;
            if let Some(end) = select.end(records.len()) {
                last = Some(keys(&row, end));
            }
            Ok(())
        };
        self.run(&select.rows, take).await?;
        Ok(Rows::new(records).keys(last.filter(|_| !is_last)))
    }

    /// The records that a statement returns, as values.
    pub(super) async fn records(&mut self, statement: &Statement, columns: &Columns) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        let read = |row: Row| {
            records.push(record(&row, columns)?);
            Ok(())
        };
        self.run(statement, read).await?;
        Ok(records)
    }

    async fn pick(&mut self, select: &Select) -> Result<Rows> {
        let (mut picking, mut is_done) = (select.picking(), false);
        let take = |row: Row| {
            if !is_done {
                is_done = picking.take(record(&row, &select.columns)?, |end| Ok(keys(&row, end)))?.is_break();
            }
            Ok(())
        };
        self.run(&select.rows, take).await?;
        Ok(picking.rows())
    }

    async fn count(&mut self, count: &Statement) -> Result<u64> {
        let mut counted = 0;
        let read = |row: Row| {
            if let Some(Cell::Int(count)) = row.as_ref(0) {
                counted = count.unsigned_abs();
            }
            Ok(())
        };
        self.run(count, read).await?;
        Ok(counted)
    }
}

/// Writes what a row shows of these columns as a JSON object.
pub(super) fn write(row: &Row, columns: &Columns, shown: &[Shown], out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    for (index, shown) in shown.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let column = &columns.list[shown.column];
        out.extend_from_slice(&column.key);
        cell::write(column.ty.scalar, at(row, shown.at), out)?;
    }
    out.push(b'}');
    Ok(())
}

/// The record in a row of all columns.
pub(super) fn record(row: &Row, columns: &Columns) -> Result<Record> {
    let member = |(index, column): (usize, &Column)| {
        Ok((column.name.to_string(), cell::value(column.ty.scalar, at(row, index))?))
    };
    columns.list.iter().enumerate().map(member).collect()
}

pub(super) fn at(row: &Row, index: usize) -> &Cell {
    row.as_ref(index).unwrap_or(&Cell::NULL)
}

/// What these columns hold as the keys of a cursor.
fn keys(row: &Row, columns: Range<usize>) -> Vec<Value> {
    columns.map(|index| cell::key(at(row, index))).collect()
}
