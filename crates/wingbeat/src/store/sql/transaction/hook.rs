//! The hook that makes a transaction of a call.

use super::{Database, Isolation, Open, within};
use crate::hooks::{Context, Next};
use wingbeat_core::Result;

/// Makes a transaction of the rest of a call.
#[derive(Clone, Debug)]
pub(in crate::store) struct Transaction<D> {
    db: D,
    isolation: Isolation,
    attempts: u32,
}

impl<D: Database> Transaction<D> {
    pub(in crate::store) fn new(db: &D) -> Transaction<D> {
        Transaction { db: db.clone(), isolation: Isolation::Usual, attempts: 1 }
    }

    /// As if there were no others at the same time, and so many times in all if the database finds that this cannot be.
    pub(in crate::store) fn serializable(self, attempts: u32) -> Transaction<D> {
        Transaction { isolation: Isolation::Serializable, attempts: attempts.max(1), ..self }
    }

    pub(in crate::store) async fn call(&self, context: &mut Context, next: Next<'_>) -> Result<()> {
        // A part cannot be repeated alone: what it has seen is that of the whole.
        let attempts = if Open::current(&self.db).is_some() { 1 } else { self.attempts };
        for _ in 1..attempts {
            // The rest of the call may have been done, and only the commit have failed.
            let before = context.snapshot();
            match within(&self.db, self.isolation, next.attempt(context)).await {
                Err(error) if D::is_conflict(&error) => context.restore(before),
                done => return done,
            }
        }
        within(&self.db, self.isolation, next.run(context)).await
    }
}
