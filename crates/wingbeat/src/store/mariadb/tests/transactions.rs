//! What is called within a transaction is a part of it, and its events are.

use super::*;
use crate::hooks::with;
use crate::prelude::*;
use crate::store::MariaDbSettings;
use futures_util::future::join;
use serde_json::json;
use std::collections::BTreeSet;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

const TABLES: &str = "CREATE TABLE things (id bigint AUTO_INCREMENT PRIMARY KEY, n integer); \
    CREATE TABLE stock (id bigint PRIMARY KEY, left_over integer CHECK (left_over >= 0)); INSERT INTO stock VALUES (1, 3)";

type Heard = Arc<Mutex<Vec<(String, i64)>>>;

/// Two tables, and what is heard of them.
async fn app(settings: MariaDbSettings) -> Option<(App, MariaDb, Heard)> {
    let db = server::server()?.database(settings).await;
    db.batch(TABLES).await;
    let heard = Heard::default();
    let hear = |path: &'static str, heard: &Heard| {
        let heard = heard.clone();
        move |publication: &Publication| {
            let id = publication.data()["id"].as_i64().unwrap();
            heard.lock().unwrap().push((format!("{path} {}", publication.event()), id));
        }
    };
    let mount = |path: &'static str| {
        let table = db.table::<Value>(path).multi(true);
        Mount::new(table).on("created", hear(path, &heard)).on("patched", hear(path, &heard))
    };
    // Takes one from the stock with each thing that is created.
    let take = async |context: &mut Context| {
        let stock = context.service("stock");
        let left = stock.get(1, Params::new()).await?.to_value()?["left_over"].as_i64().unwrap_or_default();
        stock.patch(1, json!({"left_over": left - 1}), Params::new()).await?;
        Ok(())
    };
    let things = mount("things").around(Create, db.transaction().serializable(50)).after(Create, take);
    let app = App::builder().mount("things", things).mount("stock", mount("stock")).build().unwrap();
    Some((app, db, heard))
}

fn taken(heard: &Heard) -> Vec<(String, i64)> {
    std::mem::take(&mut *heard.lock().unwrap())
}

#[tokio::test]
async fn a_call_is_committed_with_all_its_hooks_have_done_or_undone() {
    // One connection for itself: what is called within must not need another.
    let Some((app, db, heard)) = app(MariaDbSettings::default().connections(2)).await else { return };
    let things = app.service("things");
    for id in 1..=3 {
        things.create(json!({"n": id}), Params::new()).await.unwrap();
        assert_eq!(taken(&heard), [("stock patched".to_owned(), 1), ("things created".to_owned(), id)]);
    }
    // No more is left: the record that was created before is gone with what failed after it.
    assert_eq!(things.create(json!({"n": 4}), Params::new()).await.unwrap_err().code(), 400);
    assert_eq!((taken(&heard), count(&db.table::<Value>("things"), json!({})).await), (vec![], 3));
}

#[tokio::test]
async fn a_part_can_be_undone_by_itself() {
    let Some((app, db, heard)) = app(MariaDbSettings::default()).await else { return };
    let (stock, table) = (app.service("stock"), db.table::<Value>("stock"));
    let done = db.within(async {
        stock.create(json!({"id": 2, "left_over": 0}), Params::new()).await?;
        // One call that fails.
        assert_eq!(stock.create(json!({"id": 2}), Params::new()).await.unwrap_err().code(), 409);
        assert_eq!(stock.get("none", Params::new()).await.unwrap_err().code(), 404);
        let part = db.within(async {
            stock.create(json!({"id": 3, "left_over": 0}), Params::new()).await?;
            Err::<(), _>(Error::bad_request("no"))
        });
        assert_eq!(part.await.unwrap_err().message(), "no");
        // Those that are joined take turns.
        let part = db.within(stock.create(json!({"id": 4, "left_over": 0}), Params::new()));
        let (part, call) = join(part, stock.patch(1, json!({"left_over": 9}), Params::new())).await;
        part.and(call)?;
        assert_eq!(taken(&heard), []);
        // Others do not see it yet.
        let other = table.clone();
        let outside = tokio::spawn(async move { other.get(2.into(), &Params::new()).await.map(drop) });
        assert_eq!(outside.await.unwrap().unwrap_err().code(), 404);
        Ok(())
    });
    done.await.unwrap();
    assert_eq!(count(&table, json!({"id": {"$in": [1, 2, 4]}})).await, 3);
    assert_eq!(count(&table, json!({})).await, 3);
    let names = taken(&heard).into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>();
    assert_eq!(names, BTreeSet::from([1, 2, 4]));
}

