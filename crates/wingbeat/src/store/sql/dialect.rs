//! What databases do differently.

use super::{Column, Statement};
use crate::store::{Comparison, Kind, Like, Test};
use serde_json::Value;
use std::fmt::Debug;
use wingbeat_core::{Id, Result};

/// How a database writes what [`Statement`] says, and what its columns hold.
pub(in crate::store) trait Dialect: Clone + Debug + Send + Sync + 'static {
    /// What is known of a column beside its name.
    type ColumnType: Clone + Debug + Send + Sync;
    /// A value beside the text.
    type Value: Clone + Debug + PartialEq + Send + Sync;

    const TRUE: &'static str;
    const FALSE: &'static str;
    const NULL: Self::Value;
    /// Whether an index serves the comparison of several columns as a row.
    const COMPARES_ROWS: bool = true;
    /// What an `INSERT` says that names no column.
    const DEFAULTS: &'static str = " DEFAULT VALUES";

    /// A name as SQL has it.
    fn quote(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    /// Adds the place of the value with this number, which counts from 1.
    fn push_place(text: &mut String, number: usize);

    /// A number of records.
    fn amount(number: u64) -> Self::Value;

    /// Adds how many records are answered at most.
    fn push_limit(statement: &mut Statement<Self>, number: u64) {
        statement.push(" LIMIT ").bind(Self::amount(number));
    }

    /// What the column holds, as the port says it.
    fn kind(column: &Column<Self>) -> Option<Kind>;

    /// Whether SQL leaves such a test open, to be decided record by record.
    fn is_open(column: &Column<Self>, test: &Test) -> bool;

    /// Whether records are sorted by this column only after they were read.
    fn is_sorted_outside(column: &Column<Self>) -> bool;

    /// Whether the column may be null.
    fn is_nullable(column: &Column<Self>) -> bool;

    /// A key of a cursor, which is not null, as [`push_key_value`](Dialect::push_key_value) has read it; absent if it has
    /// read no such value.
    fn key(value: &Value) -> Option<Self::Value>;

    /// Adds the column where it is compared with a key, in the order that [`push_key`](Dialect::push_key) gives it.
    fn push_key_operand(statement: &mut Statement<Self>, column: &Column<Self>) {
        statement.push(&column.quoted);
    }

    /// Adds a key that is compared with the column.
    fn push_key_bound(statement: &mut Statement<Self>, column: &Column<Self>, key: Self::Value) {
        let _ = column;
        statement.bind(key);
    }

    /// Adds the column as a cursor has it: no digit must be lost.
    fn push_key_value(statement: &mut Statement<Self>, column: &Column<Self>) {
        Self::push_key_operand(statement, column);
    }

    /// The value as it is written into this column.
    ///
    /// # Errors
    /// BadRequest where it does not fit.
    fn write(column: &Column<Self>, value: &Value) -> Result<Self::Value>;

    /// The value as it is compared with this column, if any value there could equal it.
    fn operand(column: &Column<Self>, value: &Value) -> Option<Self::Value>;

    /// What the column must equal to hold this id: ids are compared by their text.
    fn ids(column: &Column<Self>, id: &Id) -> Vec<Self::Value>;

    /// Adds the column where it is compared.
    fn push_operand(statement: &mut Statement<Self>, column: &Column<Self>) {
        statement.push(&column.quoted);
    }

    /// Adds that the column has this id, of which there are as many forms as [`ids`](Dialect::ids) says.
    fn push_id(statement: &mut Statement<Self>, column: &Column<Self>, ids: Vec<Self::Value>);

    /// Adds that the column has one of these values, which are not null, or has none of them: then null may count or not.
    fn push_one_of(statement: &mut Statement<Self>, column: &Column<Self>, values: Vec<Self::Value>, is_one: bool);

    /// Adds a comparison with a value that is not null.
    fn push_comparison(statement: &mut Statement<Self>, column: &Column<Self>, comparison: Comparison, value: &Value);

    /// Whether the column can hold texts, for patterns.
    fn holds_texts(column: &Column<Self>) -> bool;

    /// Adds that the column, which can hold texts, has a pattern, negated or not: in parentheses. Of null it may be null.
    fn push_like(statement: &mut Statement<Self>, column: &Column<Self>, like: &Like);

    /// Adds a key of an order, whose table is named already.
    fn push_key(statement: &mut Statement<Self>, column: &Column<Self>, is_descending: bool);
}
