//! Finding records.

use super::after::keys;
use super::open::open_part;
use super::{Column, Columns, Dialect, Statement, is_open};
use crate::store::{Condition, Find, Record, Rows, SortKey, Target, matches, sort};
use serde_json::Value;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use wingbeat_core::Result;

/// Room for more records is not made in advance.
#[cfg(feature = "sqlite")]
const PAGE: u64 = 50;

/// A find in SQL.
pub(in crate::store) struct Select<D: Dialect> {
    pub(in crate::store) columns: Arc<Columns<D>>,
    pub(in crate::store) rows: Statement<D>,
    /// Counts what matches, where that is asked for and SQL can tell.
    pub(in crate::store) count: Option<Statement<D>>,
    /// How far to count.
    most: Option<u64>,
    /// Where the columns of a cursor stand in a row.
    keys: Option<Range<usize>>,
    skip: u64,
    limit: u64,
    /// So many records are not unlikely.
    #[cfg(feature = "sqlite")]
    expected: usize,
    remaining: Remaining,
}

/// What SQL leaves to do.
enum Remaining {
    /// Nothing: rows become text. This is what they show.
    Nothing(Vec<Shown>),
    /// It tests or sorts by what SQL does not look into: that is decided row by row.
    Work { condition: Condition, sort: Vec<SortKey> },
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
        let by = find.after.as_ref().map(|_| keys(&find.sort, columns)).transpose()?;
        let mut rows = Statement::new("SELECT ");
        let remaining = if open || sorts {
            rows.push(&columns.names);
            let condition = if open { open_part(&find.target.condition, columns) } else { Condition::default() };
            let sort = if sorts { find.sort.clone() } else { Vec::new() };
            Remaining::Work { condition, sort }
        } else {
            Remaining::Nothing(show(&mut rows, columns, find.select.as_deref()))
        };
        let shows = match &remaining {
            Remaining::Nothing(shown) => shown.len(),
            Remaining::Work { .. } => columns.list.len(),
        };
        for column in by.iter().flatten() {
            D::push_key_value(rows.push(", "), column);
        }
        let keys = by.map(|by| shows..shows + by.len());
        rows.push(&columns.from).push_where(&find.target, columns)?;
        if let Some(values) = &find.after {
            rows.push_after(find, values, columns)?;
        }
        let (skip, limit) = (find.skip, find.limit.unwrap_or(u64::MAX));
        let is_done = matches!(remaining, Remaining::Nothing(_));
        // By its id there is one at most.
        if find.target.id.is_none() {
            rows.push_order(&find.sort, !sorts, columns)?;
            if is_done && (find.limit.is_some() || skip > 0) {
                D::push_limit(&mut rows, limit);
                rows.push(" OFFSET ").bind(D::amount(skip));
            }
        }
        let count = match find.count {
            Some(most) if is_done => Some(count(most, &find.target, columns)?),
            _ => None,
        };
        Ok(Select {
            columns: columns.clone(),
            rows,
            count,
            most: find.count,
            keys,
            skip,
            limit,
            #[cfg(feature = "sqlite")]
            expected: if find.target.id.is_some() { 1 } else { limit.min(PAGE) as usize },
            remaining,
        })
    }

    /// What rows show, where they are answered as they come.
    pub(in crate::store) fn shown(&self) -> Option<&[Shown]> {
        match &self.remaining {
            Remaining::Nothing(shown) => Some(shown),
            Remaining::Work { .. } => None,
        }
    }

    /// What picks from the rows those that are meant, where SQL has not.
    pub(in crate::store) fn picking(&self) -> Picking<'_> {
        let (condition, keys) = match &self.remaining {
            Remaining::Nothing(_) => (None, &[][..]),
            Remaining::Work { condition, sort } => (Some(condition), &sort[..]),
        };
        let Select { most, skip, limit, .. } = *self;
        Picking { condition, keys, most, end: self.keys.clone(), skip, limit, hits: 0, records: Vec::new(), last: None }
    }

    /// Where in the row the keys of a cursor stand, if so many records make the page full: what follows only tells that it
    /// is not the last.
    pub(in crate::store) fn end(&self, found: usize) -> Option<Range<usize>> {
        self.keys.clone().filter(|_| self.is_full(found))
    }

    /// Whether a page by keys has as many records as are wanted.
    pub(in crate::store) fn is_full(&self, found: usize) -> bool {
        self.keys.is_some() && found as u64 + 1 >= self.limit
    }

    /// Room for the text of its records, that it does not grow piece by piece: what is shown of each is short, mostly.
    #[cfg(feature = "sqlite")]
    pub(in crate::store) fn room(&self) -> usize {
        /// For each column.
        const BYTES: usize = 24;
        self.expected * self.shown().map_or(0, <[Shown]>::len) * BYTES
    }

    /// Whether only the count is wanted.
    pub(in crate::store) fn is_only_count(&self) -> bool {
        self.limit == 0
    }

    /// How many match in all, if a page with so many records tells: one that is not full is the last, and there may be as
    /// many as are counted. If it does not, how many there are at least.
    pub(in crate::store) fn total(&self, found: u64) -> std::result::Result<u64, u64> {
        let total = if found > 0 { self.skip.saturating_add(found) } else { 0 };
        match self.most {
            Some(most) if total >= most => Ok(most),
            _ if found < self.limit && (found > 0 || self.skip == 0) => Ok(total),
            _ => Err(total),
        }
    }
}

