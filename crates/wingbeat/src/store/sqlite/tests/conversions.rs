//! What SQLite makes of texts: numbers in some columns, and other texts by collations.

use super::super::columns::Columns;
use super::super::statement::Statement;
use super::*;
use crate::store::Target;
use sqlx::Row;

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

#[tokio::test]
async fn a_key_that_converts_is_looked_up_by_its_index() {
    let db = Sqlite::memory().await.unwrap();
    db.migrate(&[("things", "CREATE TABLE things (id UUID PRIMARY KEY, n INTEGER)")]).await.unwrap();
    let mut connection = db.readers().acquire().await.unwrap();
    let columns = Columns::read(&mut connection, "things", "id", None).await.unwrap();
    let mut statement = Statement::new("EXPLAIN QUERY PLAN SELECT * FROM things");
    statement.push_where(&Target { id: Some("a-b".into()), ..Target::default() }, &columns).unwrap();
    let plan: String = statement.query().fetch_one(&mut *connection).await.unwrap().get("detail");
    assert!(plan.contains("SEARCH") && plan.contains("INDEX"), "{plan}");
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
