//! The same answers as all stores give.

use super::super::{MariaDb, MariaDbTable};
use super::database;
use crate::service::{Params, RawService};
use crate::store::{Table, contract};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

const TABLE: &str = "(id bigint AUTO_INCREMENT PRIMARY KEY, text text, userId integer, `read` boolean, n double, \
    tags json, deep json, `odd\" name'; --` varchar(100)) COLLATE utf8mb4_nopad_bin";

async fn table(db: &MariaDb, number: &AtomicUsize, records: Vec<Value>) -> Table<MariaDbTable> {
    let name = format!("messages{}", number.fetch_add(1, Ordering::Relaxed));
    let next = records.len() + 1;
    db.batch(&format!("CREATE TABLE {name} {TABLE} AUTO_INCREMENT = {next}")).await;
    let table = db.table::<Value>(&name);
    table.clone().multi(true).create(Some(json!(records).into()), &Params::new()).await.unwrap();
    table
}

#[tokio::test]
async fn mariadb_answers_as_all_stores() {
    let Some(db) = database().await else { return };
    let number = AtomicUsize::new(0);
    contract::check(async |records: Vec<Value>| table(&db, &number, records).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mariadb_writes_is_said_in_its_order() {
    let Some(db) = database().await else { return };
    let number = AtomicUsize::new(0);
    contract::check_order(async |records: Vec<Value>| table(&db, &number, records).await).await;
}
