//! SQL as PostgreSQL has it.

use super::bound::Bound;
use super::column::{self, Column, ColumnType};
use super::scalar::Scalar;
use crate::store::sql::{self, Dialect, whole};
use crate::store::{Comparison, Kind, Like, Test};
use serde_json::{Number, Value};
use std::fmt::Write as _;
use std::slice::from_ref;
use wingbeat_core::{Id, Result};

#[derive(Clone, Debug)]
pub(super) struct Sql;

pub(super) type Columns = sql::Columns<Sql>;
pub(super) type Select = sql::Select<Sql>;
pub(super) type Statement = sql::Statement<Sql>;

impl Dialect for Sql {
    type ColumnType = ColumnType;
    type Value = Bound;

    const TRUE: &'static str = "TRUE";
    const FALSE: &'static str = "FALSE";
    const NULL: Bound = Bound::Null;

    fn push_place(text: &mut String, number: usize) {
        // Memory takes everything.
        let _ = write!(text, "${number}");
    }

    fn amount(number: u64) -> Bound {
        Bound::Text(i64::try_from(number).unwrap_or(i64::MAX).to_string())
    }

    fn kind(column: &Column) -> Option<Kind> {
        Some(if column.ty.is_list { Kind::Json } else { column.ty.scalar.told() })
    }

    /// Of lists SQL is only asked whether they have elements.
    fn is_open(column: &Column, test: &Test) -> bool {
        let values = match test {
            _ if column.ty.scalar.is_json() => return true,
            // Of their text as JSON has it, which PostgreSQL's own may not be.
            Test::Like(_) if !column.ty.is_list => {
                return !is_text(column) && column.ty.scalar.told() == Kind::Text;
            }
            _ if !column.ty.is_list => return false,
            Test::Is(value) | Test::IsNot(value) => from_ref(value),
            Test::In(values) | Test::NotIn(values) => values,
            Test::Compare(..) | Test::Like(_) | Test::Own(_) => return true,
        };
        values.iter().any(|value| value.is_null() || value.is_array())
    }

    fn is_sorted_outside(column: &Column) -> bool {
        column.ty.scalar.is_json() || column.ty.is_list
    }

    fn is_nullable(column: &Column) -> bool {
        column.ty.is_nullable
    }

    /// Its text, which is read as what the column holds.
    fn key(value: &Value) -> Option<Bound> {
        value.as_str().map(|text| Bound::Text(text.to_owned()))
    }

    fn push_key_value(statement: &mut Statement, column: &Column) {
        statement.push(&column.quoted).push("::text");
    }

    fn write(column: &Column, value: &Value) -> Result<Bound> {
        column.write(value)
    }

    fn operand(column: &Column, value: &Value) -> Option<Bound> {
        column::operand(column.ty.scalar, value)
    }

    fn ids(column: &Column, id: &Id) -> Vec<Bound> {
        column::id(column.ty.scalar, id.to_string()).into_iter().collect()
    }

    fn push_id(statement: &mut Statement, column: &Column, ids: Vec<Bound>) {
        Sql::push_one_of(statement, column, ids, true);
    }

    /// As one value, however many there are: each number of places would be a statement of its own to prepare.
    fn push_one_of(statement: &mut Statement, column: &Column, values: Vec<Bound>, is_one: bool) {
        if column.ty.is_list {
            statement.push(if is_one { "" } else { "NOT " }).push(&column.quoted);
            statement.push(" && ").bind(Bound::list(&values));
            return;
        }
        statement.push(&column.quoted);
        match <[Bound; 1]>::try_from(values) {
            Ok([value]) => drop(statement.push(if is_one { " = " } else { " <> " }).bind(value)),
            Err(values) => {
                statement.push(if is_one { " = ANY(" } else { " <> ALL(" }).bind(Bound::list(&values)).push(")");
            }
        }
    }

    fn push_comparison(statement: &mut Statement, column: &Column, comparison: Comparison, value: &Value) {
        let compared = match (column.ty.scalar, value) {
            (Scalar::Int2 | Scalar::Int4 | Scalar::Int8, Value::Number(number)) => {
                compared_integer(column.ty.scalar, comparison, number)
            }
            (Scalar::Float4, Value::Number(number)) => {
                let nearest = (number.as_f64().unwrap_or_default() as f32).clamp(f32::MIN, f32::MAX);
                Compared::With(comparison, Bound::Text(nearest.to_string()))
            }
            // No text has a NUL, so the one before it decides.
            (Scalar::Text, Value::String(text)) if text.contains('\0') => {
                let before = text.split('\0').next().unwrap_or_default();
                Compared::With(behind(comparison), Bound::Text(before.to_owned()))
            }
            (scalar, value) => match column::operand(scalar, value) {
                Some(operand) => Compared::With(comparison, operand),
                None => Compared::Never,
            },
        };
        match compared {
            Compared::Never => drop(statement.push(Sql::FALSE)),
            Compared::All => drop(statement.push(&column.quoted).push(" IS NOT NULL")),
            Compared::With(comparison, bound) => {
                let operator = match comparison {
                    Comparison::Less => " < ",
                    Comparison::LessOrEqual => " <= ",
                    Comparison::Greater => " > ",
                    Comparison::GreaterOrEqual => " >= ",
                };
                statement.push(&column.quoted).push(operator).bind(bound);
            }
        }
    }

    fn holds_texts(column: &Column) -> bool {
        is_text(column)
    }

    fn push_like(statement: &mut Statement, column: &Column, like: &Like) {
        statement.push("(").push(&column.quoted).push(if like.ignores_case() { " ILIKE " } else { " LIKE " });
        statement.bind(Bound::Text(like.escaped('!'))).push(" ESCAPE '!')");
    }

    /// Null is the smallest; PostgreSQL takes it for the largest. An index serves the order where there is no null.
    fn push_key(statement: &mut Statement, column: &Column, is_descending: bool) {
        statement.push(&column.quoted).push(match (column.ty.is_nullable, is_descending) {
            (true, false) => " NULLS FIRST",
            (true, true) => " DESC NULLS LAST",
            (false, false) => "",
            (false, true) => " DESC",
        });
    }
}

fn is_text(column: &Column) -> bool {
    column.ty.scalar == Scalar::Text && !column.ty.is_list
}

/// What a comparison asks of those that are not null.
enum Compared {
    Never,
    All,
    With(Comparison, Bound),
}

/// The same comparison with the largest value that is not larger than one that the column cannot hold.
fn behind(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less | Comparison::LessOrEqual => Comparison::LessOrEqual,
        Comparison::Greater | Comparison::GreaterOrEqual => Comparison::Greater,
    }
}

fn compared_integer(scalar: Scalar, comparison: Comparison, number: &Number) -> Compared {
    let (smallest, largest) = scalar.range().unwrap_or((i64::MIN, i64::MAX));
    let is_whole = whole(number);
    let float = number.as_f64().unwrap_or_default();
    let is_less = matches!(comparison, Comparison::Less | Comparison::LessOrEqual);
    let floor = is_whole.unwrap_or(float.floor() as i64);
    // Beyond 64 bits a float is as large as the largest integer, or larger.
    if floor > largest || is_whole.is_none() && float >= i64::MAX as f64 {
        return if is_less { Compared::All } else { Compared::Never };
    }
    if floor < smallest || is_whole.is_none() && float < i64::MIN as f64 {
        return if is_less { Compared::Never } else { Compared::All };
    }
    let comparison = if is_whole.is_some() { comparison } else { behind(comparison) };
    Compared::With(comparison, Bound::Text(floor.to_string()))
}
