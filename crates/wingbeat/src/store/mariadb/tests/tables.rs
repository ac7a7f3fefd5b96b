//! Tables that are not as they should be, what they refuse, and how they are made.

use super::*;
use crate::store::Store;
use serde::Deserialize;
use serde_json::json;

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

const USERS: (&str, &str) = (
    "users",
    "CREATE TABLE users (id bigint AUTO_INCREMENT PRIMARY KEY, email varchar(50) NOT NULL UNIQUE, secret varchar(9) UNIQUE, \
     age integer CHECK (age >= 0), boss bigint, FOREIGN KEY (boss) REFERENCES users (id))",
);

#[tokio::test]
async fn what_does_not_fit_the_database_is_found_when_the_application_starts() {
    let Some(db) = database().await else { return };
    let more = "CREATE TABLE loose (id integer, name text); CREATE VIEW adults AS SELECT * FROM users; \
        CREATE OR REPLACE DATABASE sales; CREATE TABLE sales.users (id bigint PRIMARY KEY, name text)";
    db.migrate(&[USERS, ("more", more)]).await.unwrap();
    for (table, message) in [
        (
            db.table::<Wrong>("users"),
            "Table 'users' has no column 'name', which its type names as a field or as an alias of one: \
             it has id, email, secret, age, boss",
        ),
        (db.table::<User>("nothing"), "Missing table 'nothing' in the database"),
        (db.table::<User>("USERS"), "Missing table 'USERS' in the database"),
        (db.table::<Value>("users").id("key"), "Table 'users' has no column 'key'"),
        (db.table::<Value>("loose"), "Column 'id' of table 'loose' is not unique: it can not be the id"),
        (db.table::<Value>("users`; --"), "Missing table 'users`; --' in the database"),
    ] {
        assert_eq!(table.store.check().await.unwrap_err().message(), message);
        assert_eq!(create(&table, json!({})).await.unwrap_err().message(), message);
    }
    db.table::<Value>("users").id("email").store.check().await.unwrap();
    db.table::<User>("adults").store.check().await.unwrap();
    let sales = db.table::<Wrong>("sales.users");
    create(&sales, json!({"id": 7, "name": "Ann"})).await.unwrap();
    assert_eq!(count(&db.table::<User>("adults"), json!({})).await, 0);
}

#[tokio::test]
async fn constraints_become_errors_that_say_what_is_wrong() {
    let Some(db) = database().await else { return };
    db.migrate(&[USERS]).await.unwrap();
    let trigger = "CREATE TRIGGER adult BEFORE INSERT ON users FOR EACH ROW \
        IF NEW.age = 17 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'secret'; END IF";
    db.batch(trigger).await;
    let table = db.table::<Value>("users");
    create(&table, json!({"id": 1, "email": "a", "secret": "x"})).await.unwrap();
    for (data, code, message) in [
        (json!({"id": 2, "email": "a"}), 409, "A record with the same 'email' exists already"),
        (json!({"id": 1, "email": "b"}), 409, "A record with the same 'id' exists already"),
        (json!({"id": 2, "age": 1}), 400, "'email' must not be null"),
        (json!({"id": 2, "email": null}), 400, "'email' must not be null"),
        (json!({"id": 2, "email": "b", "age": -1}), 400, "The data breaks a rule of the table"),
        (json!({"id": 2, "email": "b", "age": 17}), 400, "The data breaks a rule of the table"),
        (json!({"id": 2, "email": "b", "boss": 99}), 400, "A reference to another record would lead nowhere"),
    ] {
        let error = create(&table, data.clone()).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (code, message));
        assert!(error.source().is_some());
        // All or none.
        let several = table.clone().multi(true);
        let error = create(&several, json!([{"id": 50, "email": "z"}, data])).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (code, message));
        assert_eq!(count(&table, json!({})).await, 1);
    }
    // Of what a service does not see nothing is told.
    let error = create(&db.table::<User>("users"), json!({"email": "A"})).await.unwrap_err();
    assert_eq!(error.message(), "A record with the same 'email' exists already");
    let hidden = "CREATE TRIGGER hide BEFORE INSERT ON users FOR EACH ROW FOLLOWS adult SET NEW.secret = 'x'";
    db.batch(hidden).await;
    let error = create(&db.table::<User>("users"), json!({"email": "c"})).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (409, "The record exists already"));
}

#[tokio::test]
async fn migrations_run_once_and_what_is_half_done_is_named() {
    let Some(db) = database().await else { return };
    let (a, b) =
        (("a", "CREATE TABLE a (id integer PRIMARY KEY); INSERT INTO a VALUES (1)"), ("b", "ALTER TABLE a ADD b text"));
    let message = |result: Result<()>| result.unwrap_err().message().to_owned();
    // It has not begun.
    assert_eq!(message(db.migrate(&[("n", "NONSENSE")]).await), "Migration 'n' failed");
    db.migrate(&[a]).await.unwrap();
    let together = futures_util::future::join_all((0..4).map(async |_| db.migrate(&[a, b]).await)).await;
    together.into_iter().for_each(|migrated| migrated.unwrap());
    assert_eq!(count(&db.table::<Value>("a"), json!({"b": null})).await, 1);
    assert_eq!(message(db.migrate(&[("a", "SELECT 1"), b]).await), "Migration 'a' was changed after it ran");
    assert_eq!(message(db.migrate(&[a]).await), "The database has run migration 'b', which is not listed there");
    let half = ("half", "CREATE TABLE half (id integer PRIMARY KEY); NONSENSE");
    assert_eq!(message(db.migrate(&[a, b, half]).await), "Migration 'half' failed");
    for _ in 0..2 {
        let told = message(db.migrate(&[a, b, half]).await);
        assert!(told.starts_with("Migration 'half' was begun and not finished: "), "{told}");
    }
    db.batch("DROP TABLE half; DELETE FROM _migrations WHERE name = 'half'").await;
    db.migrate(&[a, b, ("half", "CREATE TABLE half (id integer PRIMARY KEY)")]).await.unwrap();
}
