//! The stores give the same answers, whatever is asked.

use super::super::{Client, drop_nulls};
use super::canonical;
use super::random::{FIELDS, conditions, fitting_record, members};
use crate::service::{Params, RawService as _};
#[cfg(feature = "sqlite")]
use crate::store::Sqlite;
#[cfg(any(feature = "postgres", feature = "mariadb"))]
use crate::store::Table;
use crate::store::{Memory, Record, Store};
use proptest::prelude::*;
#[cfg(any(feature = "postgres", feature = "mariadb"))]
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wingbeat_core::IdArg;

#[cfg(feature = "sqlite")]
const TABLE: &str = "CREATE TABLE random (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BOOLEAN, a, j JSON)";

/// What columns sort by, everywhere.
fn keys() -> impl Strategy<Value = Value> {
    members(prop::sample::select(vec!["i", "r", "t", "b", "id"]), prop::sample::select(vec![json!(1), json!(-1)]), 0..4)
}

/// The records of all pages by cursor, and what they are in one.
async fn walked<S: Store + Clone>(
    client: Client<S>,
    records: &[Record],
    query: &Value,
    sort: &Value,
    limit: u64,
) -> (String, String) {
    client.0.create(Some(json!(records).into()), &Params::new().with_multi()).await.unwrap();
    let mut query = query.clone();
    query["$sort"] = sort.clone();
    let mut whole = query.clone();
    let last = sort.as_object().unwrap().values().next_back().cloned().unwrap_or(json!(1));
    whole["$sort"].as_object_mut().unwrap().entry("id").or_insert(last);
    let whole = client.find(whole).await.unwrap();
    let paged = Client(client.0.clone().paginate(limit, limit));
    let (mut all, mut cursor) = (Vec::new(), json!(""));
    while !cursor.is_null() {
        query["$cursor"] = cursor;
        let mut page = paged.find(query.clone()).await.unwrap();
        all.extend(page["data"].as_array_mut().unwrap().iter_mut().map(Value::take));
        assert!(all.len() <= records.len(), "{query}: it has no end");
        cursor = page.get("next").cloned().unwrap_or_default();
    }
    (canonical(&json!(all)), canonical(&whole))
}

/// All that can be asked of a store, with everything that it answers.
async fn answers<S: Store + Clone>(
    client: Client<S>,
    records: &[Record],
    query: &Value,
    page: &Value,
    patch: &Value,
) -> String {
    client.create(json!(records), json!({})).await.unwrap();
    let mut paged = query.clone();
    paged.as_object_mut().unwrap().extend(page.as_object().unwrap().clone());
    let mut answers = Vec::new();
    for answer in [
        client.find(query.clone()).await,
        client.find(paged.clone()).await,
        Client(client.0.clone().paginate(2, 3)).find(paged).await,
        client.get(2, query.clone()).await,
        client.patch(3, patch.clone(), query.clone()).await,
        client.patch(IdArg::Null, patch.clone(), query.clone()).await,
        client.update(1, patch.clone(), query.clone()).await,
        client.remove(2, query.clone()).await,
        client.remove(IdArg::Null, query.clone()).await,
        client.find(json!({})).await,
    ] {
        answers.push(match answer {
            Ok(mut value) => {
                drop_nulls(&mut value);
                canonical(&value)
            }
            Err(error) => format!("{error}"),
        });
    }
    answers.join("\n")
}

fn page() -> impl Strategy<Value = Value> {
    let direction = prop::sample::select(vec![json!(1), json!(-1)]);
    let sort = members(prop::sample::select(FIELDS.to_vec()), direction, 0..3);
    (sort, 0..5, 0..5).prop_map(|(sort, skip, limit)| json!({"$sort": sort, "$skip": skip, "$limit": limit}))
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() }
}

