//! One suite for all stores (feature `contract`): each fact is checked on each of them, on those of Wingbeat and on yours.
//!
//! ```
//! use serde_json::Value;
//! use wingbeat::store::{Memory, Records, Table, contract};
//!
//! async fn table(records: Vec<Value>) -> Table<Records> {
//!     Memory::new().start(1).records(records)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // In your crate this is a `#[tokio::test]`.
//! contract::check(table).await;
//! # }
//! ```
//!
//! Null and absent are the same here, and the order of members does not count: stores differ in these.

#![allow(clippy::unwrap_used, clippy::panic, reason = "who calls this is a test")]

#[cfg(test)]
mod agreement;
mod amounts;
mod cursors;
mod hidden;
#[cfg(test)]
mod model;
mod order;
mod pages;
mod patterns;
mod queries;
mod reading;
mod streams;
mod syntax;
mod writing;

use super::{Store, Table};
use crate::service::{Params, RawService};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use wingbeat_core::{Error, IdArg, Payload, Result};

/// Holds a store against every fact of the suite.
///
/// `table` makes a table for each of them, with these records in it and nothing else, and without options. The
/// [`records`] have the fields `id`, `text`, `userId`, `read`, `n`, `tags`, `deep` and `odd" name'; --`; the last is a
/// text. Where an id is missing, the store counts on from the largest. Clones share the records.
///
/// What a store says of its writes is held by [`check_order`].
///
/// # Panics
/// If a fact does not hold. The message has the names of all that do not; what was found instead is printed before.
pub async fn check<S: Store + Clone>(table: impl AsyncFn(Vec<Value>) -> Table<S>) {
    let reading = [reading::facts(), pages::facts(), cursors::facts(), streams::facts()];
    let asking = [queries::facts(), syntax::facts(), patterns::facts()];
    let writing = [writing::facts(), amounts::facts(), hidden::facts()];
    hold(reading.into_iter().chain(asking).chain(writing).flatten(), table).await;
}

/// Holds a store that says what it writes ([`Operation::writes`](super::Operation::writes)) to saying all of it, in the
/// order in which it is written. As [`check`]; several threads write at a time.
///
/// # Panics
/// As [`check`].
pub async fn check_order<S: Store + Clone>(table: impl AsyncFn(Vec<Value>) -> Table<S>) {
    hold(order::facts().into_iter(), table).await;
}

async fn hold<S: Store + Clone>(facts: impl Iterator<Item = Fact<S>>, table: impl AsyncFn(Vec<Value>) -> Table<S>) {
    let mut broken = Vec::new();
    for (name, fact) in facts {
        let table = table(records()).await;
        if AssertUnwindSafe(fact(table)).catch_unwind().await.is_err() {
            eprintln!("does not hold: {name}");
            broken.push(name);
        }
    }
    assert!(broken.is_empty(), "these facts do not hold: {}", broken.join(", "));
}

/// A fact has a name and is checked on a table.
type Fact<S> = (&'static str, fn(Table<S>) -> LocalBoxFuture<'static, ()>);

/// The records of every fact: messages with ids from 1 to 5.
pub fn records() -> Vec<Value> {
    vec![
        json!({"id": 1, "text": "one", "userId": 1, "read": false, "n": 10, "tags": ["x", "y"]}),
        json!({"id": 2, "text": "two", "userId": 2, "read": true, "n": 20.5, "deep": {"v": 2, "w": [1]}}),
        json!({"id": 3, "text": "three", "userId": 1, "read": false, "n": 30, "deep": {"v": 1}}),
        json!({"id": 4, "text": "four", "userId": 2, "n": 40}),
        json!({"id": 5, "text": "five", "userId": 1, "read": true, "n": 50, "tags": ["y"]}),
    ]
}

#[cfg(test)]
async fn memory() -> Table<super::Records> {
    super::Memory::new().start(1).records(records())
}

#[cfg(all(test, feature = "sqlite"))]
const TABLE: &str = "CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT, \"userId\" INTEGER, read BOOLEAN, \
    n REAL, tags JSON, deep JSON, \"odd\"\" name'; --\" TEXT)";

#[cfg(all(test, feature = "sqlite"))]
async fn sqlite() -> Table<super::SqliteTable> {
    let db = super::Sqlite::memory().await.unwrap();
    db.migrate(&[("messages", TABLE)]).await.unwrap();
    let table = db.table::<Value>("messages");
    table.clone().multi(true).create(Some(json!(records()).into()), &Params::new()).await.unwrap();
    table
}

/// The calls as a client makes them, with answers that are easy to compare.
struct Client<S>(Table<S>);

impl<S: Store> Client<S> {
    async fn find(&self, query: Value) -> Result<Value> {
        plain(self.0.find(&asking(query)?).await)
    }

    async fn get(&self, id: impl Into<IdArg>, query: Value) -> Result<Value> {
        plain(self.0.get(id.into(), &asking(query)?).await)
    }

    async fn create(&self, data: Value, query: Value) -> Result<Value> {
        plain(self.0.create(Some(data.into()), &asking(query)?).await)
    }

    async fn update(&self, id: impl Into<IdArg>, data: Value, query: Value) -> Result<Value> {
        plain(self.0.update(id.into(), Some(data.into()), &asking(query)?).await)
    }

    async fn patch(&self, id: impl Into<IdArg>, data: Value, query: Value) -> Result<Value> {
        plain(self.0.patch(id.into(), Some(data.into()), &asking(query)?).await)
    }

    async fn remove(&self, id: impl Into<IdArg>, query: Value) -> Result<Value> {
        plain(self.0.remove(id.into(), &asking(query)?).await)
    }

    /// The ids of the records that a find answers, in order.
    async fn ids(&self, query: Value) -> Vec<i64> {
        let found = self.find(query.clone()).await.unwrap_or_else(|error| panic!("{query}: {error}"));
        let records = found.get("data").unwrap_or(&found).as_array().unwrap();
        records.iter().map(|record| record["id"].as_i64().unwrap()).collect()
    }
}

fn asking(query: Value) -> Result<Params> {
    Params::new().with_query(query)
}

fn plain(answer: Result<Payload>) -> Result<Value> {
    let mut value = answer?.into_value()?;
    drop_nulls(&mut value);
    Ok(value)
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T>, code: u16, message: &str) -> Error {
    let error = answer.unwrap_err();
    assert_eq!((error.code(), error.message()), (code, message));
    error
}

/// The facts of a module, which tests run one by one on each store.
macro_rules! facts {
    ($($fact:ident)*) => {
        pub(super) fn facts<S: $crate::store::Store + Clone>() -> Vec<super::Fact<S>> {
            vec![$((stringify!($fact), |table| Box::pin($fact(table)))),*]
        }

        #[cfg(test)]
        mod memory {
            $(#[tokio::test] async fn $fact() { super::$fact(super::super::memory().await).await })*
        }
        #[cfg(all(test, feature = "sqlite"))]
        mod sqlite {
            $(#[tokio::test] async fn $fact() { super::$fact(super::super::sqlite().await).await })*
        }
    };
}
use facts;

#[cfg(test)]
mod tests {
    use super::super::Memory;
    use super::*;

    #[tokio::test]
    #[should_panic = "these facts do not hold: an_empty_query_finds_all_in_order, "]
    async fn a_store_that_loses_records_is_noticed() {
        check(async |records: Vec<Value>| Memory::new().start(1).records(records.into_iter().skip(1))).await;
    }
}
