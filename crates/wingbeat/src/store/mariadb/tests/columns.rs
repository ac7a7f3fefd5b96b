//! What columns hold, and what the database says about them.

use super::*;
use crate::store::{Kind, Path, Store};
use serde_json::json;

const TYPES: &str = "CREATE TABLE things (id uuid PRIMARY KEY DEFAULT uuid(), i1 tinyint, u1 tinyint(3) unsigned, \
    i4 integer, i8 bigint, u8 bigint unsigned, bits bit(12), y year, f4 float, f8 double, num decimal(30,10), \
    whole decimal(5), t text, v varchar(5), fixed char(5), b boolean, flag bit(1), bytes blob, at timestamp(6) NULL, \
    local datetime(3), day date, span time(6), ip4 inet6, ip inet6, mood enum('sad', 'happy'), marks set('x', 'y'), \
    j json, twice integer GENERATED ALWAYS AS (i4 * 2) STORED, later integer GENERATED ALWAYS AS (i4 + 1) VIRTUAL) \
    CHARACTER SET utf8mb4";

fn thing() -> Value {
    json!({
        "id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "i1": -128, "u1": 255, "i4": 1000, "i8": i64::MIN, "u8": u64::MAX,
        "bits": 4095, "y": 2026, "f4": 0.1, "f8": 0.1, "num": "12345678901234567890.0123456789", "whole": "-12345",
        "t": "ö\u{1F600}\\\0'", "v": "12345", "fixed": "ab", "b": false, "flag": true, "bytes": "AAH/",
        "at": "2026-01-02T03:04:05.678901Z", "local": "0001-01-02T03:04:05.678Z", "day": "2024-02-29",
        "span": "-838:59:58.000001", "ip4": "::ffff:10.0.0.1", "ip": "2001:db8::1", "mood": "happy", "marks": "x,y",
        "j": {"a": [1, null]}, "twice": 2000, "later": 1001
    })
}

#[tokio::test]
async fn values_of_all_types_come_back_as_they_were_and_are_found() {
    let Some(db) = database().await else { return };
    db.batch(TYPES).await;
    let table = db.table::<Value>("things");
    let thing = thing();
    let mut given = thing.clone();
    given["i4"] = json!(1000.0);
    assert_eq!(create(&table, given).await.unwrap(), thing);
    let got = table.get("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11".into(), &Params::new()).await.unwrap();
    assert_eq!(got.into_value().unwrap(), thing);
    for (name, value) in thing.as_object().unwrap() {
        assert_eq!(count(&table, json!({name: value})).await, 1, "{name}");
        assert_eq!(count(&table, json!({name: {"$ne": value}})).await, 0, "{name}");
        assert_eq!(count(&table, json!({name: {"$in": [value, value, value]}})).await, 1, "{name}");
        assert_eq!(count(&table, json!({name: {"$nin": [value, value, value]}})).await, 0, "{name}");
        assert_eq!(count(&table, json!({name: null})).await, 0, "{name}");
        // Read as values, and not as text.
        assert_eq!(&find(&table, json!({"j": {"a": [1, null]}})).await.unwrap()[0][name], value);
        if name != "j" {
            assert_eq!(count(&table, json!({name: {"$gte": value, "$lte": value}})).await, 1, "{name}");
            assert_eq!(count(&table, json!({name: {"$lt": value}})).await, 0, "{name}");
        }
    }
    // Several at once, and by themselves, with all that is calculated.
    let several = table.multi(true);
    let created = several.create(Some(json!([{"i4": 1}, {"i4": 2}, {"i4": 3, "i1": 0}]).into()), &Params::new()).await;
    let created = created.unwrap().into_value().unwrap();
    let told: Vec<_> = created.as_array().unwrap().iter().map(|thing| (&thing["twice"], &thing["later"])).collect();
    assert_eq!(json!(told), json!([[2, 2], [4, 3], [6, 4]]));
}

