//! Connections that are given up, and how long they count.

use super::super::PostgresSettings;
use super::server::server;
use super::short::{TABLES, get_to_know, page, tables};
use super::*;
use futures_util::future::{join, join_all};
use futures_util::poll;
use serde_json::json;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;

const ONE: Duration = Duration::from_secs(1);

/// Backends of this database other than one's own, and those that are at a statement.
const VIEWS: &str = "CREATE VIEW others AS SELECT pid AS id FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'; \
    CREATE VIEW working AS SELECT pid AS id FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'";

/// A database, and one who looks at it from beside: with the one connection that he uses.
async fn watched(settings: PostgresSettings) -> Option<(Postgres, Postgres)> {
    let url = server()?.new_database().await;
    let beside = Postgres::connect_with(&url, PostgresSettings::default().connections(2)).await.unwrap();
    beside.batch(VIEWS).await;
    // No limit of the server helps.
    let db = Postgres::connect_with(&url, settings.statement(ONE * 3600)).await.unwrap();
    Some((db, beside))
}

async fn until_none(table: &Table<PostgresTable>) {
    let ended = async { while count(table, json!({})).await > 0 {} };
    timeout(ONE * 20, ended).await.expect("some are still there");
}

#[tokio::test]
async fn all_finds_of_a_shared_connection_end_with_it() {
    let Some((db, beside)) = watched(PostgresSettings::default().connections(5).wait(ONE * 60)).await else { return };
    db.batch(TABLES).await;
    let [_, taken] = tables(&db);
    get_to_know(&db, &taken, json!({"n": 0})).await;
    // Nobody can ask again, so what is active are these.
    let mut held = join_all((0..3).map(async |_| db.take().await.unwrap())).await;
    held[0].begin();
    held[0].connection().unwrap().batch("BEGIN; LOCK TABLE taken").await.unwrap();
    let working = beside.table::<Value>("working");
    let mut finds = pin!(join_all((0..16).map(|_| page(&taken, json!({"n": 0})))));
    let begun = async {
        loop {
            assert!(poll!(&mut finds).is_pending());
            if count(&working, json!({})).await > 0 {
                break;
            }
        }
    };
    timeout(ONE * 20, begun).await.unwrap();
    assert!(timeout(ONE / 2, &mut finds).await.is_err(), "nothing was locked");
    until_none(&working).await;
    held[0].connection().unwrap().batch("ROLLBACK").await.unwrap();
    held[0].end();
    drop(held);
    for found in timeout(ONE * 20, finds).await.unwrap() {
        assert_eq!(found.unwrap()["total"], 1);
    }
    assert!(count(&beside.table::<Value>("others"), json!({})).await <= 5);
}

#[tokio::test]
async fn a_shared_connection_that_is_given_up_counts_until_it_has_ended() {
    let Some((db, beside)) = watched(PostgresSettings::default().connections(5)).await else { return };
    db.batch(TABLES).await;
    let (connection, _permit) = db.0.share_finds().await.unwrap().unwrap();
    assert!(connection.give_up(), "somebody has before");
    assert!(db.0.share_finds().await.unwrap().is_none(), "there are two");
    // Those who know that they are short have one for themselves meanwhile.
    let [free, _] = tables(&db);
    for _ in 0..8 {
        assert_eq!(page(&free, json!({"n": 0})).await.unwrap()["total"], 1);
    }
    drop(connection);
    let opens = async { while db.0.share_finds().await.unwrap().is_none() {} };
    timeout(ONE * 20, opens).await.unwrap();
    assert!(count(&beside.table::<Value>("others"), json!({})).await <= 2);
}

#[tokio::test]
async fn a_place_is_taken_until_all_statements_on_its_connection_have_ended() {
    let Some((db, beside)) = watched(PostgresSettings::default().connections(2).wait(ONE * 60)).await else { return };
    let mut taken = db.take().await.unwrap();
    taken.begin();
    let connection = taken.connection().unwrap();
    let sleep = || connection.batch("SELECT pg_sleep(3600)");
    timeout(ONE / 10, join(sleep(), sleep())).await.unwrap_err();
    drop(taken);
    let _next = timeout(ONE * 20, db.take()).await.unwrap().unwrap();
    assert_eq!(count(&beside.table::<Value>("working"), json!({})).await, 0);
}

#[tokio::test]
async fn what_a_stranger_waits_for_is_not_held_against_him() {
    let Some((db, _)) = watched(PostgresSettings::default().connections(5).wait(ONE * 3)).await else { return };
    db.batch(TABLES).await;
    let [free, taken] = tables(&db);
    for table in [&free, &taken] {
        get_to_know(&db, table, json!({"n": 0})).await;
    }
    // Nobody can ask alone, and so learn better.
    let mut held = join_all((0..3).map(async |_| db.take().await.unwrap())).await;
    held[0].begin();
    held[0].connection().unwrap().batch("BEGIN; LOCK TABLE taken").await.unwrap();
    // Sent together, so that all have waited long enough at the same time.
    join_all([&taken, &free, &free, &free, &free].map(|table| page(table, json!({"n": 0})))).await;
    let shares = async { while page(&free, json!({"n": 0})).await.is_err() {} };
    timeout(ONE * 20, shares).await.expect("it is taken for long");
}

#[tokio::test]
async fn a_connection_that_opens_while_the_pool_closes_is_not_kept() {
    let Some((db, beside)) = watched(PostgresSettings::default().connections(2)).await else { return };
    let mut opening = pin!(db.share_keys());
    assert!(poll!(&mut opening).is_pending());
    db.close();
    assert_eq!(opening.await.map(drop).unwrap_err().message(), "The database is closed");
    until_none(&beside.table::<Value>("others")).await;
}
