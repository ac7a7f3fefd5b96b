//! What SQLite makes of texts: numbers in some columns, and other texts by collations.

use super::super::columns::TableSchema;
use super::super::statement::Statement;
use super::*;
use crate::store::sql::Wanted;
use crate::store::{Comparison, Condition, Kind, Path, Store, Target, Test};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::ops::ControlFlow;
use wingbeat_core::Id;

async fn table(sql: &'static str) -> Table<SqliteTable> {
    let db = Sqlite::memory().await.unwrap();
    db.migrate(&[("things", sql)]).await.unwrap();
    db.table::<Value>("things")
}

#[tokio::test]
async fn texts_that_a_column_would_turn_into_numbers_are_refused() {
    let table = table("CREATE TABLE things (id UUID PRIMARY KEY, day DATE, odd FOO, plain TEXT)").await;
    for (field, text) in [("id", "12345678"), ("day", "2024"), ("odd", " 1e3 "), ("day", "-.5")] {
        let mut thing = json!({"id": "a-b"});
        thing[field] = text.into();
        let refused = create(&table, thing).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BadRequest);
        assert!(refused.message().starts_with(&format!("Invalid '{field}': ")), "{refused}");
    }
    let kept = json!({"id": "1234-5678", "day": "2024-01-31", "odd": "inf", "plain": "007"});
    assert_eq!(create(&table, kept.clone()).await.unwrap(), kept);
    let got = table.get("1234-5678".into(), &Params::new()).await.unwrap().into_value().unwrap();
    assert_eq!(got, kept);
    assert_eq!(table.get("12345678".into(), &Params::new()).await.unwrap_err().code(), 404);
}

/// How SQLite goes about finding what matches.
async fn plan(db: &Sqlite, condition: Condition, id: Option<Id>) -> String {
    let plan = db.read(|connection| {
        let columns = TableSchema::read(connection, &Wanted::new("things", None))?.columns;
        let mut statement = Statement::new("EXPLAIN QUERY PLAN SELECT * FROM things");
        statement.push_where(&Target { id, condition, ..Target::default() }, &columns)?;
        let mut plan = String::new();
        statement.run(connection, |row| {
            plan += &row.get::<_, String>("detail")?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(plan)
    });
    plan.await.unwrap()
}

#[tokio::test]
async fn a_key_that_converts_is_looked_up_by_its_index() {
    let db = Sqlite::memory().await.unwrap();
    db.migrate(&[("things", "CREATE TABLE things (id UUID PRIMARY KEY, n INTEGER)")]).await.unwrap();
    let plan = plan(&db, Condition::default(), Some("a-b".into())).await;
    assert!(plan.contains("SEARCH") && plan.contains("INDEX"), "{plan}");
}

#[tokio::test]
async fn ranges_use_an_index_and_find_no_other_types() {
    for strict in ["", " STRICT"] {
        let db = Sqlite::memory().await.unwrap();
        let sql = format!(
            "CREATE TABLE things (id INTEGER PRIMARY KEY, n INTEGER, t TEXT, b BLOB){strict};
             CREATE INDEX by_n ON things (n); CREATE INDEX by_t ON things (t); CREATE INDEX by_b ON things (b);
             INSERT INTO things VALUES (1, 5, '5', x'05'), (2, 7, '7', x'07'), (3, NULL, NULL, NULL)"
        );
        db.migrate(&[("things", &sql)]).await.unwrap();
        if strict.is_empty() {
            // What SQLite lets in: texts and blobs in a column for numbers, and so on.
            let strangers = "INSERT INTO things VALUES (4, 'x', x'39', 'x'), (5, x'39', x'', 9), (6, '', x'78', '')";
            db.write(|connection| Ok(connection.execute_batch(strangers)?)).await.unwrap();
        }
        let table = db.table::<Value>("things");
        let base64 = |byte: u8| json!(BASE64.encode([byte]));
        for (field, value) in [("n", json!(6)), ("t", json!("6")), ("b", base64(6))] {
            for (operator, expected) in [("$lt", 1), ("$lte", 1), ("$gt", 2), ("$gte", 2)] {
                let found = table.find(&Params::new().with_query(json!({field: {operator: value}})).unwrap()).await;
                let found = found.unwrap().into_value().unwrap();
                let ids: Vec<_> = found.as_array().unwrap().iter().map(|thing| thing["id"].clone()).collect();
                assert_eq!(ids, [json!(expected)], "{field} {operator}{strict}");
                let comparison = Comparison::Greater;
                let condition = Condition::Field(Path::new(field), Test::Compare(comparison, value.clone()));
                let plan = plan(&db, condition, None).await;
                assert!(plan.contains(&format!("SEARCH things USING INDEX by_{field} ({field}>?")), "{plan}");
            }
        }
    }
}

#[tokio::test]
async fn json_that_node_has_written_is_read_with_half_an_emoji() {
    let db = Sqlite::memory().await.unwrap();
    let schema = r#"CREATE TABLE things (id INTEGER PRIMARY KEY, tags JSON, price REAL);
        INSERT INTO things VALUES (1, '{"cut":"\ud83d","n":1.0}', 3.0), (2, 'no JSON \ud83d', 0.5)"#;
    db.migrate(&[("things", schema)]).await.unwrap();
    let table = db.table::<Value>("things");
    let found = table.find(&Params::new()).await.unwrap().into_value().unwrap();
    let cut = json!({"id": 1, "tags": {"cut": "\u{fffd}", "n": 1}, "price": 3});
    assert_eq!(found, json!([cut, {"id": 2, "tags": "no JSON \\ud83d", "price": 0.5}]));
    assert_eq!(count(&table, json!({"tags.cut": "\u{fffd}", "tags.n": 1.0, "price": 3.0})).await, 1);
    assert!(found[0]["price"].is_i64());
}

#[tokio::test]
async fn collations_count_beside_conditions_on_json() {
    let table = table("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, tags JSON)").await;
    create(&table, json!({"name": "Ada", "tags": ["x"]})).await.unwrap();
    for query in
        [json!({"name": "ADA"}), json!({"name": "ADA", "tags": "x"}), json!({"$and": [{"name": "ADA"}, {"tags": "x"}]})]
    {
        assert_eq!(count(&table, query.clone()).await, 1, "{query}");
    }
    assert_eq!(count(&table, json!({"name": "ADA", "tags": "y"})).await, 0);
}

#[tokio::test]
async fn the_store_says_what_its_columns_hold() {
    let table =
        table("CREATE TABLE things (id INTEGER PRIMARY KEY, yes BOOLEAN, r REAL, t TEXT, b BLOB, j JSON, any)").await;
    let kind = |path: &str| table.store.kind(&Path::new(path));
    assert_eq!(kind("id"), None, "the table has not been looked at");
    table.store.check().await.unwrap();
    let kinds = ["id", "yes", "r", "t", "b", "j", "any", "other", "j.x"].map(kind);
    let known = [Kind::Integer, Kind::Boolean, Kind::Number, Kind::Text, Kind::Binary, Kind::Json];
    assert_eq!((&kinds[..6], &kinds[6..]), (&known.map(Some)[..], &[None; 3][..]));
}