#[tokio::test]
async fn cursors_tell_apart_what_their_text_in_json_might_not() {
    let Some(db) = database().await else { return };
    db.batch(
        "CREATE TABLE exact (id uuid PRIMARY KEY DEFAULT uuid(), f4 float NOT NULL, num decimal(30,10) NOT NULL, \
            at datetime(6) NOT NULL, day date, span time(6) NOT NULL, mood enum('sad', 'happy', 'calm') NOT NULL, \
            marks set('y', 'x'), bits bit(12) NOT NULL, ip inet6, bytes varbinary(9), c char(4), \
            latin varchar(9) CHARACTER SET latin1, t varchar(9) COLLATE utf8mb4_general_ci NOT NULL, b boolean)",
    )
    .await;
    db.batch(
        "INSERT INTO exact (f4, num, at, day, span, mood, marks, bits, ip, bytes, c, latin, t, b) \
            SELECT seq * 0.1, 12345678901234567890 + seq / 1000000, '2026-01-01' + INTERVAL seq MICROSECOND, \
            IF(seq % 5, '2026-01-01' + INTERVAL seq % 7 DAY, NULL), SEC_TO_TIME((CAST(seq AS SIGNED) - 30) / 7), seq % 3 + 1, \
            NULLIF(seq % 4, 0), seq * 60, IF(seq % 6, CONCAT('2001:db8::', seq % 6), NULL), UNHEX(LPAD(HEX(seq), 4, '80')), \
            CONCAT('c', seq % 3), CONCAT('ü', seq % 4), ELT(seq % 3 + 1, 'ann', 'ANN', 'Bob'), seq % 2 FROM seq_1_to_60",
    )
    .await;
    let table = db.table::<Value>("exact").paginate(7, 7);
    let found = async |params: Params| table.find(&params).await.unwrap().into_value().unwrap();
    let ids = |records: &Value| records.as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    for field in
        ["id", "f4", "num", "at", "day", "span", "mood", "marks", "bits", "ip", "bytes", "c", "latin", "t", "b"]
    {
        for (direction, other) in [(1, 1), (1, -1), (-1, 1), (-1, -1)] {
            let sort = json!({field: direction, "id": other});
            let (mut paged, mut cursor) = (Vec::new(), json!(""));
            while !cursor.is_null() {
                let page = found(Params::new().with_query(json!({"$sort": sort, "$cursor": cursor})).unwrap()).await;
                paged.extend(ids(&page["data"]));
                cursor = page.get("next").cloned().unwrap_or_default();
                assert!(paged.len() <= 60, "{sort}: it has no end");
            }
            let whole = found(Params::new().with_query(json!({ "$sort": sort })).unwrap().without_pages()).await;
            assert_eq!(paged, ids(&whole), "{sort}");
        }
    }
}

#[tokio::test]
async fn what_is_calculated_from_a_counted_id_is_answered_right() {
    let Some(db) = database().await else { return };
    // `RETURNING` says 0: the id is counted later.
    db.batch("CREATE TABLE things (id bigint AUTO_INCREMENT PRIMARY KEY, twice bigint AS (id * 2) VIRTUAL)").await;
    let table = db.table::<Value>("things").multi(true);
    assert_eq!(create(&table, json!({})).await.unwrap(), json!({"id": 1, "twice": 2}));
    let created = create(&table, json!([{}, {}])).await.unwrap();
    assert_eq!(created, json!([{"id": 2, "twice": 4}, {"id": 3, "twice": 6}]));
}

