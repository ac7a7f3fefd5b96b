//! Finding records, and reading rows.

use super::cell;
use super::column::Column;
use super::connection::Connection;
use super::dialect::{Columns, Select, Statement};
use crate::store::sql::Shown;
use crate::store::{Answer, JsonRecords, Record, Rows};
use mysql_async::{Row, Value as Cell};
use wingbeat_core::Result;

impl Connection {
    /// The records of a find, and how many match in all where that is asked for.
    pub(super) async fn find(&mut self, select: &Select) -> Result<Rows> {
        let Some(shown) = select.shown() else { return self.pick(select).await };
        let Some(count) = &select.count else {
            return Ok(Rows { records: self.text(&select.rows, &select.columns, shown).await?.into(), total: None });
        };
        if select.is_only_count() {
            return Ok(Rows { records: Answer::default(), total: Some(self.count(count).await?) });
        }
        let records = Answer::from(self.text(&select.rows, &select.columns, shown).await?);
        let total = match select.total(records.len() as u64) {
            Ok(total) => total,
            // Others may have removed some meanwhile: a transaction would cost as much as the page.
            Err(least) => self.count(count).await?.max(least),
        };
        Ok(Rows { records, total: Some(total) })
    }

    /// The records that a statement returns, as text.
    pub(super) async fn text(
        &mut self,
        statement: &Statement,
        columns: &Columns,
        shown: &[Shown],
    ) -> Result<JsonRecords> {
        let mut records = JsonRecords::new();
        self.run(statement, |row| write(&row, columns, shown, records.next())).await?;
        Ok(records)
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
                is_done = picking.take(record(&row, &select.columns)?).is_break();
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
        cell::write(column.held.scalar, at(row, shown.at), out)?;
    }
    out.push(b'}');
    Ok(())
}

/// The record in a row of all columns.
pub(super) fn record(row: &Row, columns: &Columns) -> Result<Record> {
    let member = |(index, column): (usize, &Column)| {
        Ok((column.name.to_string(), cell::value(column.held.scalar, at(row, index))?))
    };
    columns.list.iter().enumerate().map(member).collect()
}

pub(super) fn at(row: &Row, index: usize) -> &Cell {
    row.as_ref(index).unwrap_or(&Cell::NULL)
}
