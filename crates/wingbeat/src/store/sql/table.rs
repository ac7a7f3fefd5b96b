//! What a service wants of a table, whatever the database.

use super::{Column, Columns, Dialect, Fields, SqlOperator};
use crate::store::{Store, Table};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;
use tokio::sync::OnceCell;
use wingbeat_core::{Error, Result};

/// A store over a table of an SQL database. Only Wingbeat's own are.
pub trait SqlStore: Store {
    /// What is wanted of the table, to be changed: what is known of it is forgotten.
    #[doc(hidden)]
    fn wanted(&mut self) -> &mut Wanted;
}

impl<S: SqlStore> Table<S> {
    /// The column that holds the id (`"id"`). It must be unique.
    #[must_use]
    pub fn id(mut self, column: &str) -> Table<S> {
        self.store.wanted().id = column.into();
        self
    }

    /// As [`operator`](Table::operator), for one that SQL has as well, between column and operand: plain columns are then
    /// asked in SQL, JSON columns and lists by the function, which has to agree. Null passes no such test in SQL.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> wingbeat::Result<()> {
    /// use serde_json::Value;
    /// use wingbeat::{Error, store::Sqlite};
    ///
    /// # let db = Sqlite::memory().await?;
    /// let cities = db.table::<Value>("cities").sql_operator("$glob", "GLOB", |operand| {
    ///     let start = operand.as_str().and_then(|pattern| pattern.strip_suffix('*')).map(str::to_owned);
    ///     let start = start.ok_or_else(|| Error::bad_request("Invalid $glob: it must be text that ends with *"))?;
    ///     Ok(move |value: &Value| value.as_str().is_some_and(|text| text.starts_with(&start)))
    /// });
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn sql_operator<T>(
        mut self,
        name: &str,
        sql: &'static str,
        read: impl Fn(&Value) -> Result<T> + Send + Sync + 'static,
    ) -> Table<S>
    where
        T: Fn(&Value) -> bool + Send + Sync + 'static,
    {
        self = self.operator(name, read);
        let wanted = self.store.wanted();
        wanted.operators = wanted.operators.iter().cloned().chain([(name.into(), sql)]).collect();
        self
    }
}

/// Which table is meant, and what its service wants of it.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub(in crate::store) table: Arc<str>,
    pub(in crate::store) id: Arc<str>,
    fields: Option<Fields>,
    operators: Arc<[SqlOperator]>,
}

impl Wanted {
    /// A table, of which these fields must be there and shall be seen; without them, all are.
    pub(in crate::store) fn new(table: &str, fields: Option<Fields>) -> Wanted {
        Wanted { table: table.into(), id: "id".into(), fields, operators: Arc::default() }
    }

    /// Of all columns those that are wanted.
    ///
    /// # Errors
    /// As [`Columns::new`].
    pub(in crate::store) fn columns<D: Dialect>(&self, all: Vec<Column<D>>) -> Result<Columns<D>> {
        Ok(Columns::new(&self.table, all, &self.id, self.fields)?.with_operators(self.operators.clone()))
    }

    pub(in crate::store) fn missing(&self) -> Error {
        Error::general(format!("Missing table '{}' in the database", self.table))
    }

    pub(in crate::store) fn not_unique(&self) -> Error {
        let Wanted { table, id, .. } = self;
        Error::general(format!("Column '{id}' of table '{table}' is not unique: it can not be the id"))
    }

    pub(in crate::store) fn no_ids(&self) -> Error {
        Error::general(format!("Column '{}' of table '{}' can not hold ids", self.id, self.table))
    }
}

/// What is known of a table: looked up once. What a transaction has made may be undone, and others who look at the same
/// table may wait for its end: so that looks for itself, and remembers nothing.
pub(in crate::store) async fn schema<K: Clone, F: Future<Output = Result<K>>>(
    known: &OnceCell<K>,
    is_in_transaction: impl FnOnce() -> bool,
    look: impl FnOnce() -> F,
) -> Result<Cow<'_, K>> {
    if let Some(known) = known.get() {
        return Ok(Cow::Borrowed(known));
    }
    // On the heap: it is done once, and would be in the future of every call.
    let look = Box::pin(look());
    match is_in_transaction() {
        true => Ok(Cow::Owned(look.await?)),
        false => Ok(Cow::Borrowed(known.get_or_try_init(|| look).await?)),
    }
}
