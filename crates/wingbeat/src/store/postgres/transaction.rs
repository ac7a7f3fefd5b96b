//! Transactions, as PostgreSQL has them.

use super::pool::Taken;
use super::{Postgres, error};
use crate::BoxFuture;
use crate::hooks::{Around, Context, Next};
use crate::store::sql::transaction::{Begun, Database, Isolation, Transaction, within};
use std::sync::Arc;
use wingbeat_core::{Error, Result};

impl Postgres {
    /// Does something in a transaction: all calls of this database's tables within, by whatever services, are a part of
    /// it. It is committed if the future succeeds, and rolled back if it fails or is dropped. Within another one it is a
    /// part that can be undone by itself.
    ///
    /// Events of these calls are sent after the commit, in order, and not at all after a rollback. What is spawned is not
    /// a part of it; calls that are joined take turns.
    ///
    /// ```no_run
    /// # use serde_json::json;
    /// # use wingbeat::{prelude::*, store::Postgres};
    /// # async fn order(app: App, db: Postgres) -> Result<()> {
    /// db.within(async {
    ///     app.service("stock").patch(7, json!({"reserved": true}), Params::new()).await?;
    ///     app.service("orders").create(json!({"item": 7}), Params::new()).await
    /// })
    /// .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the future; Unavailable if there is no connection, or others have written the same.
    pub async fn within<T>(&self, running: impl Future<Output = Result<T>>) -> Result<T> {
        within(self, Isolation::Usual, running).await
    }

    /// An around hook that makes a transaction of the rest of the call, as [`within`](Postgres::within): what its hooks
    /// and its method write is committed as a whole, or not at all. The call's own event follows the commit.
    ///
    /// ```no_run
    /// use wingbeat::{prelude::*, store::Postgres};
    ///
    /// # fn mount(db: Postgres) -> Mount {
    /// Mount::new(db.table::<serde_json::Value>("orders"))
    ///     .around([Create, Patch], db.transaction())
    ///     .after(Create, async |context: &mut Context| {
    ///         let item = context.result_as::<serde_json::Value>()?["item"].clone();
    ///         // If there is no such item, there is no order either.
    ///         context.service("stock").get(item.as_i64().unwrap_or_default(), Params::new()).await?;
    ///         Ok(())
    ///     })
    /// # }
    /// ```
    pub fn transaction(&self) -> PostgresTransaction {
        PostgresTransaction(Transaction::new(self))
    }
}

/// A hook that makes a transaction of the rest of a call: [`Postgres::transaction`].
#[derive(Clone, Debug)]
pub struct PostgresTransaction(Transaction<Postgres>);

impl PostgresTransaction {
    /// As if there were no others at the same time (`SERIALIZABLE`). Where PostgreSQL finds that this cannot be, the call
    /// begins again with what it was given, so many times in all; then it is Unavailable. A part of another transaction is
    /// what that is.
    #[must_use]
    pub fn serializable(self, attempts: u32) -> PostgresTransaction {
        PostgresTransaction(self.0.serializable(attempts))
    }
}

impl Around for PostgresTransaction {
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.call(context, next))
    }
}

impl Database for Postgres {
    type Begun = Taken;

    fn is_same(&self, other: &Postgres) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    async fn begin(&self, isolation: Isolation) -> Result<Taken> {
        let mut taken = self.take().await?;
        taken.begin();
        let begin = match isolation {
            Isolation::Usual => "BEGIN",
            Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        taken.connection()?.batch(begin).await?;
        Ok(taken)
    }

    fn is_conflict(error: &Error) -> bool {
        error::is_conflict(error)
    }
}

impl Begun for Taken {
    async fn commit(&mut self) -> Result<()> {
        self.connection()?.batch("COMMIT").await?;
        self.end();
        Ok(())
    }

    async fn roll_back(&mut self) -> Result<()> {
        self.connection()?.batch("ROLLBACK").await?;
        self.end();
        Ok(())
    }

    async fn savepoint(&mut self) -> Result<()> {
        self.connection()?.batch("SAVEPOINT part").await
    }

    async fn release(&mut self) -> Result<()> {
        self.connection()?.end_part(true).await
    }

    async fn roll_back_to(&mut self) -> Result<()> {
        self.connection()?.end_part(false).await
    }
}
