//! Facts about which records a query means, and in which order.

use super::{Client, refused};
use crate::store::{Limits, Store, Table};
use serde_json::json;
use wingbeat_core::IdArg;

super::facts! {
    equality_is_strict_by_type
    lists_of_values
    comparisons
    null_is_the_same_as_absent
    groups
    lists_match_by_element_and_objects_as_a_whole
    dotted_names_descend
    sorting
    an_odd_sort_orders_nothing
    unknown_filters_and_operators_are_refused_in_every_method_but_create
    hostile_names_harm_nothing
    limits_of_a_query_are_kept
    pages_count_and_cut_what_nested_conditions_leave
}

async fn ids_of<S: Store + Clone>(table: Table<S>, cases: &[(serde_json::Value, &[i64])]) {
    let client = Client(table);
    for (query, ids) in cases {
        assert_eq!(client.ids(query.clone()).await, *ids, "{query}");
    }
}

async fn equality_is_strict_by_type<S: Store + Clone>(table: Table<S>) {
    ids_of(
        table,
        &[
            (json!({"n": 10}), &[1]),
            (json!({"n": 20.5}), &[2]),
            (json!({"n": "10"}), &[]),
            (json!({"text": 1}), &[]),
            (json!({"read": "false"}), &[]),
            (json!({"read": 0}), &[]),
            (json!({"userId": true}), &[]),
            (json!({"userId": 1.5}), &[]),
            (json!({"read": false}), &[1, 3]),
            (json!({"id": "1"}), &[]),
            (json!({"text": ["one"]}), &[]),
            (json!({"text": "ONE"}), &[]),
            (json!({"n": {"$ne": "10"}}), &[1, 2, 3, 4, 5]),
        ],
    )
    .await;
}

async fn lists_of_values<S: Store + Clone>(table: Table<S>) {
    ids_of(
        table,
        &[
            (json!({"id": {"$in": [1, 3]}}), &[1, 3]),
            (json!({"id": {"$in": []}}), &[]),
            (json!({"id": {"$in": 1}}), &[1]),
            (json!({"id": {"$in": ["1"]}}), &[]),
            (json!({"read": {"$in": [true, null]}}), &[2, 4, 5]),
            (json!({"read": {"$nin": [true]}}), &[1, 3, 4]),
            (json!({"read": {"$nin": [true, null]}}), &[1, 3]),
            (json!({"id": {"$nin": []}}), &[1, 2, 3, 4, 5]),
            (json!({"id": {"$nin": 1}}), &[2, 3, 4, 5]),
            (json!({"text": {"$in": ["one", 2, null, {"a": 1}]}}), &[1]),
        ],
    )
    .await;
}

async fn comparisons<S: Store + Clone>(table: Table<S>) {
    ids_of(
        table,
        &[
            (json!({"n": {"$lt": 20.5}}), &[1]),
            (json!({"n": {"$lte": 20.5}}), &[1, 2]),
            (json!({"n": {"$gt": 30}}), &[4, 5]),
            (json!({"n": {"$gte": 30}}), &[3, 4, 5]),
            (json!({"n": {"$gt": 10, "$lt": 50}}), &[2, 3, 4]),
            (json!({"n": {"$gt": "15"}}), &[]),
            (json!({"text": {"$gt": "p"}}), &[2, 3]),
            (json!({"text": {"$lt": 9}}), &[]),
            (json!({"read": {"$gt": false}}), &[2, 5]),
            (json!({"read": {"$lt": true}}), &[1, 3]),
            (json!({"read": {"$lte": null}}), &[4]),
            (json!({"read": {"$lt": null}}), &[]),
            (json!({"deep.v": {"$gte": 1}}), &[2, 3]),
        ],
    )
    .await;
}

async fn null_is_the_same_as_absent<S: Store + Clone>(table: Table<S>) {
    ids_of(
        table,
        &[
            (json!({"read": null}), &[4]),
            (json!({"read": {"$ne": null}}), &[1, 2, 3, 5]),
            (json!({"read": {"$ne": true}}), &[1, 3, 4]),
            (json!({"tags": null}), &[2, 3, 4]),
            (json!({"deep.w": null}), &[1, 3, 4, 5]),
            (json!({"text.inner": null}), &[1, 2, 3, 4, 5]),
            (json!({"text.inner": 1}), &[]),
        ],
    )
    .await;
}

