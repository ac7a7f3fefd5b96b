//! Conditions and orders in SQL.

use super::open::{is_left_open, passes_null};
use super::{Column, Columns, Dialect, Statement};
use crate::store::{Comparison, Condition, SortKey, Target, Test};
use serde_json::Value;
use std::slice::from_ref;
use wingbeat_core::Result;

impl<D: Dialect> Statement<D> {
    /// ` WHERE …` with all that SQL can say about the target. Some tests are left open, see [`is_open`](super::is_open).
    ///
    /// # Errors
    /// BadRequest for fields that are no columns.
    pub(in crate::store) fn push_where(&mut self, target: &Target, columns: &Columns<D>) -> Result<()> {
        self.push(" WHERE ");
        if let Some(id) = &target.id {
            let column = columns.id();
            match D::ids(column, id) {
                ids if ids.is_empty() => drop(self.push(D::FALSE)),
                ids => D::push_id(self, column, ids),
            }
            self.push(" AND ");
        }
        self.push_condition(&target.condition, columns)
    }

    fn push_condition(&mut self, condition: &Condition, columns: &Columns<D>) -> Result<()> {
        let (members, between, nothing) = match condition {
            Condition::Field(path, test) => {
                let (field, inner) = path.split();
                let column = columns.find(field)?;
                match inner {
                    _ if is_left_open(column, test, columns) => drop(self.push(D::TRUE)),
                    [] => self.push_test(column, test, columns),
                    // Nothing is inside a plain value.
                    _ => drop(self.push(if passes_null(test) { D::TRUE } else { D::FALSE })),
                }
                return Ok(());
            }
            Condition::All(members) => (members, " AND ", D::TRUE),
            Condition::Any(members) => (members, " OR ", D::FALSE),
        };
        if members.is_empty() {
            self.push(nothing);
            return Ok(());
        }
        for (index, member) in members.iter().enumerate() {
            self.push(if index == 0 { "(" } else { between });
            self.push_condition(member, columns)?;
        }
        self.push(")");
        Ok(())
    }

    fn push_test(&mut self, column: &Column<D>, test: &Test, columns: &Columns<D>) {
        match test {
            Test::Is(value) => self.push_in(column, from_ref(value), true),
            Test::In(values) => self.push_in(column, values, true),
            Test::IsNot(value) => self.push_in(column, from_ref(value), false),
            Test::NotIn(values) => self.push_in(column, values, false),
            Test::Compare(Comparison::LessOrEqual | Comparison::GreaterOrEqual, Value::Null) => {
                self.push_null(column, true);
            }
            Test::Compare(_, Value::Null) => drop(self.push(D::FALSE)),
            Test::Compare(comparison, value) => D::push_comparison(self, column, *comparison, value),
            Test::Like(_) if !D::holds_texts(column) => {
                self.push(if passes_null(test) { D::TRUE } else { D::FALSE });
            }
            Test::Like(like) if like.is_negated() => {
                self.push("(").push(&column.quoted).push(" IS NULL OR NOT ");
                D::push_like(self, column, like);
                self.push(")");
            }
            Test::Like(like) => D::push_like(self, column, like),
            Test::Own(own) => match D::operand(column, own.operand()).zip(columns.sql_operator(own)) {
                // The operator is the program's own text.
                Some((operand, sql)) => {
                    self.push("coalesce(").push(&column.quoted).push(" ").push(sql).push(" ").bind(operand);
                    self.push(", ").push(D::FALSE).push(")");
                }
                None => drop(self.push(D::FALSE)),
            },
        }
    }

    /// That the column has one of these values, or has none of them.
    fn push_in(&mut self, column: &Column<D>, values: &[Value], is_one: bool) {
        let bound: Vec<_> = values.iter().filter_map(|value| D::operand(column, value)).collect();
        let with_null = values.iter().any(Value::is_null);
        // Null equals nothing in SQL: where it counts, that has to be said.
        let null_counts = with_null == is_one;
        match (bound.is_empty(), null_counts) {
            (true, _) if !with_null => drop(self.push(if is_one { D::FALSE } else { D::TRUE })),
            (true, _) => self.push_null(column, is_one),
            (false, false) => D::push_one_of(self, column, bound, is_one),
            (false, true) => {
                self.push("(").push_null(column, true);
                self.push(" OR ");
                D::push_one_of(self, column, bound, is_one);
                self.push(")");
            }
        }
    }

    fn push_null(&mut self, column: &Column<D>, is_null: bool) {
        D::push_operand(self, column);
        self.push(if is_null { " IS NULL" } else { " IS NOT NULL" });
    }

    /// ` ORDER BY …`, by these keys unless records are sorted after they were read. Nothing is inside a plain value, so a
    /// way into it orders nothing.
    ///
    /// # Errors
    /// BadRequest for fields that are no columns.
    pub(super) fn push_order(&mut self, keys: &[SortKey], by_keys: bool, columns: &Columns<D>) -> Result<()> {
        self.push(" ORDER BY ");
        // With the table's name: a column of the answer that has the same one may be the text of what is meant here.
        // What is ordered by the id at last needs nothing to be in a stable order.
        let (mut separator, mut ends_with_id) = ("", false);
        for key in keys {
            let (field, inner) = key.path.split();
            let column = columns.find(field)?;
            if inner.is_empty() && by_keys {
                D::push_key(self.push(separator).push(&columns.table).push("."), column, key.descending);
                (separator, ends_with_id) = (", ", column.name == columns.id().name);
            }
        }
        if !ends_with_id {
            self.push(separator).push(&columns.table).push(".").push(&columns.tie);
        }
        Ok(())
    }
}
