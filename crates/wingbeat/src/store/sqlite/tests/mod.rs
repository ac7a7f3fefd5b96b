//! What only SQLite does: files, migrations, types of columns, constraints.

mod batches;
mod conversions;
mod fairness;
mod groups;
mod loss;
mod own;
mod references;
#[cfg(target_os = "linux")]
mod stream;
mod transactions;

use super::*;
use crate::service::{Params, RawService};
use crate::store::{SqliteTable, Store};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::oneshot;
use wingbeat_core::{Binary, ErrorKind, IdArg};

const USERS: (&str, &str) = (
    "users",
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, age INTEGER CHECK (age >= 0), \
     admin BOOLEAN, score REAL, photo BLOB, extra JSON, born DATE, anything, \
     boss INTEGER REFERENCES users (id), upper TEXT GENERATED ALWAYS AS (upper(email)))",
);

async fn users() -> (Sqlite, Table<SqliteTable>) {
    let db = Sqlite::memory().await.unwrap();
    db.migrate(&[USERS]).await.unwrap();
    let table = db.table::<Value>("users").multi(true);
    (db, table)
}

async fn create(table: &Table<SqliteTable>, data: Value) -> Result<Value> {
    table.create(Some(data.into()), &Params::new()).await?.into_value()
}

async fn count(table: &Table<SqliteTable>, query: Value) -> usize {
    let found = table.find(&Params::new().with_query(query).unwrap()).await.unwrap();
    found.into_value().unwrap().as_array().unwrap().len()
}

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("wingbeat-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_file_keeps_its_records() {
    let folder = Folder::new("keeps");
    let path = folder.0.join("data.db");
    for expected in [0, 1] {
        let db = Sqlite::open(&path).await.unwrap();
        db.migrate(&[USERS]).await.unwrap();
        let table = db.table::<Value>("users");
        assert_eq!(count(&table, json!({})).await, expected);
        create(&table, json!({"email": format!("{expected}")})).await.unwrap();
        assert_eq!(count(&table, json!({})).await, expected + 1);
        db.close().await;
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_opened_is_named() {
    let folder = Folder::new("missing");
    let error = Sqlite::open(folder.0.join("none").join("data.db")).await.unwrap_err();
    assert!(error.message().ends_with("data.db"), "{error}");
    std::fs::write(folder.0.join("text.db"), "this is no database, whatever its name says").unwrap();
    assert!(Sqlite::open(folder.0.join("text.db")).await.is_err());
}

#[tokio::test]
async fn readers_see_what_was_written_and_do_not_wait_for_the_writer() {
    let folder = Folder::new("readers");
    let db = Sqlite::open(folder.0.join("data.db")).await.unwrap();
    db.migrate(&[USERS]).await.unwrap();
    let table = db.table::<Value>("users");
    create(&table, json!({"email": "a"})).await.unwrap();
    let (held, release) = hold(&db).await;
    assert_eq!(count(&table, json!({"email": "a"})).await, 1);
    drop(release);
    held.await.unwrap().unwrap();
    let refused = db.read(|connection| Ok(connection.execute("DELETE FROM users", [])?)).await.unwrap_err();
    assert_eq!(refused.code(), 500);
}

/// Keeps the thread that writes from doing anything else, until the second is dropped.
async fn hold(db: &Sqlite) -> (tokio::task::JoinHandle<Result<()>>, mpsc::Sender<()>) {
    let (release, released) = mpsc::channel();
    let (begun, beginning) = oneshot::channel();
    let db = db.clone();
    let held = tokio::spawn(async move {
        let work = move |_: &Connection| {
            begun.send(()).unwrap();
            let _ = released.recv();
            Ok(())
        };
        db.write(work).await
    });
    beginning.await.unwrap();
    (held, release)
}

#[tokio::test]
async fn a_database_that_stays_busy_is_unavailable() {
    let folder = Folder::new("busy");
    let settings = SqliteSettings::default().busy_timeout(Duration::from_millis(50));
    let db = Sqlite::open_with(folder.0.join("data.db"), settings).await.unwrap();
    db.migrate(&[USERS]).await.unwrap();
    let (table, other) = (db.table::<Value>("users"), Sqlite::open(folder.0.join("data.db")).await.unwrap());
    for writer in [&db, &other] {
        let (held, release) = hold(writer).await;
        let refused = create(&table, json!({"email": "a"})).await.unwrap_err();
        assert_eq!((refused.kind(), refused.message()), (ErrorKind::Unavailable, "The database is busy"));
        drop(release);
        held.await.unwrap().unwrap();
    }
    create(&table, json!({"email": "a"})).await.unwrap();
}

#[tokio::test]
async fn migrations_run_once_and_in_order() {
    let db = Sqlite::memory().await.unwrap();
    let (a, b) =
        (("a", "CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1)"), ("b", "ALTER TABLE a ADD b TEXT"));
    db.migrate(&[a]).await.unwrap();
    db.migrate(&[a, b]).await.unwrap();
    db.migrate(&[a, b]).await.unwrap();
    assert_eq!(count(&db.table::<Value>("a"), json!({"b": null})).await, 1);
    let message = |result: Result<()>| result.unwrap_err().message().to_owned();
    assert_eq!(message(db.migrate(&[("a", "CREATE TABLE z (id)"), b]).await), "Migration 'a' was changed after it ran");
    assert_eq!(message(db.migrate(&[b, a]).await), "The database has run migration 'a', which is not listed there");
    assert_eq!(message(db.migrate(&[a]).await), "The database has run migration 'b', which is not listed there");
}

#[tokio::test]
async fn a_migration_that_fails_changes_nothing() {
    let db = Sqlite::memory().await.unwrap();
    let bad =
        [("a", "CREATE TABLE a (id INTEGER PRIMARY KEY)"), ("b", "CREATE TABLE b (id INTEGER PRIMARY KEY); NONSENSE")];
    assert_eq!(db.migrate(&bad).await.unwrap_err().message(), "Migration 'b' failed");
    assert!(db.table::<Value>("a").store.check().await.is_err());
    db.migrate(&bad[..1]).await.unwrap();
    db.table::<Value>("a").store.check().await.unwrap();
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct User {
    id: i64,
    email: String,
}

#[derive(Deserialize)]
#[allow(dead_code)]
struct Wrong {
    id: i64,
    name: String,
}

#[tokio::test]
async fn a_type_is_the_view_of_its_table() {
    let (db, _) = users().await;
    let table = db.table::<User>("users");
    assert_eq!(create(&table, json!({"email": "a"})).await.unwrap(), json!({"id": 1, "email": "a"}));
    let error = create(&table, json!({"email": "b", "age": 1})).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (400, "Unknown field 'age'"));
}

#[tokio::test]
async fn what_does_not_fit_the_database_is_found_when_the_application_starts() {
    let (db, _) = users().await;
    db.migrate(&[
        USERS,
        ("loose", "CREATE TABLE loose (id INTEGER, name TEXT); CREATE TABLE bare (key INTEGER); CREATE VIEW adults AS SELECT * FROM users"),
    ])
    .await
    .unwrap();
    for (table, message) in [
        (
            db.table::<Wrong>("users"),
            "Table 'users' has no column 'name', which its type names as a field or as an alias of one: it has id, \
             email, age, admin, score, photo, extra, born, anything, boss, upper",
        ),
        (
            db.table::<User>("bare"),
            "Table 'bare' has no columns 'id', 'email', which its type names as fields or as aliases of fields: it has key",
        ),
        (db.table::<User>("nothing"), "Missing table 'nothing' in the database"),
        (db.table::<Value>("users").id("key"), "Table 'users' has no column 'key'"),
        (db.table::<Value>("loose"), "Column 'id' of table 'loose' is not unique: it can not be the id"),
        (db.table::<Value>("users\"; --"), "Missing table 'users\"; --' in the database"),
    ] {
        assert_eq!(table.store.check().await.unwrap_err().message(), message);
        assert_eq!(create(&table, json!({})).await.unwrap_err().message(), message);
    }
    db.table::<Value>("users").id("email").store.check().await.unwrap();
    db.table::<User>("adults").store.check().await.unwrap();
}

#[tokio::test]
async fn values_must_fit_their_columns() {
    let (_, table) = users().await;
    let fitting = json!({
        "email": "1", "age": 7, "admin": true, "score": 1.5, "photo": "AAH/", "extra": [1], "born": "2000-01-01", "anything": "12"
    });
    let created = create(&table, fitting.clone()).await.unwrap();
    for (name, value) in fitting.as_object().unwrap() {
        assert_eq!(&created[name], value);
        assert_eq!(count(&table, json!({name: value})).await, 1, "{name}");
    }
    for (name, value, expected) in [
        ("email", json!(1), "a text"),
        ("age", json!(1.5), "an integer"),
        ("age", json!("1"), "an integer"),
        ("age", json!(true), "an integer"),
        ("age", json!(u64::MAX), "an integer"),
        ("admin", json!(1), "a boolean"),
        ("score", json!("1"), "a number"),
        ("photo", json!("?"), "base64 text"),
        ("anything", json!([1]), "a text or a number"),
    ] {
        let error = create(&table, json!({"email": "2", name: value})).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (400, &*format!("Invalid '{name}': it must be {expected}")));
    }
    assert_eq!(create(&table, json!({"email": "2", "age": 3.0})).await.unwrap()["age"], json!(3));
}

#[tokio::test]
async fn dates_compare_as_texts() {
    let (_, table) = users().await;
    create(&table, json!({"email": "a", "born": "1999-05-05"})).await.unwrap();
    assert_eq!(count(&table, json!({"born": {"$gt": "2000"}})).await, 0);
    assert_eq!(count(&table, json!({"born": {"$lt": "2000"}})).await, 1);
}

#[tokio::test]
async fn constraints_become_errors_that_say_what_is_wrong() {
    let (_, table) = users().await;
    create(&table, json!({"id": 1, "email": "a"})).await.unwrap();
    for (data, code, message) in [
        (json!({"email": "a"}), 409, "A record with the same 'email' exists already"),
        (json!({"id": 1, "email": "b"}), 409, "A record with the same 'id' exists already"),
        (json!({"age": 1}), 400, "'email' must not be null"),
        (json!({"email": "b", "age": -1}), 400, "The data breaks a rule of the table"),
        (json!({"email": "b", "boss": 99}), 400, "A reference to another record would lead nowhere"),
    ] {
        let error: Error = create(&table, data).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (code, message));
        assert!(error.source().is_some());
    }
    create(&table, json!({"email": "b", "boss": 1})).await.unwrap();
    assert_eq!(table.remove(1.into(), &Params::new()).await.unwrap_err().code(), 400);
}

