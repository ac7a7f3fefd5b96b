//! Statements without end, connections that all are busy, and a server that goes away.

use super::server::server;
use super::*;
use crate::fair::{Origin, Source};
use crate::store::{MariaDbSettings, Store as _};
use futures_util::future::join;
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;
use wingbeat_core::ErrorKind;

const TABLES: &str = "CREATE TABLE things (id bigint AUTO_INCREMENT PRIMARY KEY, n integer); \
    INSERT INTO things VALUES (-1, 0); CREATE VIEW slow AS SELECT id, n, sleep(3600) AS slept FROM things; \
    CREATE VIEW sleeping AS SELECT ID AS id FROM information_schema.PROCESSLIST WHERE INFO LIKE '%`slept`%' \
        AND DB = DATABASE() AND ID <> CONNECTION_ID()";

const SOON: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_statement_that_never_ends_is_ended() {
    let Some(server) = server() else { return };
    let db = server.database(MariaDbSettings::default().connections(1).statement(SOON * 20)).await;
    db.batch(TABLES).await;
    let error = find(&db.table::<Value>("slow"), json!({})).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "The database took too long"));
    assert_eq!(count(&db.table::<Value>("things"), json!({})).await, 1);
}

#[tokio::test]
async fn what_is_given_up_is_ended_on_the_server() {
    let Some(server) = server() else { return };
    let db = server.database(MariaDbSettings::default().connections(1)).await;
    db.batch(TABLES).await;
    let slow = db.table::<Value>("slow");
    slow.store.check().await.unwrap();
    timeout(SOON, find(&slow, json!({}))).await.unwrap_err();
    // The one place is free again when the statement has ended, which it would not do by itself.
    assert_eq!(count(&db.table::<Value>("things"), json!({})).await, 1);
    let sleeping = db.table::<Value>("sleeping");
    timeout(Duration::from_secs(20), async { while count(&sleeping, json!({})).await > 0 {} }).await.unwrap();
}

#[tokio::test]
async fn what_is_given_up_in_its_middle_is_not_answered_to_another() {
    let Some(server) = server() else { return };
    let db = server.database(MariaDbSettings::default().connections(1)).await;
    db.batch(
        "CREATE TABLE things (id bigint PRIMARY KEY, n integer); INSERT INTO things SELECT seq, 7 FROM seq_1_to_2000",
    )
    .await;
    let table = db.table::<Value>("things");
    assert_eq!(count(&table, json!({})).await, 2000);
    for micros in (0..3000).step_by(61) {
        let _ = timeout(Duration::from_micros(micros), find(&table, json!({}))).await;
        let id = (micros as i64 % 2000) + 1;
        let got = table.get(id.into(), &Params::new()).await.unwrap().into_value().unwrap();
        assert_eq!(got, json!({"id": id, "n": 7}));
    }
}

#[tokio::test]
async fn a_find_ends_with_its_client() {
    let Some(server) = server() else { return };
    let db = server.database(MariaDbSettings::default()).await;
    db.batch(TABLES).await;
    let (slow, sleeping) = (db.table::<Value>("slow"), db.table::<Value>("sleeping"));
    let client = Origin::new(Source::client(None, Some(1)));
    let leaving = async {
        while count(&sleeping, json!({})).await == 0 {}
        client.leave();
    };
    let ((), found) = join(leaving, client.polling(find(&slow, json!({})))).await;
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Gone);
    timeout(Duration::from_secs(20), async { while count(&sleeping, json!({})).await > 0 {} }).await.unwrap();
}

#[tokio::test]
async fn a_table_that_is_altered_meanwhile_is_read_and_written_as_it_is_now() {
    let Some(db) = database().await else { return };
    db.batch("CREATE TABLE things (id bigint PRIMARY KEY, n integer)").await;
    let table = db.table::<Value>("things");
    create(&table, json!({"id": 1, "n": 7})).await.unwrap();
    let patch = async |n: i64| table.patch(1.into(), Some(json!({ "n": n }).into()), &Params::new()).await;
    patch(8).await.unwrap();
    for to in ["bigint", "smallint", "bigint"] {
        let got = table.get(1.into(), &Params::new()).await.unwrap().into_value().unwrap();
        assert_eq!(got, json!({"id": 1, "n": 8}), "{to}");
        db.batch(&format!("ALTER TABLE things MODIFY n {to}")).await;
        patch(8).await.unwrap();
    }
    // What this program cannot read any more breaks nothing else.
    db.batch("ALTER TABLE things MODIFY n varchar(20)").await;
    db.batch("UPDATE things SET n = 'a long text'").await;
    assert_eq!(table.get(1.into(), &Params::new()).await.unwrap_err().code(), 500);
    let select = Params::new().with_query(json!({"$select": ["id"]})).unwrap();
    table.get(1.into(), &select).await.unwrap();
}

#[tokio::test]
async fn a_call_that_finds_no_free_connection_is_told_so() {
    let Some(server) = server() else { return };
    let db = server.database(MariaDbSettings::default().connections(1).wait(SOON * 20)).await;
    db.batch(TABLES).await;
    let table = db.table::<Value>("things");
    assert_eq!(count(&table, json!({})).await, 1);
    let held = db.take().await.unwrap();
    let error = find(&table, json!({})).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "The database is busy"));
    drop(held);
    assert_eq!(count(&table, json!({})).await, 1);
    db.close();
    let error = find(&table, json!({})).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "The database is closed"));
}

