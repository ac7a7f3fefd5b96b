//! What stores over SQL share: names in quotes, values beside the text, conditions and orders in SQL, and what SQL leaves
//! to be decided row by row. What the databases do differently says their [`Dialect`].
//!
//! Written by hand rather than with a query builder: there are five statements, and most of what is special here (types,
//! nulls) would be raw SQL in a builder too. Two rules keep it safe: names come from [`Columns`] alone, already in quotes,
//! and values are bound, always.

mod after;
#[cfg(any(feature = "postgres", feature = "mariadb"))]
pub(super) mod calendar;
mod column;
mod columns;
mod condition;
mod dialect;
mod fields;
mod migrations;
mod open;
#[cfg(feature = "mariadb")]
pub(super) mod pool;
mod select;
mod statement;
mod table;
pub(super) mod transaction;
#[cfg(any(feature = "postgres", feature = "mariadb"))]
pub(super) mod url;
mod write;

pub(super) use column::Column;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) use column::whole;
pub(super) use columns::{Columns, SqlOperator};
pub(super) use dialect::Dialect;
pub(super) use fields::{Fields, fields_of};
pub(super) use migrations::check_migrations;
pub(super) use open::is_open;
pub(super) use select::{Select, Shown};
pub(super) use statement::Statement;
pub use table::SqlStore;
pub(super) use table::{Wanted, schema};
#[cfg(feature = "mariadb")]
pub(super) use write::Assignment;
#[cfg(feature = "sqlite")]
pub(super) use write::id_of;
pub(super) use write::{assignments, delete, ids_of, in_order, insert, is_single, push_ids, to_write, update};
