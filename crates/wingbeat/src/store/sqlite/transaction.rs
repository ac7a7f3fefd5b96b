//! Transactions, as SQLite has them: whoever is in one is the one who writes.

use super::Sqlite;
use super::error::too_slow;
use super::session::OpenTransaction;
use crate::BoxFuture;
use crate::fair::attended;
use crate::hooks::{Around, Context, Next};
use crate::store::sql::transaction::{Begun, Database, Isolation, Open, Transaction, within};
use futures_util::future::{Either, select};
use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use wingbeat_core::{Error, Result};

/// So long a transaction goes on when its client has gone. Clients say something and go: what is short is finished.
const SHORT: Duration = Duration::from_millis(50);

impl Sqlite {
    /// Does something in a transaction: all calls of this database's tables within, by whatever services, are a part of
    /// it, and so are [`read`](Sqlite::read) and [`write`](Sqlite::write). It is committed if the future succeeds, and
    /// rolled back if it fails or is dropped. Within another one it is a part that can be undone by itself.
    ///
    /// Events of these calls are sent after the commit, in order, and not at all after a rollback. What is spawned is not
    /// a part of it; calls that are joined take turns.
    ///
    /// SQLite has one writer: until the end others read what was there before, but write nothing, so let it wait for
    /// nothing but the database. It waits for its turn as long as [`busy_timeout`](super::SqliteSettings::busy_timeout) says,
    /// and is rolled back when it takes longer than [`transaction_timeout`](super::SqliteSettings::transaction_timeout).
    ///
    /// ```
    /// use serde_json::{Value, json};
    /// use wingbeat::{prelude::*, store::Sqlite};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// let db = Sqlite::memory().await?;
    /// db.migrate(&[(
    ///     "shop",
    ///     "CREATE TABLE orders (id INTEGER PRIMARY KEY, item INTEGER);
    ///      CREATE TABLE stock (id INTEGER PRIMARY KEY, available INTEGER CHECK (available >= 0));
    ///      INSERT INTO stock VALUES (7, 1)",
    /// )])
    /// .await?;
    /// let app = App::builder().mount("orders", Mount::new(db.table::<Value>("orders"))).build()?;
    /// let order = async || {
    ///     db.within(async {
    ///         app.service("orders").create(json!({"item": 7}), Params::new()).await?;
    ///         db.write(|connection| Ok(connection.execute("UPDATE stock SET available = available - 1 WHERE id = 7", [])?))
    ///             .await
    ///     })
    ///     .await
    /// };
    /// assert!(order().await.is_ok());
    /// // Nothing is left, and so nothing is ordered.
    /// assert!(order().await.is_err());
    /// let orders = app.service("orders").find(Params::new()).await?;
    /// assert_eq!(orders.to_value()?, json!([{"id": 1, "item": 7}]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the future; Unavailable if others write for too long, or this one does.
    pub async fn within<T>(&self, running: impl Future<Output = Result<T>>) -> Result<T> {
        within(self, Isolation::Usual, running).await
    }

    /// An around hook that makes a transaction of the rest of the call, as [`within`](Sqlite::within): what its hooks and
    /// its method write is committed as a whole, or not at all. The call's own event follows the commit.
    ///
    /// ```
    /// use wingbeat::{prelude::*, store::Sqlite};
    ///
    /// # fn mount(db: Sqlite) -> Mount {
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
    pub fn transaction(&self) -> SqliteTransaction {
        SqliteTransaction(Transaction::new(self))
    }

    pub(super) fn is_in_transaction(&self) -> bool {
        Open::current(self).is_some()
    }
}

/// A hook that makes a transaction of the rest of a call: [`Sqlite::transaction`].
#[derive(Clone, Debug)]
pub struct SqliteTransaction(Transaction<Sqlite>);

impl SqliteTransaction {
    /// As if there were no others at the same time. That is so anyway: one transaction writes at a time, and none reads
    /// before it may write. So it never has to begin again, however many attempts there may be; other databases do.
    #[must_use]
    pub fn serializable(self, attempts: u32) -> SqliteTransaction {
        SqliteTransaction(self.0.serializable(attempts))
    }
}

impl Around for SqliteTransaction {
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.call(context, next))
    }
}

impl Database for Sqlite {
    type Begun = OpenTransaction;

    fn is_same(&self, other: &Sqlite) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    async fn begin(&self, _: Isolation) -> Result<OpenTransaction> {
        OpenTransaction::begin(&self.0.writer, self.0.transaction_timeout).await
    }

    fn is_conflict(_: &Error) -> bool {
        false
    }

    /// The thread that writes ends it as well, but cannot end what is waited for.
    async fn limited<T>(&self, running: impl Future<Output = Result<T>>) -> Result<T> {
        let left = async {
            let Err(gone) = attended(pending::<Result<Infallible>>()).await;
            sleep(SHORT).await;
            gone
        };
        match timeout(self.0.transaction_timeout, select(pin!(running), pin!(left))).await {
            Ok(Either::Left((done, _))) => done,
            Ok(Either::Right((gone, _))) => Err(gone),
            Err(_) => Err(too_slow()),
        }
    }
}

impl Begun for OpenTransaction {
    async fn commit(&mut self) -> Result<()> {
        OpenTransaction::commit(self).await
    }

    async fn roll_back(&mut self) -> Result<()> {
        OpenTransaction::roll_back(self).await;
        Ok(())
    }

    async fn savepoint(&mut self) -> Result<()> {
        self.execute("SAVEPOINT part").await
    }

    async fn release(&mut self) -> Result<()> {
        self.execute("RELEASE part").await
    }

    async fn roll_back_to(&mut self) -> Result<()> {
        self.execute("ROLLBACK TO part").await?;
        self.execute("RELEASE part").await
    }
}
