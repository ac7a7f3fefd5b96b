//! The store over one table.

use super::Sqlite;
use super::columns::{Columns, Kind};
use super::error::mapped;
use super::statement::{Bound, Statement, is_open, open_part};
use crate::store::memory::{invalid_id, is_missing};
use crate::store::{Change, Condition, Find, Record, Rows, SortKey, Store, Table, Target, Writes, matches, sort};
use futures_util::TryStreamExt;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::OnceCell;
use wingbeat_core::{Error, Id, Result};

/// How many records one statement changes at most; several statements make up one transaction.
const CHUNK: usize = 500;

/// A table of a [`Sqlite`] database as a store.
#[derive(Clone, Debug)]
pub struct SqliteTable {
    db: Sqlite,
    name: Arc<str>,
    id: Arc<str>,
    fields: Option<&'static [&'static str]>,
    columns: Arc<OnceCell<Columns>>,
}

impl Table<SqliteTable> {
    /// The column that holds the id (`"id"`). It must be unique.
    #[must_use]
    pub fn id(mut self, column: &str) -> Table<SqliteTable> {
        self.store.id = column.into();
        self.store.columns = Arc::default();
        self
    }

    /// As [`operator`](Table::operator), for one that SQL has as well, between column and operand: plain columns are then
    /// asked in SQL, and JSON columns by the function, which has to agree. Null passes no such test in SQL.
    ///
    /// ```
    /// use serde_json::Value;
    /// use wingbeat::{Error, store::Sqlite};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> wingbeat::Result<()> {
    /// # let db = Sqlite::memory().await?;
    /// let cities = db.table::<Value>("cities").sql_operator("$glob", "GLOB", |operand| {
    ///     let start = operand.as_str().and_then(|pattern| pattern.strip_suffix('*')).map(str::to_owned);
    ///     let start = start.ok_or_else(|| Error::bad_request("Invalid $glob: it must be text that ends with *"))?;
    ///     Ok(move |value: &Value| value.as_str().is_some_and(|text| text.starts_with(&start)))
    /// });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// As [`operator`](Table::operator).
    #[must_use]
    pub fn sql_operator<T>(
        mut self,
        name: &str,
        sql: &'static str,
        read: impl Fn(&Value) -> Result<T> + Send + Sync + 'static,
    ) -> Table<SqliteTable>
    where
        T: Fn(&Value) -> bool + Send + Sync + 'static,
    {
        self.syntax.add_operator(name, Some(sql), read);
        self
    }
}

impl SqliteTable {
    pub(super) fn new(db: Sqlite, name: &str, fields: Option<&'static [&'static str]>) -> SqliteTable {
        SqliteTable { db, name: name.into(), id: "id".into(), fields, columns: Arc::default() }
    }

    async fn columns(&self) -> Result<&Columns> {
        let read = async || {
            let mut connection = self.db.readers.acquire().await.map_err(mapped)?;
            Columns::read(&mut connection, &self.name, &self.id, self.fields).await
        };
        self.columns.get_or_try_init(read).await
    }

    /// Writes with one statement, which is a transaction of its own.
    async fn run_alone(&self, columns: &Columns, statement: Statement, writes: Writes<'_>) -> Result<Vec<Record>> {
        let mut connection = self.db.writer.acquire().await.map_err(mapped)?;
        let records = run(&mut connection, columns, statement).await?;
        // The next write waits for the connection.
        writes.note_all(&records);
        Ok(records)
    }
}

impl Store for SqliteTable {
    fn id_field(&self) -> &str {
        &self.id
    }

    async fn check(&self) -> Result<()> {
        self.columns().await.map(drop)
    }

    async fn find(&self, find: &Find) -> Result<Rows> {
        let columns = self.columns().await?;
        if !find.count {
            let mut connection = self.db.readers.acquire().await.map_err(mapped)?;
            return select(&mut connection, columns, find).await;
        }
        // One transaction, so that page and total are of the same moment.
        let mut transaction = self.db.readers.begin().await.map_err(mapped)?;
        let rows = select(&mut transaction, columns, find).await?;
        transaction.commit().await.map_err(mapped)?;
        Ok(rows)
    }

