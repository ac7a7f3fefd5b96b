//! The columns of a table, and how JSON values stand in them.

use super::error::mapped;
use super::statement::Bound;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Number, Value};
use sqlx::sqlite::{SqliteConnection, SqliteRow, SqliteValueRef};
use sqlx::{Decode, Row, Sqlite, TypeInfo, ValueRef};
use wingbeat_core::{Error, Result, json};

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

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: Box<str>,
    /// The name in quotes, for SQL.
    pub(super) quoted: Box<str>,
    pub(super) kind: Kind,
    /// Texts compare as numbers with what looks like one, unless told not to.
    pub(super) converts: bool,
    /// Texts that look like a number become one when they are written.
    numeric: bool,
    pub(super) generated: bool,
    /// SQLite fills it in: the row's own number, or a default.
    pub(super) filled: bool,
}

/// All columns of a table that are known to its service.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// The table's name in quotes.
    pub(super) table: String,
    pub(super) list: Vec<Column>,
    pub(super) id: usize,
    /// The names in quotes, in the order of `list`.
    pub(super) names: String,
    /// What keeps rows that are equal in a stable order.
    pub(super) tie: String,
}

pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Columns {
    /// Looks at a table. `fields` are the ones that must be there and shall be seen; without them, all are.
    pub(super) async fn read(
        connection: &mut SqliteConnection,
        table: &str,
        id: &str,
        fields: Option<&[&str]>,
    ) -> Result<Columns> {
        let about = "SELECT type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ?";
        let about = sqlx::query(about).bind(table).fetch_optional(&mut *connection).await.map_err(mapped)?;
        let Some(about) = about else {
            return Err(Error::general(format!("There is no table '{table}' in the database")));
        };
        let is_table = about.try_get::<String, _>(0).map_err(mapped)? == "table";
        let has_rowid = is_table && about.try_get::<i64, _>(1).map_err(mapped)? == 0;

        let rows = sqlx::query("SELECT name, type, hidden, pk, dflt_value IS NOT NULL FROM pragma_table_xinfo(?)");
        let rows = rows.bind(table).fetch_all(&mut *connection).await.map_err(mapped)?;
        let keys = rows.iter().filter(|row| row.try_get::<i64, _>(3).is_ok_and(|pk| pk > 0)).count();
        let mut list = Vec::new();
        for row in &rows {
            let column = column(row, has_rowid && keys == 1).map_err(mapped)?;
            if *column.name == *id || fields.is_none_or(|fields| fields.contains(&&*column.name)) {
                list.push(column);
            }
        }
        let missing = |field: &&&str| !list.iter().any(|column| *column.name == ***field);
        if let Some(field) = fields.into_iter().flatten().find(missing) {
            return Err(Error::general(format!(
                "Table '{table}' has no column '{field}', which its type names as a field or as an alias of one"
            )));
        }
        if missing(&&id) {
            return Err(Error::general(format!("Table '{table}' has no column '{id}'")));
        }
        if is_table && !is_unique(connection, table, id).await.map_err(mapped)? {
            return Err(Error::general(format!(
                "Column '{id}' of table '{table}' is not unique: it can not be the id"
            )));
        }
        let id = list.iter().position(|column| *column.name == *id).unwrap_or_default();
        if matches!(list[id].kind, Kind::Boolean | Kind::Blob | Kind::Json) {
            return Err(Error::general(format!("Column '{}' of table '{table}' can not hold ids", list[id].name)));
        }
        let names = list.iter().map(|column| &*column.quoted).collect::<Vec<_>>().join(", ");
        let tie = if has_rowid { "rowid".to_owned() } else { list[id].quoted.to_string() };
        Ok(Columns { table: quote(table), list, id, names, tie })
    }

    /// The column of a field that a client names.
    pub(super) fn find(&self, field: &str) -> Result<&Column> {
        let column = self.list.iter().find(|column| *column.name == *field);
        column.ok_or_else(|| Error::bad_request(format!("Unknown field '{field}'")))
    }

    pub(super) fn id(&self) -> &Column {
        &self.list[self.id]
    }

    /// The record in a row that was selected by `names`.
    pub(super) fn record(&self, row: &SqliteRow) -> Result<super::super::Record> {
        let member = |(index, column): (usize, &Column)| {
            let value = value(row.try_get_raw(index).map_err(mapped)?, column.kind)?;
            Ok((column.name.to_string(), value))
        };
        self.list.iter().enumerate().map(member).collect()
    }
}

