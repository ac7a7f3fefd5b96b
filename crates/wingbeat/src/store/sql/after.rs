//! Pages by keys in SQL: only rows that stand behind the values of a cursor.

use super::{Column, Columns, Dialect, Statement};
use crate::store::cursor::{invalid, unpaged};
use crate::store::{Find, SortKey};
use serde_json::Value;
use wingbeat_core::Result;

/// A key, and the value behind which the page begins.
struct Bound<'c, D: Dialect> {
    column: &'c Column<D>,
    is_descending: bool,
    /// Missing: null.
    value: Option<D::Value>,
}

/// The columns by which a find is paged.
///
/// # Errors
/// BadRequest for fields that are no columns, and for what SQL does not sort by.
pub(super) fn keys<'c, D: Dialect>(sort: &[SortKey], columns: &'c Columns<D>) -> Result<Vec<&'c Column<D>>> {
    let column = |key: &SortKey| {
        let (field, inner) = key.path.split();
        let column = columns.find(field)?;
        if inner.is_empty() && !D::is_sorted_outside(column) { Ok(column) } else { Err(unpaged(key)) }
    };
    sort.iter().map(column).collect()
}

impl<D: Dialect> Statement<D> {
    /// ` AND …`: behind the values.
    ///
    /// # Errors
    /// BadRequest for values that no column could have.
    pub(super) fn push_after(&mut self, find: &Find, values: &[Value], columns: &Columns<D>) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        let bound = |((key, column), value): ((&SortKey, _), &Value)| {
            let value = if value.is_null() { None } else { Some(D::key(value).ok_or_else(invalid)?) };
            Ok(Bound { column, is_descending: key.descending, value })
        };
        let keys = find.sort.iter().zip(keys(&find.sort, columns)?).zip(values).map(bound);
        let keys = keys.collect::<Result<Vec<Bound<'_, D>>>>()?;
        self.push(" AND ");
        if !self.push_row_after(&keys) {
            self.push_keys_after(&keys);
        }
        Ok(())
    }

    /// One comparison of all keys as a row, which an index on them serves, if they have one direction and no nulls.
    fn push_row_after(&mut self, keys: &[Bound<'_, D>]) -> bool {
        let is_descending = keys.first().is_some_and(|key| key.is_descending);
        let fits = |key: &Bound<'_, D>| key.is_descending == is_descending && !D::is_nullable(key.column);
        let values: Vec<_> = keys.iter().filter(|key| fits(key)).filter_map(|key| key.value.clone()).collect();
        if values.len() < keys.len() || !D::COMPARES_ROWS && keys.len() > 1 {
            return false;
        }
        for (index, key) in keys.iter().enumerate() {
            D::push_key_operand(self.push(if index == 0 { "(" } else { ", " }), key.column);
        }
        self.push(if is_descending { ") < " } else { ") > " });
        for (index, (key, value)) in keys.iter().zip(values).enumerate() {
            D::push_key_bound(self.push(if index == 0 { "(" } else { ", " }), key.column, value);
        }
        self.push(")");
        true
    }

    /// Behind by the first key, or equal by it and behind by the next, and so on.
    fn push_keys_after(&mut self, keys: &[Bound<'_, D>]) {
        let Some((first, rest)) = keys.split_first() else { return };
        self.push("(");
        // Says nothing new, but an index on the first key has its beginning.
        if !rest.is_empty()
            && let Some(value) = first.value.clone().filter(|_| !first.nulls_follow())
        {
            self.push_compared(first.column, if first.is_descending { " <= " } else { " >= " }, value);
            self.push(" AND ");
        }
        for (index, key) in keys.iter().enumerate() {
            self.push("(").push_behind(key);
            if index + 1 < keys.len() {
                self.push(" OR ").push_equal(key);
                self.push(" AND ");
            }
        }
        self.push(&")".repeat(keys.len() + 1));
    }

    fn push_behind(&mut self, key: &Bound<'_, D>) {
        match (key.value.clone(), key.is_descending) {
            // Null is the smallest.
            (None, false) => self.push_is_null(key.column, false),
            (None, true) => drop(self.push(D::FALSE)),
            (Some(value), false) => self.push_compared(key.column, " > ", value),
            (Some(value), true) => {
                self.push("(").push_compared(key.column, " < ", value);
                if key.nulls_follow() {
                    self.push(" OR ").push_is_null(key.column, true);
                }
                self.push(")");
            }
        }
    }

    fn push_equal(&mut self, key: &Bound<'_, D>) {
        match key.value.clone() {
            None => self.push_is_null(key.column, true),
            Some(value) => self.push_compared(key.column, " = ", value),
        }
    }

    fn push_compared(&mut self, column: &Column<D>, operator: &str, value: D::Value) {
        D::push_key_operand(self, column);
        D::push_key_bound(self.push(operator), column, value);
    }

    fn push_is_null(&mut self, column: &Column<D>, is_null: bool) {
        self.push(&column.quoted).push(if is_null { " IS NULL" } else { " IS NOT NULL" });
    }
}

impl<D: Dialect> Bound<'_, D> {
    /// Whether nulls are behind a value.
    fn nulls_follow(&self) -> bool {
        self.is_descending && D::is_nullable(self.column)
    }
}