    async fn create(&self, records: Vec<Record>, writes: Writes<'_>) -> Result<Vec<Record>> {
        let columns = self.columns().await?;
        let mut statements = records.iter().map(|record| insert(columns, record)).collect::<Result<Vec<_>>>()?;
        if statements.len() == 1
            && let Some(statement) = statements.pop()
        {
            return self.run_alone(columns, statement, writes).await;
        }
        let mut transaction = self.db.writer.begin_with("BEGIN IMMEDIATE").await.map_err(mapped)?;
        let mut created = Vec::with_capacity(records.len());
        for statement in statements {
            created.extend(run(&mut transaction, columns, statement).await?);
        }
        writes.note_all(&created);
        transaction.commit().await.map_err(mapped)?;
        Ok(created)
    }

    async fn change(&self, target: &Target, change: Change, writes: Writes<'_>) -> Result<Vec<Record>> {
        let columns = self.columns().await?;
        let assignments = assignments(columns, &change)?;
        if is_single(target, columns) && !assignments.is_empty() {
            let mut statement = update(columns, &assignments);
            statement.push_where(target, columns)?;
            statement.push(" RETURNING ").push(&columns.names);
            return self.run_alone(columns, statement, writes).await;
        }
        let mut transaction = self.db.writer.begin_with("BEGIN IMMEDIATE").await.map_err(mapped)?;
        let find = to_write(target);
        let mut records = select(&mut transaction, columns, &find).await?.records;
        target.check(records.len())?;
        if !assignments.is_empty() {
            let mut changed = HashMap::with_capacity(records.len());
            for chunk in records.chunks(CHUNK) {
                let mut statement = update(columns, &assignments);
                push_ids(&mut statement, columns, chunk)?;
                statement.push(" RETURNING ").push(&columns.names);
                let rows = run(&mut transaction, columns, statement).await?;
                changed.extend(rows.into_iter().filter_map(|record| Some((id_of(columns, &record)?, record))));
            }
            // Rows come back in any order.
            records = records.iter().filter_map(|record| changed.remove(&id_of(columns, record)?)).collect();
        }
        writes.note_all(&records);
        transaction.commit().await.map_err(mapped)?;
        Ok(records)
    }

    async fn remove(&self, target: &Target, writes: Writes<'_>) -> Result<Vec<Record>> {
        let columns = self.columns().await?;
        if is_single(target, columns) {
            let mut statement = Statement::new(format!("DELETE FROM {}", columns.table));
            statement.push_where(target, columns)?;
            statement.push(" RETURNING ").push(&columns.names);
            return self.run_alone(columns, statement, writes).await;
        }
        let mut transaction = self.db.writer.begin_with("BEGIN IMMEDIATE").await.map_err(mapped)?;
        let find = to_write(target);
        let records = select(&mut transaction, columns, &find).await?.records;
        target.check(records.len())?;
        for chunk in records.chunks(CHUNK) {
            let mut statement = Statement::new(format!("DELETE FROM {}", columns.table));
            push_ids(&mut statement, columns, chunk)?;
            run(&mut transaction, columns, statement).await?;
        }
        writes.note_all(&records);
        transaction.commit().await.map_err(mapped)?;
        Ok(records)
    }
}

/// The records that a change is about, no more than tell whether these are too many.
fn to_write(target: &Target) -> Find {
    let limit = target.at_most.map(|most| (most as u64).saturating_add(1));
    Find { target: target.clone(), limit, ..Find::default() }
}

/// Finds records. What SQL leaves open is decided here, row by row.
async fn select(connection: &mut SqliteConnection, columns: &Columns, find: &Find) -> Result<Rows> {
    let (skip, limit) = (find.skip, find.limit.unwrap_or(u64::MAX));
    let by_json = |key: &SortKey| columns.find(key.path.split().0).is_ok_and(|column| column.kind == Kind::Json);
    let (open, sorts) = (is_open(&find.target.condition, columns), find.sort.iter().any(by_json));
    let mut statement = Statement::new(format!("SELECT {} FROM {}", columns.names, columns.table));
    statement.push_where(&find.target, columns)?;
    statement.push_order(&find.sort, columns)?;
    if !open && !sorts {
        let total = if find.count { Some(count(connection, columns, &find.target).await?) } else { None };
        if limit == 0 {
            return Ok(Rows { records: Vec::new(), total });
        }
        let bound = |number: u64| Bound::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        statement.push(" LIMIT ").bind(bound(limit)).push(" OFFSET ").bind(bound(skip));
        return Ok(Rows { records: run(connection, columns, statement).await?, total });
    }
    let condition = if open { open_part(&find.target.condition, columns) } else { Condition::default() };
    let (mut hits, mut records) = (0, Vec::new());
    let mut rows = statement.query().fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(mapped)? {
        let record = columns.record(&row)?;
        if matches(&condition, &record) {
            hits += 1;
            if sorts || hits > skip && hits - skip <= limit {
                records.push(record);
            }
            if !sorts && !find.count && hits.saturating_sub(skip) >= limit {
                break;
            }
        }
    }
    if sorts {
        sort(&mut records, &find.sort);
        let cut = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        records = records.into_iter().skip(cut(skip)).take(cut(limit)).collect();
    }
    Ok(Rows { records, total: find.count.then_some(hits) })
}