/// Holds a store of a server against memory, and its pages by cursor against the whole.
#[cfg(any(feature = "postgres", feature = "mariadb"))]
fn hold_against_memory<S: Store + Clone>(runtime: &Runtime, table: &Table<S>, empty: impl AsyncFn()) {
    let walk = (prop::collection::vec(fitting_record(), 0..12), conditions(), keys(), 1..5u64);
    let run = TestRunner::new(config()).run(&walk, |(records, query, sort, limit)| {
        let (paged, whole) = runtime.block_on(async {
            empty().await;
            walked(Client(table.clone()), &records, &query, &sort, limit).await
        });
        prop_assert_eq!(paged, whole);
        Ok(())
    });
    run.unwrap();
    let asked = (prop::collection::vec(fitting_record(), 0..8), conditions(), page(), fitting_record());
    let run = TestRunner::new(config()).run(&asked, |(records, query, page, patch)| {
        let patch = Value::Object(patch);
        let (memory, other) = runtime.block_on(async {
            empty().await;
            let memory = Client(Memory::new().start(1).multi(true));
            (
                answers(memory, &records, &query, &page, &patch).await,
                answers(Client(table.clone().multi(true)), &records, &query, &page, &patch).await,
            )
        });
        prop_assert_eq!(memory, other);
        Ok(())
    });
    run.unwrap();
}

#[cfg(feature = "postgres")]
#[test]
fn memory_and_postgresql_give_the_same_answers() {
    let runtime = runtime();
    let Some(db) = runtime.block_on(crate::store::postgres::tests::database()) else { return };
    // Where SQLite takes texts and numbers, only JSON does.
    let table = "CREATE TABLE random (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, \
        i smallint, r real, t text, b boolean, a jsonb, j jsonb)";
    runtime.block_on(db.batch(table));
    let empty = async || db.batch("TRUNCATE random RESTART IDENTITY").await;
    hold_against_memory(&runtime, &db.table::<Value>("random"), empty);
}

#[cfg(feature = "mariadb")]
#[test]
fn memory_and_mariadb_give_the_same_answers() {
    let runtime = runtime();
    let Some(db) = runtime.block_on(crate::store::mariadb::tests::database()) else { return };
    // Where SQLite takes texts and numbers, only JSON does. The order of texts is that of their collation.
    let table = "CREATE TABLE random (id integer AUTO_INCREMENT PRIMARY KEY, i smallint, r float, t text, b boolean, \
        a json, j json) COLLATE utf8mb4_nopad_bin";
    runtime.block_on(db.batch(table));
    let empty = async || db.batch("TRUNCATE random").await;
    hold_against_memory(&runtime, &db.table::<Value>("random"), empty);
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(config())]

    #[test]
    fn pages_by_cursor_are_the_whole_whatever_is_asked(
        records in prop::collection::vec(fitting_record(), 0..12),
        query in conditions(),
        sort in keys(),
        limit in 1..5u64,
        mixed in any::<bool>(),
    ) {
        let runtime = runtime();
        let mut sort = sort;
        if mixed {
            // Texts and numbers in one column.
            sort["a"] = (-1).into();
        }
        let (memory, sqlite) = runtime.block_on(async {
            let db = Sqlite::memory().await.unwrap();
            db.migrate(&[("random", TABLE)]).await.unwrap();
            let sqlite = Client(db.table::<Value>("random"));
            let memory = Client(Memory::new().start(1));
            (
                walked(memory, &records, &query, &sort, limit).await,
                walked(sqlite, &records, &query, &sort, limit).await,
            )
        });
        prop_assert_eq!(&memory.0, &memory.1);
        prop_assert_eq!(&sqlite.0, &sqlite.1);
        prop_assert_eq!(memory.0, sqlite.0);
    }

    #[test]
    fn memory_and_sqlite_give_the_same_answers(
        records in prop::collection::vec(fitting_record(), 0..8),
        query in conditions(),
        page in page(),
        patch in fitting_record(),
    ) {
        let patch = Value::Object(patch);
        let runtime = runtime();
        let (memory, sqlite) = runtime.block_on(async {
            let db = Sqlite::memory().await.unwrap();
            db.migrate(&[("random", TABLE)]).await.unwrap();
            let sqlite = Client(db.table::<Value>("random").multi(true));
            let memory = Client(Memory::new().start(1).multi(true));
            (
                answers(memory, &records, &query, &page, &patch).await,
                answers(sqlite, &records, &query, &page, &patch).await,
            )
        });
        prop_assert_eq!(memory, sqlite);
    }
}
