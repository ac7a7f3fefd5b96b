//! SQL of the application's own.

use super::*;
use crate::store::mysql_async::{Conn, prelude::Queryable as _};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use wingbeat_core::Error;

async fn insert(conn: &mut Conn, id: i64) -> Result<u64> {
    conn.exec_drop("INSERT INTO things VALUES (?, 'x')", (id,)).await?;
    Ok(conn.affected_rows())
}

async fn ids(db: &MariaDb) -> Vec<i64> {
    db.read(async |conn| Ok(conn.query("SELECT id FROM things ORDER BY id").await?)).await.unwrap()
}

async fn things() -> Option<(MariaDb, Table<MariaDbTable>)> {
    let db = server::server()?.database(crate::store::MariaDbSettings::default().connections(2)).await;
    db.batch("CREATE TABLE things (id bigint PRIMARY KEY, name varchar(20))").await;
    let table = db.table::<Value>("things");
    Some((db, table))
}

#[tokio::test]
async fn a_write_is_committed_or_rolled_back_as_it_ends() {
    let Some((db, _)) = things().await else { return };
    // It can be spawned.
    let spawned = db.clone();
    let written = tokio::spawn(async move { spawned.write(async |conn| insert(conn, 1).await).await });
    assert_eq!(written.await.unwrap().unwrap(), 1);
    let failed = db.write(async |conn| {
        insert(conn, 2).await?;
        Err::<(), _>(Error::bad_request("On second thoughts"))
    });
    assert_eq!(failed.await.unwrap_err().message(), "On second thoughts");
    let given_up = db.write(async |conn| {
        insert(conn, 3).await?;
        Ok(conn.query_drop("SELECT SLEEP(3600)").await?)
    });
    assert!(timeout(Duration::from_millis(200), given_up).await.is_err());
    assert_eq!(ids(&db).await, [1]);
}

#[tokio::test]
async fn its_errors_are_told_as_those_of_tables() {
    let Some((db, table)) = things().await else { return };
    let twice = async |conn: &mut Conn| {
        insert(conn, 1).await?;
        insert(conn, 1).await
    };
    let refused = db.write(twice).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (409, "The record exists already"));
    let missing = db.read(async |conn| Ok(conn.query_drop("SELECT * FROM nowhere").await?)).await;
    assert_eq!(missing.unwrap_err().code(), 500);
    // What has been worded stays.
    let worded =
        async |conn: &mut Conn| insert(conn, 1).await.and(insert(conn, 1).await).map_err(|_| Error::gone("no"));
    assert_eq!(db.write(worded).await.unwrap_err().message(), "no");
    // A connection that has ended is told so, and no other call meets it.
    let killed = db.write(async |conn| Ok(conn.query_drop(format!("KILL CONNECTION {}", conn.id())).await?)).await;
    assert_eq!(killed.unwrap_err().code(), 503);
    create(&table, json!({"id": 7})).await.unwrap();
    assert_eq!(ids(&db).await, [7]);
}

#[tokio::test]
async fn it_is_a_part_of_the_transaction() {
    let Some((db, table)) = things().await else { return };
    let failed = db.within(async {
        db.write(async |conn| insert(conn, 1).await).await?;
        create(&table, json!({"id": 2, "name": "y"})).await?;
        assert_eq!(ids(&db).await, [1, 2]);
        Err::<(), _>(Error::bad_request("no"))
    });
    assert_eq!(failed.await.unwrap_err().message(), "no");
    assert!(ids(&db).await.is_empty());
    let done = db.within(async {
        // One that fails is undone by itself, and a read writes nothing; what follows may.
        let twice = async |conn: &mut Conn| insert(conn, 5).await.and(insert(conn, 5).await);
        assert_eq!(db.write(twice).await.unwrap_err().code(), 409);
        db.read(async |conn| insert(conn, 6).await).await?;
        assert!(ids(&db).await.is_empty());
        db.write(async |conn| insert(conn, 7).await).await
    });
    done.await.unwrap();
    assert_eq!(db.read(async |conn| insert(conn, 8).await).await.unwrap_err().code(), 503);
    assert_eq!(ids(&db).await, [7]);
}

#[tokio::test]
async fn a_transaction_that_has_ended_unnoticed_is_no_success() {
    let Some((db, _)) = things().await else { return };
    // As the database does with one of two that wait for each other.
    let gone = async |conn: &mut Conn| {
        insert(conn, 1).await?;
        Ok(conn.query_drop("ROLLBACK").await?)
    };
    assert_eq!(db.write(gone).await.unwrap_err().code(), 503);
    assert_eq!(db.within(db.write(gone)).await.unwrap_err().code(), 503);
    db.write(async |conn| insert(conn, 2).await).await.unwrap();
    assert_eq!(ids(&db).await, [2]);
}

#[tokio::test]
async fn what_is_left_in_the_middle_meets_no_other_call() {
    let Some((db, table)) = things().await else { return };
    create(&table, json!({"id": 1, "name": "a"})).await.unwrap();
    // An answer that nobody has read to its end.
    db.read(async |conn| {
        drop(conn.query_iter("SELECT 1 UNION ALL SELECT 2").await?);
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(find(&table, json!({})).await.unwrap(), [json!({"id": 1, "name": "a"})]);
}
