//! The store over one table.

use super::Postgres;
use super::cell::Reading;
use super::connection::{Connection, raw, write};
use super::dialect::{Columns, Select, Statement};
use super::schema::TableSchema;
use crate::store::shape::Shape;
use crate::store::sql::{
    Fields, SqlStore, Wanted, assignments, delete, ids_of, in_order, insert, is_single, push_ids, schema, to_write,
    update,
};
use crate::store::{Answer, Change, Find, JsonRecords, Kind, Operation, Path, Record, Rows, Store, Target, Writes};
use futures_util::stream::{FuturesOrdered, TryStreamExt as _};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use tokio::sync::OnceCell;
use tokio_postgres::Row;
use wingbeat_core::{Id, Result};

/// So many statements of one call are on their way at a time.
const AT_A_TIME: usize = 64;

/// Finds of more records are taken for long.
const PAGE: u64 = 250;

/// A table of a [`Postgres`] database as a store.
#[derive(Clone)]
pub struct PostgresTable {
    db: Postgres,
    wanted: Wanted,
    schema: Arc<OnceCell<TableSchema>>,
}

impl PostgresTable {
    pub(super) fn new(db: Postgres, name: &str, fields: Option<Fields>) -> PostgresTable {
        PostgresTable { db, wanted: Wanted::new(name, fields), schema: Arc::default() }
    }

    async fn schema(&self) -> Result<Cow<'_, TableSchema>> {
        let read = async |connection: &Connection| TableSchema::read(connection, &self.wanted).await;
        schema(&self.schema, || self.db.is_in_transaction(), || self.db.work(read)).await
    }

    /// Writes with one statement, which returns the record. Large, and so kept out of the futures of all calls.
    async fn write_one(&self, statement: Statement, columns: &Columns, writes: Writes<'_>) -> Result<Answer> {
        if !writes.are_heard() {
            let write = async |connection: &Connection| connection.text(&statement, columns, &columns.all).await;
            return Ok(self.db.work(write).await?.into());
        }
        // Who writes the record next waits until this is committed, so what is said before comes in the right order.
        let write = async |connection: &Connection| {
            let written = Written::by(connection, &statement, columns).await?;
            written.note(writes);
            Ok(written.text.into())
        };
        self.db.transact(write).await
    }

    /// Writes the records of a target after it has looked at them.
    async fn write_found(
        &self,
        target: &Target,
        schema: &TableSchema,
        writes: Writes<'_>,
        write: impl AsyncFnOnce(&Connection, Vec<Record>) -> Result<Vec<Record>>,
    ) -> Result<Answer> {
        let mut select = Select::new(&schema.columns, &to_write(target))?;
        if schema.is_table {
            select.rows.push(" FOR UPDATE");
        }
        let work = async |connection: &Connection| {
            let records = connection.find(&select).await?.records.into_records()?;
            target.check(records.len())?;
            let records = if records.is_empty() { records } else { write(connection, records).await? };
            writes.note_all(&records);
            Ok(records.into())
        };
        Box::pin(self.db.transact(work)).await
    }
}

impl SqlStore for PostgresTable {
    fn wanted(&mut self) -> &mut Wanted {
        self.schema = Arc::default();
        &mut self.wanted
    }
}

