//! A table, as the database describes it.

use super::column::{Column, ColumnType};
use super::connection::Connection;
use super::dialect::{Columns, Sql};
use super::scalar::Scalar;
use crate::store::sql::{Dialect as _, Wanted};
use std::sync::Arc;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use wingbeat_core::Result;

/// The columns of a table, and how its records are found.
#[derive(Clone, Debug)]
pub(super) struct TableSchema {
    pub(super) columns: Arc<Columns>,
    /// Whether it is a table, whose records can be locked, and not a view.
    pub(super) is_table: bool,
}

/// The table of a name, or of a schema and a name with a dot between them.
const TABLE: &str = "SELECT c.oid, n.nspname::text, c.relname::text, c.relkind IN ('r', 'p', 'f') \
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') \
    AND (c.relname::text = $1::text AND pg_table_is_visible(c.oid) OR n.nspname || '.' || c.relname = $1::text) \
    ORDER BY pg_table_is_visible(c.oid) DESC LIMIT 1";

/// Name, type, elements' type, whether null, generated, filled in, and a key all by itself. What domains stand for is
/// looked up, however many stand for one another.
const COLUMNS: &str = "WITH RECURSIVE base AS ( \
        SELECT a.attnum, t.oid, t.typtype, t.typbasetype, t.typelem, t.typcategory \
        FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid WHERE a.attrelid = $1::oid AND a.attnum > 0 \
        UNION ALL SELECT base.attnum, t.oid, t.typtype, t.typbasetype, t.typelem, t.typcategory \
        FROM base JOIN pg_type AS t ON base.typtype = 'd' AND t.oid = base.typbasetype) \
    SELECT a.attname::text, base.oid, CASE WHEN base.typcategory = 'A' THEN base.typelem ELSE 0::oid END, \
        NOT a.attnotnull, a.attgenerated <> '' OR a.attidentity = 'a', a.atthasdef OR a.attidentity <> '', \
        EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid \
            AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) \
    FROM pg_attribute AS a JOIN base ON base.attnum = a.attnum AND base.typtype <> 'd' \
    WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

impl TableSchema {
    /// Looks at a table.
    pub(super) async fn read(connection: &Connection, wanted: &Wanted) -> Result<TableSchema> {
        let found = connection.query(TABLE, &[&&*wanted.table]).await?;
        let found = found.first().ok_or_else(|| wanted.missing())?;
        let (oid, schema, name, is_table): (u32, String, String, bool) =
            (get(found, 0)?, get(found, 1)?, get(found, 2)?, get(found, 3)?);
        let rows = connection.query(COLUMNS, &[&oid]).await?;
        let (mut list, mut is_unique) = (Vec::with_capacity(rows.len()), false);
        for row in &rows {
            let column = column(row)?;
            is_unique |= *column.name == *wanted.id && get::<bool>(row, 6)?;
            list.push(column);
        }
        let mut columns = wanted.columns(list)?;
        columns.table = format!("{}.{}", Sql::quote(&schema), Sql::quote(&name));
        if is_table && !is_unique {
            return Err(wanted.not_unique());
        }
        let ColumnType { scalar, is_list, .. } = columns.id().ty;
        if is_list || scalar.is_json() || matches!(scalar, Scalar::Boolean | Scalar::Bytes) {
            return Err(wanted.no_ids());
        }
        Ok(TableSchema { columns: Arc::new(columns), is_table })
    }
}

fn column(row: &Row) -> Result<Column> {
    let (of, element): (u32, u32) = (get(row, 1)?, get(row, 2)?);
    let is_list = element != 0;
    let scalar = Type::from_oid(if is_list { element } else { of }).map_or(Scalar::Other, |of| Scalar::of(&of));
    let mut column = Column::of(get(row, 0)?, ColumnType { scalar, is_list, is_nullable: get(row, 3)? });
    (column.is_generated, column.is_filled) = (get(row, 4)?, get(row, 5)?);
    Ok(column)
}

fn get<'r, T: tokio_postgres::types::FromSql<'r>>(row: &'r Row, at: usize) -> Result<T> {
    row.try_get(at).map_err(super::error::mapped)
}
