//! What columns hold, and what the database says about them.

use super::*;
use crate::store::{Kind, Path, Store};
use serde::Deserialize;
use serde_json::json;

const TYPES: &str = "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN small AS integer CHECK (VALUE < 100); \
    CREATE DOMAIN smaller AS small; \
    CREATE TABLE things (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), i2 smallint, i4 integer, i8 bigint, f4 real, \
    f8 double precision, num numeric, t text, v varchar(5), b boolean, bytes bytea, at timestamptz, local timestamp, \
    day date, span interval, ip inet, mood mood, small smaller, j json, jb jsonb, tags text[], numbers integer[], \
    matrix double precision[], days date[], twice integer GENERATED ALWAYS AS (i4 * 2) STORED)";

#[tokio::test]
async fn values_of_all_types_come_back_as_they_were_and_are_found() {
    let Some(db) = database().await else { return };
    db.batch(TYPES).await;
    let table = db.table::<Value>("things");
    let thing = json!({
        "id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "i2": -7, "i4": 2_147_483_647, "i8": i64::MIN, "f4": 0.1, "f8": 0.1,
        "num": "12345678901234567890.0123456789", "t": "ö\u{1F600}\\", "v": "12345", "b": false, "bytes": "AAH/",
        "at": "2026-01-02T03:04:05.678Z", "local": "2026-01-02T03:04:05.678901", "day": "2024-02-29", "span": "P1DT2H",
        "ip": "10.0.0.1/32", "mood": "happy", "small": 7, "j": {"a": [1, null]}, "jb": [true, 0.5],
        "tags": ["a", "\"; --", "NULL", null, "{,}"], "numbers": [1, 2], "matrix": [[1, 2.5], [3, 4]], "days": ["2024-02-29"],
        "twice": 1
    });
    let mut expected = thing.clone();
    expected["i4"] = json!(1000);
    expected["twice"] = json!(2000);
    let mut given = thing.clone();
    given["i4"] = json!(1000.0);
    assert_eq!(create(&table, given).await.unwrap(), expected);
    let got = table.get("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11".into(), &Params::new()).await.unwrap();
    assert_eq!(got.into_value().unwrap(), expected);
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(count(&table, json!({name: value})).await, 1, "{name}");
        assert_eq!(count(&table, json!({name: {"$ne": value}})).await, 0, "{name}");
        assert_eq!(count(&table, json!({name: {"$in": [value, value]}})).await, 1, "{name}");
        assert_eq!(count(&table, json!({name: null})).await, usize::from(name == "tags"), "{name}");
        // Read as values, and not as text.
        assert_eq!(&find(&table, json!({"jb": [true, 0.5]})).await.unwrap()[0][name], value);
    }
    let odd = json!({"at": "0044-03-15T12:00:00Z BC", "local": "infinity", "tags": [], "matrix": [], "mood": null});
    let created = create(&table, odd.clone()).await.unwrap();
    for (name, value) in odd.as_object().unwrap() {
        let value = if name == "at" { json!("0044-03-15T12:00:00.000Z BC") } else { value.clone() };
        assert_eq!(created[name], value);
    }
}

#[tokio::test]
async fn what_is_read_as_text_is_sorted_as_what_it_is() {
    let Some(db) = database().await else { return };
    db.batch(TYPES).await;
    let table = db.table::<Value>("things");
    for (num, mood, span) in [("10", "happy", "P1D"), ("9", "sad", "PT3H"), ("100", "sad", "P10D")] {
        create(&table, json!({"num": num, "mood": mood, "span": span})).await.unwrap();
    }
    for (sort, name, expected) in [
        (json!({"num": 1}), "num", ["9", "10", "100"]),
        (json!({"num": -1}), "num", ["100", "10", "9"]),
        (json!({"mood": 1, "num": 1}), "num", ["9", "100", "10"]),
        (json!({"span": 1}), "num", ["9", "10", "100"]),
    ] {
        let found = find(&table, json!({ "$sort": sort })).await.unwrap();
        assert_eq!(found.iter().map(|thing| thing[name].as_str().unwrap()).collect::<Vec<_>>(), expected, "{sort}");
        // Page by page.
        let (mut paged, mut cursor) = (Vec::new(), json!(""));
        while !cursor.is_null() {
            let params =
                Params::new().with_query(json!({"$sort": sort, "$cursor": cursor, "$select": [name]})).unwrap();
            let mut page = table.clone().paginate(1, 1).find(&params).await.unwrap().into_value().unwrap();
            paged.push(page["data"][0][name].take());
            cursor = page.get("next").cloned().unwrap_or_default();
        }
        assert_eq!(paged, expected, "{sort}");
    }
}