#[tokio::test]
async fn texts_equal_themselves_and_numbers_are_no_texts() {
    let Some(db) = database().await else { return };
    for charset in [
        "utf8mb4",
        "utf8mb3",
        "latin1",
        "latin1 COLLATE latin1_german2_ci",
        "utf16",
        "utf8mb4 COLLATE utf8mb4_nopad_bin",
        "utf8mb4 COLLATE utf8mb4_bin",
    ] {
        db.batch(&format!(
            "CREATE OR REPLACE TABLE people (id integer AUTO_INCREMENT PRIMARY KEY, name varchar(50) CHARACTER SET {charset}, \
             KEY (name))"
        ))
        .await;
        let table = db.table::<Value>("people");
        let names = ["ann", "ANN", "ann ", "änn", "1abc", "1", "", " "];
        for name in names {
            create(&table, json!({ "name": name })).await.unwrap();
        }
        create(&table, json!({})).await.unwrap();
        for name in names {
            let found = async |query: Value| {
                let found = find(&table, query).await.unwrap();
                found.iter().map(|person| person["name"].as_str().map(str::to_owned)).collect::<Vec<_>>()
            };
            assert_eq!(found(json!({ "name": name })).await, [Some(name.to_owned())], "{charset}");
            assert_eq!(
                found(json!({"name": {"$in": [name, "\u{1F600}", "x"]}})).await,
                [Some(name.to_owned())],
                "{charset}"
            );
            assert_eq!(found(json!({"name": {"$ne": name}})).await.len(), names.len(), "{charset}");
            assert_eq!(
                found(json!({"name": {"$nin": [name, "\u{1F600}", null]}})).await.len(),
                names.len() - 1,
                "{charset}"
            );
        }
        assert_eq!(count(&table, json!({"name": {"$lt": "\u{1F600}"}})).await, names.len(), "{charset}");
        for number in [json!(1), json!(0), json!(true)] {
            assert_eq!(count(&table, json!({ "name": number })).await, 0);
        }
        for text in ["1abc", "1 ", " 1", "01", "1.0", "+1"] {
            assert_eq!(table.get(text.into(), &Params::new()).await.unwrap_err().code(), 404, "{text}");
            assert_eq!(count(&table, json!({ "id": text })).await, 0, "{text}");
        }
        table.get("1".into(), &Params::new()).await.unwrap();
    }
    db.batch(
        "CREATE TABLE named (id varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, n integer)",
    )
    .await;
    let table = db.table::<Value>("named");
    create(&table, json!({"id": "ann"})).await.unwrap();
    for other in ["ANN", "ann ", "änn"] {
        assert_eq!(table.get(other.into(), &Params::new()).await.unwrap_err().code(), 404, "{other}");
        let patched = table.patch(other.into(), Some(json!({"n": 1}).into()), &Params::new()).await;
        assert_eq!(patched.unwrap_err().code(), 404, "{other}");
        assert_eq!(table.remove(other.into(), &Params::new()).await.unwrap_err().code(), 404, "{other}");
    }
    // An index serves nevertheless.
    db.batch("INSERT INTO named SELECT seq, seq FROM seq_1_to_2000; ANALYZE TABLE named; FLUSH STATUS").await;
    db.batch("CREATE VIEW examined AS SELECT VARIABLE_NAME AS id, VARIABLE_VALUE AS n FROM information_schema.SESSION_STATUS").await;
    let mut taken = db.take().await.unwrap();
    let read = async |connection: &mut connection::Connection| {
        connection.query("SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'HANDLER_READ_RND_NEXT'", vec![]).await
    };
    let before = format!("{:?}", taken.work(read).await.unwrap());
    drop(taken);
    table.get("7".into(), &Params::new()).await.unwrap();
    assert_eq!(count(&table, json!({"id": {"$in": ["7", "8", "x"]}})).await, 2);
    let mut taken = db.take().await.unwrap();
    let after = format!("{:?}", taken.work(read).await.unwrap());
    let number = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>().parse::<u64>().unwrap();
    assert!(number(&after) - number(&before) < 1500, "{before} {after}");
}