#[tokio::test]
async fn what_is_given_up_is_rolled_back() {
    let Some((app, db, heard)) = app(MariaDbSettings::default().connections(2)).await else { return };
    let stock = app.service("stock");
    let hanging = db.within(async {
        stock.create(json!({"id": 2, "left_over": 0}), Params::new()).await?;
        pending::<Result<()>>().await
    });
    assert!(timeout(Duration::from_millis(200), hanging).await.is_err());
    assert_eq!((taken(&heard), count(&db.table::<Value>("stock"), json!({})).await), (vec![], 1));
    // A call within that is given up takes the rest along.
    db.batch("CREATE VIEW slow AS SELECT 1 AS id, sleep(3600) AS slept").await;
    let slow = db.table::<Value>("slow");
    let broken = db.within(async {
        stock.create(json!({"id": 2, "left_over": 0}), Params::new()).await?;
        assert!(timeout(Duration::from_millis(100), find(&slow, json!({}))).await.is_err());
        Ok(())
    });
    assert_eq!(broken.await.unwrap_err().code(), 503);
    assert_eq!((taken(&heard), count(&db.table::<Value>("stock"), json!({})).await), (vec![], 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_events_are_heard_as_records_are_committed() {
    let Some((app, db, heard)) = app(MariaDbSettings::default()).await else { return };
    let mut writers = JoinSet::new();
    for writer in 0..10 {
        let (app, db) = (app.clone(), db.clone());
        writers.spawn(async move {
            let stock = app.service("stock");
            for round in 0..20 {
                let first = 100 + (writer * 20 + round) * 10;
                let _ = db
                    .within(async {
                        for id in first..first + 10 {
                            stock.create(json!({"id": id, "left_over": 0}), Params::new()).await?;
                            // As random as it has to be.
                            match (id * 7919 + round * 31) % 29 {
                                0 => return Err(Error::general("no")),
                                1 => drop(stock.create(json!({ "id": id }), Params::new()).await),
                                2 => tokio::task::yield_now().await,
                                _ => {}
                            }
                        }
                        Ok(())
                    })
                    .await;
            }
        });
    }
    writers.join_all().await;
    let stored = find(&db.table::<Value>("stock"), json!({"id": {"$gte": 100}})).await.unwrap();
    let stored: Vec<i64> = stored.iter().map(|record| record["id"].as_i64().unwrap()).collect();
    let mut events: Vec<i64> = taken(&heard).into_iter().map(|(_, id)| id).collect();
    // Those of one transaction stand in its order.
    assert!(events.windows(2).all(|pair| pair[0] % 10 == 9 || pair[0] / 10 != pair[1] / 10 || pair[0] < pair[1]));
    events.sort_unstable();
    assert!(stored.len() > 200 && stored.len() < 2000, "{}", stored.len());
    assert_eq!(events, stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_at_the_same_time_is_done_again() {
    let Some((app, db, heard)) = app(MariaDbSettings::default()).await else { return };
    app.service("stock").patch(1, json!({"left_over": 20}), Params::new()).await.unwrap();
    let mut writers = JoinSet::new();
    for n in 0..20 {
        let things = app.service("things");
        writers.spawn(async move { things.create(json!({ "n": n }), Params::new()).await.map(drop) });
    }
    let done = writers.join_all().await.into_iter().filter(Result::is_ok).count() as i64;
    assert!(done > 0);
    let left = find(&db.table::<Value>("stock"), json!({"id": 1})).await.unwrap()[0]["left_over"].as_i64();
    assert_eq!((left, count(&db.table::<Value>("things"), json!({})).await as i64), (Some(20 - done), done));
    let created = taken(&heard).iter().filter(|(name, _)| name == "things created").count() as i64;
    assert_eq!(created, done);
}

/// Two calls that each read what the other one writes, the first time at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_wait_for_each_other_one_is_done_again_from_the_beginning() {
    let Some(server) = server::server() else { return };
    let db = server.database(MariaDbSettings::default()).await;
    db.batch(TABLES).await;
    let (attempts, together) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(2)));
    let read = |path: &'static str| {
        let together = together.clone();
        let read = async |(path, attempts, together): (&'static str, Arc<AtomicUsize>, Arc<Barrier>),
                          context: &mut Context| {
            context.service(path).find(Params::new()).await?;
            if attempts.fetch_add(1, Ordering::Relaxed) < 2 {
                together.wait().await;
            }
            Ok(())
        };
        with((path, attempts.clone(), together), read)
    };
    let stock = Mount::new(db.table::<Value>("stock")).around(Patch, db.transaction().serializable(3));
    let things = Mount::new(db.table::<Value>("things")).around(Create, db.transaction().serializable(3));
    let app = App::builder()
        .mount("stock", stock.before(Patch, read("things")))
        .mount("things", things.before(Create, read("stock")))
        .build()
        .unwrap();
    let (stock, things) = (app.service("stock"), app.service("things"));
    let patching = tokio::spawn(async move { stock.patch(1, json!({"left_over": 2}), Params::new()).await.map(drop) });
    things.create(json!({"n": 7}), Params::new()).await.unwrap();
    patching.await.unwrap().unwrap();
    assert_eq!(attempts.load(Ordering::Relaxed), 3);
    assert_eq!(count(&db.table::<Value>("things"), json!({"n": 7})).await, 1);
    assert_eq!(count(&db.table::<Value>("stock"), json!({"left_over": 2})).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_after_mariadb_has_rolled_back_is_not_done() {
    let Some((app, db, heard)) = app(MariaDbSettings::default()).await else { return };
    let table = db.table::<Value>("stock");
    create(&table, json!({"id": 2, "left_over": 0})).await.unwrap();
    let together = Arc::new(Barrier::new(2));
    let one = |first: i64, second: i64| {
        let (app, db, together) = (app.clone(), db.clone(), together.clone());
        tokio::spawn(async move {
            let stock = app.service("stock");
            db.within(async {
                stock.patch(first, json!({"left_over": 5}), Params::new()).await?;
                together.wait().await;
                // Who takes no notice of the error has no transaction any more.
                if stock.patch(second, json!({"left_over": 6}), Params::new()).await.is_err() {
                    let created = stock.create(json!({"id": 9, "left_over": 0}), Params::new()).await;
                    assert_eq!(created.unwrap_err().code(), 503);
                    assert_eq!(db.within(stock.get(1, Params::new())).await.unwrap_err().code(), 503);
                }
                Ok(())
            })
            .await
        })
    };
    let (one, other) = join(one(1, 2), one(2, 1)).await;
    let results = [one.unwrap(), other.unwrap()];
    let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert_eq!(failed.iter().map(Error::code).collect::<Vec<_>>(), [503], "{failed:?}");
    assert_eq!(count(&table, json!({"id": 9})).await, 0);
    let left = find(&table, json!({})).await.unwrap();
    let left: BTreeSet<_> = left.iter().map(|record| record["left_over"].as_i64().unwrap()).collect();
    assert_eq!((left, taken(&heard).len()), (BTreeSet::from([5, 6]), 2));
    // Its connection is as good as new.
    db.within(app.service("stock").patch(1, json!({"left_over": 1}), Params::new())).await.unwrap();
}