async fn groups<S: Store + Clone>(table: Table<S>) {
    ids_of(
        table.clone(),
        &[
            (json!({"$or": [{"id": 1}, {"n": 30}]}), &[1, 3]),
            (json!({"$or": [{"id": 1}], "userId": 2}), &[]),
            (json!({"$or": [{}]}), &[1, 2, 3, 4, 5]),
            (json!({"$and": [{"userId": 1}, {"read": false}]}), &[1, 3]),
            (json!({"$and": [{"$or": [{"id": 1}, {"id": 2}]}, {"userId": 2}]}), &[2]),
            (json!({"$or": [{"tags": "x"}, {"id": 4}]}), &[1, 4]),
            (json!({"$or": [{"tags": "x", "id": 5}, {"id": 4, "tags": null}]}), &[4]),
            // About the whole record, which equals nothing.
            (json!({"$or": [{"$in": [1]}, {"$gt": 0}, {"id": 2}]}), &[2]),
            (json!({"$or": [{"$ne": 1, "id": 3}]}), &[3]),
        ],
    )
    .await;
    let client = Client(table);
    for query in [
        json!({"$or": []}),
        json!({"$or": "x"}),
        json!({"$and": {}}),
        json!({"$or": [1]}),
        json!({"$or": [{"$or": []}]}),
    ] {
        assert_eq!(client.find(query).await.unwrap_err().code(), 400);
    }
}

async fn lists_match_by_element_and_objects_as_a_whole<S: Store + Clone>(table: Table<S>) {
    ids_of(
        table,
        &[
            (json!({"tags": "y"}), &[1, 5]),
            (json!({"tags": ["y"]}), &[5]),
            (json!({"tags": {"$ne": "x"}}), &[2, 3, 4, 5]),
            (json!({"tags": {"$nin": ["x", "y"]}}), &[2, 3, 4]),
            (json!({"deep": {"v": 1}}), &[3]),
            (json!({"deep": {"w": [1], "v": 2}}), &[2]),
            (json!({"deep": {"v": 2}}), &[]),
        ],
    )
    .await;
}

async fn dotted_names_descend<S: Store + Clone>(table: Table<S>) {
    ids_of(
        table,
        &[
            (json!({"deep.v": 1}), &[3]),
            (json!({"deep.w": 1}), &[2]),
            (json!({"tags.1": "y"}), &[1]),
            (json!({"deep.v": {"$in": [1, 2]}}), &[2, 3]),
        ],
    )
    .await;
}

async fn sorting<S: Store + Clone>(table: Table<S>) {
    ids_of(
        table,
        &[
            (json!({"$sort": {"n": -1}}), &[5, 4, 3, 2, 1]),
            (json!({"$sort": {"n": "-1"}}), &[5, 4, 3, 2, 1]),
            (json!({"$sort": {"text": 1}}), &[5, 4, 1, 3, 2]),
            (json!({"$sort": {"userId": 1, "n": -1}}), &[5, 3, 1, 4, 2]),
            (json!({"$sort": {"userId": -1}}), &[2, 4, 1, 3, 5]),
            (json!({"$sort": {"read": 1}}), &[4, 1, 3, 2, 5]),
            (json!({"$sort": {"read": -1}}), &[2, 5, 1, 3, 4]),
            (json!({"$sort": {"deep.v": -1}}), &[2, 3, 1, 4, 5]),
            (json!({"$sort": {"deep.v": 1}, "$skip": 3, "$limit": 1}), &[3]),
            (json!({"$sort": {"tags": 1, "id": -1}}), &[4, 3, 2, 1, 5]),
            (json!({"$sort": {"text.inner": 1, "n": -1}}), &[5, 4, 3, 2, 1]),
        ],
    )
    .await;
}

async fn an_odd_sort_orders_nothing<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    for sort in
        [json!("n"), json!({}), json!({"n": "desc"}), json!({"n": {"a": 1}}), json!([{"n": -1}]), json!({"n": 0})]
    {
        assert_eq!(client.ids(json!({"$sort": sort})).await, [1, 2, 3, 4, 5]);
    }
    refused(client.find(json!({"$sort": null})).await, 400, "Invalid $sort: it must be an object");
}

