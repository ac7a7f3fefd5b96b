//! Values that stand beside the text of a statement.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

/// A value beside the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bound {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Bound::Null => ValueRef::Null,
            Bound::Integer(integer) => ValueRef::Integer(*integer),
            Bound::Real(float) => ValueRef::Real(*float),
            Bound::Text(text) => ValueRef::Text(text.as_bytes()),
            Bound::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
