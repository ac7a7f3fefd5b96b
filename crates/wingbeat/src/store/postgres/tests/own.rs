//! SQL of the application's own.

use super::*;
use crate::store::tokio_postgres::Client;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use wingbeat_core::Error;

async fn insert(client: &Client, id: i64) -> Result<u64> {
    Ok(client.execute("INSERT INTO things VALUES ($1, 'x')", &[&id]).await?)
}

async fn ids(db: &Postgres) -> Vec<i64> {
    let read = async |client: &Client| {
        let rows = client.query("SELECT id FROM things ORDER BY id", &[]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<Vec<i64>>>()
    };
    db.read(read).await.unwrap()
}

async fn things() -> Option<(Postgres, Table<PostgresTable>)> {
    // One connection that serves one at a time.
    let db = server::server()?.database(crate::store::PostgresSettings::default().connections(2)).await;
    db.batch("CREATE TABLE things (id bigint PRIMARY KEY, name text UNIQUE DEFERRABLE INITIALLY DEFERRED)").await;
    let table = db.table::<Value>("things");
    Some((db, table))
}

#[tokio::test]
async fn a_write_is_committed_or_rolled_back_as_it_ends() {
    let Some((db, _)) = things().await else { return };
    // It can be spawned.
    let spawned = db.clone();
    let written = tokio::spawn(async move { spawned.write(async |client| insert(client, 1).await).await });
    assert_eq!(written.await.unwrap().unwrap(), 1);
    let failed = db.write(async |client| {
        insert(client, 2).await?;
        Err::<(), _>(Error::bad_request("On second thoughts"))
    });
    assert_eq!(failed.await.unwrap_err().message(), "On second thoughts");
    let given_up = db.write(async |client| {
        insert(client, 3).await?;
        Ok(client.batch_execute("SELECT pg_sleep(3600)").await?)
    });
    assert!(timeout(Duration::from_millis(200), given_up).await.is_err());
    // The name is taken, which only the commit says.
    let refused = db.write(async |client| insert(client, 4).await).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (409, "A record with the same 'name' exists already"));
    assert_eq!(ids(&db).await, [1]);
}

#[tokio::test]
async fn its_errors_are_told_as_those_of_tables() {
    let Some((db, _)) = things().await else { return };
    let twice = async |client: &Client| {
        insert(client, 1).await?;
        insert(client, 1).await
    };
    let refused = db.write(twice).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (409, "A record with the same 'id' exists already"));
    // This is no fault of the connection.
    let missing = db.read(async |client| Ok(client.query_one("SELECT id FROM things", &[]).await.map(drop)?)).await;
    assert_eq!(missing.unwrap_err().code(), 500);
    // What has been worded stays.
    let worded =
        async |client: &Client| insert(client, 1).await.and(insert(client, 1).await).map_err(|_| Error::gone("no"));
    assert_eq!(db.write(worded).await.unwrap_err().message(), "no");
}

#[tokio::test]
async fn it_is_a_part_of_the_transaction() {
    let Some((db, table)) = things().await else { return };
    let failed = db.within(async {
        db.write(async |client| insert(client, 1).await).await?;
        create(&table, json!({"id": 2, "name": "y"})).await?;
        assert_eq!(ids(&db).await, [1, 2]);
        Err::<(), _>(Error::bad_request("no"))
    });
    assert_eq!(failed.await.unwrap_err().message(), "no");
    assert!(ids(&db).await.is_empty());
    let done = db.within(async {
        // One that fails is undone by itself, and a read writes nothing; what follows may.
        let twice = async |client: &Client| insert(client, 5).await.and(insert(client, 5).await);
        assert_eq!(db.write(twice).await.unwrap_err().code(), 409);
        assert_eq!(db.read(async |client| insert(client, 6).await).await.unwrap_err().code(), 500);
        assert!(ids(&db).await.is_empty());
        db.write(async |client| insert(client, 7).await).await
    });
    done.await.unwrap();
    assert_eq!(db.read(async |client| insert(client, 8).await).await.unwrap_err().code(), 500);
    assert_eq!(ids(&db).await, [7]);
}

#[tokio::test]
async fn a_table_that_is_made_within_is_forgotten_with_it() {
    let Some(db) = database().await else { return };
    let table = db.table::<Value>("made");
    let undone = db.within(async {
        let make = "CREATE TABLE made (id bigint PRIMARY KEY)";
        db.write(async |client| Ok(client.batch_execute(make).await?)).await?;
        create(&table, json!({"id": 1})).await?;
        Err::<(), _>(Error::bad_request("no"))
    });
    assert_eq!(undone.await.unwrap_err().message(), "no");
    assert_eq!(create(&table, json!({"id": 1})).await.unwrap_err().message(), "Missing table 'made' in the database");
}
