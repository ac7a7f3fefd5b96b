//! The store over one table.

use super::Sqlite;
use super::columns::{Columns, TableSchema};
use super::row;
use super::select::Select;
use super::statement::Statement;
use crate::store::shape::Shape;
use crate::store::sql::{
    Fields, SqlStore, Wanted, assignments, delete, id_of, ids_of, in_order, insert, is_single, push_ids, schema,
    to_write, update,
};
use crate::store::{Answer, Change, Find, JsonRecords, Kind, Operation, Path, Record, Rows, Store, Target, Writes};
use rusqlite::Connection;
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::OnceCell;
use tokio::task::coop::consume_budget;
use wingbeat_core::{Id, Result};

/// How many records one statement changes at most; several statements make up one transaction.
const CHUNK: usize = 500;

/// A table of a [`Sqlite`] database as a store.
#[derive(Clone, Debug)]
pub struct SqliteTable {
    db: Sqlite,
    wanted: Wanted,
    schema: Arc<OnceCell<TableSchema>>,
}

impl SqliteTable {
    pub(super) fn new(db: Sqlite, name: &str, fields: Option<Fields>) -> SqliteTable {
        SqliteTable { db, wanted: Wanted::new(name, fields), schema: Arc::default() }
    }

    pub(super) async fn schema(&self) -> Result<Cow<'_, TableSchema>> {
        let read = async {
            let (shape, wanted) = (Shape::new(&self.wanted.table, "columns"), self.wanted.clone());
            self.db.reading(Some(shape), move |connection| TableSchema::read(connection, &wanted)).await
        };
        schema(&self.schema, || self.db.is_in_transaction(), || read).await
    }

    /// Writes, and notes what was written. `work` may be done again, after others have undone it with their own.
    async fn write(
        &self,
        shape: Shape,
        writes: Writes<'_>,
        work: impl Fn(&Connection, &mut Written) -> Result<()> + Send + 'static,
    ) -> Result<Answer> {
        let heard = writes.owned();
        let is_heard = heard.is_some();
        let note = move |written: &Written| {
            if let Some((writes, ids)) = heard.as_ref().zip(written.ids.as_ref()) {
                writes.note(ids);
            }
        };
        let work = move |connection: &Connection| {
            let mut written = Written { answer: JsonRecords::new().into(), ids: is_heard.then(Vec::new) };
            work(connection, &mut written)?;
            Ok(written)
        };
        Ok(self.db.writing(Some(shape), work, note).await?.answer)
    }

    /// Writes with one statement, which returns the record.
    async fn write_one(&self, shape: Shape, statement: Statement, writes: Writes<'_>) -> Result<Answer> {
        let columns = self.schema().await?.columns.clone();
        self.write(shape, writes, move |connection, written| written.run(connection, &columns, &statement)).await
    }
}

impl SqlStore for SqliteTable {
    fn wanted(&mut self) -> &mut Wanted {
        self.schema = Arc::default();
        &mut self.wanted
    }
}

