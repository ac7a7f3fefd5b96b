//! A column, and how JSON values stand in it.

use super::bound::Bound;
use super::dialect::Sql;
use crate::store::{self, sql, sql::whole};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::Row;
use serde_json::Value;
use wingbeat_core::{Error, Result, json};

pub(super) type Column = sql::Column<Sql>;

/// What a column holds, by its declared type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Integer,
    Real,
    Text,
    Blob,
    Json,
    /// Texts and numbers, in a column of no or an unknown type.
    Any,
}

impl Kind {
    /// As the port says it; unknown where it can be texts or numbers.
    pub(super) fn told(self) -> Option<store::Kind> {
        Some(match self {
            Kind::Boolean => store::Kind::Boolean,
            Kind::Integer => store::Kind::Integer,
            Kind::Real => store::Kind::Number,
            Kind::Text => store::Kind::Text,
            Kind::Blob => store::Kind::Binary,
            Kind::Json => store::Kind::Json,
            Kind::Any => return None,
        })
    }
}

/// What can be in a column that is of another type than its own. SQLite orders numbers before texts before blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strangers {
    /// Nothing: the table is `STRICT`, or the column the row's number.
    Nothing,
    /// Blobs: what goes into a column for texts becomes one.
    Blobs,
    Anything,
}

/// What is known of a column beside its name.
#[derive(Clone, Debug)]
pub(super) struct ColumnType {
    pub(super) kind: Kind,
    /// Texts compare as numbers with what looks like one, unless told not to.
    pub(super) converts: bool,
    /// Texts that look like a number become one when they are written.
    numeric: bool,
    /// Which types SQLite lets into the column besides the one that it is for.
    pub(super) strangers: Strangers,
    pub(super) is_nullable: bool,
}

impl Column {
    /// Reads a row of `pragma_table_xinfo`: name, type, hidden, pk, whether there is a default, notnull.
    pub(super) fn read(row: &Row<'_>, is_strict: bool, may_be_rowid: bool) -> rusqlite::Result<Column> {
        let (name, declared) = (row.get::<_, String>(0)?, row.get::<_, String>(1)?.to_uppercase());
        let has = |parts: &[&str]| parts.iter().any(|part| declared.contains(part));
        let kind = match declared.as_str() {
            _ if has(&["JSON"]) => Kind::Json,
            _ if has(&["BOOL"]) => Kind::Boolean,
            _ if has(&["INT"]) => Kind::Integer,
            _ if has(&["REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL"]) => Kind::Real,
            _ if has(&["CHAR", "CLOB", "TEXT", "DATE", "TIME", "UUID"]) => Kind::Text,
            _ if has(&["BLOB"]) => Kind::Blob,
            _ => Kind::Any,
        };
        let numeric =
            kind == Kind::Text && !has(&["CHAR", "CLOB", "TEXT"]) || kind == Kind::Any && !declared.is_empty();
        let converts = numeric || kind == Kind::Any;
        let is_rowid = may_be_rowid && row.get::<_, i64>(3)? > 0 && declared == "INTEGER";
        let strangers = match kind {
            _ if is_rowid || is_strict && kind != Kind::Any => Strangers::Nothing,
            Kind::Text if !numeric => Strangers::Blobs,
            _ => Strangers::Anything,
        };
        let is_nullable = !is_rowid && !row.get::<_, bool>(5)?;
        let mut column = Column::new(name, ColumnType { kind, converts, numeric, strangers, is_nullable });
        // SQLite fills in the row's own number, or a default.
        (column.is_generated, column.is_filled) = (row.get::<_, i64>(2)? >= 2, is_rowid || row.get(4)?);
        Ok(column)
    }

    /// The value as it is written into this column.
    pub(super) fn write(&self, value: &Value) -> Result<Bound> {
        let written = match (self.ty.kind, value) {
            (_, Value::Null) => Some(Bound::Null),
            (Kind::Json, value) => Some(Bound::Text(json::text(value))),
            (Kind::Integer, Value::Number(number)) => whole(number).map(Bound::Integer),
            (_, Value::String(text)) if self.ty.numeric && looks_numeric(text) => {
                let told = format!("Invalid '{}': its column turns text that looks like a number into one", self.name);
                return Err(Error::bad_request(told));
            }
            _ => self.compare(value),
        };
        let expected = match self.ty.kind {
            Kind::Boolean => "a boolean",
            Kind::Integer => "an integer",
            Kind::Real => "a number",
            Kind::Text => "a text",
            Kind::Blob => "base64 text",
            Kind::Json | Kind::Any => "a text or a number",
        };
        written.ok_or_else(|| Error::bad_request(format!("Invalid '{}': it must be {expected}", self.name)))
    }

    /// The value as it is compared with this column, if any value there could equal it.
    pub(super) fn compare(&self, value: &Value) -> Option<Bound> {
        match (self.ty.kind, value) {
            (Kind::Boolean, Value::Bool(value)) => Some(Bound::Integer((*value).into())),
            (Kind::Integer | Kind::Real | Kind::Any, Value::Number(number)) => match whole(number) {
                Some(integer) => Some(Bound::Integer(integer)),
                None => number.as_f64().map(Bound::Real),
            },
            (Kind::Text | Kind::Any, Value::String(text)) => Some(Bound::Text(text.clone())),
            (Kind::Blob, Value::String(text)) => BASE64.decode(text).ok().map(Bound::Blob),
            _ => None,
        }
    }
}

/// Whether SQLite would store the text as a number (<https://www.sqlite.org/datatype3.html>, section 3).
fn looks_numeric(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) && text.trim().parse::<f64>().is_ok()
}
