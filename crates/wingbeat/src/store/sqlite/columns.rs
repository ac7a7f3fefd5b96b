//! The columns of a table.

use super::column::{Column, Kind, quote};
use super::statement::Statement;
use crate::store::{OwnTest, Target};
use rusqlite::{Connection, OptionalExtension as _};
use std::ops::ControlFlow;
use std::sync::Arc;
use wingbeat_core::{Error, Id, Result};

/// The name of an operator in queries, and the operator of SQL that says the same of a plain column.
pub(super) type SqlOperator = (Box<str>, &'static str);

/// All columns of a table that are known to its service.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// The table's name in quotes.
    pub(super) table: String,
    pub(super) list: Vec<Column>,
    pub(super) id: usize,
    /// Whether a record is found by its id without looking at others: views have no key.
    pub(super) has_key: bool,
    /// The names in quotes, in the order of `list`.
    pub(super) names: String,
    /// What keeps rows that are equal in a stable order.
    pub(super) tie: String,
    /// The last of a name counts.
    operators: Arc<[SqlOperator]>,
}

impl Columns {
    /// Looks at a table. `fields` are the ones that must be there and shall be seen; without them, all are.
    pub(super) fn read(connection: &Connection, table: &str, id: &str, fields: Option<&[&str]>) -> Result<Columns> {
        let about = "SELECT type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ?";
        let about = connection.query_row(about, [table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let about: Option<(String, bool, bool)> = about.optional()?;
        let Some((kind, without_rowid, is_strict)) = about else {
            return Err(Error::general(format!("Missing table '{table}' in the database")));
        };
        let is_table = kind == "table";
        let has_rowid = is_table && !without_rowid;

        let mut all = connection.prepare(
            "SELECT name, type, hidden, pk, dflt_value IS NOT NULL FROM pragma_table_xinfo(?1) ORDER BY cid",
        )?;
        let keys = "SELECT count(*) FROM pragma_table_xinfo(?1) WHERE pk > 0";
        let keys: i64 = connection.query_row(keys, [table], |row| row.get(0))?;
        let all = all.query_map([table], |row| Column::read(row, is_strict, has_rowid && keys == 1))?;
        let mut list = Vec::new();
        for column in all {
            let column = column?;
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
        if is_table && !is_unique(connection, table, id)? {
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
        let mut columns =
            Columns { table: quote(table), list, id, has_key: false, names, tie, operators: Arc::default() };
        columns.has_key = is_table && columns.are_found_by_key(connection)?;
        Ok(columns)
    }

    pub(super) fn with_operators(mut self, operators: Arc<[SqlOperator]>) -> Columns {
        self.operators = operators;
        self
    }

    /// What SQL has for an operator of the table's own, if it has it.
    pub(super) fn sql_operator(&self, test: &OwnTest) -> Option<&'static str> {
        self.operators.iter().rev().find(|(name, _)| **name == *test.name()).map(|(_, sql)| *sql)
    }

    /// The column of a field that a client names.
    pub(super) fn find(&self, field: &str) -> Result<&Column> {
        let column = self.list.iter().find(|column| *column.name == *field);
        column.ok_or_else(|| Error::bad_request(format!("Unknown field '{field}'")))
    }

    pub(super) fn id(&self) -> &Column {
        &self.list[self.id]
    }

    /// Whether SQLite looks records up by an index, whatever the id: one with another collation is of no use, say.
    fn are_found_by_key(&self, connection: &Connection) -> Result<bool> {
        let mut is_search = true;
        for id in [Id::from(1), Id::from("1")] {
            let mut plan = Statement::new(format!("EXPLAIN QUERY PLAN SELECT * FROM {}", self.table));
            plan.push_where(&Target { id: Some(id), ..Target::default() }, self)?;
            plan.run(connection, |step| {
                is_search &= step.get::<_, String>("detail")?.starts_with("SEARCH");
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(is_search)
    }
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
