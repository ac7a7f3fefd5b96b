//! Facts about create, update, patch and remove.

use super::{Client, Store, Table, records, refused};
use crate::service::{Params, RawService};
use serde_json::{Value, json};
use wingbeat_core::{IdArg, Method};

super::facts! {
    create_answers_the_record_with_a_new_id
    create_keeps_an_id_that_is_given
    an_id_that_says_nothing_counts_as_absent
    create_honours_select
    data_that_is_no_object_is_refused
    several_records_need_multi
    several_records_are_created_all_or_none
    update_replaces_all_but_the_id
    update_honours_the_query_before_and_answers_the_record_after
    update_of_several_is_refused
    patch_merges_and_keeps_the_id
    patch_of_several_answers_all_that_matched_before
    patch_of_several_refuses_limit_skip_and_sort
    remove_answers_what_was_there
    remove_of_several_honours_the_query
    pages_do_not_cut_what_several_change
    an_id_in_the_query_must_be_the_same
    clones_share_the_records
    json_of_every_kind_comes_back_as_it_was
    a_nul_in_a_text_is_kept_or_refused
}

async fn create_answers_the_record_with_a_new_id<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    assert_eq!(client.create(json!({"text": "new"}), json!({})).await.unwrap(), json!({"text": "new", "id": 6}));
    assert_eq!(client.create(json!({}), json!({})).await.unwrap(), json!({"id": 7}));
    assert_eq!(client.get(6, json!({})).await.unwrap(), json!({"text": "new", "id": 6}));
}

async fn create_keeps_an_id_that_is_given<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    assert_eq!(client.create(json!({"id": 77, "text": "given"}), json!({})).await.unwrap()["id"], 77);
    assert_eq!(client.get(77, json!({})).await.unwrap(), json!({"id": 77, "text": "given"}));
}

async fn an_id_that_says_nothing_counts_as_absent<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    for (index, id) in [json!(0), json!(""), json!(null), json!(false)].into_iter().enumerate() {
        assert_eq!(client.create(json!({"id": id, "text": "zero"}), json!({})).await.unwrap()["id"], 6 + index);
    }
    for id in [json!({"a": 1}), json!([1]), json!(true)] {
        let message = "Invalid 'id': an id must be a number or a text";
        refused(client.create(json!({"id": id}), json!({})).await, 400, message);
    }
}

async fn create_honours_select<S: Store + Clone>(table: Table<S>) {
    let created = Client(table).create(json!({"text": "x", "n": 1}), json!({"$select": ["text"]})).await.unwrap();
    assert_eq!(created, json!({"text": "x", "id": 6}));
}

async fn data_that_is_no_object_is_refused<S: Store + Clone>(table: Table<S>) {
    let message = "Invalid data: a record must be an object";
    for absent in [table.create(None, &Params::new()).await, table.update(1.into(), None, &Params::new()).await] {
        refused(absent, 400, message);
    }
    let client = Client(table.multi(true));
    for data in [json!(null), json!("text"), json!(1), json!(true)] {
        refused(client.create(data.clone(), json!({})).await, 400, message);
        refused(client.create(json!([{}, data]), json!({})).await, 400, message);
        refused(client.update(1, data, json!({})).await, 400, message);
    }
    for data in [json!("text"), json!(1), json!(true), json!([{}])] {
        refused(client.patch(1, data.clone(), json!({})).await, 400, message);
    }
    assert_eq!(client.find(json!({})).await.unwrap(), json!(records()));
}

async fn several_records_need_multi<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.clone().multi(["remove"]));
    refused(client.create(json!([{"text": "a"}]), json!({})).await, 405, "Can not create multiple entries");
    refused(client.create(json!([]), json!({})).await, 405, "Can not create multiple entries");
    refused(client.patch(IdArg::Null, json!({"n": 1}), json!({})).await, 405, "Can not patch multiple entries");
    assert_eq!(client.remove(IdArg::Null, json!({"id": 99})).await.unwrap(), json!([]));
    let client = Client(table.multi([Method::Create]));
    refused(client.remove(IdArg::Null, json!({})).await, 405, "Can not remove multiple entries");
    assert_eq!(client.create(json!([]), json!({})).await.unwrap(), json!([]));
    let created = client.create(json!([{"text": "a"}, {"text": "b"}]), json!({})).await.unwrap();
    assert_eq!(created, json!([{"text": "a", "id": 6}, {"text": "b", "id": 7}]));
}

