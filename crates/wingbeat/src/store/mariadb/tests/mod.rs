mod answers;
mod columns;
mod hostile;
mod loss;
mod own;
mod server;
#[cfg(target_os = "linux")]
mod stream;
mod tables;
#[cfg(feature = "tls")]
mod tls;
mod transactions;

pub(in crate::store) use server::{TestServer, database};

use super::{MariaDb, MariaDbTable, connection};
use crate::service::{Params, RawService};
use crate::store::Table;
use serde_json::Value;
use wingbeat_core::Result;

async fn create(table: &Table<MariaDbTable>, data: Value) -> Result<Value> {
    table.create(Some(data.into()), &Params::new()).await?.into_value()
}

async fn find(table: &Table<MariaDbTable>, query: Value) -> Result<Vec<Value>> {
    let found = table.find(&Params::new().with_query(query)?).await?.into_value()?;
    Ok(found.as_array().unwrap().clone())
}

async fn count(table: &Table<MariaDbTable>, query: Value) -> usize {
    find(table, query.clone()).await.unwrap_or_else(|error| panic!("{query}: {error}")).len()
}