async fn unknown_filters_and_operators_are_refused_in_every_method_but_create<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.multi(true));
    let data = json!({"text": "x"});
    for (query, message, holder) in [
        (json!({"$bogus": 1}), "Invalid filter value $bogus", None),
        (json!({"text": {"$bogus": 1}}), "Invalid query parameter $bogus", Some(json!({"$bogus": 1}))),
    ] {
        for answer in [
            client.find(query.clone()).await,
            client.get(1, query.clone()).await,
            client.update(1, data.clone(), query.clone()).await,
            client.patch(1, data.clone(), query.clone()).await,
            client.patch(IdArg::Null, data.clone(), query.clone()).await,
            client.remove(1, query.clone()).await,
            client.remove(IdArg::Null, query.clone()).await,
        ] {
            assert_eq!(refused(answer, 400, message).data(), holder.as_ref());
        }
        assert_eq!(client.create(data.clone(), query).await.unwrap()["text"], "x");
    }
}

async fn hostile_names_harm_nothing<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.multi(true));
    for name in
        ["\"; DROP TABLE messages; --", "'", "__proto__", "constructor", "id\" = 1 OR \"1", "", "rowid", "\0", "a\"b"]
    {
        // Memory has no such field; SQLite says so.
        for query in [json!({name: 1}), json!({"$or": [{name: {"$gt": 1}}]}), json!({"$sort": {name: 1}})] {
            if let Err(error) = client.find(query).await {
                assert_eq!((error.code(), error.message()), (400, &*format!("Unknown field '{name}'")));
            }
        }
        if let Err(error) = client.remove(IdArg::Null, json!({name: 1})).await {
            assert_eq!(error.code(), 400);
        }
        assert_eq!(client.find(json!({"$select": [name]})).await.unwrap()[0], json!({"id": 1}));
    }
    let odd = "odd\" name'; --";
    assert_eq!(client.patch(1, json!({odd: "'; --"}), json!({})).await.unwrap()[odd], "'; --");
    assert_eq!(client.ids(json!({odd: "'; --", "$sort": {odd: 1}})).await, [1]);
    assert_eq!(client.ids(json!({"text": "' OR 1=1; --"})).await, [0; 0]);
    assert_eq!(client.ids(json!({})).await, [1, 2, 3, 4, 5]);
}

async fn limits_of_a_query_are_kept<S: Store + Clone>(table: Table<S>) {
    let nested = |depth| (0..depth).fold(json!({"id": 1}), |inner, _| json!({"$or": [inner]}));
    let client = Client(table.clone());
    assert_eq!(client.ids(nested(8)).await, [1]);
    refused(client.find(nested(9)).await, 400, "Invalid $or: nested deeper than 8");
    // The largest query that is allowed is also one that the store can answer.
    let wide = json!({"$or": (0..99).map(|id| json!({"id": id})).collect::<Vec<_>>(), "n": {"$nin": vec![1; 1999]}});
    assert_eq!(client.ids(wide).await, [1, 2, 3, 4, 5]);
    let client = Client(table.limits(Limits::default().depth(1).conditions(2).values(1)));
    assert_eq!(client.find(json!({"id": 1, "n": 1, "text": "x"})).await.unwrap_err().code(), 400);
    assert_eq!(client.find(json!({"id": {"$in": [1, 2]}})).await.unwrap_err().code(), 400);
    assert_eq!(client.find(json!({"$select": ["id", "n"]})).await.unwrap_err().code(), 400);
}

async fn pages_count_and_cut_what_nested_conditions_leave<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.paginate(1, 9));
    for (query, total, ids) in [
        (json!({"tags": "y"}), 2, &[1][..]),
        (json!({"tags": "y", "$skip": 1}), 2, &[5]),
        (json!({"tags": "y", "$sort": {"n": -1}}), 2, &[5]),
        (json!({"tags": "y", "$limit": 0}), 2, &[]),
        (json!({"$sort": {"deep": -1}, "$limit": 2}), 5, &[2, 3]),
    ] {
        assert_eq!(client.find(query.clone()).await.unwrap()["total"], total, "{query}");
        assert_eq!(client.ids(query.clone()).await, ids, "{query}");
    }
}
