//! SQL of the application's own.

use super::*;

#[tokio::test]
async fn a_write_is_committed_or_rolled_back_as_it_ends() {
    let (db, table) = users().await;
    let insert = |connection: &Connection| Ok(connection.execute("INSERT INTO users (email) VALUES ('a')", [])?);
    assert_eq!(db.write(insert).await.unwrap(), 1);
    let failed = db.write(|connection| {
        connection.execute("INSERT INTO users (email) VALUES ('b')", [])?;
        Err::<(), _>(Error::bad_request("On second thoughts"))
    });
    assert_eq!(failed.await.unwrap_err().message(), "On second thoughts");
    let panicked = db.write(|connection| {
        connection.execute("INSERT INTO users (email) VALUES ('c')", [])?;
        if true {
            panic!("on purpose");
        }
        Ok(())
    });
    assert_eq!(panicked.await.unwrap_err().message(), "The call failed");
    assert_eq!(count(&table, json!({})).await, 1);
}

#[tokio::test]
async fn its_errors_are_told_as_those_of_tables() {
    let (db, _) = users().await;
    let insert = |connection: &Connection| Ok(connection.execute("INSERT INTO users (email) VALUES ('a')", [])?);
    db.write(insert).await.unwrap();
    let refused = db.write(insert).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (409, "A record with the same 'email' exists already"));
}

#[tokio::test]
async fn a_read_writes_nothing_in_memory_either() {
    let (db, table) = users().await;
    let insert = |connection: &Connection| Ok(connection.execute("INSERT INTO users (email) VALUES ('a')", [])?);
    assert_eq!(db.read(insert).await.unwrap_err().code(), 500);
    create(&table, json!({"email": "a"})).await.unwrap();
    assert_eq!(count(&table, json!({})).await, 1);
}

#[tokio::test]
async fn a_transaction_that_is_left_open_disturbs_nobody() {
    let (db, table) = users().await;
    db.read(|connection| Ok(connection.execute_batch("BEGIN")?)).await.unwrap();
    create(&table, json!({"email": "a"})).await.unwrap();
    assert!(db.write(|connection| Ok(connection.execute_batch("COMMIT")?)).await.is_err());
    create(&table, json!({"email": "b"})).await.unwrap();
    assert_eq!(count(&table, json!({})).await, 2);
}

#[tokio::test]
async fn a_database_that_was_closed_says_so() {
    let (db, table) = users().await;
    db.close().await;
    db.close().await;
    let refused = table.find(&Params::new()).await.unwrap_err();
    assert_eq!((refused.kind(), refused.message()), (ErrorKind::Unavailable, "The database is closed"));
}
