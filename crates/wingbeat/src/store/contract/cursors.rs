//! Facts about pages by `$cursor`. A store that has none refuses it, and that is all.

use super::{Client, records, refused};
use crate::hooks::{protect, sync};
use crate::prelude::*;
use crate::store::{Store, Table};
use crate::test;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

super::facts! {
    a_page_by_cursor_has_limit_data_and_next_unless_it_is_the_last
    pages_by_cursor_are_the_whole_in_order
    what_is_there_all_the_time_comes_once_whatever_others_write
    fields_that_are_not_selected_are_keys_all_the_same
    a_cursor_goes_with_pages_a_limit_and_no_skip
    a_cursor_that_is_none_or_of_another_order_is_refused
    lists_and_objects_are_no_keys
    what_clients_do_not_see_is_no_key
    hostile_cursors_harm_nothing
}

fn paged<S: Store + Clone>(table: &Table<S>, limit: u64) -> Option<Client<S>> {
    table.store.has_cursors().then(|| Client(table.clone().paginate(limit, 100)))
}

/// The ids of all pages.
async fn walk<S: Store>(client: &Client<S>, query: &Value) -> Result<Vec<i64>> {
    let (mut ids, mut query) = (Vec::new(), query.clone());
    query["$cursor"] = "".into();
    for _ in 0..100 {
        let mut page = client.find(query.clone()).await?;
        ids.extend(page["data"].as_array().unwrap().iter().map(|record| record["id"].as_i64().unwrap()));
        if page.get("next").is_none() {
            return Ok(ids);
        }
        query["$cursor"] = page["next"].take();
    }
    panic!("{query}: it has no end: {ids:?}");
}

