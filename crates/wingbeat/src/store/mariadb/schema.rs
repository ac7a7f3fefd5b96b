//! A table, as the database describes it.

use super::column::{Column, ColumnType};
use super::connection::Connection;
use super::dialect::{Columns, Sql};
use super::error;
use super::scalar::{Declared, Scalar, Texts};
use crate::store::sql::{Dialect as _, Wanted};
use mysql_async::{Row, Value as Cell};
use std::sync::Arc;
use wingbeat_core::{Error, Result};

/// The columns of a table, and how its records are found.
#[derive(Clone, Debug)]
pub(super) struct TableSchema {
    pub(super) columns: Arc<Columns>,
    /// Whether `RETURNING` says all of a new record: it calculates columns before the id is known.
    pub(super) is_returned: bool,
    /// The names of unique keys, and their columns.
    keys: Arc<[(String, Vec<String>)]>,
}

/// Whether there is a table of this name in a schema, or else in the one of the connection, and whether it is a view.
const TABLE: &str = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE LIKE '%VIEW' FROM information_schema.TABLES \
    WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? AND BINARY TABLE_NAME = ?";

const COLUMNS: &str = "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME, \
    CAST(NUMERIC_PRECISION AS SIGNED), CAST(NUMERIC_SCALE AS SIGNED), IS_NULLABLE = 'YES', IS_GENERATED = 'ALWAYS', \
    COLUMN_DEFAULT IS NOT NULL AND COLUMN_DEFAULT <> 'NULL' OR EXTRA LIKE '%auto_increment%' \
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";

const CHECKS: &str = "SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS \
    WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?";

const KEYS: &str = "SELECT INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS \
    WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX";

impl TableSchema {
    /// Looks at a table.
    pub(super) async fn read(connection: &mut Connection, wanted: &Wanted) -> Result<TableSchema> {
        let mut found = find(connection, None, &wanted.table).await?;
        if found.is_none()
            && let Some((schema, table)) = wanted.table.split_once('.')
        {
            found = find(connection, Some(schema), table).await?;
        }
        let (schema, name, is_view) = found.ok_or_else(|| wanted.missing())?;
        let place = || vec![Cell::from(&*schema), Cell::from(&*name)];
        let checks = connection.query(CHECKS, place()).await?;
        let checks: Vec<String> = checks.iter().map(|row| text(row, 0)).collect();
        let rows = connection.query(COLUMNS, place()).await?;
        let mut columns = wanted.columns(rows.iter().map(|row| column(row, &checks)).collect())?;
        columns.table = format!("{}.{}", Sql::quote(&schema), Sql::quote(&name));
        let mut keys: Vec<(String, Vec<String>)> = Vec::new();
        for row in &connection.query(KEYS, place()).await? {
            let (key, column) = (text(row, 0), text(row, 1));
            match keys.last_mut().filter(|(last, _)| *last == key) {
                Some((_, columns)) => columns.push(column),
                None => keys.push((key, vec![column])),
            }
        }
        let is_unique = keys.iter().any(|(_, columns)| **columns == [wanted.id.to_string()]);
        if !is_view && !is_unique {
            return Err(wanted.not_unique());
        }
        if matches!(columns.id().ty.scalar, Scalar::Boolean | Scalar::Bytes | Scalar::Json) {
            return Err(wanted.no_ids());
        }
        let is_returned = !columns.list.iter().any(|column| column.is_generated);
        Ok(TableSchema { columns: Arc::new(columns), is_returned, keys: keys.into() })
    }

    /// Says which fields of a record another one has, instead of the name of a key.
    pub(super) fn worded(&self, error: Error) -> Error {
        let fields = |key: &str| {
            let (_, columns) = self.keys.iter().find(|(name, _)| *name == key)?;
            let named = |name: &String| self.columns.find(name).ok().map(|column| format!("'{}'", column.name));
            Some(columns.iter().map(named).collect::<Option<Vec<_>>>()?.join(", "))
        };
        match error::key(&error).and_then(fields) {
            Some(fields) => {
                Error::conflict(format!("A record with the same {fields} exists already")).with_source(error)
            }
            None => error,
        }
    }
}

/// Schema and name of a table, and whether it is a view.
async fn find(connection: &mut Connection, schema: Option<&str>, name: &str) -> Result<Option<(String, String, bool)>> {
    let rows = connection.query(TABLE, vec![schema.into(), name.into(), name.into()]).await?;
    Ok(rows.first().map(|row| (text(row, 0), text(row, 1), is(row, 2))))
}

fn column(row: &Row, checks: &[String]) -> Column {
    let (name, data, whole) = (text(row, 0), text(row, 1), text(row, 2));
    let (charset, collation) = (optional(row, 3), optional(row, 4));
    let size = |at: usize| match row.as_ref(at) {
        Some(Cell::Int(size)) => usize::try_from(*size).unwrap_or_default(),
        _ => 0,
    };
    let is_check = |check: &String| {
        [Sql::quote(&name), format!("\"{}\"", name.replace('"', "\"\""))]
            .iter()
            .any(|quoted| *check == format!("json_valid({quoted})"))
    };
    let scalar = Scalar::of(&Declared {
        name: &data,
        whole: &whole,
        charset: charset.as_deref(),
        collation: collation.as_deref(),
        precision: size(5),
        scale: size(6),
        is_json: charset.is_some() && checks.iter().any(is_check),
    });
    let own = charset.zip(collation).filter(|_| scalar == Scalar::Text(Texts::Converted));
    let own = own.map(|(charset, collation)| format!(" USING {charset}) COLLATE {collation}").into());
    let mut column = Column::new(
        name,
        ColumnType { scalar, own, is_nullable: is(row, 7), is_numbered: matches!(&*data, "bit" | "enum" | "set") },
    );
    (column.is_generated, column.is_filled) = (is(row, 8), is(row, 9));
    column
}

fn text(row: &Row, at: usize) -> String {
    optional(row, at).unwrap_or_default()
}

fn optional(row: &Row, at: usize) -> Option<String> {
    match row.as_ref(at) {
        Some(Cell::Bytes(text)) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

fn is(row: &Row, at: usize) -> bool {
    matches!(row.as_ref(at), Some(Cell::Int(1)))
}
