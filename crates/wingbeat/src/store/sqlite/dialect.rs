//! SQL as SQLite has it.

use super::bound::Bound;
use super::column::{Column, ColumnType, Kind, Strangers};
use super::row;
use super::statement::Statement;
use crate::store::like::Piece;
use crate::store::sql::Dialect;
use crate::store::{self, Comparison, Like, Test};
use serde_json::Value;
use wingbeat_core::{Id, Result};

#[derive(Clone, Debug)]
pub(super) struct Sql;

impl Dialect for Sql {
    type ColumnType = ColumnType;
    type Value = Bound;

    const TRUE: &'static str = "1";
    const FALSE: &'static str = "0";
    const NULL: Bound = Bound::Null;

    fn push_place(text: &mut String, _: usize) {
        text.push('?');
    }

    fn amount(number: u64) -> Bound {
        Bound::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// Where a value stands there alone, SQLite looks at it when it prepares the statement, and so prepares the statement
    /// anew for each value that is bound (since 3.46): that takes as long as a page of 10 by an index.
    fn push_limit(statement: &mut Statement, number: u64) {
        statement.push(" LIMIT ").bind(Sql::amount(number)).push(" + 0");
    }

    fn kind(column: &Column) -> Option<store::Kind> {
        column.ty.kind.told()
    }

    fn is_open(column: &Column, test: &Test) -> bool {
        match column.ty.kind {
            Kind::Json => true,
            // Of their text as JSON has it.
            Kind::Blob => matches!(test, Test::Like(_)),
            _ => false,
        }
    }

    fn is_sorted_outside(column: &Column) -> bool {
        column.ty.kind == Kind::Json
    }

    fn is_nullable(column: &Column) -> bool {
        column.ty.is_nullable
    }

    fn key(value: &Value) -> Option<Bound> {
        row::key(value)
    }

    fn write(column: &Column, value: &Value) -> Result<Bound> {
        column.write(value)
    }

    fn operand(column: &Column, value: &Value) -> Option<Bound> {
        column.compare(value)
    }

    fn ids(column: &Column, id: &Id) -> Vec<Bound> {
        let text = id.to_string();
        // As integers are written.
        let is_usual = text == "0" || !text.starts_with(['+', '0']) && !text.starts_with("-0");
        let integer = text.parse::<i64>().ok().filter(|_| is_usual).map(Bound::Integer);
        let real = || text.parse::<f64>().ok().filter(|float| float.to_string() == text).map(Bound::Real);
        match column.ty.kind {
            Kind::Integer => integer.into_iter().collect(),
            Kind::Real => integer.or_else(real).into_iter().collect(),
            Kind::Any => integer.or_else(real).into_iter().chain([Bound::Text(text)]).collect(),
            _ => vec![Bound::Text(text)],
        }
    }

    /// The column, where need be with a `+` that keeps SQLite from converting what it is compared with (and from using an
    /// index).
    fn push_operand(statement: &mut Statement, column: &Column) {
        statement.push(if column.ty.converts { "+" } else { "" }).push(&column.quoted);
    }

    fn push_id(statement: &mut Statement, column: &Column, ids: Vec<Bound>) {
        if column.ty.converts {
            // For the index, which the operand hides. What it finds besides, the operand refuses.
            statement.push(&column.quoted);
            push_any(statement, &ids);
            statement.push(" AND ");
        }
        Sql::push_operand(statement, column);
        push_any(statement, &ids);
    }

    /// The last value stands there as often as is needed for one of a few lengths, each of which is a statement to
    /// prepare.
    fn push_one_of(statement: &mut Statement, column: &Column, mut values: Vec<Bound>, is_one: bool) {
        let len = values.len();
        if let Some(last) = values.last().cloned()
            && len < 64
        {
            values.resize(len.next_power_of_two(), last);
        }
        Sql::push_operand(statement, column);
        statement.push(if is_one { " IN " } else { " NOT IN " }).bind_list(values);
    }

    fn push_comparison(statement: &mut Statement, column: &Column, comparison: Comparison, value: &Value) {
        let Some(bound) = column.compare(value) else {
            statement.push(Sql::FALSE);
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
        let strangers = column.ty.strangers;
        let bounded = match (&bound, is_upwards) {
            _ if strangers == Strangers::Nothing => None,
            (Bound::Text(_), true) => Some(" < x''"),
            (Bound::Text(_), false) if strangers == Strangers::Blobs => None,
            (Bound::Text(_), false) => Some(" >= ''"),
            (Bound::Blob(_), true) => None,
            (Bound::Blob(_), false) => Some(" >= x''"),
            (_, true) => Some(" < ''"),
            (_, false) => None,
        };
        statement.push("(");
        Sql::push_operand(statement, column);
        statement.push(operator).bind(bound);
        if let Some(bounded) = bounded {
            statement.push(" AND ");
            Sql::push_operand(statement, column);
            statement.push(bounded);
        }
        statement.push(")");
    }

    fn holds_texts(column: &Column) -> bool {
        matches!(column.ty.kind, Kind::Text | Kind::Any)
    }

    /// `GLOB` tells cases apart, `LIKE` does not.
    fn push_like(statement: &mut Statement, column: &Column, like: &Like) {
        statement.push("(");
        if column.ty.strangers != Strangers::Nothing {
            statement.push("typeof(").push(&column.quoted);
            // Of a column for texts integers are shown as such.
            statement.push(if column.ty.kind == Kind::Any {
                ") = 'text' AND "
            } else {
                ") IN ('text', 'integer') AND "
            });
        }
        statement.push(&column.quoted);
        if like.ignores_case() {
            statement.push(" LIKE ").bind(Bound::Text(like.escaped('!'))).push(" ESCAPE '!')");
        } else {
            statement.push(" GLOB ").bind(Bound::Text(glob(like))).push(")");
        }
    }

    fn push_key(statement: &mut Statement, column: &Column, is_descending: bool) {
        statement.push(&column.quoted).push(if is_descending { " DESC" } else { "" });
    }
}

fn glob(like: &Like) -> String {
    let mut text = String::new();
    for piece in like.pieces() {
        match piece {
            Piece::Any => text.push('*'),
            Piece::One => text.push('?'),
            Piece::This(c @ ('*' | '?' | '[')) => text.extend(['[', *c, ']']),
            Piece::This(c) => text.push(*c),
        }
    }
    text
}

fn push_any(statement: &mut Statement, values: &[Bound]) {
    match values {
        [value] => statement.push(" = ").bind(value.clone()),
        several => statement.push(" IN ").bind_list(several.to_vec()),
    };
}
