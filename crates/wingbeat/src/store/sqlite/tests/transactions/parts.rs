//! What is called within a transaction is a part of it.

use super::*;
use futures_util::future::join;
use std::collections::BTreeSet;
use tokio::time::timeout;

#[tokio::test]
async fn a_part_can_be_undone_by_itself() {
    let (_folder, databases) = both("part", SqliteSettings::default()).await;
    for db in databases {
        let (app, heard) = app(&db).await;
        let stock = app.service("stock");
        let create = async |id: i64| stock.create(json!({"id": id, "available": 0}), Params::new()).await;
        let done = db.within(async {
            create(2).await?;
            // Calls that fail.
            assert_eq!(create(2).await.unwrap_err().code(), 409);
            let several = json!([{"id": 8}, {"id": 2}]);
            assert_eq!(stock.create(several, Params::new()).await.unwrap_err().code(), 409);
            assert_eq!(stock.get(99, Params::new()).await.unwrap_err().code(), 404);
            let part = db.within(async {
                create(3).await?;
                db.within(create(5)).await?;
                Err::<(), _>(Error::bad_request("no"))
            });
            assert_eq!(part.await.unwrap_err().message(), "no");
            // Those that are joined take turns.
            let part = db.within(create(4));
            let (part, call) = join(part, stock.patch(1, json!({"available": 9}), Params::new())).await;
            part.and(call)?;
            // What is written is read, whatever asks for it.
            let get = stock.get(2, Params::new()).await?.to_value()?;
            let page = Params::new().with_query(json!({"$limit": 1, "$sort": {"id": -1}}))?;
            let page = db.table::<Value>("stock").paginate(1, 10).find(&page).await?.to_value()?;
            assert_eq!((&get["id"], &page["total"], &page["data"][0]["id"]), (&json!(2), &json!(3), &json!(4)));
            assert_eq!(ids(&db, "stock").await, [1, 2, 4]);
            assert_eq!(taken(&heard), []);
            Ok(())
        });
        done.await.unwrap();
        assert_eq!(ids(&db, "stock").await, [1, 2, 4]);
        let heard = taken(&heard).into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>();
        assert_eq!(heard, BTreeSet::from([1, 2, 4]));
    }
}

#[tokio::test]
async fn what_is_spawned_has_left_the_transaction() {
    let folder = Folder::new("spawned");
    let db = Sqlite::open(folder.0.join("data.db")).await.unwrap();
    let (_app, _) = app(&db).await;
    let outside = async || {
        let db = db.clone();
        let spawned = tokio::spawn(async move {
            let stock = db.table::<Value>("stock");
            let got = stock.get(2.into(), &Params::new()).await.is_ok();
            (got, count(&stock, json!({"id": 2})).await, ids(&db, "stock").await)
        });
        spawned.await.unwrap()
    };
    let seen = db.within(async {
        db.write(insert(2)).await?;
        Ok(outside().await)
    });
    assert_eq!(seen.await.unwrap(), (false, 0, vec![1]));
    assert_eq!(outside().await, (true, 1, vec![1, 2]));
}

#[tokio::test]
async fn sql_of_ones_own_is_a_part_of_the_transaction() {
    let (_folder, databases) = both("own-sql", SqliteSettings::default()).await;
    for db in databases {
        let (app, heard) = app(&db).await;
        let stock = app.service("stock");
        let failed = db.within(async {
            db.write(insert(2)).await?;
            stock.create(json!({"id": 3}), Params::new()).await?;
            assert_eq!(ids(&db, "stock").await, [1, 2, 3]);
            Err::<(), _>(Error::bad_request("no"))
        });
        assert_eq!(failed.await.unwrap_err().message(), "no");
        assert_eq!((ids(&db, "stock").await, taken(&heard)), (vec![1], vec![]));
        let done = db.within(async {
            // One that fails is undone by itself, and a read writes nothing.
            let twice = |connection: &Connection| {
                insert(5)(connection)?;
                insert(5)(connection)
            };
            assert_eq!(db.write(twice).await.unwrap_err().code(), 409);
            assert_eq!(db.read(insert(6)).await.unwrap_err().code(), 500);
            db.write(insert(7)).await
        });
        done.await.unwrap();
        assert_eq!(ids(&db, "stock").await, [1, 7]);
    }
}

#[tokio::test]
async fn a_service_beside_ones_own_transaction_is_not_busy() {
    let db = Sqlite::memory().await.unwrap();
    let (app, _) = app(&db).await;
    // Long before the database would have been busy for too long.
    let done = timeout(
        Duration::from_secs(2),
        db.within(async {
            db.write(insert(2)).await?;
            let stock = app.service("stock");
            stock.patch(2, json!({"available": 1}), Params::new()).await?;
            stock.remove(1, Params::new()).await?;
            db.write(insert(3)).await
        }),
    );
    done.await.unwrap().unwrap();
    assert_eq!(ids(&db, "stock").await, [2, 3]);
}

#[tokio::test]
async fn a_table_that_is_made_within_is_forgotten_with_it() {
    let db = Sqlite::memory().await.unwrap();
    let things = db.table::<Value>("things");
    let undone = db.within(async {
        db.migrate(&[TABLES]).await?;
        create(&things, json!({"n": 1})).await?;
        Err::<(), _>(Error::bad_request("no"))
    });
    assert_eq!(undone.await.unwrap_err().message(), "no");
    assert_eq!(create(&things, json!({"n": 1})).await.unwrap_err().message(), "Missing table 'things' in the database");
}

#[tokio::test]
async fn transactions_of_two_databases_lie_within_each_other() {
    let (one, two) = (Sqlite::memory().await.unwrap(), Sqlite::memory().await.unwrap());
    let ((_app, _), _) = (app(&one).await, two.migrate(&[TABLES]).await.unwrap());
    let done = one.within(async {
        let inner = two.within(async {
            one.write(insert(2)).await?;
            two.write(insert(3)).await?;
            Err::<(), _>(Error::bad_request("no"))
        });
        assert_eq!(inner.await.unwrap_err().message(), "no");
        two.write(insert(4)).await
    });
    done.await.unwrap();
    assert_eq!((ids(&one, "stock").await, ids(&two, "stock").await), (vec![1, 2], vec![1, 4]));
}
