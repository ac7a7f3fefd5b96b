//! Transactions that travel with the task: what is called within one is a part of it.

use super::connection::Connection;
use super::pool::{Pool, Taken};
use super::{Postgres, error};
use crate::BoxFuture;
use crate::fair::carried;
use crate::hooks::{Around, Context, Next};
use crate::realtime::Deferred;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard};
use tokio::task_local;
use wingbeat_core::{Error, Result};

task_local!(static CURRENT: Arc<Open>);

/// A transaction, or a part of one that can be undone by itself.
pub(super) struct Open {
    pool: Arc<Pool>,
    /// Calls that are joined take turns. A part has the whole until it ends.
    level: Arc<Mutex<Level>>,
    /// One of another database, or the whole.
    around: Option<Arc<Open>>,
}

struct Level {
    connection: Within,
    /// Something was left in its middle: nobody knows what is a part of it any more.
    is_broken: bool,
}

enum Within {
    Own(Box<Taken>),
    Part(OwnedMutexGuard<Level>),
}

impl Level {
    fn connection(&self) -> Result<&Connection> {
        match &self.connection {
            Within::Own(taken) => taken.connection(),
            Within::Part(whole) => whole.connection(),
        }
    }
}

impl Open {
    /// The one of this database in which the running code is.
    pub(super) fn current(pool: &Arc<Pool>) -> Option<Arc<Open>> {
        let mut open = CURRENT.try_with(Arc::clone).ok();
        while let Some(found) = open {
            if Arc::ptr_eq(&found.pool, pool) {
                return Some(found);
            }
            open = found.around.clone();
        }
        None
    }

    async fn enter(&self) -> Result<OwnedMutexGuard<Level>> {
        let mut level = self.level.clone().lock_owned().await;
        if level.is_broken {
            return Err(Error::unavailable(
                "A call was given up in the middle of this transaction, which can not go on",
            ));
        }
        level.is_broken = true;
        Ok(level)
    }

    /// All of it, now that nothing runs within any more.
    fn whole(&self) -> Result<MutexGuard<'_, Level>> {
        // A future that was begun within, and kept elsewhere, would be waited for for ever.
        self.level.try_lock().ok().filter(|level| !level.is_broken).ok_or_else(broken)
    }

    /// Does something within it, which is undone by itself if it fails.
    pub(super) async fn work<T>(&self, work: impl AsyncFnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mut level = self.enter().await?;
        let connection = level.connection()?;
        let done = connection.part(work(connection)).await;
        level.is_broken = false;
        done
    }
}

fn broken() -> Error {
    Error::unavailable("A call was given up in the middle of this transaction, which can not go on")
}

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
        self.within_one("BEGIN", running).await
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
        PostgresTransaction { db: self.clone(), attempts: 1, begin: "BEGIN" }
    }

    async fn within_one<T>(&self, begin: &str, running: impl Future<Output = Result<T>>) -> Result<T> {
        match Open::current(&self.0) {
            Some(whole) => self.within_part(whole, running).await,
            None => self.within_whole(begin, running).await,
        }
    }

    async fn within_whole<T>(&self, begin: &str, running: impl Future<Output = Result<T>>) -> Result<T> {
        let mut taken = self.take().await?;
        taken.begin();
        taken.connection()?.batch(begin).await?;
        let (open, deferred) = (self.open(Within::Own(Box::new(taken))), Deferred::default());
        let done = deferred.within(CURRENT.scope(open.clone(), running)).await;
        let is_done = done.is_ok();
        // Beside the call: it may be given up, but not between the commit and the events.
        let ending = tokio::spawn(carried(async move {
            let mut level = open.whole()?;
            let Within::Own(taken) = &mut level.connection else { return Err(error::closed()) };
            taken.connection()?.batch(if is_done { "COMMIT" } else { "ROLLBACK" }).await?;
            taken.end();
            drop(level);
            // The connection is free before anybody waits for slow members of channels.
            drop(open);
            if is_done {
                for publication in deferred.take() {
                    publication.await;
                }
            }
            Ok(())
        }));
        let ended = ending.await.unwrap_or_else(|error| Err(Error::internal(error)));
        // Why it has failed says more than that it could not be rolled back.
        let done = done?;
        ended.map(|()| done)
    }

    async fn within_part<T>(&self, whole: Arc<Open>, running: impl Future<Output = Result<T>>) -> Result<T> {
        let level = whole.enter().await?;
        level.connection()?.batch("SAVEPOINT part").await?;
        let (open, deferred) = (self.open(Within::Part(level)), Deferred::default());
        let done = deferred.within(CURRENT.scope(open.clone(), running)).await;
        let mut level = open.whole()?;
        level.connection()?.end_part(done.is_ok()).await?;
        if let Within::Part(whole) = &mut level.connection {
            whole.is_broken = false;
        }
        if done.is_ok()
            && let Some(whole) = Deferred::current()
        {
            deferred.take().into_iter().for_each(|publication| whole.push(publication));
        }
        done
    }

    fn open(&self, connection: Within) -> Arc<Open> {
        let level = Arc::new(Mutex::new(Level { connection, is_broken: false }));
        Arc::new(Open { pool: self.0.clone(), level, around: CURRENT.try_with(Arc::clone).ok() })
    }
}

/// A hook that makes a transaction of the rest of a call: [`Postgres::transaction`].
#[derive(Clone, Debug)]
pub struct PostgresTransaction {
    db: Postgres,
    attempts: u32,
    begin: &'static str,
}

impl PostgresTransaction {
    /// As if there were no others at the same time (`SERIALIZABLE`). Where PostgreSQL finds that this cannot be, the call
    /// begins again with what it was given, so many times in all; then it is Unavailable. A part of another transaction is
    /// what that is.
    #[must_use]
    pub fn serializable(self, attempts: u32) -> PostgresTransaction {
        PostgresTransaction { attempts: attempts.max(1), begin: "BEGIN ISOLATION LEVEL SERIALIZABLE", ..self }
    }
}

impl Around for PostgresTransaction {
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            // A part cannot be repeated alone: what it has seen is that of the whole.
            let attempts = if Open::current(&self.db.0).is_some() { 1 } else { self.attempts };
            for _ in 1..attempts {
                // The rest of the call may have been done, and only the commit have failed.
                let before = context.snapshot();
                match self.db.within_one(self.begin, next.attempt(context)).await {
                    Err(error) if error::is_conflict(&error) => context.restore(before),
                    done => return done,
                }
            }
            self.db.within_one(self.begin, next.run(context)).await
        })
    }
}
