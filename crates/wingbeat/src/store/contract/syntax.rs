//! Facts about operators and filters of a table's own.

use super::{Client, refused};
use crate::store::{Store, Table};
use serde_json::{Value, json};
use wingbeat_core::{Error, IdArg, Result};

super::facts! {
    an_operator_of_the_tables_own_tests_values
    an_operator_of_the_tables_own_counts_in_pages_and_in_every_method
    an_operand_that_is_wrong_is_refused
    own_operators_are_unknown_elsewhere
    filters_of_the_tables_own_are_left_to_hooks
}

pub(super) fn starts_with(operand: &Value) -> Result<impl Fn(&Value) -> bool + Send + Sync + 'static + use<>> {
    let start = operand.as_str().ok_or_else(|| Error::bad_request("Invalid $startsWith: it must be text"))?.to_owned();
    Ok(move |value: &Value| value.as_str().is_some_and(|text| text.starts_with(&start)))
}

fn extended<S: Store>(table: Table<S>) -> Table<S> {
    table.operator("$startsWith", starts_with).operator("$absent", |operand: &Value| {
        let wanted = operand.as_bool().unwrap_or_default();
        Ok(move |value: &Value| value.is_null() == wanted)
    })
}

async fn an_operator_of_the_tables_own_tests_values<S: Store + Clone>(table: Table<S>) {
    let client = Client(extended(table));
    for (query, ids) in [
        (json!({"text": {"$startsWith": "t"}}), &[2, 3][..]),
        (json!({"text": {"$startsWith": "t", "$ne": "two"}}), &[3]),
        (json!({"$or": [{"text": {"$startsWith": "tw"}}, {"id": 5}]}), &[2, 5]),
        (json!({"$and": [{"text": {"$startsWith": "f"}}, {"$or": [{"n": 40}]}]}), &[4]),
        (json!({"$or": [{"text": {"$startsWith": "tw"}}, {"tags": {"$startsWith": "y"}}]}), &[1, 2, 5]),
        (json!({"tags": {"$startsWith": "x"}}), &[1]),
        (json!({"n": {"$startsWith": "1"}}), &[]),
        (json!({"read": {"$absent": true}}), &[4]),
        (json!({"text.inner": {"$absent": true}}), &[1, 2, 3, 4, 5]),
        (json!({"deep.v": {"$absent": false}}), &[2, 3]),
    ] {
        assert_eq!(client.ids(query.clone()).await, ids, "{query}");
    }
}

async fn an_operator_of_the_tables_own_counts_in_pages_and_in_every_method<S: Store + Clone>(table: Table<S>) {
    let table = extended(table).multi(true);
    let query = || json!({"text": {"$startsWith": "t"}});
    let page = Client(table.clone().paginate(1, 1)).find(query()).await.unwrap();
    assert_eq!((&page["total"], &page["data"][0]["id"]), (&json!(2), &json!(2)));
    let client = Client(table);
    assert_eq!(client.get(3, query()).await.unwrap()["id"], 3);
    refused(client.get(1, query()).await, 404, "No record found for id '1'");
    refused(client.patch(1, json!({"n": 0}), query()).await, 404, "No record found for id '1'");
    assert_eq!(client.patch(IdArg::Null, json!({"n": 0}), query()).await.unwrap().as_array().unwrap().len(), 2);
    assert_eq!(client.update(2, json!({"text": "other"}), query()).await.unwrap()["text"], "other");
    assert_eq!(client.remove(IdArg::Null, query()).await.unwrap().as_array().unwrap().len(), 1);
    assert_eq!(client.ids(json!({})).await, [1, 2, 4, 5]);
}

async fn an_operand_that_is_wrong_is_refused<S: Store + Clone>(table: Table<S>) {
    let client = Client(extended(table));
    let query = json!({"text": {"$startsWith": 5}});
    refused(client.find(query).await, 400, "Invalid $startsWith: it must be text");
}

async fn own_operators_are_unknown_elsewhere<S: Store + Clone>(table: Table<S>) {
    let plain = Client(table.clone());
    refused(plain.find(json!({"text": {"$startsWith": "t"}})).await, 400, "Invalid query parameter $startsWith");
    let client = Client(extended(table));
    refused(client.find(json!({"$startsWith": "t"})).await, 400, "Invalid filter value $startsWith");
    refused(client.find(json!({"text": {"$endsWith": "t"}})).await, 400, "Invalid query parameter $endsWith");
}

async fn filters_of_the_tables_own_are_left_to_hooks<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.filters(["$populate"]));
    assert_eq!(client.ids(json!({"$populate": ["author"], "id": 1})).await, [1]);
    refused(client.find(json!({"$populate": {"$x": 1}})).await, 400, "Invalid query parameter $x");
    refused(client.find(json!({"$other": 1})).await, 400, "Invalid filter value $other");
    refused(client.find(json!({"text": {"$populate": 1}})).await, 400, "Invalid query parameter $populate");
}
