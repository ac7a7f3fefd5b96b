//! Facts about streams. A store without cursors has none.

use super::{asking, records};
use crate::service::RawService as _;
use crate::store::{Store, Table};
use serde_json::{Value, json};
use wingbeat_core::Result;

super::facts! {
    a_stream_has_all_that_is_selected_in_order
    a_stream_that_can_not_be_says_so_once
}

async fn all<S: Store>(table: &Table<S>, query: Value) -> Result<Vec<Value>> {
    let (params, mut all) = (asking(query)?, Vec::new());
    let mut slices = table.stream(&params);
    while let Some(slice) = slices.next().await {
        let slice = slice?.into_records()?;
        assert!(!slice.is_empty());
        all.extend(slice.into_iter().map(Value::Object));
    }
    assert!(slices.next().await.is_none());
    all.iter_mut().for_each(super::drop_nulls);
    Ok(all)
}

async fn a_stream_has_all_that_is_selected_in_order<S: Store + Clone>(table: Table<S>) {
    if !table.store.has_cursors() {
        return;
    }
    // Pages are no limit.
    let table = table.multi(true).paginate(1, 1);
    assert_eq!(all(&table, json!({})).await.unwrap(), records());
    let more: Vec<Value> = (6..2000).map(|id| json!({"id": id, "userId": 9, "n": id % 3, "text": "x"})).collect();
    table.create(Some(json!(more).into()), &asking(json!({})).unwrap()).await.unwrap();
    let ids = async |query: Value| {
        let all = all(&table, query).await.unwrap();
        all.iter().map(|record| record["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids(json!({})).await, Vec::from_iter(1..2000));
    assert_eq!(ids(json!({"$sort": {"id": -1}, "$limit": 1500})).await, Vec::from_iter((500..2000).rev()));
    let by_n = |n| (6..2000).filter(move |id| id % 3 == n);
    let expected: Vec<i64> = by_n(0).chain(by_n(1)).chain(by_n(2)).collect();
    assert_eq!(ids(json!({"userId": 9, "$sort": {"n": 1}, "$select": ["text"]})).await, expected);
    assert_eq!(
        all(&table, json!({"tags": "y", "$select": ["n"]})).await.unwrap(),
        [json!({"n": 10, "id": 1}), json!({"n": 50, "id": 5})]
    );
    assert_eq!(ids(json!({"userId": 77})).await, [0; 0]);
    assert_eq!(ids(json!({"$limit": 0})).await, [0; 0]);
}

async fn a_stream_that_can_not_be_says_so_once<S: Store + Clone>(table: Table<S>) {
    for query in [json!({"$skip": 1}), json!({"$cursor": ""}), json!({"$sort": null}), json!({"text": {"$bogus": 1}})] {
        let params = asking(query.clone()).unwrap();
        let mut slices = table.stream(&params);
        let error = slices.next().await.unwrap().unwrap_err();
        assert!(error.code() == 400 || !table.store.has_cursors(), "{query}: {error}");
        assert!(slices.next().await.is_none());
    }
}