/// Picks the records that are meant, one by one.
pub(in crate::store) struct Picking<'s> {
    condition: Option<&'s Condition>,
    keys: &'s [SortKey],
    most: Option<u64>,
    end: Option<Range<usize>>,
    skip: u64,
    limit: u64,
    hits: u64,
    records: Vec<Record>,
    /// Where the page ends, if it is full.
    last: Option<Vec<Value>>,
}

impl Picking<'_> {
    /// Looks at the next record, and says whether others are wanted. Its row may be asked for the keys of a cursor.
    pub(in crate::store) fn take(
        &mut self,
        record: Record,
        keys: impl FnOnce(Range<usize>) -> Result<Vec<Value>>,
    ) -> Result<ControlFlow<()>> {
        let sorts = !self.keys.is_empty();
        if self.condition.is_none_or(|condition| matches(condition, &record)) {
            self.hits += 1;
            if sorts || self.hits > self.skip && self.hits - self.skip <= self.limit {
                self.records.push(record);
            }
            if let Some(end) = self.end.clone().filter(|_| self.hits + 1 == self.limit) {
                self.last = Some(keys(end)?);
            }
            let is_counted = self.most.is_none_or(|most| self.hits >= most);
            if !sorts && is_counted && self.hits.saturating_sub(self.skip) >= self.limit {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    pub(in crate::store) fn rows(mut self) -> Rows {
        if !self.keys.is_empty() {
            sort(&mut self.records, self.keys);
            let cut = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            self.records = self.records.into_iter().skip(cut(self.skip)).take(cut(self.limit)).collect();
        }
        let (total, is_last) = (self.most.map(|most| most.min(self.hits)), self.hits < self.limit);
        Rows { records: self.records.into(), total, keys: self.last.filter(|_| !is_last) }
    }
}

/// Counts what matches, up to so many.
fn count<D: Dialect>(most: u64, target: &Target, columns: &Columns<D>) -> Result<Statement<D>> {
    let mut count = Statement::new("SELECT count(*)");
    if most == u64::MAX {
        count.push(&columns.from).push_where(target, columns)?;
        return Ok(count);
    }
    count.push(" FROM (SELECT 1").push(&columns.from).push_where(target, columns)?;
    D::push_limit(&mut count, most);
    count.push(") AS counted");
    Ok(count)
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
