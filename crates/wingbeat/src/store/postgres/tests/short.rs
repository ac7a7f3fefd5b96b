//! Finds that share connections because they have been short.

use super::super::PostgresSettings;
use super::server::server;
use super::*;
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use wingbeat_core::ErrorKind;

pub(super) const TABLES: &str = "CREATE TABLE free (id bigint PRIMARY KEY, n integer); INSERT INTO free VALUES (1, 0); \
    CREATE TABLE taken (LIKE free INCLUDING ALL); INSERT INTO taken VALUES (1, 0)";

const ONE: Duration = Duration::from_secs(1);

pub(super) async fn page(table: &Table<PostgresTable>, query: Value) -> Result<Value> {
    table.find(&Params::new().with_query(query)?).await?.into_value()
}

/// Asks until it is known to be short, which on a busy machine it need not be at first.
pub(super) async fn get_to_know(db: &Postgres, table: &Table<PostgresTable>, query: Value) {
    let enough = db.0.finds.used() + 4;
    while db.0.finds.used() < enough {
        page(table, query.clone()).await.unwrap();
    }
}

pub(super) fn tables(db: &Postgres) -> [Table<PostgresTable>; 2] {
    ["free", "taken"].map(|name| db.table::<Value>(name).paginate(10, 1000))
}

#[tokio::test]
async fn a_find_that_has_been_short_waits_for_no_connection_of_its_own() {
    let Some(server) = server() else { return };
    let db = server.database(PostgresSettings::default().connections(5).wait(ONE)).await;
    db.batch(TABLES).await;
    let [free, _] = tables(&db);
    // On a machine with other work the last of those may have taken long: then it is not known any more.
    let (mut found, mut held) = (None, Vec::new());
    for _ in 0..10 {
        held.clear();
        get_to_know(&db, &free, json!({"n": 0})).await;
        held = join_all((0..3).map(async |_| db.take().await.unwrap())).await;
        found = page(&free, json!({"n": 1})).await.ok();
        if found.is_some() {
            break;
        }
    }
    assert_eq!(found.unwrap()["total"], 0);
    // Of these nothing is known, or they may be long.
    for query in [json!({"n": {"$gt": 0}}), json!({"n": 0, "$limit": 1000})] {
        assert_eq!(page(&free, query).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    drop(held);
}

#[tokio::test]
async fn a_find_that_takes_long_all_the_same_keeps_no_other_waiting() {
    let Some(server) = server() else { return };
    let db = server.database(PostgresSettings::default().connections(5)).await;
    db.batch(TABLES).await;
    let [free, taken] = tables(&db);
    for table in [&free, &taken] {
        get_to_know(&db, table, json!({"n": 0})).await;
    }
    let mut locker = db.take().await.unwrap();
    locker.begin();
    locker.connection().unwrap().batch("BEGIN; LOCK TABLE taken").await.unwrap();
    let long = tokio::spawn(async move { page(&taken, json!({"n": 0})).await });
    let waits = "SELECT count(*) AS id FROM pg_locks WHERE NOT granted";
    db.batch(&format!("CREATE VIEW waiting AS {waits}")).await;
    let waiting = db.table::<Value>("waiting");
    let is_waiting = async { while find(&waiting, json!({})).await.unwrap()[0]["id"] == 0 {} };
    timeout(ONE * 20, is_waiting).await.unwrap();
    let others = join_all((0..4).map(|_| page(&free, json!({"n": 0}))));
    for found in timeout(ONE * 20, others).await.unwrap() {
        assert_eq!(found.unwrap()["total"], 1);
    }
    assert!(!long.is_finished(), "nothing was locked");
    locker.connection().unwrap().batch("COMMIT").await.unwrap();
    locker.end();
    assert_eq!(long.await.unwrap().unwrap()["total"], 1);
}

#[tokio::test]
async fn a_page_that_is_no_longer_full_tells_how_many_there_are() {
    let Some(server) = server() else { return };
    let db = server.database(PostgresSettings::default()).await;
    db.batch(TABLES).await;
    db.batch("INSERT INTO free SELECT n, 0 FROM generate_series(2, 25) AS n").await;
    let [free, _] = tables(&db);
    for (id, skip, data, total) in
        [(25, 0, 10, 25), (25, 10, 10, 25), (7, 0, 7, 7), (7, 20, 0, 7), (0, 0, 0, 0), (12, 0, 10, 12)]
    {
        let found = page(&free, json!({"id": {"$lte": id}, "$skip": skip})).await.unwrap();
        assert_eq!((found["data"].as_array().unwrap().len(), &found["total"]), (data, &json!(total)), "{id}, {skip}");
    }
}

#[tokio::test]
async fn the_future_of_a_call_is_small() {
    let Some(server) = server() else { return };
    let db = server.database(PostgresSettings::default()).await;
    let ([table, _], params) = (tables(&db), Params::new());
    // It is moved to the heap. A find had 24 KiB.
    for size in [size_of_val(&table.find(&params)), size_of_val(&table.create(None, &params))] {
        assert!(size <= 6 * 1024, "{size}");
    }
}