impl Store for SqliteTable {
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
        let TableSchema { columns, has_key } = &*schema;
        let select = Select::new(columns, find)?;
        let is_by_key = find.target.id.is_some() && find.target.condition.is_empty() && find.count.is_none();
        // Many such reads one after another give way now and then, as those do that wait for a thread.
        if *has_key && is_by_key {
            consume_budget().await;
        }
        if *has_key
            && is_by_key
            && !self.db.is_in_transaction()
            && let Some(read) = self.db.0.near.read(|connection| select.run(connection))
        {
            return read;
        }
        let shape = Shape::find(&self.wanted.table, find);
        self.db.reading(Some(shape), move |connection| select.run(connection)).await
    }

    async fn create(&self, records: Vec<Record>, operation: Operation<'_>) -> Result<Answer> {
        let columns = &self.schema().await?.columns;
        let shape = Shape::new(&self.wanted.table, ("create", records.len().checked_ilog2()));
        let statements = records.iter().map(|record| Ok(insert(columns, record)?.returning(columns)));
        let statements = statements.collect::<Result<Vec<_>>>()?;
        let columns = columns.clone();
        let work = move |connection: &Connection, written: &mut Written| {
            statements.iter().try_for_each(|statement| written.run(connection, &columns, statement))
        };
        self.write(shape, operation.writes(), work).await
    }

    async fn change(&self, target: &Target, change: Change, operation: Operation<'_>) -> Result<Answer> {
        let columns = &self.schema().await?.columns;
        let shape = Shape::change(&self.wanted.table, "change", target);
        let assignments = assignments(columns, &change)?;
        if is_single(target, columns) && !assignments.is_empty() {
            let mut statement = update(columns, &assignments);
            statement.push_where(target, columns)?;
            return self.write_one(shape, statement.returning(columns), operation.writes()).await;
        }
        let (select, target, columns) = (Select::new(columns, &to_write(target))?, target.clone(), columns.clone());
        let work = move |connection: &Connection, written: &mut Written| {
            let mut records = select.run(connection)?.records.into_records()?;
            target.check(records.len())?;
            if !assignments.is_empty() {
                let mut changed = Vec::with_capacity(records.len());
                for chunk in records.chunks(CHUNK) {
                    let mut statement = update(&columns, &assignments);
                    push_ids(&mut statement, &columns, &ids_of(&columns, chunk))?;
                    statement.returning(&columns).run(connection, |found| {
                        changed.push(row::record(found, &columns.list)?);
                        Ok(ControlFlow::Continue(()))
                    })?;
                }
                records = in_order(&columns, &ids_of(&columns, &records), changed);
            }
            written.set(&columns, records);
            Ok(())
        };
        // On the heap: it is large, and has place in every call's future otherwise.
        Box::pin(self.write(shape, operation.writes(), work)).await
    }

    async fn remove(&self, target: &Target, operation: Operation<'_>) -> Result<Answer> {
        let columns = &self.schema().await?.columns;
        let shape = Shape::change(&self.wanted.table, "remove", target);
        if is_single(target, columns) {
            let mut statement = delete(columns);
            statement.push_where(target, columns)?;
            return self.write_one(shape, statement.returning(columns), operation.writes()).await;
        }
        let (select, target, columns) = (Select::new(columns, &to_write(target))?, target.clone(), columns.clone());
        let work = move |connection: &Connection, written: &mut Written| {
            let records = select.run(connection)?.records.into_records()?;
            target.check(records.len())?;
            for chunk in records.chunks(CHUNK) {
                let mut statement = delete(&columns);
                push_ids(&mut statement, &columns, &ids_of(&columns, chunk))?;
                statement.run(connection, |_| Ok(ControlFlow::Continue(())))?;
            }
            written.set(&columns, records);
            Ok(())
        };
        // On the heap: it is large, and has place in every call's future otherwise.
        Box::pin(self.write(shape, operation.writes(), work)).await
    }
}

/// What a write has done: the records, and their ids where somebody wants to know them.
struct Written {
    answer: Answer,
    ids: Option<Vec<Id>>,
}

impl Written {
    /// Runs a statement that returns the records that it writes.
    fn run(&mut self, connection: &Connection, columns: &Columns, statement: &Statement) -> Result<()> {
        let Answer::Text(text) = &mut self.answer else { return Ok(()) };
        statement.run(connection, |found| {
            row::write(found, &columns.list, &columns.all, text.next())?;
            if let Some(ids) = &mut self.ids {
                ids.extend(Id::from_value(&row::value(found.get_ref(columns.id_at())?, columns.id().ty.kind)?));
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn set(&mut self, columns: &Columns, records: Vec<Record>) {
        if let Some(ids) = &mut self.ids {
            ids.extend(records.iter().filter_map(|record| id_of(columns, record)));
        }
        self.answer = records.into();
    }
}
