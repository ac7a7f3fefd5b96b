//! The store over one table.

use super::MariaDb;
use super::connection::Connection;
use super::dialect::Select;
use super::insert::inserts;
use super::schema::TableSchema;
use super::write::{Found, LOCKED, Work, Write, select};
use crate::fair::attended;
use crate::store::sql::{Fields, SqlStore, Wanted, assignments, delete, is_single, schema, to_write, update};
use crate::store::{Answer, Change, Find, Kind, Operation, Path, Record, Rows, Store, Target};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use tokio::sync::OnceCell;
use wingbeat_core::Result;

/// A table of a [`MariaDb`] database as a store.
#[derive(Clone)]
pub struct MariaDbTable {
    db: MariaDb,
    wanted: Wanted,
    schema: Arc<OnceCell<TableSchema>>,
}

impl MariaDbTable {
    pub(super) fn new(db: MariaDb, name: &str, fields: Option<Fields>) -> MariaDbTable {
        MariaDbTable { db, wanted: Wanted::new(name, fields), schema: Arc::default() }
    }

    async fn schema(&self) -> Result<Cow<'_, TableSchema>> {
        let read = async |connection: &mut Connection| TableSchema::read(connection, &self.wanted).await;
        schema(&self.schema, || self.db.is_in_transaction(), || self.db.work(read)).await
    }

    async fn write<'a>(&'a self, work: Work<'a>, schema: &'a TableSchema, operation: Operation<'a>) -> Result<Answer> {
        let write = Write { schema, writes: operation.writes(), work };
        self.db.carry_out(&write).await.map_err(|error| schema.worded(error))
    }

    /// Writes the records of a target after it has looked at them.
    async fn write_found(&self, target: &Target, what: Found, operation: Operation<'_>) -> Result<Answer> {
        let schema = &*self.schema().await?;
        let mut select = Select::new(&schema.columns, &to_write(target))?;
        select.rows.push(LOCKED);
        self.write(Work::Found(Box::new(select), target, what), schema, operation).await
    }
}

impl SqlStore for MariaDbTable {
    fn wanted(&mut self) -> &mut Wanted {
        self.schema = Arc::default();
        &mut self.wanted
    }
}

impl Store for MariaDbTable {
    fn id_field(&self) -> &str {
        &self.wanted.id
    }

    async fn check(&self) -> Result<()> {
        self.schema().await.map(drop)
    }

    /// Known once the table has been looked at, which [`check`](Store::check) does.
    fn kind(&self, path: &Path) -> Option<Kind> {
        self.schema.get()?.columns.kind(path)
    }

    fn has_cursors(&self) -> bool {
        true
    }

    async fn find(&self, find: &Find, _: Operation<'_>) -> Result<Rows> {
        let select = Select::new(&self.schema().await?.columns, find)?;
        let work = async |connection: &mut Connection| connection.find(&select).await;
        if self.db.is_in_transaction() {
            return self.db.work(work).await;
        }
        // It ends with who has asked; a write does not, because clients say something and go.
        attended(self.db.work(work)).await
    }

    async fn create(&self, records: Vec<Record>, operation: Operation<'_>) -> Result<Answer> {
        let schema = &*self.schema().await?;
        let columns = &schema.columns;
        let returned = if schema.is_returned { &columns.names } else { &*columns.id().read };
        let mut statements = inserts(columns, &records)?;
        for statement in &mut statements {
            statement.push(" RETURNING ").push(returned);
        }
        let work = if schema.is_returned { Work::Returned(statements) } else { Work::Identified(statements) };
        self.write(work, schema, operation).await
    }

    async fn change(&self, target: &Target, change: Change, operation: Operation<'_>) -> Result<Answer> {
        let schema = &*self.schema().await?;
        let columns = &schema.columns;
        let assignments = assignments(columns, &change)?;
        if !is_single(target, columns) || assignments.is_empty() {
            return self.write_found(target, Found::Changed(assignments), operation).await;
        }
        let (mut statement, mut select) = (update(columns, &assignments), select(columns));
        statement.push_where(target, columns)?;
        // It may not match the rest of the target any more.
        select.push_where(&Target { id: target.id.clone(), ..Target::default() }, columns)?;
        select.push(LOCKED);
        self.write(Work::Read(statement, select), schema, operation).await
    }

    async fn remove(&self, target: &Target, operation: Operation<'_>) -> Result<Answer> {
        let schema = &*self.schema().await?;
        let columns = &schema.columns;
        if !is_single(target, columns) {
            return self.write_found(target, Found::Removed, operation).await;
        }
        let mut statement = delete(columns);
        statement.push_where(target, columns)?;
        self.write(Work::Returned(vec![statement.returning(columns)]), schema, operation).await
    }
}

impl fmt::Debug for MariaDbTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MariaDbTable").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}
