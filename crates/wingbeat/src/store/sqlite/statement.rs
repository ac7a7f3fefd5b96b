//! SQL: text with the values beside it.
//!
//! Written by hand rather than with a query builder: there are five statements, and most of what is special here (types,
//! nulls) would be raw SQL in a builder too. Two rules keep it safe: names come from [`Columns`] alone, already in quotes,
//! and values are bound, always.

use super::bound::Bound;
use super::column::{Column, Kind, Strangers};
use super::columns::Columns;
use crate::store::{Comparison, Condition, SortKey, Target, Test};
use rusqlite::{Connection, Row};
use serde_json::Value;
use std::ops::ControlFlow;
use wingbeat_core::{Id, Result};

/// Longer texts are not kept prepared: they have long lists in them, of which there are many different ones.
const PREPARED: usize = 2048;

#[derive(Debug, Default)]
pub(super) struct Statement {
    text: String,
    values: Vec<Bound>,
}

impl Statement {
    pub(super) fn new(text: impl Into<String>) -> Statement {
        Statement { text: text.into(), values: Vec::new() }
    }

    /// Adds text, which must not come from a client.
    pub(super) fn push(&mut self, text: &str) -> &mut Statement {
        self.text.push_str(text);
        self
    }

    /// Adds a value.
    pub(super) fn bind(&mut self, value: Bound) -> &mut Statement {
        self.values.push(value);
        self.push("?")
    }

