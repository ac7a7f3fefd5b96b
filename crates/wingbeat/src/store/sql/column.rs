//! A column.

use super::Dialect;
use serde_json::Value;
use wingbeat_core::json;

/// A column of a table.
#[derive(Clone, Debug)]
pub(in crate::store) struct Column<D: Dialect> {
    pub(in crate::store) name: Box<str>,
    /// The name in quotes, for SQL.
    pub(in crate::store) quoted: Box<str>,
    /// How it is read.
    pub(in crate::store) read: Box<str>,
    /// The name as a member of a JSON object, with its colon.
    pub(in crate::store) key: Box<[u8]>,
    pub(in crate::store) ty: D::ColumnType,
    /// It is calculated, and cannot be written.
    pub(in crate::store) is_generated: bool,
    /// The database fills it in where nothing is given.
    pub(in crate::store) is_filled: bool,
}

impl<D: Dialect> Column<D> {
    /// A column that is read by its name, and written; nothing fills it in.
    pub(in crate::store) fn new(name: String, ty: D::ColumnType) -> Column<D> {
        let quoted: Box<str> = D::quote(&name).into();
        let mut key = json::text(&Value::String(name.clone())).into_bytes();
        key.push(b':');
        Column {
            name: name.into(),
            read: quoted.clone(),
            quoted,
            key: key.into(),
            ty,
            is_generated: false,
            is_filled: false,
        }
    }
}

/// The number as integers of databases have it; a program may have calculated one that is whole.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(in crate::store) fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| json::number(number.as_f64()?)?.as_i64())
}
