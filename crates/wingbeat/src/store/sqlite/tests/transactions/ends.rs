//! How a transaction ends, whatever it does or waits for.

use super::*;
use crate::fair::{Origin, Source};
use crate::test::Client;
use futures_util::future::join;
use std::future::pending;
use std::thread;
use tokio::time::timeout;

#[tokio::test]
async fn sql_that_ends_the_transaction_by_itself_is_an_error() {
    let db = Sqlite::memory().await.unwrap();
    let (app, heard) = app(&db).await;
    for sql in ["COMMIT", "ROLLBACK", "ROLLBACK; BEGIN", "RELEASE call"] {
        let ended = db.within(async {
            app.service("stock").create(json!({"id": 2}), Params::new()).await?;
            let _ = db.write(move |connection| Ok(connection.execute_batch(sql)?)).await;
            db.write(insert(3)).await
        });
        let refused = ended.await.unwrap_err();
        assert_eq!(refused.message(), "The transaction was rolled back before its end, try again later", "{sql}");
        db.write(|connection| Ok(connection.execute_batch("DELETE FROM stock WHERE id > 1")?)).await.unwrap();
        assert_eq!(taken(&heard), [], "{sql}");
    }
}

#[tokio::test]
async fn what_is_given_up_is_rolled_back() {
    let (_folder, databases) = both("given-up", SqliteSettings::default().transaction_timeout(Duration::MAX)).await;
    for db in databases {
        let (app, heard) = app(&db).await;
        let stock = app.service("stock");
        let hanging = db.within(async {
            stock.create(json!({"id": 2}), Params::new()).await?;
            pending::<Result<()>>().await
        });
        assert!(timeout(SOON, hanging).await.is_err());
        assert_eq!((taken(&heard), ids(&db, "stock").await), (vec![], vec![1]));
        let working = db.within(async {
            stock.create(json!({"id": 2}), Params::new()).await?;
            endless(&db).await
        });
        assert!(timeout(SOON, working).await.is_err());
        assert_eq!((taken(&heard), ids(&db, "stock").await), (vec![], vec![1]));
        // A call within that is given up takes the rest along.
        let broken = db.within(async {
            stock.create(json!({"id": 2}), Params::new()).await?;
            assert!(timeout(SOON, endless(&db)).await.is_err());
            Ok(())
        });
        assert_eq!(broken.await.unwrap_err().code(), 503);
        assert_eq!((taken(&heard), ids(&db, "stock").await), (vec![], vec![1]));
    }
}

/// A statement that does not end by itself.
async fn endless(db: &Sqlite) -> Result<()> {
    db.read(|connection| Ok(connection.query_row("SELECT count(*) FROM endless", [], |_| Ok(()))?)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_never_ends_is_ended_and_others_go_on() {
    let (_folder, databases) = both("never-ends", SqliteSettings::default().transaction_timeout(SOON)).await;
    for db in databases {
        let (app, heard) = app(&db).await;
        let stock = app.service("stock");
        for kind in ["waits", "works", "blocks", "goes on"] {
            let never = db.within(async {
                stock.create(json!({"id": 2}), Params::new()).await?;
                match kind {
                    "waits" => pending::<()>().await,
                    "works" => endless(&db).await?,
                    // Nobody polls it meanwhile.
                    "blocks" => thread::sleep(SOON * 3),
                    _ => while db.write(|_| Ok(())).await.is_ok() {},
                }
                Ok(())
            });
            let other = stock.create(json!({"id": 3}), Params::new());
            let (never, other) = join(never, other).await;
            let refused = never.unwrap_err();
            let told = "The transaction took too long and was rolled back, try again later";
            assert_eq!((refused.kind(), refused.message()), (ErrorKind::Unavailable, told), "{kind}");
            other.unwrap();
            assert_eq!(ids(&db, "stock").await, [1, 3], "{kind}");
            stock.remove(3, Params::new()).await.unwrap();
            assert_eq!(taken(&heard), [("stock created".to_owned(), 3)], "{kind}");
        }
    }
}

#[tokio::test]
async fn who_waits_for_the_writer_too_long_is_told_so() {
    let db = Sqlite::memory_with(SqliteSettings::default().busy_timeout(SOON)).await.unwrap();
    let (_app, _) = app(&db).await;
    let held = db.within(async {
        let other = db.clone();
        let waiting = tokio::spawn(async move { other.within(other.write(insert(2))).await });
        Ok(waiting.await.unwrap().unwrap_err())
    });
    let refused = held.await.unwrap();
    assert_eq!((refused.kind(), refused.message()), (ErrorKind::Unavailable, "The database is busy"));
    db.within(db.write(insert(2))).await.unwrap();
}

#[tokio::test]
async fn the_deadline_of_a_call_rolls_back() {
    let db = Sqlite::memory().await.unwrap();
    db.migrate(&[TABLES]).await.unwrap();
    let things = Mount::new(db.table::<Value>("things")).around(Create, db.transaction());
    let hang = async |_: &mut Context| pending::<Result<()>>().await;
    let app = App::builder().mount("things", things.after(Create, hang)).build().unwrap();
    let client = Client::to(&app).patience(SOON).connect().await.unwrap();
    let refused = client.service("things").create(json!({"n": 1})).await.unwrap_err();
    assert_eq!(refused.code(), 408);
    assert!(ids(&db, "things").await.is_empty());
}

#[tokio::test]
async fn what_a_client_has_left_behind_is_finished_if_it_is_short_and_rolled_back_if_not() {
    let db = Sqlite::memory_with(SqliteSettings::default().transaction_timeout(Duration::MAX)).await.unwrap();
    let (_app, _) = app(&db).await;
    for is_short in [true, false] {
        let origin = Origin::new(Source::client(Some([1, 2, 3, 4].into()), Some(1)));
        let call = db.within(async {
            db.write(insert(2)).await?;
            origin.leave();
            if !is_short {
                pending::<()>().await;
            }
            db.write(insert(3)).await
        });
        let done = origin.polling(call).await;
        assert_eq!(done.map_err(|error| error.code()), if is_short { Ok(1) } else { Err(410) });
        assert_eq!(ids(&db, "stock").await, if is_short { vec![1, 2, 3] } else { vec![1] });
        db.write(|connection| Ok(connection.execute("DELETE FROM stock WHERE id > 1", [])?)).await.unwrap();
    }
}

#[tokio::test]
async fn a_commit_that_fails_says_why_and_nothing_is_heard() {
    let db = Sqlite::memory().await.unwrap();
    let (app, heard) = app(&db).await;
    let later =
        "CREATE TABLE parts (id INTEGER PRIMARY KEY, thing REFERENCES things (id) DEFERRABLE INITIALLY DEFERRED)";
    db.write(move |connection| Ok(connection.execute_batch(later)?)).await.unwrap();
    let refused = db.within(async {
        app.service("stock").create(json!({"id": 2}), Params::new()).await?;
        db.write(|connection| Ok(connection.execute("INSERT INTO parts VALUES (1, 99)", [])?)).await
    });
    assert_eq!(refused.await.unwrap_err().code(), 400);
    assert_eq!((taken(&heard), ids(&db, "stock").await), (vec![], vec![1]));
}
