//! Who is served when many ask for much, and what becomes of what they have left behind.

use super::super::line::MOST;
use super::*;
use crate::fair::{Origin, Source};
use futures_util::FutureExt as _;
use futures_util::future::select;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const ATTACKER: [u8; 4] = [6, 6, 6, 6];
const CLIENT: [u8; 4] = [1, 2, 3, 4];

/// Finds in `slow` go through many rows, those in `endless` never end, and what is created in `stuck` never is.
const SLOW: (&str, &str) = (
    "slow",
    "CREATE VIEW slow AS WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 100000)
         SELECT id FROM n;
     CREATE VIEW endless AS WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n;
     CREATE TABLE stuck (id INTEGER PRIMARY KEY);
     CREATE TRIGGER sticks AFTER INSERT ON stuck BEGIN SELECT count(*) FROM endless; END",
);

/// Settings with which nobody is refused because the machine is slow.
fn patient() -> SqliteSettings {
    SqliteSettings::default().busy_timeout(Duration::from_secs(60))
}

async fn opened(name: &str) -> (Folder, Sqlite) {
    let folder = Folder::new(name);
    let db = Sqlite::open_with(folder.0.join("data.db"), patient()).await.unwrap();
    db.migrate(&[USERS, SLOW]).await.unwrap();
    create(&db.table::<Value>("users"), json!({"email": "a"})).await.unwrap();
    (folder, db)
}

/// A table whose columns are known.
async fn table(db: &Sqlite, name: &str) -> Table<SqliteTable> {
    let table = db.table::<Value>(name);
    table.store.check().await.unwrap();
    table
}

/// Does the same many times at once for an attacker, and counts what is done.
fn attack<F: Future<Output = ()> + Send + 'static>(work: impl Fn() -> F) -> (Vec<JoinHandle<()>>, Arc<AtomicUsize>) {
    let done = Arc::new(AtomicUsize::new(0));
    let attack = |number: u64| {
        let (work, done) = (work(), done.clone());
        tokio::spawn(async move {
            let origin = Origin::new(Source::client(Some(ATTACKER.into()), Some(number % 4)));
            origin.polling(work).await;
            done.fetch_add(1, Ordering::SeqCst);
        })
    };
    ((0..128).map(attack).collect(), done)
}

/// Does something for an honest client.
async fn honest<T>(work: impl Future<Output = T>) -> T {
    Origin::new(Source::client(Some(CLIENT.into()), Some(1000))).polling(work).await
}

fn nothing() -> Params {
    Params::new().with_query(json!({"id": {"$lt": 0}})).unwrap()
}

/// Asks a thread for a record, which a get does not.
fn first() -> Params {
    Params::new().with_query(json!({"id": 1})).unwrap()
}

/// Returns if nothing runs any more.
async fn is_idle(db: &Sqlite) {
    timeout(Duration::from_secs(60), db.close()).await.expect("something still runs");
}

#[tokio::test]
async fn slow_finds_hold_up_others_by_a_few_of_them() {
    let (_folder, db) = opened("slow-finds").await;
    let (slow, users) = (table(&db, "slow").await, table(&db, "users").await);
    let (attack, done) = attack(|| {
        let slow = slow.clone();
        async move { drop(slow.find(&nothing()).await.unwrap()) }
    });
    tokio::task::yield_now().await;
    honest(async {
        for email in ["b", "c", "d"] {
            create(&users, json!({"email": email})).await.unwrap();
            users.find(&first()).await.unwrap();
        }
    })
    .await;
    assert!(done.load(Ordering::SeqCst) < 12, "{done:?} slow finds went first");
    attack.iter().for_each(JoinHandle::abort);
    is_idle(&db).await;
}

#[tokio::test]
async fn a_get_waits_for_no_scan() {
    let (_folder, db) = opened("gets").await;
    let (endless, users) = (table(&db, "endless").await, table(&db, "users").await);
    let (attack, done) = attack(|| {
        let endless = endless.clone();
        async move { drop(endless.find(&nothing()).await) }
    });
    // The client's own scans as well.
    let own = async {
        let query = nothing();
        let mut scan = pin!(endless.find(&query));
        assert!((&mut scan).now_or_never().is_none());
        for _ in 0..100 {
            let found = users.get(1.into(), &Params::new()).now_or_never().expect("it waits").unwrap();
            assert_eq!(found.to_value().unwrap()["email"], "a");
        }
        let missing = users.get(7.into(), &Params::new()).now_or_never().expect("it waits");
        assert_eq!(missing.unwrap_err().code(), 404);
        // A view has no key: only looking at all tells whether there is such a record.
        assert!(endless.get((-1).into(), &Params::new()).now_or_never().is_none());
    };
    honest(own).await;
    assert_eq!(done.load(Ordering::SeqCst), 0);
    attack.iter().for_each(JoinHandle::abort);
    is_idle(&db).await;
}