    pub(super) fn bind_list(&mut self, values: impl IntoIterator<Item = Bound>) -> &mut Statement {
        self.push("(");
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "" } else { ", " }).bind(value);
        }
        self.push(")")
    }

    /// The same for a set: the last value stands there as often as is needed for one of a few lengths, each of which is a
    /// statement to prepare.
    fn bind_set(&mut self, mut values: Vec<Bound>) -> &mut Statement {
        let len = values.len();
        if let Some(last) = values.last().cloned()
            && len < 64
        {
            values.resize(len.next_power_of_two(), last);
        }
        self.bind_list(values)
    }

    /// Runs it to its end, or until a row is enough.
    pub(super) fn run(
        &self,
        connection: &Connection,
        mut row: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let (mut kept, mut seldom);
        let statement = if self.text.len() <= PREPARED {
            kept = connection.prepare_cached(&self.text)?;
            &mut *kept
        } else {
            seldom = connection.prepare(&self.text)?;
            &mut seldom
        };
        for (index, value) in self.values.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, value)?;
        }
        let mut rows = statement.raw_query();
        while let Some(found) = rows.next()? {
            if row(found)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// ` WHERE …` with all that SQL can say about the target. Some tests are left open, see [`is_open`].
    pub(super) fn push_where(&mut self, target: &Target, columns: &Columns) -> Result<()> {
        self.push(" WHERE ");
        if let Some(id) = &target.id {
            self.push_id(id, columns.id());
            self.push(" AND ");
        }
        self.push_condition(&target.condition, columns)
    }

    fn push_id(&mut self, id: &Id, column: &Column) {
        let ids = ids(id, column);
        if column.converts && !ids.is_empty() {
            // For the index, which the operand hides. What it finds besides, the operand refuses.
            self.push(&column.quoted);
            match &*ids {
                [id] => self.push(" = ").bind(id.clone()),
                several => self.push(" IN ").bind_list(several.to_vec()),
            };
            self.push(" AND ");
        }
        self.push_operand(column);
        match <[Bound; 1]>::try_from(ids) {
            Ok([id]) => self.push(" = ").bind(id),
            Err(ids) if ids.is_empty() => self.push(" IS NULL AND 0"),
            Err(ids) => self.push(" IN ").bind_list(ids),
        };
    }

    fn push_condition(&mut self, condition: &Condition, columns: &Columns) -> Result<()> {
        let (members, between, nothing) = match condition {
            Condition::Field(path, test) => {
                let (field, inner) = path.split();
                let column = columns.find(field)?;
                match (column.kind, inner) {
                    _ if is_left_open(column, test, columns) => drop(self.push("1")),
                    (_, []) => self.push_test(column, test, columns),
                    // Nothing is inside a plain value.
                    _ => drop(self.push(if passes_null(test) { "1" } else { "0" })),
                }
                return Ok(());
            }
            Condition::All(members) => (members, " AND ", "1"),
            Condition::Any(members) => (members, " OR ", "0"),
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

    fn push_test(&mut self, column: &Column, test: &Test, columns: &Columns) {
        match test {
            Test::Is(value) => self.push_in(column, std::slice::from_ref(value)),
            Test::In(values) => self.push_in(column, values),
            Test::IsNot(value) => self.push_not_in(column, std::slice::from_ref(value)),
            Test::NotIn(values) => self.push_not_in(column, values),
            Test::Compare(comparison, value) => self.push_comparison(column, *comparison, value),
            Test::Own(own) => match column.compare(own.operand()).zip(columns.sql_operator(own)) {
                // The operator is the program's own text.
                Some((operand, sql)) => {
                    self.push("coalesce(")
                        .push(&column.quoted)
                        .push(" ")
                        .push(sql)
                        .push(" ")
                        .bind(operand)
                        .push(", 0)");
                }
                None => drop(self.push("0")),
            },
        }
    }

    fn push_in(&mut self, column: &Column, values: &[Value]) {
        let (bound, null) = operands(column, values);
        match (bound.is_empty(), null) {
            (true, false) => drop(self.push("0")),
            (true, true) => drop(self.push_operand(column).push(" IS NULL")),
            (false, false) => drop(self.push_operand(column).push(" IN ").bind_set(bound)),
            (false, true) => {
                self.push("(").push_operand(column).push(" IS NULL OR ");
                self.push_operand(column).push(" IN ").bind_set(bound).push(")");
            }
        }
    }

    fn push_not_in(&mut self, column: &Column, values: &[Value]) {
        let (bound, null) = operands(column, values);
        match (bound.is_empty(), null) {
            (true, false) => drop(self.push("1")),
            (true, true) => drop(self.push_operand(column).push(" IS NOT NULL")),
            (false, true) => drop(self.push_operand(column).push(" NOT IN ").bind_set(bound)),
            (false, false) => {
                self.push("(").push_operand(column).push(" IS NULL OR ");
                self.push_operand(column).push(" NOT IN ").bind_set(bound).push(")");
            }
        }
    }

    fn push_comparison(&mut self, column: &Column, comparison: Comparison, value: &Value) {
        let or_equal = matches!(comparison, Comparison::LessOrEqual | Comparison::GreaterOrEqual);
        let Some(bound) = column.compare(value) else {
            match value.is_null() && or_equal {
                true => drop(self.push_operand(column).push(" IS NULL")),
                false => drop(self.push("0")),
            }
            return;
        };
        let operator = match comparison {
            Comparison::Less => " < ",
            Comparison::LessOrEqual => " <= ",
            Comparison::Greater => " > ",
            Comparison::GreaterOrEqual => " >= ",
        };
        // SQLite orders types among each other, numbers before texts before blobs; only values of the same one are meant.
        // A bound says so where `typeof` would, and an index can use it.
        let is_upwards = matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual);
        let bounded = match (&bound, is_upwards) {
            _ if column.strangers == Strangers::Nothing => None,
            (Bound::Text(_), true) => Some(" < x''"),
            (Bound::Text(_), false) if column.strangers == Strangers::Blobs => None,
            (Bound::Text(_), false) => Some(" >= ''"),
            (Bound::Blob(_), true) => None,
            (Bound::Blob(_), false) => Some(" >= x''"),
            (_, true) => Some(" < ''"),
            (_, false) => None,
        };
        self.push("(").push_operand(column).push(operator).bind(bound);
        if let Some(bounded) = bounded {
            self.push(" AND ").push_operand(column).push(bounded);
        }
        self.push(")");
    }

    /// The column, where need be with a `+` that keeps SQLite from converting what it is compared with (and from using an
    /// index).
    fn push_operand(&mut self, column: &Column) -> &mut Statement {
        self.push(if column.converts { "+" } else { "" }).push(&column.quoted)
    }

    /// ` ORDER BY …`. Nothing is inside a plain value, so a way into it orders nothing.
    pub(super) fn push_order(&mut self, keys: &[SortKey], columns: &Columns) -> Result<()> {
        self.push(" ORDER BY ");
        for key in keys {
            let (field, inner) = key.path.split();
            let column = columns.find(field)?;
            if inner.is_empty() {
                self.push(&column.quoted).push(if key.descending { " DESC, " } else { ", " });
            }
        }
        self.push(&columns.tie);
        Ok(())
    }
}

/// Whether SQL leaves the condition open, because it tests a JSON column, or by an operator that SQL does not know. Its
/// answer is then too large, never too small.
pub(super) fn is_open(condition: &Condition, columns: &Columns) -> bool {
    match condition {
        Condition::All(members) | Condition::Any(members) => members.iter().any(|member| is_open(member, columns)),
        Condition::Field(path, test) => {
            columns.find(path.split().0).is_ok_and(|column| is_left_open(column, test, columns))
        }
    }
}

/// What SQL has left open. What it has decided is not asked again: collations are its own.
pub(super) fn open_part(condition: &Condition, columns: &Columns) -> Condition {
    match condition {
        Condition::All(members) => {
            let open = members.iter().filter(|member| is_open(member, columns));
            Condition::All(open.map(|member| open_part(member, columns)).collect())
        }
        other => other.clone(),
    }
}

fn is_left_open(column: &Column, test: &Test, columns: &Columns) -> bool {
    column.kind == Kind::Json || matches!(test, Test::Own(own) if columns.sql_operator(own).is_none())
}

/// What a column must equal to hold this id: ids are compared by their text.
fn ids(id: &Id, column: &Column) -> Vec<Bound> {
    let text = id.to_string();
    let integer = text.parse::<i64>().ok().filter(|integer| integer.to_string() == text).map(Bound::Integer);
    let real = || text.parse::<f64>().ok().filter(|float| float.to_string() == text).map(Bound::Real);
    match column.kind {
        Kind::Integer => integer.into_iter().collect(),
        Kind::Real => integer.or_else(real).into_iter().collect(),
        Kind::Any => integer.or_else(real).into_iter().chain([Bound::Text(text)]).collect(),
        _ => vec![Bound::Text(text)],
    }
}

/// The values that the column could hold, and whether null is among them.
fn operands(column: &Column, values: &[Value]) -> (Vec<Bound>, bool) {
    let bound = values.iter().filter_map(|value| column.compare(value)).collect();
    (bound, values.iter().any(Value::is_null))
}

fn passes_null(test: &Test) -> bool {
    match test {
        Test::Is(value) => value.is_null(),
        Test::IsNot(value) => !value.is_null(),
        Test::In(values) => values.iter().any(Value::is_null),
        Test::NotIn(values) => !values.iter().any(Value::is_null),
        Test::Compare(Comparison::LessOrEqual | Comparison::GreaterOrEqual, value) => value.is_null(),
        Test::Compare(Comparison::Less | Comparison::Greater, _) => false,
        Test::Own(own) => own.holds(&Value::Null),
    }
}