#[tokio::test]
async fn cursors_tell_apart_what_their_text_in_json_might_not() {
    let Some(db) = database().await else { return };
    let columns =
        "f4 real NOT NULL, at timestamptz NOT NULL, v varchar(9), day date, bytes bytea, b boolean, c char(4)";
    db.batch(&format!("CREATE TABLE exact (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), {columns})")).await;
    let rows = "INSERT INTO exact (f4, at, v, day, bytes, b, c) SELECT i * 0.1, \
        timestamptz '2026-01-01' + i * interval '1 microsecond', 'v' || i % 3, CASE WHEN i % 5 > 0 THEN date '2026-01-01' + i % 7 END, \
        CASE WHEN i % 4 > 0 THEN decode(lpad(to_hex(i), 4, '0'), 'hex') END, i % 2 = 0, 'c' || i % 3 FROM generate_series(1, 60) AS i";
    db.batch(rows).await;
    let table = db.table::<Value>("exact").paginate(7, 7);
    for field in ["id", "f4", "at", "v", "day", "bytes", "b", "c"] {
        for (direction, other) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] {
            let (mut ids, mut cursor) = (Vec::new(), json!(""));
            while !cursor.is_null() {
                let sort = json!({field: direction, "id": other});
                let params = Params::new().with_query(json!({"$sort": sort, "$cursor": cursor})).unwrap();
                let page = table.find(&params).await.unwrap_or_else(|error| panic!("{field}: {error}"));
                let page = page.into_value().unwrap();
                ids.extend(page["data"].as_array().unwrap().iter().map(|record| record["id"].clone()));
                cursor = page.get("next").cloned().unwrap_or_default();
            }
            let sort = json!({field: direction, "id": other});
            let whole = Params::new().with_query(json!({ "$sort": sort })).unwrap().without_pages();
            let whole = table.find(&whole).await.unwrap().into_value().unwrap();
            let whole: Vec<Value> = whole.as_array().unwrap().iter().map(|record| record["id"].clone()).collect();
            assert_eq!(ids, whole, "{field} {direction} {other}");
        }
    }
}

#[tokio::test]
async fn lists_are_asked_for_their_elements() {
    let Some(db) = database().await else { return };
    db.batch(TYPES).await;
    let table = db.table::<Value>("things");
    for tags in [json!(["x", "y"]), json!(["y"]), json!([]), json!(null)] {
        create(&table, json!({"tags": tags, "numbers": [1, 9]})).await.unwrap();
    }
    for (query, expected) in [
        (json!({"tags": "y"}), 2),
        (json!({"tags": {"$ne": "x"}}), 3),
        (json!({"tags": {"$in": ["x", "z"]}}), 1),
        (json!({"tags": {"$nin": ["x", "z"]}}), 3),
        (json!({"tags": ["y"]}), 1),
        (json!({"tags": null}), 1),
        (json!({"tags": 1}), 0),
        (json!({"numbers": {"$gt": 8, "$lt": 2}}), 4),
        (json!({"numbers": {"$in": [9, 1.5]}}), 4),
        (json!({"tags": "y", "$sort": {"tags": -1}}), 2),
    ] {
        assert_eq!(count(&table, query.clone()).await, expected, "{query}");
    }
}

#[tokio::test]
async fn values_must_fit_their_columns() {
    let Some(db) = database().await else { return };
    db.batch(TYPES).await;
    let table = db.table::<Value>("things");
    for (name, value, expected) in [
        ("i2", json!(32_768), "Invalid 'i2': it must be an integer of 16 bits"),
        ("i4", json!(1.5), "Invalid 'i4': it must be an integer of 32 bits"),
        ("i8", json!(u64::MAX), "Invalid 'i8': it must be an integer"),
        ("i8", json!("1"), "Invalid 'i8': it must be an integer"),
        ("f4", json!(1e300), "Invalid 'f4': it must be a number within its range"),
        ("num", json!("x"), "Invalid 'num': it must be a number, or one as text"),
        ("t", json!(1), "Invalid 't': it must be a text without NUL characters"),
        ("v", json!("123456"), "A text is too long for its field"),
        ("b", json!(1), "Invalid 'b': it must be a boolean"),
        ("bytes", json!("?"), "Invalid 'bytes': it must be base64 text"),
        ("at", json!("tomorrow or so"), "A value does not fit its field"),
        ("at", json!("2026-02-30T00:00:00Z"), "A value does not fit its field"),
        ("id", json!("1"), "Invalid 'id': it must be a UUID"),
        ("mood", json!("bored"), "A value does not fit its field"),
        ("small", json!(100), "The data breaks a rule of the table"),
        ("tags", json!("x"), "Invalid 'tags': it must be a list of texts without NUL characters"),
        ("numbers", json!([1, "2"]), "Invalid 'numbers': it must be a list of integers of 32 bits"),
        ("matrix", json!([[1], [1, 2]]), "A value does not fit its field"),
        ("jb", json!({"a": "\0"}), "A text has a character that the database can not keep"),
        ("nothing", json!(1), "Unknown field 'nothing'"),
    ] {
        let error = create(&table, json!({name: value})).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (400, expected), "{name} {value}");
    }
    assert_eq!(count(&table, json!({})).await, 0);
    // What no column can hold is equal to none, and has its place in comparisons.
    create(&table, json!({"i2": -5, "f4": 0.5, "i8": 9})).await.unwrap();
    for (query, expected) in [
        (json!({"i2": 100_000}), 0),
        (json!({"i2": {"$lt": 100_000}}), 1),
        (json!({"i2": {"$gte": 100_000}}), 0),
        (json!({"i2": {"$gt": -1e300}}), 1),
        (json!({"i2": {"$lt": -4.5}}), 1),
        (json!({"i2": {"$lt": -5.5}}), 0),
        (json!({"i2": {"$gte": -5.5}}), 1),
        (json!({"i8": {"$lt": u64::MAX}}), 1),
        (json!({"i8": {"$gt": 9.22e18}}), 0),
        (json!({"i8": {"$in": [u64::MAX, 9]}}), 1),
        (json!({"f4": {"$lt": 1e300}}), 1),
        (json!({"f4": 0.500_000_001}), 0),
        (json!({"id": {"$ne": "no uuid"}}), 1),
    ] {
        assert_eq!(count(&table, query.clone()).await, expected, "{query}");
    }
}

