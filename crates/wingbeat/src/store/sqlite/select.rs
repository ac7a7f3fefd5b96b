//! Finding records.

use super::bound::Bound;
use super::column::{Column, Kind};
use super::columns::Columns;
use super::row;
use super::statement::{Statement, is_open, open_part};
use crate::store::{Answer, Condition, Find, JsonRecords, Rows, SortKey, matches, sort};
use rusqlite::Connection;
use std::ops::ControlFlow;
use std::sync::Arc;
use wingbeat_core::Result;

/// A find in SQL.
pub(super) struct Select {
    columns: Arc<Columns>,
    rows: Statement,
    /// Counts what matches, where that is asked for and SQL can tell.
    count: Option<Statement>,
    skip: u64,
    limit: u64,
    left: Left,
}

/// What SQL leaves to do.
enum Left {
    /// Nothing: rows become text. These are the columns that they have.
    Nothing(Vec<usize>),
    /// It sorts or tests JSON, or has operators that SQL does not know: that is decided row by row.
    Work { condition: Condition, sort: Vec<SortKey>, count: bool },
}

impl Select {
    pub(super) fn new(columns: &Arc<Columns>, find: &Find) -> Result<Select> {
        let by_json = |key: &SortKey| columns.find(key.path.split().0).is_ok_and(|column| column.kind == Kind::Json);
        let (open, sorts) = (is_open(&find.target.condition, columns), find.sort.iter().any(by_json));
        let left = if open || sorts {
            let condition = if open { open_part(&find.target.condition, columns) } else { Condition::default() };
            let sort = if sorts { find.sort.clone() } else { Vec::new() };
            Left::Work { condition, sort, count: find.count }
        } else {
            Left::Nothing(shown(columns, find.select.as_deref()))
        };
        let from = format!(" FROM {}", columns.table);
        let mut rows = Statement::new("SELECT ");
        match &left {
            Left::Nothing(shown) => {
                for (index, column) in shown.iter().enumerate() {
                    rows.push(if index == 0 { "" } else { ", " }).push(&columns.list[*column].quoted);
                }
            }
            Left::Work { .. } => drop(rows.push(&columns.names)),
        }
        rows.push(&from).push_where(&find.target, columns)?;
        let (skip, limit) = (find.skip, find.limit.unwrap_or(u64::MAX));
        // By its id there is one at most.
        if find.target.id.is_none() {
            rows.push_order(&find.sort, columns)?;
            if matches!(left, Left::Nothing(_)) && (find.limit.is_some() || skip > 0) {
                let bound = |number: u64| Bound::Integer(i64::try_from(number).unwrap_or(i64::MAX));
                rows.push(" LIMIT ").bind(bound(limit)).push(" OFFSET ").bind(bound(skip));
            }
        }
        let count = if find.count && matches!(left, Left::Nothing(_)) {
            let mut count = Statement::new(format!("SELECT count(*){from}"));
            count.push_where(&find.target, columns)?;
            Some(count)
        } else {
            None
        };
        Ok(Select { columns: columns.clone(), rows, count, skip, limit, left })
    }

    pub(super) fn run(&self, connection: &Connection) -> Result<Rows> {
        let (shown, count) = match (&self.left, &self.count) {
            (Left::Work { condition, sort, count }, _) => return self.work(connection, condition, sort, *count),
            (Left::Nothing(shown), count) => (shown, count),
        };
        let Some(count) = count else {
            return Ok(Rows { records: self.text(connection, shown)?.into(), total: None });
        };
        if self.limit == 0 {
            return Ok(Rows { records: Answer::default(), total: Some(counted(connection, count)?) });
        }
        // One transaction, so that page and total are of the same moment. The worker ends it if something fails.
        connection.prepare_cached("BEGIN")?.execute([])?;
        let records = Answer::from(self.text(connection, shown)?);
        let found = records.len() as u64;
        // A page that is not full is the last one.
        let total = match found < self.limit && (found > 0 || self.skip == 0) {
            true => self.skip + found,
            false => counted(connection, count)?,
        };
        connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(Rows { records, total: Some(total) })
    }

    fn text(&self, connection: &Connection, shown: &[usize]) -> Result<JsonRecords> {
        let mut records = JsonRecords::new();
        self.rows.run(connection, |found| {
            row::write(found, shown.iter().map(|column| &self.columns.list[*column]), records.next())?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(records)
    }

    fn work(&self, connection: &Connection, condition: &Condition, keys: &[SortKey], count: bool) -> Result<Rows> {
        let (mut hits, mut records) = (0, Vec::new());
        let sorts = !keys.is_empty();
        self.rows.run(connection, |found| {
            let record = row::record(found, &self.columns.list)?;
            if matches(condition, &record) {
                hits += 1;
                if sorts || hits > self.skip && hits - self.skip <= self.limit {
                    records.push(record);
                }
                if !sorts && !count && hits.saturating_sub(self.skip) >= self.limit {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if sorts {
            sort(&mut records, keys);
            let cut = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            records = records.into_iter().skip(cut(self.skip)).take(cut(self.limit)).collect();
        }
        Ok(Rows { records: records.into(), total: count.then_some(hits) })
    }
}

/// The columns that are asked for, in their order; names that are none are left out.
fn shown(columns: &Columns, select: Option<&[String]>) -> Vec<usize> {
    let Some(names) = select else { return (0..columns.list.len()).collect() };
    let mut shown = Vec::with_capacity(names.len());
    for name in names {
        let is_it = |column: &Column| *column.name == **name;
        if let Some(at) = columns.list.iter().position(is_it).filter(|at| !shown.contains(at)) {
            shown.push(at);
        }
    }
    shown
}

fn counted(connection: &Connection, count: &Statement) -> Result<u64> {
    let mut counted = 0;
    count.run(connection, |row| {
        counted = row.get::<_, i64>(0)?.unsigned_abs();
        Ok(ControlFlow::Break(()))
    })?;
    Ok(counted)
}