async fn a_page_by_cursor_has_limit_data_and_next_unless_it_is_the_last<S: Store + Clone>(table: Table<S>) {
    let Some(client) = paged(&table, 3) else {
        let message = "Invalid filter value $cursor";
        return drop(refused(Client(table.paginate(3, 3)).find(json!({"$cursor": ""})).await, 400, message));
    };
    let query = |cursor: &Value| json!({"$select": ["id"], "$sort": {"n": -1}, "$cursor": cursor});
    let first = client.find(query(&json!(""))).await.unwrap();
    let next = &first["next"];
    let data = r#"[{"id":5},{"id":4},{"id":3}]"#;
    assert_eq!(first.to_string(), format!(r#"{{"limit":3,"data":{data},"next":{next}}}"#));
    let last = client.find(query(next)).await.unwrap();
    assert_eq!(last.to_string(), r#"{"limit":3,"data":[{"id":2},{"id":1}]}"#);
    // Behind a page that is full there may be nothing.
    let full = client.find(json!({"$select": ["id"], "userId": 1, "$cursor": ""})).await.unwrap();
    assert_eq!(full.to_string(), r#"{"limit":3,"data":[{"id":1},{"id":3},{"id":5}]}"#);
    let none = client.find(json!({"userId": 9, "$cursor": ""})).await.unwrap();
    assert_eq!(none.to_string(), r#"{"limit":3,"data":[]}"#);
}

async fn pages_by_cursor_are_the_whole_in_order<S: Store + Clone>(table: Table<S>) {
    for (query, ids) in [
        (json!({}), &[1, 2, 3, 4, 5][..]),
        (json!({"$sort": {"id": -1}}), &[5, 4, 3, 2, 1]),
        (json!({"$sort": {"n": -1}}), &[5, 4, 3, 2, 1]),
        (json!({"$sort": {"text": 1}}), &[5, 4, 1, 3, 2]),
        // Equal keys: the id follows in their direction.
        (json!({"$sort": {"userId": 1}}), &[1, 3, 5, 2, 4]),
        (json!({"$sort": {"userId": -1}}), &[4, 2, 5, 3, 1]),
        (json!({"$sort": {"userId": 1, "n": -1}}), &[5, 3, 1, 4, 2]),
        (json!({"$sort": {"userId": -1, "id": 1, "n": -1}}), &[2, 4, 1, 3, 5]),
        // Nulls.
        (json!({"$sort": {"read": 1}}), &[4, 1, 3, 2, 5]),
        (json!({"$sort": {"read": -1}}), &[5, 2, 3, 1, 4]),
        (json!({"$sort": {"read": -1, "text": 1}}), &[5, 2, 1, 3, 4]),
        (json!({"$sort": {"odd\" name'; --": 1, "n": -1}}), &[5, 4, 3, 2, 1]),
        (json!({"$sort": {"odd\" name'; --": -1, "n": 1}}), &[1, 2, 3, 4, 5]),
        // Conditions, also those that databases leave to be decided row by row.
        (json!({"id": {"$gt": 1}, "$or": [{"userId": 2}, {"n": 50}], "$sort": {"n": -1}}), &[5, 4, 2]),
        (json!({"tags": "y", "$sort": {"n": -1}}), &[5, 1]),
        (json!({"deep.v": null, "$sort": {"read": -1}}), &[5, 1, 4]),
    ] {
        for limit in 1..7 {
            let Some(client) = paged(&table, limit) else { return };
            assert_eq!(walk(&client, &query).await.unwrap(), ids, "{query} {limit}");
        }
    }
}

async fn what_is_there_all_the_time_comes_once_whatever_others_write<S: Store + Clone>(table: Table<S>) {
    for sort in [json!({}), json!({"n": -1}), json!({"userId": 1}), json!({"read": -1, "text": 1})] {
        let Some(client) = paged(&table, 3) else { return };
        client.0.remove(IdArg::Null, &Params::new().with_multi()).await.unwrap();
        let record = |id: i64| {
            let read = [json!(true), json!(false), json!(null)][id as usize % 3].clone();
            json!({"id": id, "n": id % 4, "userId": id % 2, "read": read, "text": format!("{}", id % 5)})
        };
        let all: Vec<Value> = (100..140).map(record).collect();
        client.0.create(Some(json!(all).into()), &Params::new().with_multi()).await.unwrap();
        let (mut seen, mut cursor, mut others) = (Vec::new(), json!(""), 0);
        loop {
            let mut page = client.find(json!({"$sort": sort, "$cursor": cursor})).await.unwrap();
            seen.extend(page["data"].as_array().unwrap().iter().map(|record| record["id"].as_i64().unwrap()));
            // Anywhere: one goes, one comes, and one that stays is written.
            others += 1;
            client.remove(100 + 3 * (others % 12), json!({})).await.unwrap_or_default();
            client.create(record(140 + others), json!({})).await.unwrap();
            client.patch(101 + 3 * (others % 12), json!({"deep": others}), json!({})).await.unwrap();
            if page.get("next").is_none() {
                break;
            }
            cursor = page["next"].take();
            assert!(others < 100, "{sort}: it has no end");
        }
        let stays = |id: &i64| *id > 136 || id % 3 != 1;
        for id in (100..140).filter(stays) {
            assert_eq!(seen.iter().filter(|seen| **seen == id).count(), 1, "{sort} {id}");
        }
        let mut once = seen.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{sort}: none comes twice");
    }
}

async fn fields_that_are_not_selected_are_keys_all_the_same<S: Store + Clone>(table: Table<S>) {
    let Some(client) = paged(&table, 2) else { return };
    for condition in [json!({}), json!({"deep.x": null})] {
        let mut query = condition;
        query["$select"] = json!(["text"]);
        query["$sort"] = json!({"userId": -1, "n": 1});
        query["$cursor"] = "".into();
        let mut page = client.find(query.clone()).await.unwrap();
        assert_eq!(page["data"], json!([{"text": "two", "id": 2}, {"text": "four", "id": 4}]));
        query["$cursor"] = page["next"].take();
        let page = client.find(query).await.unwrap();
        assert_eq!(page["data"], json!([{"text": "one", "id": 1}, {"text": "three", "id": 3}]));
    }
}

async fn a_cursor_goes_with_pages_a_limit_and_no_skip<S: Store + Clone>(table: Table<S>) {
    let Some(client) = paged(&table, 2) else { return };
    let unknown = "Invalid filter value $cursor";
    refused(Client(table.clone()).find(json!({"$cursor": ""})).await, 400, unknown);
    refused(client.get(1, json!({"$cursor": ""})).await, 400, unknown);
    refused(client.patch(1, json!({}), json!({"$cursor": ""})).await, 400, unknown);
    refused(client.remove(1, json!({"$cursor": ""})).await, 400, unknown);
    for skip in [0, 1] {
        let message = "Invalid $skip: a page by $cursor begins where the one before has ended";
        refused(client.find(json!({"$cursor": "", "$skip": skip})).await, 400, message);
    }
    let message = "Invalid $limit: a page by $cursor has at least one record";
    refused(client.find(json!({"$cursor": "", "$limit": 0})).await, 400, message);
    for (limit, found) in [(json!(3), 3), (json!(1000), 5), (json!("x"), 2)] {
        let page = client.find(json!({"$cursor": "", "$limit": limit})).await.unwrap();
        assert_eq!(page["data"].as_array().unwrap().len(), found, "{limit}");
    }
}

async fn a_cursor_that_is_none_or_of_another_order_is_refused<S: Store + Clone>(table: Table<S>) {
    let Some(client) = paged(&table, 2) else { return };
    let page = client.find(json!({"$cursor": "", "$sort": {"n": 1}})).await.unwrap();
    let next = &page["next"];
    let other = "Invalid $cursor: it was made for another $sort";
    for sort in [json!({}), json!({"n": -1}), json!({"n": 1, "text": 1}), json!({"id": 1})] {
        refused(client.find(json!({"$cursor": next, "$sort": sort})).await, 400, other);
    }
    // The order that is the same, whatever else is asked.
    assert_eq!(client.ids(json!({"$cursor": next, "$sort": {"n": "1", "id": 1}, "userId": 1})).await, [3, 5]);
    for bad in [json!(null), json!(7), json!({}), json!("!"), json!("W10"), json!("\0"), json!("é")] {
        assert_eq!(client.find(json!({"$cursor": bad})).await.unwrap_err().code(), 400, "{bad}");
    }
}

async fn lists_and_objects_are_no_keys<S: Store + Clone>(table: Table<S>) {
    let Some(client) = paged(&table, 4) else { return };
    for sort in [json!({"tags": 1}), json!({"deep": 1, "n": 1}), json!({"n": 0, "tags": "1"})] {
        let error = client.find(json!({"$cursor": "", "$sort": sort})).await.unwrap_err();
        let name = if sort.get("tags").is_some() { "tags" } else { "deep" };
        let message = format!("Invalid $cursor: it can not be made of '{name}'");
        assert!(error.code() == 400 && error.message().starts_with(&message), "{sort}: {error}");
    }
}

async fn what_clients_do_not_see_is_no_key<S: Store + Clone>(table: Table<S>) {
    if paged(&table, 2).is_none() {
        return;
    }
    let table = table.paginate(2, 2);
    let by_n = sync(|context: &mut Context| {
        context.params.query.set("$sort", json!({"n": -1}));
        Ok(())
    });
    let mounts = [
        // The client asks for the order, a hook does, and the id itself is hidden.
        (Mount::new(table.clone()).after(All, protect(["n"])), json!({"$cursor": "", "$sort": {"n": 1}})),
        (Mount::new(table.clone()).before(Find, by_n).after(All, protect(["n"])), json!({"$cursor": ""})),
        (Mount::new(table.clone()).after(All, protect(["id"])), json!({"$cursor": "", "$sort": {"n": 1}})),
    ];
    for (mount, query) in mounts {
        let app = App::builder().mount("messages", mount).build().unwrap();
        let client = test::Client::connect(&app).await.unwrap();
        let error = client.service("messages").query(query.clone()).find().await.unwrap_err();
        assert!(error.code() == 400 && error.message().ends_with("not allowed"), "{query}: {error}");
        let own = app.service("messages").find(Params::new().with_query(query).unwrap()).await.unwrap();
        assert_eq!(own.to_value().unwrap()["data"].as_array().unwrap().len(), 2);
    }
    let app = App::builder().mount("messages", Mount::new(table.queryable(["n"]).sortable(["n"]))).build().unwrap();
    let client = test::Client::connect(&app).await.unwrap();
    let page = client.service("messages").query(json!({"$cursor": "", "$sort": {"n": 1}})).find().await.unwrap();
    let query = json!({"$cursor": page["next"], "$sort": {"n": 1}});
    assert_eq!(client.service("messages").query(query).find().await.unwrap()["data"][0]["id"], 3);
}

async fn hostile_cursors_harm_nothing<S: Store + Clone>(table: Table<S>) {
    let Some(client) = paged(&table, 2) else { return };
    let values = || {
        let texts = ["", "'; DROP TABLE messages; --", "\0", "1 OR 1=1", "NaN", "1e999"].map(Value::from);
        let others = [json!(null), json!(true), json!(1e300), json!(u64::MAX), json!([]), json!({}), json!([[1]])];
        texts.into_iter().chain(others).chain([json!({"blob": "!"}), json!({"real": "x"}), json!({"blob": 1})])
    };
    for name in ["text", "n", "read", "userId"] {
        for value in values() {
            for id in values().chain([json!(1)]) {
                let forged = json!([[format!("+{name}"), "+id"], [value, id]]).to_string();
                let query = json!({"$cursor": BASE64URL.encode(&forged), "$sort": {name: 1}});
                if let Err(error) = client.find(query).await {
                    assert_eq!(error.code(), 400, "{forged}: {error}");
                }
            }
        }
    }
    assert_eq!(Client(table).find(json!({})).await.unwrap(), json!(records()));
}
