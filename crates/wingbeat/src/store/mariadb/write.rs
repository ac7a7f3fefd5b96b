//! What a call writes, as it can be done again.

use super::cell;
use super::connection::Connection;
use super::dialect::{Columns, Select, Statement};
use super::reading::{at, write};
use super::schema::TableSchema;
use crate::store::sql::{Assignment, delete, ids_of, in_order, push_ids, update};
use crate::store::{Answer, JsonRecords, Record, Target, Writes};
use mysql_async::{Row, Value as Cell};
use serde_json::Value;
use wingbeat_core::{Id, Result};

/// How many records one statement changes at most; several statements make up one transaction.
const CHUNK: usize = 500;

/// As it is at the moment, and not as the transaction has seen it first; others wait until that ends.
pub(super) const LOCKED: &str = " FOR UPDATE";

/// What a call writes in a table.
pub(super) struct Write<'a> {
    pub(super) schema: &'a TableSchema,
    pub(super) writes: Writes<'a>,
    pub(super) work: Work<'a>,
}

pub(super) enum Work<'a> {
    /// Statements that return the records that they write.
    Returned(Vec<Statement>),
    /// Statements that return the ids of the records that they write.
    Identified(Vec<Statement>),
    /// A statement that writes one record at most, and one that reads it.
    Read(Statement, Statement),
    /// Records that are looked at before they are written.
    Found(Box<Select>, &'a Target, Found),
}

/// What is done with records that were found.
pub(super) enum Found {
    Changed(Vec<Assignment<super::dialect::Sql>>),
    Removed,
}

impl Write<'_> {
    /// Whether it is written as a whole by itself, and nobody asks when.
    pub(super) fn is_one_statement(&self) -> bool {
        matches!(&self.work, Work::Returned(statements) if statements.len() == 1) && !self.writes.are_heard()
    }

    /// Writes, and says at last what it has written: who writes the record next waits until this is committed.
    pub(super) async fn run(&self, connection: &mut Connection) -> Result<Answer> {
        let (columns, mut written) = (&self.schema.columns, Written::default());
        match &self.work {
            Work::Returned(statements) => {
                for statement in statements {
                    written.run(connection, statement, columns).await?;
                }
            }
            Work::Identified(statements) => {
                for statement in statements {
                    let ids = ids(connection, statement, columns).await?;
                    written.push_all(reread(connection, columns, &ids).await?, columns)?;
                }
            }
            Work::Read(statement, select) => {
                if connection.run(statement, |_| Ok(())).await? > 0 {
                    written.run(connection, select, columns).await?;
                }
            }
            Work::Found(select, target, what) => {
                let records = connection.find(select).await?.records.into_records()?;
                target.check(records.len())?;
                let records = what.run(connection, columns, records).await?;
                self.writes.note_all(&records);
                return Ok(records.into());
            }
        }
        written.ids.iter().for_each(|id| self.writes.note(id));
        Ok(written.text.into())
    }
}

impl Found {
    async fn run(&self, connection: &mut Connection, columns: &Columns, records: Vec<Record>) -> Result<Vec<Record>> {
        let ids = ids_of(columns, &records);
        for ids in ids.chunks(CHUNK) {
            let mut statement = match self {
                Found::Changed(assignments) if assignments.is_empty() => return Ok(records),
                Found::Changed(assignments) => update(columns, assignments),
                Found::Removed => delete(columns),
            };
            push_ids(&mut statement, columns, ids)?;
            connection.run(&statement, |_| Ok(())).await?;
        }
        match self {
            Found::Changed(_) => reread(connection, columns, &ids).await,
            Found::Removed => Ok(records),
        }
    }
}

/// Reads all columns; of which records is to be added.
pub(super) fn select(columns: &Columns) -> Statement {
    Statement::new(format!("SELECT {} FROM {}", columns.names, columns.table))
}

/// The records with these ids as they are now.
async fn reread(connection: &mut Connection, columns: &Columns, ids: &[Value]) -> Result<Vec<Record>> {
    let mut records = Vec::with_capacity(ids.len());
    for ids in ids.chunks(CHUNK) {
        let mut select = select(columns);
        push_ids(&mut select, columns, ids)?;
        select.push(LOCKED);
        records.extend(connection.records(&select, columns).await?);
    }
    Ok(in_order(columns, ids, records))
}

/// The ids that a statement returns.
async fn ids(connection: &mut Connection, statement: &Statement, columns: &Columns) -> Result<Vec<Value>> {
    let mut ids = Vec::new();
    let read = |row: Row| {
        ids.push(id(&row, 0, columns)?);
        Ok(())
    };
    connection.run(statement, read).await?;
    Ok(ids)
}

fn id(row: &Row, index: usize, columns: &Columns) -> Result<Value> {
    let cell: &Cell = at(row, index);
    cell::value(columns.id().ty.scalar, cell)
}

/// What statements have written: the records, and their ids.
#[derive(Default)]
struct Written {
    text: JsonRecords,
    ids: Vec<Id>,
}

impl Written {
    /// Runs a statement that returns records.
    async fn run(&mut self, connection: &mut Connection, statement: &Statement, columns: &Columns) -> Result<()> {
        let read = |row: Row| {
            self.ids.extend(Id::from_value(&id(&row, columns.id_at(), columns)?));
            write(&row, columns, &columns.all, self.text.next())
        };
        connection.run(statement, read).await.map(drop)
    }

    fn push_all(&mut self, records: Vec<Record>, columns: &Columns) -> Result<()> {
        for record in records {
            self.ids.extend(record.get(&*columns.id().name).and_then(Id::from_value));
            self.text.push(&record)?;
        }
        Ok(())
    }
}