#[tokio::test]
async fn a_record_that_others_have_locked_is_waited_for_within_the_limit() {
    let Some(server) = server() else { return };
    let db = server.database(MariaDbSettings::default().statement(SOON * 10)).await;
    db.batch(TABLES).await;
    let table = db.table::<Value>("things");
    let patch = async |n: i64| table.patch((-1).into(), Some(json!({ "n": n }).into()), &Params::new()).await;
    let mut holding = db.take().await.unwrap();
    let lock = "START TRANSACTION; UPDATE things SET n = 5";
    holding.work(async |connection: &mut connection::Connection| connection.batch(lock).await).await.unwrap();
    assert_eq!(patch(1).await.unwrap_err().kind(), ErrorKind::Unavailable);
    holding.work(async |connection: &mut connection::Connection| connection.batch("ROLLBACK").await).await.unwrap();
    patch(2).await.unwrap();
}

#[tokio::test]
async fn a_database_that_can_not_be_reached_is_an_error_that_tells_no_password() {
    let error = MariaDb::connect("mariadb://ann:secret@127.0.0.1:1/nothing").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.message(), "Can not connect to the database 'nothing' at 127.0.0.1");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    let error = MariaDb::connect("ann:secret@x").await.unwrap_err();
    assert_eq!(error.message(), "Invalid database URL: it must begin with mariadb:// or mysql://");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_waited_for_within_the_limit() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mariadb://ann@{}/nothing", silent.local_addr().unwrap());
    let error = MariaDb::connect_with(&url, MariaDbSettings::default().wait(SOON)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_and_starts_again_loses_nothing_that_was_answered() {
    let Some(server) = TestServer::start() else { return };
    let db = server.database(MariaDbSettings::default()).await;
    db.batch(TABLES).await;
    let table = db.table::<Value>("things");
    let mut writers = JoinSet::new();
    for n in 0..8 {
        let table = table.clone();
        writers.spawn(async move {
            let (mut answered, mut failed) = (Vec::new(), 0);
            // Until it was away, and has come back.
            while failed == 0 || answered.len() < 100 {
                match create(&table, json!({"n": n})).await {
                    Ok(created) => answered.push(created["id"].as_i64().unwrap()),
                    Err(error) => {
                        // Right after a crash MariaDB was seen to count on from an id that is taken: refused, and nothing
                        // is written.
                        assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Conflict), "{error:?}");
                        failed += 1;
                        if answered.len() >= 100 {
                            break;
                        }
                    }
                }
            }
            answered
        });
    }
    while count(&table, json!({})).await < 50 {}
    server.tell("halt");
    assert_eq!(find(&table, json!({})).await.unwrap_err().kind(), ErrorKind::Unavailable);
    server.tell("start");
    let answered: Vec<i64> = writers.join_all().await.into_iter().flatten().collect();
    let found = timeout(Duration::from_secs(60), async {
        loop {
            match find(&table, json!({"n": {"$gte": 0}, "id": {"$gt": 0}})).await {
                Ok(found) => break found,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
            }
        }
    });
    let stored: HashSet<i64> = found.await.unwrap().iter().map(|record| record["id"].as_i64().unwrap()).collect();
    assert!(answered.iter().all(|id| stored.contains(id)), "some that were answered are lost");
    table.get((-1).into(), &Params::new()).await.unwrap();
}

#[tokio::test]
async fn connections_that_were_cut_while_nobody_used_them_are_opened_again() {
    let Some(server) = TestServer::start() else { return };
    let db = server.database(MariaDbSettings::default()).await;
    db.batch(TABLES).await;
    let table = db.table::<Value>("things");
    let several = (0..5).map(|_| find(&table, json!({})));
    assert!(futures_util::future::join_all(several).await.iter().all(Result::is_ok));
    server.tell("halt");
    server.tell("start");
    // One finds out for all.
    let mut failed = 0;
    while find(&table, json!({})).await.is_err() {
        failed += 1;
    }
    assert!(failed <= 1, "{failed}");
}

/// How many of these connections answer.
async fn answering(held: &mut [super::super::Taken]) -> usize {
    let mut answering = 0;
    for taken in held {
        answering += usize::from(taken.connection().unwrap().ping().await);
    }
    answering
}

#[tokio::test]
async fn a_connection_that_a_restart_has_cut_takes_no_other_with_its_number_along() {
    let Some(server) = TestServer::start() else { return };
    let db = server.database(MariaDbSettings::default().connections(1)).await;
    db.batch(TABLES).await;
    let table = db.table::<Value>("things");
    let mut taken = db.take().await.unwrap();
    let number = taken.connection().unwrap().number();
    server.tell("halt");
    server.tell("start");
    // Until one of another pool has the number that this one had.
    let other = MariaDb::connect_with(&server.url(""), MariaDbSettings::default().connections(200)).await.unwrap();
    let mut held = Vec::new();
    while held.last_mut().is_none_or(|last: &mut super::super::Taken| last.connection().unwrap().number() < number) {
        held.push(other.take().await.unwrap());
    }
    taken.work(async |connection: &mut connection::Connection| connection.batch("DO 1").await).await.unwrap_err();
    drop(taken);
    assert_eq!(count(&table, json!({})).await, 1);
    let all = held.len();
    assert_eq!(answering(&mut held).await, all);
}
