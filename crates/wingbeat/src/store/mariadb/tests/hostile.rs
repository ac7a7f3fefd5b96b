//! What clients send that was not meant well.

use super::*;
use crate::store::Limits;
use serde_json::json;

const TABLE: &str = "CREATE TABLE things (id varchar(200) PRIMARY KEY, n integer, `odd\" name'; --` text, `a``:b?` text, \
    t longtext) CHARACTER SET utf8mb4";

#[tokio::test]
async fn ids_and_texts_may_be_as_long_as_they_like() {
    let Some(db) = database().await else { return };
    db.batch(TABLE).await;
    let table = db.table::<Value>("things").multi(true);
    let long = "a".repeat(1_000_000);
    assert_eq!(table.get(long.as_str().into(), &Params::new()).await.unwrap_err().code(), 404);
    assert_eq!(count(&table, json!({"id": {"$in": [&long, "x"]}})).await, 0);
    let created = create(&table, json!({"id": "long", "t": &long})).await.unwrap();
    assert_eq!(created["t"], json!(long));
    assert_eq!(create(&table, json!({ "id": &long })).await.unwrap_err().code(), 400);
    // More together than the server takes at once.
    let many: Vec<Value> = (0..30).map(|n| json!({"id": format!("{n}"), "t": &long})).collect();
    assert_eq!(create(&table, json!(many)).await.unwrap().as_array().unwrap().len(), 30);
    let huge = "a".repeat(20_000_000);
    let error = create(&table, json!({"id": "huge", "t": &huge})).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (400, "A value or a query is too large for the database"));
    assert_eq!(count(&table, json!({"$select": ["id"]})).await, 31);
}

#[tokio::test]
async fn two_thousand_conditions_and_as_many_values_are_answered() {
    let Some(db) = database().await else { return };
    db.batch(TABLE).await;
    let table = db.table::<Value>("things").limits(Limits::default().conditions(2000).values(100_000));
    create(&table, json!({"id": "7", "n": 7})).await.unwrap();
    let conditions: Vec<Value> = (0..2000).map(|n| json!({ "n": n })).collect();
    assert_eq!(count(&table, json!({ "$or": conditions })).await, 1);
    let values: Vec<usize> = (0..65_535).collect();
    assert_eq!(count(&table, json!({"n": {"$in": values}})).await, 1);
    let error = find(&table, json!({"id": {"$in": values.iter().map(usize::to_string).collect::<Vec<_>>()}})).await;
    assert_eq!(error.unwrap_err().message(), "Invalid query: more than 65535 values");
    let many: serde_json::Map<_, _> = (0..500).map(|n| (format!("c{n}"), json!(1))).collect();
    assert_eq!(create(&table, many.into()).await.unwrap_err().code(), 400);
    // More different texts than are kept, and the first ones again.
    for round in 0..2 {
        for n in 1..300 {
            let conditions: Vec<Value> = (0..n).map(|n| json!({ "n": n })).collect();
            assert_eq!(count(&table, json!({ "$or": conditions })).await, usize::from(n > 7), "{round}");
        }
    }
}

#[tokio::test]
async fn what_looks_like_sql_is_a_value_or_an_unknown_field() {
    let Some(db) = database().await else { return };
    db.batch(TABLE).await;
    let table = db.table::<Value>("things").multi(true);
    let (odd, odder) = ("odd\" name'; --", "a`:b?");
    for text in
        ["'; DROP TABLE things; --", "\\'; --", "\\", "?", ":b", "`", "\"", "/*", "#", "%_", "x' OR '1'='1", "a\0b"]
    {
        let created = create(&table, json!({"id": text, "t": text, odd: text, odder: text})).await.unwrap();
        assert_eq!(created, json!({"id": text, "n": null, odd: text, odder: text, "t": text}));
        for query in [
            json!({"t": text}),
            json!({odd: {"$in": [text, "x"]}, odder: text}),
            json!({"t": {"$gte": text, "$lte": text}, "$sort": {odder: -1}}),
        ] {
            assert_eq!(find(&table, query).await.unwrap(), std::slice::from_ref(&created));
        }
        let got = table.get(text.into(), &Params::new()).await.unwrap().into_value().unwrap();
        assert_eq!(got, created);
        for query in [json!({text: 1}), json!({"$sort": {text: 1}}), json!({"$or": [{text: {"$gt": 1}}]})] {
            assert_eq!(find(&table, query).await.unwrap_err().code(), 400);
        }
        assert_eq!(create(&table, json!({text: 1})).await.unwrap_err().code(), 400);
        assert_eq!(find(&table, json!({"$select": [text], "t": text})).await.unwrap(), [json!({ "id": text })]);
        let patched = table.patch(text.into(), Some(json!({odder: "new"}).into()), &Params::new()).await.unwrap();
        assert_eq!(patched.into_value().unwrap()[odder], "new");
    }
    for id in ["", " ", "nothing"] {
        assert_eq!(table.get(id.into(), &Params::new()).await.unwrap_err().code(), 404, "{id:?}");
    }
}
