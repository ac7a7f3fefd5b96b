//! The columns of a table.

use super::{Column, Dialect, Shown};
use crate::store::{Kind, OwnTest, Path};
use std::sync::Arc;
use wingbeat_core::{Error, Result};

/// The name of an operator in queries, and the operator of SQL that says the same of a plain column.
pub(in crate::store) type SqlOperator = (Box<str>, &'static str);

/// All columns of a table that are known to its service.
#[derive(Clone, Debug)]
pub(in crate::store) struct Columns<D: Dialect> {
    /// The table's name in quotes.
    pub(in crate::store) table: String,
    /// ` FROM` it.
    pub(in crate::store) from: String,
    pub(in crate::store) list: Vec<Column<D>>,
    id: usize,
    /// How all of them are read, in the order of `list`.
    pub(in crate::store) names: String,
    /// What a row shows that has all of them.
    pub(in crate::store) all: Vec<Shown>,
    /// What keeps rows that are equal in a stable order.
    pub(in crate::store) tie: String,
    /// The last of a name counts.
    operators: Arc<[SqlOperator]>,
}

impl<D: Dialect> Columns<D> {
    /// Those of a table's columns that its service sees: the id, and `fields`, which must be there; without them, all.
    ///
    /// # Errors
    /// If one is missing.
    pub(in crate::store) fn new(
        table: &str,
        mut list: Vec<Column<D>>,
        id: &str,
        fields: Option<&[&str]>,
    ) -> Result<Columns<D>> {
        let lacks_it = |name: &&str| !list.iter().any(|column| *column.name == **name);
        let missing: Vec<&str> = fields.into_iter().flatten().copied().filter(lacks_it).collect();
        if !missing.is_empty() {
            return Err(lacks(table, &missing, &list));
        }
        list.retain(|column| *column.name == *id || fields.is_none_or(|fields| fields.contains(&&*column.name)));
        let at = |name: &str| list.iter().position(|column| *column.name == *name);
        let id = at(id).ok_or_else(|| Error::general(format!("Table '{table}' has no column '{id}'")))?;
        let names = list.iter().map(|column| &*column.read).collect::<Vec<_>>().join(", ");
        let tie = list[id].quoted.to_string();
        let all = (0..list.len()).map(|at| Shown { column: at, at }).collect();
        let table = D::quote(table);
        let from = format!(" FROM {table}");
        Ok(Columns { table, from, list, id, names, all, tie, operators: Arc::default() })
    }

    pub(in crate::store) fn with_operators(mut self, operators: Arc<[SqlOperator]>) -> Columns<D> {
        self.operators = operators;
        self
    }

    /// What SQL has for an operator of the table's own, if it has it.
    pub(in crate::store) fn sql_operator(&self, test: &OwnTest) -> Option<&'static str> {
        self.operators.iter().rev().find(|(name, _)| **name == *test.name()).map(|(_, sql)| *sql)
    }

    /// The column of a field that a client names.
    pub(in crate::store) fn find(&self, field: &str) -> Result<&Column<D>> {
        let column = self.list.iter().find(|column| *column.name == *field);
        column.ok_or_else(|| Error::bad_request(format!("Unknown field '{field}'")))
    }

    pub(in crate::store) fn id(&self) -> &Column<D> {
        &self.list[self.id]
    }

    /// Where the id stands in the list.
    pub(in crate::store) fn id_at(&self) -> usize {
        self.id
    }

    /// What a field holds: nothing is known of what is inside of one.
    pub(in crate::store) fn kind(&self, path: &Path) -> Option<Kind> {
        match path.split() {
            (field, []) => D::kind(self.find(field).ok()?),
            _ => None,
        }
    }
}

/// Names all at once: who mends one would have to start again for the next.
fn lacks<D: Dialect>(table: &str, missing: &[&str], there: &[Column<D>]) -> Error {
    let quoted = |names: &[&str]| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let there = there.iter().map(|column| &*column.name).collect::<Vec<_>>().join(", ");
    let (columns, fields) = match missing {
        [_] => ("column", "a field or as an alias of one"),
        _ => ("columns", "fields or as aliases of fields"),
    };
    let missing = quoted(missing);
    Error::general(format!(
        "Table '{table}' has no {columns} {missing}, which its type names as {fields}: it has {there}"
    ))
}