#[tokio::test]
async fn values_must_fit_their_columns() {
    let Some(db) = database().await else { return };
    db.batch(TYPES).await;
    let table = db.table::<Value>("things");
    for (name, value, expected) in [
        ("i1", json!(128), "Invalid 'i1': it must be an integer from -128 to 127"),
        ("u1", json!(-1), "Invalid 'u1': it must be an integer from 0 to 255"),
        ("i4", json!(1.5), "Invalid 'i4': it must be an integer from -2147483648 to 2147483647"),
        ("i8", json!(u64::MAX), "Invalid 'i8': it must be an integer from -9223372036854775808 to 9223372036854775807"),
        ("u8", json!(1e30), "Invalid 'u8': it must be an integer from 0 to 18446744073709551615"),
        ("bits", json!(4096), "Invalid 'bits': it must be an integer from 0 to 4095"),
        ("y", json!(26), "Invalid 'y': it must be an integer from 1901 to 2155"),
        ("i8", json!("1"), "Invalid 'i8': it must be an integer from -9223372036854775808 to 9223372036854775807"),
        ("f4", json!(1e300), "Invalid 'f4': it must be a number within its range"),
        ("num", json!("x"), "Invalid 'num': it must be a number, or one as text"),
        ("num", json!("1x"), "Invalid 'num': it must be a number, or one as text"),
        ("whole", json!(100_000), "A number is too large or too small for its field"),
        ("whole", json!("1e999999999999"), "A number is too large or too small for its field"),
        ("t", json!(1), "Invalid 't': it must be a text"),
        ("v", json!("123456"), "A text is too long for its field"),
        ("b", json!(1), "Invalid 'b': it must be a boolean"),
        ("bytes", json!("?"), "Invalid 'bytes': it must be base64 text"),
        ("at", json!("tomorrow or so"), "Invalid 'at': it must be a date and time as text: 2026-01-02T03:04:05.678Z"),
        (
            "at",
            json!("2026-02-30T00:00:00Z"),
            "Invalid 'at': it must be a date and time as text: 2026-01-02T03:04:05.678Z",
        ),
        ("at", json!("2500-01-01T00:00:00Z"), "A value does not fit its field"),
        ("local", json!("0000-00-00"), "Invalid 'local': it must be a date and time as text: 2026-01-02T03:04:05.678Z"),
        ("day", json!("2023-02-29"), "Invalid 'day': it must be a date as text: 2026-01-02"),
        ("span", json!("1 day"), "Invalid 'span': it must be a time as text: 03:04:05"),
        ("ip", json!("1"), "Invalid 'ip': it must be an IP address"),
        ("id", json!("1"), "Invalid 'id': it must be a UUID"),
        ("mood", json!("bored"), "A value does not fit its field"),
        ("nothing", json!(1), "Unknown field 'nothing'"),
    ] {
        let error = create(&table, json!({name: value})).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (400, expected), "{name} {value}");
    }
    assert_eq!(count(&table, json!({})).await, 0);
    // What no column can hold is equal to none, and has its place in comparisons.
    create(&table, json!({"i1": -5, "f4": 0.5, "i8": 9, "u8": u64::MAX, "whole": -3, "num": "0.3"})).await.unwrap();
    for (query, expected) in [
        (json!({"i1": 100_000}), 0),
        (json!({"i1": {"$lt": 100_000}}), 1),
        (json!({"i1": {"$gte": 100_000}}), 0),
        (json!({"i1": {"$gt": -1e300}}), 1),
        (json!({"i1": {"$lt": -4.5}}), 1),
        (json!({"i1": {"$lt": -5.5}}), 0),
        (json!({"i1": {"$gte": -5.5}}), 1),
        (json!({"i8": {"$lt": u64::MAX}}), 1),
        (json!({"u8": {"$gt": u64::MAX - 1}}), 1),
        (json!({"u8": {"$gt": -1}}), 1),
        (json!({"u8": {"$lt": 1.9e19}}), 1),
        (json!({"i8": {"$in": [u64::MAX, 9]}}), 1),
        (json!({"f4": {"$lt": 1e300}}), 1),
        (json!({"f4": 0.500_000_001}), 0),
        (json!({"whole": -3.5}), 0),
        (json!({"whole": {"$gt": -3.5, "$lt": -2.5}}), 1),
        (json!({"whole": {"$gte": "-1e9", "$lte": 1e300}}), 1),
        (json!({"whole": {"$lt": "a"}}), 0),
        (json!({"num": 0.3}), 1),
        (json!({"num": "0.30000000000001"}), 0),
        (json!({"num": {"$lt": "0.30000000000001"}}), 1),
        (json!({"num": {"$gt": "0.29999999999999"}}), 1),
        (json!({"id": {"$ne": "no uuid"}}), 1),
        (json!({"ip": {"$ne": "no address"}}), 1),
    ] {
        assert_eq!(count(&table, query.clone()).await, expected, "{query}");
    }
}

#[tokio::test]
async fn what_other_programs_have_put_there_is_read() {
    let Some(db) = database().await else { return };
    db.batch(
        "SET sql_mode = ''; CREATE TABLE things (id integer PRIMARY KEY, day date NOT NULL, at datetime NOT NULL, b boolean, \
         j longtext CHECK (json_valid(j))); INSERT INTO things VALUES (1, 0, 0, 7, '{\"n\": 1e999}'), \
         (2, '2024-00-00', '2024-01-01', 1, NULL); SET sql_mode = DEFAULT",
    )
    .await;
    let table = db.table::<Value>("things");
    let found = find(&table, json!({})).await.unwrap();
    let first = json!({"id": 1, "day": "0000-00-00", "at": "0000-00-00T00:00:00.000Z", "b": 7, "j": "{\"n\": 1e999}"});
    let second = json!({"id": 2, "day": "2024-00-00", "at": "2024-01-01T00:00:00.000Z", "b": true, "j": null});
    assert_eq!(found, [first, second]);
    for query in [json!({"day": null}), json!({"at": null}), json!({"day": "0000-00-00"}), json!({"b": false})] {
        assert_eq!(count(&table, query.clone()).await, 0, "{query}");
    }
    assert_eq!(count(&table, json!({"day": {"$ne": null}, "at": {"$ne": "0000-00-00"}})).await, 2);
}

#[tokio::test]
async fn the_kind_of_a_field_is_known() {
    let Some(db) = database().await else { return };
    db.batch(TYPES).await;
    let store = db.table::<Value>("things").store;
    store.check().await.unwrap();
    for (name, kind) in [
        ("i1", Kind::Integer),
        ("bits", Kind::Integer),
        ("f4", Kind::Number),
        ("num", Kind::Text),
        ("at", Kind::Text),
        ("b", Kind::Boolean),
        ("flag", Kind::Boolean),
        ("bytes", Kind::Binary),
        ("j", Kind::Json),
    ] {
        assert_eq!(store.kind(&Path::new(name)), Some(kind), "{name}");
    }
}
