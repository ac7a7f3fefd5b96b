//! Transactions that travel with the task: what is called within one is a part of it.
//!
//! A task-local has the transaction, which tables look for before they take a connection, so no service needs to be told.
//! Databases say how they [begin](Database::begin) one and what it [does](Begun); the rest stands here, once.

mod hook;
mod open;
mod within;

pub(in crate::store) use hook::Transaction;
pub(in crate::store) use open::Open;
pub(in crate::store) use within::within;

use wingbeat_core::{Error, Result};

/// A database, as transactions know it. Clones are the same one.
pub(in crate::store) trait Database: Clone + Send + Sync + 'static {
    type Begun: Begun;

    fn is_same(&self, other: &Self) -> bool;

    fn begin(&self, isolation: Isolation) -> impl Future<Output = Result<Self::Begun>> + Send;

    /// Whether a transaction failed because of others, and may succeed when it is done again.
    fn is_conflict(error: &Error) -> bool;

    /// Runs what is done within a transaction, for as long as it may take: it is polled first when that has begun.
    fn limited<T>(&self, running: impl Future<Output = Result<T>>) -> impl Future<Output = Result<T>> {
        running
    }
}

/// A transaction that has begun. One that is dropped before its end is rolled back.
pub(in crate::store) trait Begun: Send + 'static {
    fn commit(&mut self) -> impl Future<Output = Result<()>> + Send;

    fn roll_back(&mut self) -> impl Future<Output = Result<()>> + Send;

    /// Begins a part, which can be undone by itself. Parts end in the order in which they lie within each other.
    fn savepoint(&mut self) -> impl Future<Output = Result<()>> + Send;

    /// Keeps the last part that has begun.
    fn release(&mut self) -> impl Future<Output = Result<()>> + Send;

    /// Undoes the last part that has begun, and ends it.
    fn roll_back_to(&mut self) -> impl Future<Output = Result<()>> + Send;
}

/// What a transaction sees of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Isolation {
    /// What the database does unless it is told otherwise.
    Usual,
    /// As if there were no others at the same time.
    Serializable,
}