#[tokio::test]
async fn only_what_an_index_finds_is_read_where_it_is_asked_for() {
    let db = Sqlite::memory().await.unwrap();
    for (number, (columns, has_key)) in [
        ("id INTEGER PRIMARY KEY", true),
        ("id TEXT PRIMARY KEY", true),
        ("id PRIMARY KEY", true),
        ("id UUID UNIQUE", true),
        ("id TEXT COLLATE NOCASE PRIMARY KEY", true),
        ("id TEXT); CREATE UNIQUE INDEX keys ON t4 (id COLLATE NOCASE", false),
    ]
    .into_iter()
    .enumerate()
    {
        let name = if has_key { format!("t{}", number + 10) } else { "t4".to_owned() };
        let sql = format!("CREATE TABLE {name} ({columns})");
        db.write(move |connection| Ok(connection.execute_batch(&sql)?)).await.unwrap();
        let table = db.table::<Value>(&name);
        assert_eq!(table.store.schema().await.unwrap().has_key, has_key, "{columns}");
    }
}

#[tokio::test]
async fn slow_writes_hold_up_others_by_a_few_of_them() {
    let (_folder, db) = opened("slow-writes").await;
    let (attacked, users) = (db.clone(), table(&db, "users").await);
    let (attack, done) = attack(|| {
        let db = attacked.clone();
        let slow = |connection: &Connection| Ok(connection.query_row("SELECT count(*) FROM slow", [], |_| Ok(()))?);
        async move { db.write(slow).await.unwrap() }
    });
    tokio::task::yield_now().await;
    honest(async {
        for email in ["b", "c", "d"] {
            create(&users, json!({"email": email})).await.unwrap();
        }
    })
    .await;
    assert!(done.load(Ordering::SeqCst) < 12, "{done:?} slow writes went first");
    attack.iter().for_each(JoinHandle::abort);
    is_idle(&db).await;
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_interrupted_or_never_begins() {
    let (_folder, db) = opened("left").await;
    let endless = table(&db, "endless").await;
    let mut finds: Vec<_> = (0..128)
        .map(|_| {
            let endless = endless.clone();
            Box::pin(async move { endless.find(&nothing()).await })
        })
        .collect();
    assert!(finds.iter_mut().all(|find| find.now_or_never().is_none()));
    drop(finds);
    let users = table(&db, "users").await;
    honest(users.get(1.into(), &Params::new())).await.unwrap();
    is_idle(&db).await;
}

/// Begins finds that never end, each for another source.
async fn endless_finds(db: &Sqlite, sources: impl Iterator<Item = Source>) -> Vec<JoinHandle<()>> {
    let endless = table(db, "endless").await;
    let find = |source| {
        let endless = endless.clone();
        tokio::spawn(async move { Origin::new(source).polling(async { drop(endless.find(&nothing()).await) }).await })
    };
    let finds = sources.map(find).collect();
    tokio::task::yield_now().await;
    finds
}

#[tokio::test]
async fn finds_that_never_end_hold_up_no_short_ones_whoever_asks() {
    let (_folder, db) = opened("endless").await;
    let users = table(&db, "users").await;
    let strangers = (0..50).map(|address| Source::client(Some([6, 6, 6, address].into()), Some(address.into())));
    let finds = endless_finds(&db, strangers).await;
    for _ in 0..20 {
        honest(users.find(&first())).await.unwrap();
    }
    finds.iter().for_each(JoinHandle::abort);
    is_idle(&db).await;
}

#[tokio::test]
async fn nobody_has_his_short_finds_behind_his_own_that_never_end() {
    let (_folder, db) = opened("own-endless").await;
    let users = table(&db, "users").await;
    let own = Source::client(Some(CLIENT.into()), Some(1000));
    let finds = endless_finds(&db, (0..16).map(|_| own)).await;
    for _ in 0..20 {
        honest(users.find(&first())).await.unwrap();
    }
    finds.iter().for_each(JoinHandle::abort);
    is_idle(&db).await;
}

#[tokio::test]
async fn a_find_that_takes_long_steps_aside_for_who_has_had_less() {
    let folder = Folder::new("aside");
    // One thread for what takes long.
    let settings = SqliteSettings { readers: 1, ..patient() };
    let db = Sqlite::open_with(folder.0.join("data.db"), settings).await.unwrap();
    db.migrate(&[SLOW]).await.unwrap();
    let slow = table(&db, "slow").await;
    let finds = endless_finds(&db, (0..16).map(|_| Source::client(Some(ATTACKER.into()), Some(1)))).await;
    for _ in 0..3 {
        honest(slow.find(&nothing())).await.unwrap();
    }
    finds.iter().for_each(JoinHandle::abort);
    is_idle(&db).await;
}

#[tokio::test]
async fn a_find_that_turns_out_long_begins_again_and_finds_all() {
    let (_folder, db) = opened("again").await;
    let slow = table(&db, "slow").await.paginate(1, 1);
    // The first one is interrupted within a transaction, the second is expected to be long.
    for _ in 0..2 {
        let found = slow.find(&Params::new()).await.unwrap().into_value().unwrap();
        assert_eq!(found["total"], 100_000);
    }
    assert!(db.read(|connection| Ok(connection.is_autocommit())).await.unwrap());
    is_idle(&db).await;
}

#[tokio::test]
async fn a_find_that_turns_out_long_waits_no_longer_than_the_settings_say() {
    let folder = Folder::new("patience");
    let settings = SqliteSettings { busy_timeout: Duration::from_millis(50), readers: 1, ..SqliteSettings::default() };
    let db = Sqlite::open_with(folder.0.join("data.db"), settings).await.unwrap();
    db.migrate(&[SLOW]).await.unwrap();
    let endless = table(&db, "endless").await;
    let find = || honest(async { endless.find(&nothing()).await });
    // One of them has the only thread for such.
    let (refused, other) = select(Box::pin(find()), Box::pin(find())).await.factor_first();
    let refused = refused.unwrap_err();
    assert_eq!((refused.kind(), refused.message()), (ErrorKind::Unavailable, "The database is busy"));
    drop(other);
    is_idle(&db).await;
}

#[tokio::test]
async fn a_find_whose_time_is_over_is_interrupted() {
    let (_folder, db) = opened("deadline").await;
    let endless = table(&db, "endless").await;
    assert!(timeout(Duration::from_millis(20), endless.find(&nothing())).await.is_err());
    is_idle(&db).await;
}

#[tokio::test]
async fn a_find_ends_with_its_client() {
    let (_folder, db) = opened("gone").await;
    let endless = table(&db, "endless").await;
    let origin = Origin::new(Source::client(Some(ATTACKER.into()), Some(1)));
    let (find, params) = (endless.clone(), nothing());
    let mut find = pin!(origin.polling(find.find(&params)));
    assert!((&mut find).now_or_never().is_none());
    origin.leave();
    assert_eq!(find.now_or_never().expect("it goes on").unwrap_err().kind(), ErrorKind::Gone);
    is_idle(&db).await;
}

#[tokio::test]
async fn what_a_client_has_written_before_it_went_is_kept_if_it_is_short() {
    let (_folder, db) = opened("last-words").await;
    let (users, stuck) = (table(&db, "users").await, table(&db, "stuck").await);
    let origin = Origin::new(Source::client(Some(ATTACKER.into()), Some(1)));
    let (held, release) = hold(&db).await;
    let mut last = pin!(origin.polling(create(&users, json!({"email": "last words"}))));
    assert!((&mut last).now_or_never().is_none());
    origin.leave();
    assert!((&mut last).now_or_never().is_none());
    drop(release);
    held.await.unwrap().unwrap();
    last.await.unwrap();
    // And one that turns out long is not.
    let origin = Origin::new(Source::client(Some(ATTACKER.into()), Some(1)));
    let mut long = pin!(origin.polling(create(&stuck, json!({"id": 1}))));
    assert!((&mut long).now_or_never().is_none());
    origin.leave();
    long.await.unwrap_err();
    assert_eq!(count(&stuck, json!({})).await, 0);
    is_idle(&db).await;
}

#[tokio::test]
async fn a_write_that_is_interrupted_takes_none_of_its_group_along() {
    let (_folder, db) = opened("interrupted").await;
    let (users, stuck) = (table(&db, "users").await.multi(true), table(&db, "stuck").await);
    // So many that SQLite asks whether to go on.
    let many: Vec<Value> = (0..40).map(|number| json!({"email": format!("{number}")})).collect();
    create(&users, many.into()).await.unwrap();
    let (held, release) = hold(&db).await;
    let good = tokio::spawn(honest(async move { users.remove(None.into(), &Params::new()).await }));
    tokio::task::yield_now().await;
    // Nobody knows yet that it takes long.
    let origin = Origin::new(Source::client(Some(ATTACKER.into()), Some(1)));
    let mut endless = Box::pin(origin.polling(create(&stuck, json!({}))));
    assert!((&mut endless).now_or_never().is_none());
    drop(release);
    held.await.unwrap().unwrap();
    assert!(timeout(Duration::from_millis(20), endless).await.is_err());
    good.await.unwrap().unwrap();
    is_idle(&db).await;
}

#[tokio::test]
async fn whose_calls_fill_the_queue_is_told_so() {
    let (_folder, db) = opened("full").await;
    let users = table(&db, "users").await;
    let (held, release) = hold(&db).await;
    let mut crowd: Vec<_> = (0..MOST + 9)
        .map(|_| {
            let db = db.clone();
            let origin = Origin::new(Source::client(Some(ATTACKER.into()), Some(1)));
            Box::pin(async move { origin.polling(db.write(|_| Ok(()))).await.map_err(|error| error.code()) })
        })
        .collect();
    let refused = crowd.iter_mut().filter_map(|call| call.now_or_never()).filter(|answer| *answer == Err(429));
    assert_eq!(refused.count(), 9, "the newest of them");
    let mut created = pin!(honest(create(&users, json!({"email": "b"}))));
    assert!((&mut created).now_or_never().is_none());
    let newest = (&mut crowd[MOST - 1]).now_or_never();
    assert_eq!(newest, Some(Err(429)), "one more makes room for others");
    drop(release);
    held.await.unwrap().unwrap();
    created.await.unwrap();
}