impl Store for PostgresTable {
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
        let schema = self.schema().await?;
        let TableSchema { columns, is_table } = &*schema;
        let select = Select::new(columns, find)?;
        let work = async |connection: &Connection| connection.find(&select).await;
        if self.db.is_in_transaction() {
            return Box::pin(self.db.work(work)).await;
        }
        let is_by_key =
            *is_table && find.target.id.is_some() && find.target.condition.is_empty() && find.count.is_none();
        if is_by_key && let Some((connection, _permit)) = self.db.share_keys().await? {
            return work(&connection).await;
        }
        let may_be_short = *is_table && select.shown().is_some() && find.limit.is_some_and(|limit| limit <= PAGE);
        self.db.find(&select, may_be_short.then(|| Shape::find(&self.wanted.table, find))).await
    }

    async fn create(&self, records: Vec<Record>, operation: Operation<'_>) -> Result<Answer> {
        let columns = &self.schema().await?.columns;
        let statements = records.iter().map(|record| Ok(insert(columns, record)?.returning(columns)));
        let mut statements = statements.collect::<Result<Vec<_>>>()?;
        let writes = operation.writes();
        if statements.len() == 1
            && let Some(statement) = statements.pop()
        {
            return Box::pin(self.write_one(statement, columns, writes)).await;
        }
        // One after another on their way, so that there are as many texts to prepare as there are sets of columns.
        let work = async |connection: &Connection| {
            for statement in &statements {
                connection.prepared(&statement.text).await?;
            }
            let (mut all, mut running) = (Written::default(), FuturesOrdered::new());
            for statement in &statements {
                if running.len() == AT_A_TIME
                    && let Some(written) = running.try_next().await?
                {
                    all.append(written);
                }
                running.push_back(Written::by(connection, statement, columns));
            }
            while let Some(written) = running.try_next().await? {
                all.append(written);
            }
            all.note(writes);
            Ok(all.text.into())
        };
        Box::pin(self.db.transact(work)).await
    }

    async fn change(&self, target: &Target, change: Change, operation: Operation<'_>) -> Result<Answer> {
        let schema = &*self.schema().await?;
        let columns = &schema.columns;
        let assignments = assignments(columns, &change)?;
        if is_single(target, columns) && !assignments.is_empty() {
            let mut statement = update(columns, &assignments);
            statement.push_where(target, columns)?;
            return Box::pin(self.write_one(statement.returning(columns), columns, operation.writes())).await;
        }
        let write = async |connection: &Connection, records: Vec<Record>| {
            if assignments.is_empty() {
                return Ok(records);
            }
            let mut statement = update(columns, &assignments);
            let ids = ids_of(columns, &records);
            push_ids(&mut statement, columns, &ids)?;
            Ok(in_order(columns, &ids, connection.records(&statement.returning(columns), columns).await?))
        };
        self.write_found(target, schema, operation.writes(), write).await
    }

    async fn remove(&self, target: &Target, operation: Operation<'_>) -> Result<Answer> {
        let schema = &*self.schema().await?;
        let columns = &schema.columns;
        if is_single(target, columns) {
            let mut statement = delete(columns);
            statement.push_where(target, columns)?;
            return Box::pin(self.write_one(statement.returning(columns), columns, operation.writes())).await;
        }
        let write = async |connection: &Connection, records: Vec<Record>| {
            let mut statement = delete(columns);
            push_ids(&mut statement, columns, &ids_of(columns, &records))?;
            connection.run(&statement, |_, _| Ok(())).await?;
            Ok(records)
        };
        self.write_found(target, schema, operation.writes(), write).await
    }
}

/// What a statement has written: the records, and their ids.
#[derive(Default)]
struct Written {
    text: JsonRecords,
    ids: Vec<Id>,
}

impl Written {
    /// Runs a statement that returns the records that it writes.
    async fn by(connection: &Connection, statement: &Statement, columns: &Columns) -> Result<Written> {
        let mut written = Written::default();
        let at = columns.id_at();
        let read = |row: &Row, readings: &[Reading]| {
            written.ids.extend(Id::from_value(&readings[at].value(raw(row, at)?)?));
            write(row, readings, columns, &columns.all, written.text.next())
        };
        connection.run(statement, read).await?;
        Ok(written)
    }

    fn append(&mut self, other: Written) {
        self.ids.extend(other.ids);
        self.text.append(&other.text);
    }

    fn note(&self, writes: Writes<'_>) {
        self.ids.iter().for_each(|id| writes.note(id));
    }
}

impl fmt::Debug for PostgresTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresTable").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}