async fn several_records_are_created_all_or_none<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.multi(true));
    let data = json!([{"text": "fine"}, {"id": {"not": "an id"}}]);
    assert_eq!(client.create(data, json!({})).await.unwrap_err().code(), 400);
    assert_eq!(client.ids(json!({})).await, [1, 2, 3, 4, 5]);
}

async fn update_replaces_all_but_the_id<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    let replaced = json!({"text": "replaced", "id": 1});
    assert_eq!(client.update("1", json!({"text": "replaced", "id": 55}), json!({})).await.unwrap(), replaced);
    assert_eq!(client.get(1, json!({})).await.unwrap(), replaced);
    refused(client.get(55, json!({})).await, 404, "No record found for id '55'");
    assert_eq!(client.update(2, json!({}), json!({})).await.unwrap(), json!({"id": 2}));
}

async fn update_honours_the_query_before_and_answers_the_record_after<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    let data = json!({"text": "x", "userId": 9});
    refused(client.update(1, data.clone(), json!({"userId": 2})).await, 404, "No record found for id '1'");
    assert_eq!(client.get(1, json!({})).await.unwrap(), records()[0]);
    let updated = client.update(1, data, json!({"userId": 1, "$select": ["text"]})).await.unwrap();
    assert_eq!(updated, json!({"text": "x", "id": 1}));
    assert_eq!(client.get(1, json!({"userId": 9})).await.unwrap()["text"], "x");
}

async fn update_of_several_is_refused<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.multi(true));
    let message = "You can not replace multiple instances. Did you mean 'patch'?";
    refused(client.update(IdArg::Null, json!({"n": 1}), json!({})).await, 400, message);
    refused(client.update(1, json!([{"n": 1}]), json!({})).await, 400, message);
    let hidden = client.update(IdArg::Null, json!({"n": 1}), json!({"$x": 1})).await;
    refused(hidden, 400, "Invalid filter value $x");
}

async fn patch_merges_and_keeps_the_id<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    let patched = json!({"id": 3, "text": "new", "userId": 1, "read": false, "n": 30, "deep": {"w": 1}});
    let data = json!({"text": "new", "id": 99, "deep": {"w": 1}});
    assert_eq!(client.patch("3", data, json!({})).await.unwrap(), patched);
    assert_eq!(client.get(3, json!({})).await.unwrap(), patched);
    refused(client.patch(3, json!({"n": 1}), json!({"deep.w": 2})).await, 404, "No record found for id '3'");
    assert_eq!(client.patch(3, json!({}), json!({"deep.w": 1})).await.unwrap(), patched);
    assert_eq!(client.patch(3, json!({"text": null}), json!({"$select": ["text"]})).await.unwrap(), json!({"id": 3}));
    let patched = client.get(3, json!({})).await.unwrap();
    assert_eq!(client.patch(3, json!(null), json!({})).await.unwrap(), patched, "nothing is changed");
}

async fn patch_of_several_answers_all_that_matched_before<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.multi(true));
    let patched =
        client.patch(IdArg::Null, json!({"userId": 5, "id": 9}), json!({"userId": 1, "$select": ["userId"]})).await;
    let expected = json!([{"userId": 5, "id": 1}, {"userId": 5, "id": 3}, {"userId": 5, "id": 5}]);
    assert_eq!(patched.unwrap(), expected);
    assert_eq!(client.ids(json!({"userId": 5})).await, [1, 3, 5]);
    assert_eq!(client.patch(IdArg::Null, json!({"n": 0}), json!({"userId": 99})).await.unwrap(), json!([]));
    let patched = client.patch(IdArg::Null, json!({"n": 0}), json!({"tags": "y", "$select": ["n"]})).await.unwrap();
    assert_eq!(patched, json!([{"n": 0, "id": 1}, {"n": 0, "id": 5}]));
}

async fn patch_of_several_refuses_limit_skip_and_sort<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.multi(true));
    for (name, value) in [("$limit", json!(1)), ("$skip", json!(0)), ("$sort", json!({"id": 1}))] {
        let message = |method| format!("Can not {method} multiple entries with {name}");
        let query = json!({name: value});
        refused(client.patch(IdArg::Null, json!({"n": 1}), query.clone()).await, 400, &message("patch"));
        refused(client.remove(IdArg::Null, query.clone()).await, 400, &message("remove"));
        assert_eq!(client.patch(1, json!({"text": "x"}), query).await.unwrap()["id"], 1);
    }
    assert_eq!(client.ids(json!({})).await, [1, 2, 3, 4, 5]);
}

