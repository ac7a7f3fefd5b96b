//! The columns of a table.

use super::column::{Column, Kind};
use super::dialect::Sql;
use super::statement::Statement;
use crate::store::sql::Wanted;
use crate::store::{Target, sql};
use rusqlite::{Connection, OptionalExtension as _};
use std::ops::ControlFlow;
use std::sync::Arc;
use wingbeat_core::{Id, Result};

pub(super) type Columns = sql::Columns<Sql>;

/// The columns of a table, and how its records are found.
#[derive(Clone, Debug)]
pub(super) struct TableSchema {
    pub(super) columns: Arc<Columns>,
    /// Whether a record is found by its id without looking at others: views have no key.
    pub(super) has_key: bool,
}

impl TableSchema {
    /// Looks at a table.
    pub(super) fn read(connection: &Connection, wanted: &Wanted) -> Result<TableSchema> {
        let table = &*wanted.table;
        let about = "SELECT type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ?";
        let about = connection.query_row(about, [table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let about: Option<(String, bool, bool)> = about.optional()?;
        let Some((kind, without_rowid, is_strict)) = about else {
            return Err(wanted.missing());
        };
        let is_table = kind == "table";
        let has_rowid = is_table && !without_rowid;

        let mut all = connection.prepare(
            "SELECT name, type, hidden, pk, dflt_value IS NOT NULL, \"notnull\" FROM pragma_table_xinfo(?1) ORDER BY cid",
        )?;
        let keys = "SELECT count(*) FROM pragma_table_xinfo(?1) WHERE pk > 0";
        let keys: i64 = connection.query_row(keys, [table], |row| row.get(0))?;
        let all = all.query_map([table], |row| Column::read(row, is_strict, has_rowid && keys == 1))?;
        let mut columns = wanted.columns(all.collect::<rusqlite::Result<_>>()?)?;
        if is_table && !is_unique(connection, table, &wanted.id)? {
            return Err(wanted.not_unique());
        }
        if matches!(columns.id().ty.kind, Kind::Boolean | Kind::Blob | Kind::Json) {
            return Err(wanted.no_ids());
        }
        if has_rowid {
            columns.tie = "rowid".to_owned();
        }
        let has_key = is_table && are_found_by_key(connection, &columns)?;
        Ok(TableSchema { columns: Arc::new(columns), has_key })
    }
}

/// Whether SQLite looks records up by an index, whatever the id: one with another collation is of no use, say.
fn are_found_by_key(connection: &Connection, columns: &Columns) -> Result<bool> {
    let mut is_search = true;
    for id in [Id::from(1), Id::from("1")] {
        let mut plan = Statement::new(format!("EXPLAIN QUERY PLAN SELECT * FROM {}", columns.table));
        plan.push_where(&Target { id: Some(id), ..Target::default() }, columns)?;
        plan.run(connection, |step| {
            is_search &= step.get::<_, String>("detail")?.starts_with("SEARCH");
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(is_search)
}

/// Whether the column is a key all by itself.
fn is_unique(connection: &Connection, table: &str, column: &str) -> rusqlite::Result<bool> {
    let key = "SELECT count(*) = 1 AND max(name) = ?2 FROM pragma_table_xinfo(?1) WHERE pk > 0";
    let index = "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1) AS list WHERE list.\"unique\" AND NOT list.partial \
        AND (SELECT count(*) = 1 AND max(info.name) = ?2 FROM pragma_index_info(list.name) AS info))";
    for sql in [key, index] {
        if connection.query_row(sql, [table, column], |row| row.get::<_, Option<bool>>(0))? == Some(true) {
            return Ok(true);
        }
    }
    Ok(false)
}