async fn count(connection: &mut SqliteConnection, columns: &Columns, target: &Target) -> Result<u64> {
    let mut statement = Statement::new(format!("SELECT count(*) FROM {}", columns.table));
    statement.push_where(target, columns)?;
    let row = statement.query().fetch_one(connection).await.map_err(mapped)?;
    let count: i64 = row.try_get(0).map_err(mapped)?;
    Ok(count.unsigned_abs())
}

async fn run(connection: &mut SqliteConnection, columns: &Columns, statement: Statement) -> Result<Vec<Record>> {
    let rows = statement.query().fetch_all(connection).await.map_err(mapped)?;
    rows.iter().map(|row| columns.record(row)).collect()
}

/// Whether SQL alone decides about at most one record.
fn is_single(target: &Target, columns: &Columns) -> bool {
    target.id.is_some() && !is_open(&target.condition, columns)
}

fn insert(columns: &Columns, record: &Record) -> Result<Statement> {
    let id = columns.id();
    let given = !is_missing(record.get(&*id.name));
    if !given && !id.filled {
        return Err(Error::bad_request(format!("Invalid data: '{}' is required", id.name)));
    }
    if given && record.get(&*id.name).and_then(Id::from_value).is_none() {
        return Err(invalid_id(&id.name));
    }
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for (field, value) in record {
        let column = columns.find(field)?;
        if !column.generated && (given || column.name != id.name) {
            names.push(&*column.quoted);
            values.push(column.write(value)?);
        }
    }
    let mut statement = Statement::new(format!("INSERT INTO {}", columns.table));
    match names.is_empty() {
        true => drop(statement.push(" DEFAULT VALUES")),
        false => drop(statement.push(&format!(" ({}) VALUES ", names.join(", "))).bind_list(values)),
    }
    statement.push(" RETURNING ").push(&columns.names);
    Ok(statement)
}

/// The columns to set, in quotes, and their new values. The id is not among them.
fn assignments<'a>(columns: &'a Columns, change: &Change) -> Result<Vec<(&'a str, Bound)>> {
    let (Change::Replace(data) | Change::Merge(data)) = change;
    for field in data.keys() {
        columns.find(field)?;
    }
    let replace = matches!(change, Change::Replace(_));
    let mut assignments = Vec::new();
    for column in columns.list.iter().filter(|column| !column.generated && column.name != columns.id().name) {
        match data.get(&*column.name) {
            Some(value) => assignments.push((&*column.quoted, column.write(value)?)),
            None if replace => assignments.push((&*column.quoted, Bound::Null)),
            None => {}
        }
    }
    Ok(assignments)
}

fn update(columns: &Columns, assignments: &[(&str, Bound)]) -> Statement {
    let mut statement = Statement::new(format!("UPDATE {} SET ", columns.table));
    for (index, (column, value)) in assignments.iter().enumerate() {
        statement.push(if index == 0 { "" } else { ", " }).push(column).push(" = ").bind(value.clone());
    }
    statement
}

fn push_ids(statement: &mut Statement, columns: &Columns, records: &[Record]) -> Result<()> {
    let id = columns.id();
    let ids = records.iter().filter_map(|record| record.get(&*id.name)).map(|value| id.write(value));
    let ids = ids.collect::<Result<Vec<_>>>()?;
    statement.push(" WHERE ").push(&id.quoted).push(" IN ").bind_list(ids);
    Ok(())
}

fn id_of(columns: &Columns, record: &Record) -> Option<String> {
    record.get(&*columns.id().name).and_then(Id::from_value).map(|id| id.to_string())
}
