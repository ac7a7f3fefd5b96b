//! One suite for all stores: each fact is checked on each of them.
//!
//! Null and absent are the same here, and the order of members does not count: stores differ in these.

mod agreement;
mod amounts;
mod hidden;
mod model;
mod order;
mod queries;
mod reading;
mod syntax;
mod writing;

use super::{Store, Table};
use crate::service::{Params, RawService};
use serde_json::{Value, json};
use wingbeat_core::{Error, IdArg, Payload, Result};

/// The records of every fact: `messages` with ids from 1 to 5.
fn records() -> Vec<Value> {
    vec![
        json!({"id": 1, "text": "one", "userId": 1, "read": false, "n": 10, "tags": ["x", "y"]}),
        json!({"id": 2, "text": "two", "userId": 2, "read": true, "n": 20.5, "deep": {"v": 2, "w": [1]}}),
        json!({"id": 3, "text": "three", "userId": 1, "read": false, "n": 30, "deep": {"v": 1}}),
        json!({"id": 4, "text": "four", "userId": 2, "n": 40}),
        json!({"id": 5, "text": "five", "userId": 1, "read": true, "n": 50, "tags": ["y"]}),
    ]
}

async fn memory() -> Table<super::Records> {
    super::Memory::new().start(1).records(records())
}

#[cfg(feature = "sqlite")]
const TABLE: &str = "CREATE TABLE messages (id INTEGER PRIMARY KEY, text TEXT, \"userId\" INTEGER, read BOOLEAN, \
    n REAL, tags JSON, deep JSON, \"odd\"\" name'; --\" TEXT)";

#[cfg(feature = "sqlite")]
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

/// Runs each fact of a module on each store.
macro_rules! facts {
    ($($fact:ident)*) => {
        mod memory {
            $(#[tokio::test] async fn $fact() { super::$fact(super::super::memory().await).await })*
        }
        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[tokio::test] async fn $fact() { super::$fact(super::super::sqlite().await).await })*
        }
    };
}
use facts;