fn column(row: &SqliteRow, may_be_rowid: bool) -> sqlx::Result<Column> {
    let (name, declared): (String, String) = (row.try_get(0)?, row.try_get::<String, _>(1)?.to_uppercase());
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
    let numeric = kind == Kind::Text && !has(&["CHAR", "CLOB", "TEXT"]) || kind == Kind::Any && !declared.is_empty();
    let converts = numeric || kind == Kind::Any;
    let is_rowid = may_be_rowid && row.try_get::<i64, _>(3)? > 0 && declared == "INTEGER";
    Ok(Column {
        quoted: quote(&name).into(),
        name: name.into(),
        kind,
        converts,
        numeric,
        generated: row.try_get::<i64, _>(2)? >= 2,
        filled: is_rowid || row.try_get::<bool, _>(4)?,
    })
}

/// Whether the column is a key all by itself.
async fn is_unique(connection: &mut SqliteConnection, table: &str, column: &str) -> sqlx::Result<bool> {
    let key = "SELECT count(*) = 1 AND max(name) = ?2 FROM pragma_table_xinfo(?1) WHERE pk > 0";
    let index = "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1) AS list WHERE list.\"unique\" AND NOT list.partial \
        AND (SELECT count(*) = 1 AND max(info.name) = ?2 FROM pragma_index_info(list.name) AS info))";
    for sql in [key, index] {
        let row = sqlx::query(sql).bind(table).bind(column).fetch_one(&mut *connection).await?;
        if row.try_get::<Option<bool>, _>(0)? == Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Column {
    /// The value as it is written into this column.
    pub(super) fn write(&self, value: &Value) -> Result<Bound> {
        let written = match (self.kind, value) {
            (_, Value::Null) => Some(Bound::Null),
            (Kind::Json, value) => Some(Bound::Text(json::text(value))),
            (Kind::Integer, Value::Number(number)) => integer(number).map(Bound::Integer),
            (_, Value::String(text)) if self.numeric && looks_numeric(text) => {
                let told = format!("Invalid '{}': its column turns text that looks like a number into one", self.name);
                return Err(Error::bad_request(told));
            }
            _ => self.compare(value),
        };
        let expected = match self.kind {
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
        match (self.kind, value) {
            (Kind::Boolean, Value::Bool(value)) => Some(Bound::Integer((*value).into())),
            (Kind::Integer | Kind::Real | Kind::Any, Value::Number(number)) => match integer(number) {
                Some(integer) => Some(Bound::Integer(integer)),
                None => number.as_f64().map(Bound::Real),
            },
            (Kind::Text | Kind::Any, Value::String(text)) => Some(Bound::Text(text.clone())),
            (Kind::Blob, Value::String(text)) => BASE64.decode(text).ok().map(Bound::Blob),
            _ => None,
        }
    }
}

/// The number as SQLite's integers have it; a program may have calculated one that is whole.
fn integer(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| json::number(number.as_f64()?)?.as_i64())
}

/// Whether SQLite would store the text as a number (<https://www.sqlite.org/datatype3.html>, section 3).
fn looks_numeric(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) && text.trim().parse::<f64>().is_ok()
}

fn value(raw: SqliteValueRef<'_>, kind: Kind) -> Result<Value> {
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let storage = raw.type_info().name().to_owned();
    Ok(match (storage.as_str(), kind) {
        ("INTEGER", _) => match (read::<i64>(raw)?, kind) {
            (integer @ (0 | 1), Kind::Boolean) => Value::Bool(integer == 1),
            (integer, Kind::Text) => Value::String(integer.to_string()),
            (integer, _) => integer.into(),
        },
        ("REAL", _) => json::number(read(raw)?).map_or(Value::Null, Value::Number),
        ("TEXT", Kind::Json) => {
            let text = read::<String>(raw)?;
            // Text that another program has put there may be no JSON.
            json::parse(&text).unwrap_or(Value::String(text))
        }
        ("TEXT", _) => Value::String(read(raw)?),
        _ => Value::String(BASE64.encode(read::<Vec<u8>>(raw)?)),
    })
}

fn read<'r, T: Decode<'r, Sqlite>>(raw: SqliteValueRef<'r>) -> Result<T> {
    T::decode(raw).map_err(Error::internal)
}
