mod answers;
mod columns;
mod ending;
mod hostile;
mod loss;
mod own;
mod server;
mod short;
#[cfg(target_os = "linux")]
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod transactions;

pub(in crate::store) use server::{TestServer, database};

use super::{Postgres, PostgresTable};
use crate::service::{Params, RawService};
use crate::store::Table;
use serde_json::Value;
use wingbeat_core::Result;

async fn create(table: &Table<PostgresTable>, data: Value) -> Result<Value> {
    table.create(Some(data.into()), &Params::new()).await?.into_value()
}

async fn find(table: &Table<PostgresTable>, query: Value) -> Result<Vec<Value>> {
    let found = table.find(&Params::new().with_query(query)?).await?.into_value()?;
    Ok(found.as_array().unwrap().clone())
}

async fn count(table: &Table<PostgresTable>, query: Value) -> usize {
    find(table, query.clone()).await.unwrap_or_else(|error| panic!("{query}: {error}")).len()
}
