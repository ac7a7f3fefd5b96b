//! What is heard is what is committed.

use super::*;
use crate::hooks::with;
use crate::test::Client;
use std::future::pending;
use tokio::task::JoinSet;
use tokio::time::timeout;

#[tokio::test]
async fn a_call_is_committed_with_all_its_hooks_have_done_or_undone() {
    let (_folder, databases) = both("call", SqliteSettings::default()).await;
    for db in databases {
        let (app, heard) = app(&db).await;
        let things = app.service("things");
        for id in 1..=3 {
            things.create(json!({"n": id}), Params::new()).await.unwrap();
            assert_eq!(taken(&heard), [("stock patched".to_owned(), 1), ("things created".to_owned(), id)]);
        }
        // No more is left: the record that was created before is gone with what failed after it.
        assert_eq!(things.create(json!({"n": 4}), Params::new()).await.unwrap_err().code(), 400);
        assert_eq!((taken(&heard), ids(&db, "things").await), (vec![], vec![1, 2, 3]));
    }
}

/// How many records are created at random: a variable tells, for a look by hand.
fn creates() -> i64 {
    std::env::var("WINGBEAT_TEST_CREATES").ok().and_then(|creates| creates.parse().ok()).unwrap_or(4000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_events_are_heard_as_records_are_committed() {
    let (_folder, databases) = both("events", SqliteSettings::default()).await;
    let mut committed = Vec::new();
    for db in databases {
        let (app, heard) = app(&db).await;
        let mut writers = JoinSet::new();
        for writer in 0..10 {
            let (app, db) = (app.clone(), db.clone());
            writers.spawn(async move {
                let stock = app.service("stock");
                let create = async |id: i64| stock.create(json!({"id": id, "available": 0}), Params::new()).await;
                for round in 0..creates() / 100 {
                    let first = 100 + (writer * creates() / 100 + round) * 10;
                    // Time is over at any point.
                    let is_short = round % 4 == 0;
                    let most = Duration::from_millis(if is_short { 2 + first.unsigned_abs() % 7 * 3 } else { 60_000 });
                    // Between them some that are alone, and would share a commit.
                    create(-first).await.unwrap();
                    let run = db.within(async {
                        for id in first..first + 10 {
                            create(id).await?;
                            // As random as it has to be.
                            match (id * 7919 + round * 31) % 29 {
                                0 => return Err(Error::general("no")),
                                1 => drop(create(id).await),
                                2 => tokio::task::yield_now().await,
                                3 if is_short => pending().await,
                                4 => drop(
                                    db.within(async { create(-id - 1).await.and(Err::<(), _>(Error::gone("no"))) })
                                        .await,
                                ),
                                _ => {}
                            }
                        }
                        Ok(())
                    });
                    let _ = timeout(most, run).await;
                }
            });
        }
        writers.join_all().await;
        let stored: Vec<i64> = ids(&db, "stock").await.into_iter().filter(|id| *id != 1).collect();
        let mut events: Vec<i64> = taken(&heard).into_iter().map(|(_, id)| id).collect();
        // Those of one transaction stand in its order.
        let ordered: Vec<i64> = events.iter().copied().filter(|id| *id > 0).collect();
        assert!(ordered.windows(2).all(|pair| pair[0] % 10 == 9 || pair[0] / 10 != pair[1] / 10 || pair[0] < pair[1]));
        events.sort_unstable();
        assert_eq!(events, stored);
        let within = stored.iter().filter(|id| **id > 0).count() as i64;
        assert!(within > 0 && within < creates() && within % 10 == 0, "{within}");
        committed.push((stored.len(), within));
    }
    println!("committed, and of these in transactions, of {}: {committed:?}", creates());
}

#[tokio::test]
async fn what_an_after_hook_refuses_is_neither_stored_nor_heard() {
    let db = Sqlite::memory().await.unwrap();
    let (_app, heard) = app(&db).await;
    let hear = {
        let heard = heard.clone();
        move |_: &Publication| heard.lock().unwrap().push(("heard".to_owned(), 0))
    };
    async fn refuse(stock: &'static str, context: &mut Context) -> Result<()> {
        // Nor is what the hook has done before.
        context.service(stock).create(json!({"id": 2}), Params::new()).await?;
        Err(Error::forbidden("No"))
    }
    let things = Mount::new(db.table::<Value>("things")).around(All, db.transaction()).on("created", hear);
    let stock = Mount::new(db.table::<Value>("stock"));
    let things = things.after(Create, with("stock", refuse));
    let app = App::builder().mount("stock", stock).mount("things", things).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    assert_eq!(client.service("things").create(json!({"n": 1})).await.unwrap_err().code(), 403);
    assert_eq!((ids(&db, "things").await, ids(&db, "stock").await), (vec![], vec![1]));
    assert_eq!(taken(&heard), []);
}