#[tokio::test]
async fn the_kind_of_a_field_is_known() {
    let Some(db) = database().await else { return };
    db.batch(TYPES).await;
    let store = db.table::<Value>("things").store;
    store.check().await.unwrap();
    for (name, kind) in [
        ("i2", Kind::Integer),
        ("small", Kind::Integer),
        ("f4", Kind::Number),
        ("num", Kind::Text),
        ("at", Kind::Text),
        ("b", Kind::Boolean),
        ("bytes", Kind::Binary),
        ("jb", Kind::Json),
        ("tags", Kind::Json),
    ] {
        assert_eq!(store.kind(&Path::new(name)), Some(kind), "{name}");
    }
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

const USERS: (&str, &str) = (
    "users",
    "CREATE TABLE users (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE, \
     age integer CHECK (age >= 0), boss bigint REFERENCES users)",
);

#[tokio::test]
async fn what_does_not_fit_the_database_is_found_when_the_application_starts() {
    let Some(db) = database().await else { return };
    let more = "CREATE TABLE loose (id integer, name text); CREATE VIEW adults AS SELECT * FROM users; \
        CREATE SCHEMA sales; CREATE TABLE sales.users (id bigint PRIMARY KEY, name text)";
    db.migrate(&[USERS, ("more", more)]).await.unwrap();
    for (table, message) in [
        (
            db.table::<Wrong>("users"),
            "Table 'users' has no column 'name', which its type names as a field or as an alias of one: \
             it has id, email, age, boss",
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
    let sales = db.table::<Wrong>("sales.users");
    create(&sales, json!({"id": 7, "name": "Ann"})).await.unwrap();
    assert_eq!(count(&db.table::<User>("adults"), json!({})).await, 0);
}

#[tokio::test]
async fn constraints_become_errors_that_say_what_is_wrong() {
    let Some(db) = database().await else { return };
    db.migrate(&[USERS]).await.unwrap();
    let table = db.table::<Value>("users");
    create(&table, json!({"id": 1, "email": "a"})).await.unwrap();
    for (data, code, message) in [
        (json!({"id": 2, "email": "a"}), 409, "A record with the same 'email' exists already"),
        (json!({"id": 1, "email": "b"}), 409, "A record with the same 'id' exists already"),
        (json!({"id": 2, "age": 1}), 400, "'email' must not be null"),
        (json!({"id": 2, "email": "b", "age": -1}), 400, "The data breaks a rule of the table"),
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
}

#[tokio::test]
async fn migrations_run_once_and_all_or_none() {
    let Some(db) = database().await else { return };
    let (a, b) =
        (("a", "CREATE TABLE a (id integer PRIMARY KEY); INSERT INTO a VALUES (1)"), ("b", "ALTER TABLE a ADD b text"));
    let message = |result: Result<()>| result.unwrap_err().message().to_owned();
    assert_eq!(message(db.migrate(&[a, ("c", "NONSENSE")]).await), "Migration 'c' failed");
    assert!(db.table::<Value>("a").store.check().await.is_err());
    db.migrate(&[a]).await.unwrap();
    let together = futures_util::future::join_all((0..4).map(async |_| db.migrate(&[a, b]).await)).await;
    together.into_iter().for_each(|migrated| migrated.unwrap());
    assert_eq!(count(&db.table::<Value>("a"), json!({"b": null})).await, 1);
    assert_eq!(message(db.migrate(&[("a", "SELECT 1"), b]).await), "Migration 'a' was changed after it ran");
    assert_eq!(message(db.migrate(&[a]).await), "The database has run migration 'b', which is not listed there");
}
