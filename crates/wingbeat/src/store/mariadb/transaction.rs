//! Transactions, as MariaDB has them.

use super::{MariaDb, Taken, error};
use crate::BoxFuture;
use crate::hooks::{Around, Context, Next};
use crate::store::sql::transaction::{Begun, Database, Isolation, Transaction, within};
use std::sync::Arc;
use wingbeat_core::{Error, Result};

impl MariaDb {
    /// Does something in a transaction: all calls of this database's tables within, by whatever services, are a part of
    /// it. It is committed if the future succeeds, and rolled back if it fails or is dropped. Within another one it is a
    /// part that can be undone by itself.
    ///
    /// Events of these calls are sent after the commit, in order, and not at all after a rollback. What is spawned is not
    /// a part of it; calls that are joined take turns. Where MariaDB rolls a transaction back by itself, which it does to
    /// one of two that wait for each other, nothing more can be done in it, and it is Unavailable.
    ///
    /// Tables of other engines than InnoDB know no transactions, and statements that change tables commit.
    ///
    /// ```no_run
    /// # use serde_json::json;
    /// # use wingbeat::{prelude::*, store::MariaDb};
    /// # async fn order(app: App, db: MariaDb) -> Result<()> {
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

    /// An around hook that makes a transaction of the rest of the call, as [`within`](MariaDb::within): what its hooks
    /// and its method write is committed as a whole, or not at all. The call's own event follows the commit.
    ///
    /// ```no_run
    /// use wingbeat::{prelude::*, store::MariaDb};
    ///
    /// # fn mount(db: MariaDb) -> Mount {
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
    pub fn transaction(&self) -> MariaDbTransaction {
        MariaDbTransaction(Transaction::new(self))
    }
}

/// A hook that makes a transaction of the rest of a call: [`MariaDb::transaction`].
#[derive(Clone, Debug)]
pub struct MariaDbTransaction(Transaction<MariaDb>);

impl MariaDbTransaction {
    /// As if there were no others at the same time (`SERIALIZABLE`, where MariaDB locks what is read). Where two wait for
    /// each other, the call that MariaDB has rolled back begins again with what it was given, so many times in all; then it
    /// is Unavailable. A part of another transaction is what that is.
    #[must_use]
    pub fn serializable(self, attempts: u32) -> MariaDbTransaction {
        MariaDbTransaction(self.0.serializable(attempts))
    }
}

impl Around for MariaDbTransaction {
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.call(context, next))
    }
}

impl Database for MariaDb {
    type Begun = Taken;

    fn is_same(&self, other: &MariaDb) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    async fn begin(&self, isolation: Isolation) -> Result<Taken> {
        let mut taken = self.take().await?;
        taken.begin();
        let begin = match isolation {
            Isolation::Usual => "START TRANSACTION",
            Isolation::Serializable => "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; START TRANSACTION",
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
        self.connection()?.commit().await?;
        self.end();
        Ok(())
    }

    async fn roll_back(&mut self) -> Result<()> {
        self.connection()?.roll_back().await?;
        self.end();
        Ok(())
    }

    async fn savepoint(&mut self) -> Result<()> {
        self.connection()?.savepoint().await
    }

    async fn release(&mut self) -> Result<()> {
        self.connection()?.release().await
    }

    async fn roll_back_to(&mut self) -> Result<()> {
        self.connection()?.roll_back_to().await
    }
}