#[tokio::test]
async fn several_records_change_all_or_none() {
    let (_, table) = users().await;
    assert_eq!(create(&table, json!([{"email": "a"}, {"email": "b"}, {"email": "a"}])).await.unwrap_err().code(), 409);
    assert_eq!(count(&table, json!({})).await, 0);
    create(&table, json!([{"email": "a", "age": 0}, {"email": "b", "age": 0}])).await.unwrap();
    let patch = table.patch(IdArg::Null, Some(json!({"age": 1, "email": "c"}).into()), &Params::new()).await;
    assert_eq!(patch.unwrap_err().code(), 409);
    assert_eq!(count(&table, json!({"age": 0})).await, 2);
}

#[tokio::test]
async fn more_records_than_one_statement_takes_change_in_order() {
    let (_, table) = users().await;
    let data: Vec<Value> = (0..1201).map(|n| json!({"email": n.to_string()})).collect();
    create(&table, json!(data)).await.unwrap();
    let patched = table.patch(IdArg::Null, Some(json!({"age": 1}).into()), &Params::new()).await.unwrap();
    let ids: Vec<i64> =
        patched.into_value().unwrap().as_array().unwrap().iter().map(|user| user["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=1201).collect::<Vec<_>>());
    table.remove(IdArg::Null, &Params::new()).await.unwrap();
    assert_eq!(count(&table, json!({})).await, 0);
}

#[tokio::test]
async fn generated_columns_are_read_and_not_written() {
    let (_, table) = users().await;
    let created = create(&table, json!({"email": "a", "upper": "x"})).await.unwrap();
    assert_eq!(created["upper"], "A");
    assert_eq!(count(&table, json!({"upper": "A"})).await, 1);
}

#[tokio::test]
async fn columns_that_are_not_asked_for_are_not_read() {
    let db = Sqlite::memory().await.unwrap();
    let sql = "CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO a VALUES (1, 2);
        CREATE VIEW b AS SELECT id, n, json(n || '{') AS broken FROM a";
    db.migrate(&[("a", sql)]).await.unwrap();
    let table = db.table::<Value>("b");
    assert!(table.find(&Params::new()).await.is_err());
    for select in [json!(["n"]), json!(["n", "n", "nothing", "id"])] {
        let params = Params::new().with_query(json!({ "$select": select })).unwrap();
        let found = table.find(&params).await.unwrap();
        assert_eq!(found.to_raw().unwrap().as_bytes(), br#"[{"n":2,"id":1}]"#);
        let got = table.get(1.into(), &params).await.unwrap();
        assert_eq!(got.to_raw().unwrap().as_bytes(), br#"{"n":2,"id":1}"#);
    }
}

#[tokio::test]
async fn bytes_in_json_are_bytes_again() {
    let (_, table) = users().await;
    let bytes = Binary::from(vec![1, 2, 3]);
    create(&table, json!({"email": "a", "extra": {"photo": bytes}})).await.unwrap();
    let got = table.get(1.into(), &Params::new()).await.unwrap().into_raw().unwrap();
    assert_eq!(got.attachments(), [&[1, 2, 3][..]]);
    let page = table.paginate(10, 10).find(&Params::new()).await.unwrap().into_raw().unwrap();
    assert_eq!(page.attachments(), [&[1, 2, 3][..]]);
}

#[tokio::test]
async fn texts_can_be_ids() {
    let db = Sqlite::memory().await.unwrap();
    let sql = "CREATE TABLE keys (key TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID; \
        CREATE TABLE made (id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(8)))), n INTEGER)";
    db.migrate(&[("keys", sql)]).await.unwrap();
    let table = db.table::<Value>("keys").id("key");
    let message = create(&table, json!({"n": 1})).await.unwrap_err().message().to_owned();
    assert_eq!(message, "Invalid data: 'key' is required");
    create(&table, json!({"key": "7", "n": 1})).await.unwrap();
    let got = table.get(7.into(), &Params::new()).await.unwrap().into_value().unwrap();
    assert_eq!(got, json!({"key": "7", "n": 1}));
    let made = create(&db.table::<Value>("made"), json!({"n": 1})).await.unwrap();
    assert_eq!(made["id"].as_str().unwrap().len(), 16);
}

#[tokio::test]
async fn an_operator_that_sql_has_is_asked_in_sql_and_json_columns_by_the_function() {
    let (_, table) = users().await;
    let like = |operand: &Value| {
        let start = operand.as_str().and_then(|pattern| pattern.strip_suffix('%')).map(str::to_lowercase);
        let start = start.ok_or_else(|| Error::bad_request("Invalid $like"))?;
        Ok(move |value: &Value| value.as_str().is_some_and(|text| text.to_lowercase().starts_with(&start)))
    };
    let table = table.sql_operator("$like", "LIKE", like);
    let users = [
        json!({"email": "Ann", "extra": "Tall"}),
        json!({"email": "bob", "anything": "x"}),
        json!({"email": "annette", "extra": ["tiny"], "age": 3}),
    ];
    create(&table, json!(users)).await.unwrap();
    for (query, expected) in [
        (json!({"email": {"$like": "ann%"}}), 2),
        (json!({"anything": {"$like": "X%"}}), 1),
        (json!({"age": {"$like": "3%"}}), 0),
        (json!({"extra": {"$like": "t%"}}), 2),
        (json!({"$or": [{"email": {"$like": "b%"}}, {"extra": {"$like": "ti%"}}]}), 2),
        (json!({"email": {"$like": "'; DROP TABLE users; --%"}}), 0),
    ] {
        assert_eq!(count(&table, query.clone()).await, expected, "{query}");
    }
}
