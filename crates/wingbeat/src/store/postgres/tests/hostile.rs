//! What clients send that was not meant well.

use super::*;
use crate::store::Limits;
use serde_json::json;

const TABLE: &str = "CREATE TABLE things (id text PRIMARY KEY, n integer, \"odd\"\" name'; --\" text, t text)";

#[tokio::test]
async fn ids_and_texts_may_be_as_long_as_they_like() {
    let Some(db) = database().await else { return };
    db.batch(TABLE).await;
    let table = db.table::<Value>("things");
    // As random as text can be: what is repeated is packed.
    let long: String = (0..1_000_000u64).map(|n| char::from(b'a' + (n * n * 7919 % 8_191 % 26) as u8)).collect();
    assert_eq!(table.get(long.as_str().into(), &Params::new()).await.unwrap_err().code(), 404);
    assert_eq!(count(&table, json!({"id": {"$in": [&long, "x"]}})).await, 0);
    let created = create(&table, json!({"id": "long", "t": &long})).await.unwrap();
    assert_eq!(created["t"], json!(long));
    // No index takes it whole.
    if let Err(error) = create(&table, json!({ "id": &long })).await {
        assert_eq!(error.code(), 400, "{error}");
    }
}

#[tokio::test]
async fn two_thousand_conditions_and_as_many_values_are_answered() {
    let Some(db) = database().await else { return };
    db.batch(TABLE).await;
    let table = db.table::<Value>("things").limits(Limits::default().conditions(2000).values(100_000));
    create(&table, json!({"id": "7", "n": 7})).await.unwrap();
    let conditions: Vec<Value> = (0..2000).map(|n| json!({ "n": n })).collect();
    assert_eq!(count(&table, json!({ "$or": conditions })).await, 1);
    let values: Vec<usize> = (0..100_000).collect();
    assert_eq!(count(&table, json!({"n": {"$in": values}})).await, 1);
    let many: serde_json::Map<_, _> = (0..500).map(|n| (format!("c{n}"), json!(1))).collect();
    assert_eq!(create(&table, many.into()).await.unwrap_err().code(), 400);
}

#[tokio::test]
async fn what_looks_like_sql_is_a_value_or_an_unknown_field() {
    let Some(db) = database().await else { return };
    db.batch(TABLE).await;
    let table = db.table::<Value>("things").multi(true);
    let odd = "odd\" name'; --";
    for text in ["'; DROP TABLE things; --", "\\'; --", "$1", "{a,b}", "\"", "$$; --", "E'\\x00'", "%s", "?"] {
        let created = create(&table, json!({"id": text, "t": text, odd: text})).await.unwrap();
        assert_eq!(created, json!({"id": text, "n": null, odd: text, "t": text}));
        for query in
            [json!({"t": text}), json!({odd: {"$in": [text, "x"]}}), json!({"t": {"$gte": text, "$lte": text}})]
        {
            assert_eq!(find(&table, query).await.unwrap(), std::slice::from_ref(&created));
        }
        let got = table.get(text.into(), &Params::new()).await.unwrap().into_value().unwrap();
        assert_eq!(got, created);
        for query in [json!({text: 1}), json!({"$sort": {text: 1}}), json!({"$or": [{text: {"$gt": 1}}]})] {
            assert_eq!(find(&table, query).await.unwrap_err().code(), 400);
        }
        assert_eq!(create(&table, json!({text: 1})).await.unwrap_err().code(), 400);
        assert_eq!(find(&table, json!({"$select": [text], "t": text})).await.unwrap(), [json!({ "id": text })]);
    }
    for id in ["a\0b", "", " "] {
        assert_eq!(table.get(id.into(), &Params::new()).await.unwrap_err().code(), 404, "{id:?}");
    }
}
