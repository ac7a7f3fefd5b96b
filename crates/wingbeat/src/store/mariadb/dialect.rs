//! SQL as MariaDB has it.

use super::cell;
use super::column::{self, Column, ColumnType, integer, whole};
use super::decimal::{self, Compared, placed};
use super::scalar::{Scalar, Texts};
use crate::store::sql::{self, Dialect};
use crate::store::{Comparison, Kind, Like, Test};
use mysql_async::Value as Bound;
use serde_json::{Number, Value};
use wingbeat_core::{Id, Result};

/// Lists of values are filled up to one of a few lengths, each of which is a statement to prepare. Of longer ones none is
/// kept.
const PADDED: usize = 256;

#[derive(Clone, Debug)]
pub(super) struct Sql;

pub(super) type Columns = sql::Columns<Sql>;
pub(super) type Select = sql::Select<Sql>;
pub(super) type Statement = sql::Statement<Sql>;

impl Dialect for Sql {
    type ColumnType = ColumnType;
    type Value = Bound;

    const TRUE: &'static str = "1";
    const FALSE: &'static str = "0";
    const NULL: Bound = Bound::NULL;
    const DEFAULTS: &'static str = " () VALUES ()";
    const COMPARES_ROWS: bool = false;

    /// In the quotes that need no mode of the session.
    fn quote(name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn push_place(text: &mut String, _: usize) {
        text.push('?');
    }

    fn amount(number: u64) -> Bound {
        Bound::UInt(number)
    }

    fn kind(column: &Column) -> Option<Kind> {
        Some(column.ty.scalar.told())
    }

    fn is_open(column: &Column, test: &Test) -> bool {
        match (column.ty.scalar, test) {
            (Scalar::Json, _) => true,
            // Of their text as JSON has it, which MariaDB's own may not be.
            (scalar, Test::Like(_)) => !Sql::holds_texts(column) && matches!(scalar.told(), Kind::Text | Kind::Binary),
            _ => false,
        }
    }

    fn is_sorted_outside(column: &Column) -> bool {
        column.ty.scalar == Scalar::Json
    }

    fn is_nullable(column: &Column) -> bool {
        column.ty.is_nullable
    }

    fn key(value: &Value) -> Option<Bound> {
        cell::of_key(value)
    }

    /// What is sorted by its number is compared as it.
    fn push_key_operand(statement: &mut Statement, column: &Column) {
        statement.push(&column.quoted).push(if column.ty.is_numbered { " + 0" } else { "" });
    }

    fn push_key_bound(statement: &mut Statement, column: &Column, key: Bound) {
        match column.ty.scalar {
            Scalar::Text(_) if !column.ty.is_numbered => push_own(statement, column, key),
            _ => push_value(statement, column, key),
        }
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

    /// A day that there is not (`0000-00-00`) is null to `IS NULL`, where the column has no null.
    fn push_operand(statement: &mut Statement, column: &Column) {
        match column.ty.scalar.has_zeros() && !column.ty.is_nullable {
            true => statement.push("CAST(").push(&column.quoted).push(" AS CHAR)"),
            false => statement.push(&column.quoted),
        };
    }

    fn push_id(statement: &mut Statement, column: &Column, ids: Vec<Bound>) {
        Sql::push_one_of(statement, column, ids, true);
    }

    /// Texts are compared twice: by their collation, which an index serves, and exactly.
    fn push_one_of(statement: &mut Statement, column: &Column, mut values: Vec<Bound>, is_one: bool) {
        if let Some(last) = values.last().cloned()
            && values.len() < PADDED
        {
            values.resize(values.len().next_power_of_two(), last);
        }
        let exact = match column.ty.scalar {
            Scalar::Text(Texts::Bytes) => Some(format!("BINARY {}", column.quoted)),
            Scalar::Text(Texts::Converted) => Some(format!("BINARY {}", converted(column))),
            _ => None,
        };
        match exact {
            Some(exact) if is_one => {
                statement.push("(");
                statement.push(&column.quoted);
                push_any(statement, values.clone(), true, |statement, value| push_own(statement, column, value));
                statement.push(" AND ").push(&exact);
                push_any(statement, values, true, |statement, value| {
                    statement.bind(value);
                });
                statement.push(")");
            }
            exact => {
                statement.push(exact.as_deref().unwrap_or(&column.quoted));
                push_any(statement, values, is_one, |statement, value| push_value(statement, column, value));
            }
        }
    }

    fn push_comparison(statement: &mut Statement, column: &Column, comparison: Comparison, value: &Value) {
        let compared = match (column.ty.scalar, value) {
            (Scalar::Integer(smallest, largest), Value::Number(number)) => {
                compared_integer(smallest, largest, comparison, number)
            }
            (Scalar::Float, Value::Number(number)) => {
                let nearest = (number.as_f64().unwrap_or_default() as f32).clamp(f32::MIN, f32::MAX);
                Ordered::With(comparison, Bound::Float(nearest))
            }
            (Scalar::Decimal(grid), Value::Number(_) | Value::String(_)) => {
                let number = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                match placed(&number, grid).map(|placed| decimal::compared(comparison, placed)) {
                    Some(Compared::With(comparison, text)) => {
                        Ordered::With(comparison, Bound::Bytes(text.into_bytes()))
                    }
                    Some(Compared::All) => Ordered::All,
                    Some(Compared::Never) | None => Ordered::Never,
                }
            }
            // The column's own character set may not have it.
            (Scalar::Text(Texts::Converted), Value::String(text)) if !text.is_ascii() => {
                statement.push(&converted(column)).push(sign(comparison)).bind(Bound::from(text.as_str()));
                return;
            }
            (scalar, value) => match column::operand(scalar, value) {
                Some(operand) => Ordered::With(comparison, operand),
                None => Ordered::Never,
            },
        };
        match compared {
            Ordered::Never => drop(statement.push(Sql::FALSE)),
            Ordered::All => drop(statement.push(&column.quoted).push(" IS NOT NULL")),
            Ordered::With(comparison, bound) => {
                statement.push(&column.quoted).push(sign(comparison));
                push_value(statement, column, bound);
            }
        }
    }

    fn holds_texts(column: &Column) -> bool {
        matches!(column.ty.scalar, Scalar::Text(_))
    }

    /// Exactly, as texts are equal: collations take more for the same than cases. Before that by the collation, which an
    /// index serves; it finds what is exact, and more.
    fn push_like(statement: &mut Statement, column: &Column, like: &Like) {
        let (exact, pattern) = (converted(column), || Bound::from(like.escaped('!')));
        statement.push("(");
        if like.ignores_case() {
            statement.push("LOWER(").push(&exact).push(") COLLATE utf8mb4_bin LIKE LOWER(").bind(pattern());
            statement.push(") ESCAPE '!')");
            return;
        }
        if matches!(column.ty.scalar, Scalar::Text(Texts::Exact | Texts::Bytes)) && !column.ty.is_numbered {
            statement.push(&column.quoted).push(" LIKE ").bind(pattern()).push(" ESCAPE '!' AND ");
        }
        statement.push(&exact).push(" COLLATE utf8mb4_bin LIKE ").bind(pattern()).push(" ESCAPE '!')");
    }

    fn push_key(statement: &mut Statement, column: &Column, is_descending: bool) {
        statement.push(&column.quoted).push(if is_descending { " DESC" } else { "" });
    }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Less => " < ",
        Comparison::LessOrEqual => " <= ",
        Comparison::Greater => " > ",
        Comparison::GreaterOrEqual => " >= ",
    }
}

fn converted(column: &Column) -> String {
    format!("CONVERT({} USING utf8mb4)", column.quoted)
}

/// Adds ` = …` or ` IN (…)`, or that it is none of these.
fn push_any(statement: &mut Statement, values: Vec<Bound>, is_one: bool, push: impl Fn(&mut Statement, Bound)) {
    match <[Bound; 1]>::try_from(values) {
        Ok([value]) => {
            statement.push(if is_one { " = " } else { " <> " });
            push(statement, value);
        }
        Err(values) => {
            statement.push(if is_one { " IN (" } else { " NOT IN (" });
            for (index, value) in values.into_iter().enumerate() {
                statement.push(if index == 0 { "" } else { ", " });
                push(statement, value);
            }
            statement.push(")");
        }
    }
}

/// In the column's own character set, as an index needs it. A character that is not in there becomes another one, which is
/// another text by its bytes.
fn push_own(statement: &mut Statement, column: &Column, value: Bound) {
    match &column.ty.own {
        Some(own) => drop(statement.push("CONVERT(").bind(value).push(own)),
        None => drop(statement.bind(value)),
    }
}

/// The protocol has no `decimal`, and with a text it would be compared as a float.
fn push_value(statement: &mut Statement, column: &Column, value: Bound) {
    match column.ty.scalar {
        Scalar::Decimal(grid) => {
            let as_decimal = format!(" AS DECIMAL({}, {}))", (grid.whole + grid.scale).max(1), grid.scale);
            statement.push("CAST(").bind(value).push(&as_decimal);
        }
        _ => drop(statement.bind(value)),
    }
}

/// What a comparison asks of those that are not null.
enum Ordered {
    Never,
    All,
    With(Comparison, Bound),
}

fn compared_integer(smallest: i64, largest: u64, comparison: Comparison, number: &Number) -> Ordered {
    let is_whole = whole(number);
    let float = number.as_f64().unwrap_or_default();
    let is_less = matches!(comparison, Comparison::Less | Comparison::LessOrEqual);
    // What is larger than 128 bits becomes the largest of these.
    let floor = is_whole.unwrap_or(float.floor() as i128);
    if floor > largest.into() {
        return if is_less { Ordered::All } else { Ordered::Never };
    }
    if floor < smallest.into() {
        return if is_less { Ordered::Never } else { Ordered::All };
    }
    // The same with the largest integer that is not larger.
    let comparison = match (is_whole, is_less) {
        (Some(_), _) => comparison,
        (None, true) => Comparison::LessOrEqual,
        (None, false) => Comparison::Greater,
    };
    Ordered::With(comparison, integer(floor))
}