async fn remove_answers_what_was_there<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    refused(client.remove(2, json!({"userId": 1})).await, 404, "No record found for id '2'");
    assert_eq!(client.remove("2", json!({"userId": 2})).await.unwrap(), records()[1]);
    assert_eq!(client.remove(1, json!({"$select": ["text"]})).await.unwrap(), json!({"text": "one", "id": 1}));
    refused(client.remove(2, json!({})).await, 404, "No record found for id '2'");
    assert_eq!(client.ids(json!({})).await, [3, 4, 5]);
}

async fn remove_of_several_honours_the_query<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.multi(true));
    let removed = client.remove(IdArg::Null, json!({"deep.v": {"$gt": 0}})).await.unwrap();
    assert_eq!(removed, json!([records()[1], records()[2]]));
    assert_eq!(client.remove(IdArg::Null, json!({"userId": 1})).await.unwrap(), json!([records()[0], records()[4]]));
    assert_eq!(client.remove(IdArg::Null, json!({})).await.unwrap(), json!([records()[3]]));
    assert_eq!(client.find(json!({})).await.unwrap(), json!([]));
}

async fn clones_share_the_records<S: Store + Clone>(table: Table<S>) {
    let (a, b) = (Client(table.clone()), Client(table));
    a.create(json!({"text": "shared"}), json!({})).await.unwrap();
    assert_eq!(b.ids(json!({"text": "shared"})).await, [6]);
}

async fn json_of_every_kind_comes_back_as_it_was<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    let odd = "a\u{1}b \u{2028} \u{1F600} ' \" \\";
    for deep in [
        json!("text"),
        json!(12),
        json!(-0.5),
        json!(true),
        json!("12"),
        json!("null"),
        json!({"a": [{}, odd]}),
        json!([]),
    ] {
        let created = client.create(json!({"deep": deep, "text": odd}), json!({})).await.unwrap();
        assert_eq!((&created["deep"], &created["text"]), (&deep, &Value::from(odd)));
        assert_eq!(client.find(json!({"deep": deep, "text": odd})).await.unwrap(), json!([created]), "{deep}");
        client.remove(created["id"].as_i64().unwrap(), json!({})).await.unwrap();
    }
}

async fn a_nul_in_a_text_is_kept_or_refused<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    for data in [json!({"text": "a\0b"}), json!({"deep": {"a\0": ["\0"]}})] {
        match client.create(data.clone(), json!({})).await {
            Ok(created) => {
                let kept = created.as_object().unwrap().iter().filter(|(name, _)| *name != "id");
                assert_eq!(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Value>(), data);
            }
            Err(error) => assert_eq!(error.code(), 400),
        }
    }
    // What is asked for is not cut at it either.
    for (query, ids) in [
        (json!({"text": "one\0"}), &[][..]),
        (json!({"text": {"$in": ["one\0", "two"]}}), &[2]),
        (json!({"text": {"$gt": "one\0"}, "id": {"$lt": 4}}), &[2, 3]),
        (json!({"text": {"$lte": "one\0"}, "id": {"$lt": 6}}), &[1, 4, 5]),
    ] {
        assert_eq!(client.ids(query.clone()).await, ids, "{query}");
    }
}

async fn pages_do_not_cut_what_several_change<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.multi(true).paginate(1, 1));
    assert_eq!(client.patch(IdArg::Null, json!({"n": 0}), json!({})).await.unwrap().as_array().unwrap().len(), 5);
    assert_eq!(client.remove(IdArg::Null, json!({})).await.unwrap().as_array().unwrap().len(), 5);
}

async fn an_id_in_the_query_must_be_the_same<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    let message = "No record found for id '1'";
    let (other, data) = (|| json!({"id": 2}), || json!({"text": "x"}));
    refused(client.get(1, other()).await, 404, message);
    refused(client.patch(1, data(), other()).await, 404, message);
    refused(client.update(1, data(), other()).await, 404, message);
    refused(client.remove(1, other()).await, 404, message);
    assert_eq!(client.find(json!({})).await.unwrap(), json!(records()));
    // What the patch changes may be what the query asks for.
    assert_eq!(client.patch(1, data(), json!({"text": "one"})).await.unwrap()["text"], "x");
}
