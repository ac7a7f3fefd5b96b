//! Finding records.

use super::open::open_part;
use super::{Column, Columns, Dialect, Statement, is_open};
use crate::store::{Condition, Find, Record, Rows, SortKey, matches, sort};
use std::ops::ControlFlow;
use std::sync::Arc;
use wingbeat_core::Result;

/// A find in SQL.
pub(in crate::store) struct Select<D: Dialect> {
    pub(in crate::store) columns: Arc<Columns<D>>,
    pub(in crate::store) rows: Statement<D>,
    /// Counts what matches, where that is asked for and SQL can tell.
    pub(in crate::store) count: Option<Statement<D>>,
    skip: u64,
    limit: u64,
    left: Left,
}

/// What SQL leaves to do.
enum Left {
    /// Nothing: rows become text. This is what they show.
    Nothing(Vec<Shown>),
    /// It tests or sorts by what SQL does not look into: that is decided row by row.
    Work { condition: Condition, sort: Vec<SortKey>, count: bool },
}

/// A column that is answered.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Shown {
    /// Where it stands in the list of all columns.
    pub(in crate::store) column: usize,
    /// Where it stands in the row.
    pub(in crate::store) at: usize,
}

impl<D: Dialect> Select<D> {
    pub(in crate::store) fn new(columns: &Arc<Columns<D>>, find: &Find) -> Result<Select<D>> {
        let outside = |key: &SortKey| columns.find(key.path.split().0).is_ok_and(D::is_sorted_outside);
        let (open, sorts) = (is_open(&find.target.condition, columns), find.sort.iter().any(outside));
        let from = format!(" FROM {}", columns.table);
        let mut rows = Statement::new("SELECT ");
        let left = if open || sorts {
            rows.push(&columns.names);
            let condition = if open { open_part(&find.target.condition, columns) } else { Condition::default() };
            let sort = if sorts { find.sort.clone() } else { Vec::new() };
            Left::Work { condition, sort, count: find.count }
        } else {
            Left::Nothing(show(&mut rows, columns, find.select.as_deref()))
        };
        rows.push(&from).push_where(&find.target, columns)?;
        let (skip, limit) = (find.skip, find.limit.unwrap_or(u64::MAX));
        let is_done = matches!(left, Left::Nothing(_));
        // By its id there is one at most.
        if find.target.id.is_none() {
            rows.push_order(&find.sort, !sorts, columns)?;
            if is_done && (find.limit.is_some() || skip > 0) {
                rows.push(" LIMIT ").bind(D::amount(limit)).push(" OFFSET ").bind(D::amount(skip));
            }
        }
        let count = if find.count && is_done {
            let mut count = Statement::new(format!("SELECT count(*){from}"));
            count.push_where(&find.target, columns)?;
            Some(count)
        } else {
            None
        };
        Ok(Select { columns: columns.clone(), rows, count, skip, limit, left })
    }

    /// What rows show, where they are answered as they come.
    pub(in crate::store) fn shown(&self) -> Option<&[Shown]> {
        match &self.left {
            Left::Nothing(shown) => Some(shown),
            Left::Work { .. } => None,
        }
    }

    /// What picks from the rows those that are meant, where SQL has not.
    pub(in crate::store) fn picking(&self) -> Picking<'_> {
        let (condition, keys, count) = match &self.left {
            Left::Nothing(_) => (None, &[][..], false),
            Left::Work { condition, sort, count } => (Some(condition), &sort[..], *count),
        };
        Picking { condition, keys, count, skip: self.skip, limit: self.limit, hits: 0, records: Vec::new() }
    }

    /// Whether only the count is wanted.
    pub(in crate::store) fn is_only_count(&self) -> bool {
        self.limit == 0
    }

    /// How many match in all, if a page with so many records tells: one that is not full is the last. If it does not, how
    /// many there are at least.
    pub(in crate::store) fn total(&self, found: u64) -> std::result::Result<u64, u64> {
        let total = if found > 0 { self.skip.saturating_add(found) } else { 0 };
        if found < self.limit && (found > 0 || self.skip == 0) { Ok(total) } else { Err(total) }
    }
}

/// Picks the records that are meant, one by one.
pub(in crate::store) struct Picking<'s> {
    condition: Option<&'s Condition>,
    keys: &'s [SortKey],
    count: bool,
    skip: u64,
    limit: u64,
    hits: u64,
    records: Vec<Record>,
}

impl Picking<'_> {
    /// Looks at the next record, and says whether others are wanted.
    pub(in crate::store) fn take(&mut self, record: Record) -> ControlFlow<()> {
        let sorts = !self.keys.is_empty();
        if self.condition.is_none_or(|condition| matches(condition, &record)) {
            self.hits += 1;
            if sorts || self.hits > self.skip && self.hits - self.skip <= self.limit {
                self.records.push(record);
            }
            if !sorts && !self.count && self.hits.saturating_sub(self.skip) >= self.limit {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    pub(in crate::store) fn rows(mut self) -> Rows {
        if !self.keys.is_empty() {
            sort(&mut self.records, self.keys);
            let cut = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            self.records = self.records.into_iter().skip(cut(self.skip)).take(cut(self.limit)).collect();
        }
        Rows { records: self.records.into(), total: self.count.then_some(self.hits) }
    }
}

/// Adds the columns that are asked for, in the table's order, so that there are fewer different statements to prepare;
/// they are answered in the order in which they were asked for. Names that are none are left out.
fn show<D: Dialect>(rows: &mut Statement<D>, columns: &Columns<D>, select: Option<&[String]>) -> Vec<Shown> {
    let Some(names) = select else {
        rows.push(&columns.names);
        return columns.all.clone();
    };
    let mut asked = Vec::with_capacity(names.len());
    for name in names {
        let is_it = |column: &Column<D>| *column.name == **name;
        if let Some(column) = columns.list.iter().position(is_it).filter(|column| !asked.contains(column)) {
            asked.push(column);
        }
    }
    let mut read = asked.clone();
    read.sort_unstable();
    for (at, column) in read.iter().enumerate() {
        rows.push(if at == 0 { "" } else { ", " }).push(&columns.list[*column].read);
    }
    let at = |column| Shown { column, at: read.partition_point(|other| *other < column) };
    asked.into_iter().map(at).collect()
}
