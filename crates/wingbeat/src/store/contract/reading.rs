//! Facts about find and get.

use super::{Client, asking, plain, records, refused};
use crate::service::RawService;
use crate::store::{Store, Table};
use serde_json::json;
use wingbeat_core::{IdArg, Method};

super::facts! {
    an_empty_query_finds_all_in_order
    a_page_has_total_limit_skip_and_data_in_this_order
    pages_are_bounded
    a_limit_without_pages_answers_a_list
    params_override_the_pages
    params_override_what_the_adapter_allows
    skip_leaves_out_the_first
    select_answers_the_listed_fields_and_the_id
    a_wrong_select_is_refused
    ids_are_found_by_their_text
    ids_that_do_not_exist_are_not_found
    get_honours_the_query
    get_ignores_limit_skip_and_sort
    all_six_methods_are_there
}

async fn an_empty_query_finds_all_in_order<S: Store + Clone>(table: Table<S>) {
    assert_eq!(Client(table).find(json!({})).await.unwrap(), json!(records()));
}

async fn a_page_has_total_limit_skip_and_data_in_this_order<S: Store + Clone>(table: Table<S>) {
    let answer = table.paginate(2, 3).find(&asking(json!({"userId": 1, "$select": ["id"]})).unwrap()).await.unwrap();
    let text = r#"{"total":3,"limit":2,"skip":0,"data":[{"id":1},{"id":3}]}"#;
    assert_eq!(answer.into_value().unwrap().to_string(), text);
}

async fn pages_are_bounded<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.paginate(2, 3));
    for (limit, reported) in [
        (json!(1), 1),
        (json!(3), 3),
        (json!(50), 3),
        (json!(0), 0),
        (json!(-1), 2),
        (json!("1"), 1),
        (json!("abc"), 2),
        (json!(null), 2),
        (json!(1.9), 1),
        (json!(true), 2),
        (json!({}), 2),
    ] {
        let page = client.find(json!({"$limit": limit})).await.unwrap();
        assert_eq!((&page["limit"], &page["total"]), (&json!(reported), &json!(5)), "{limit}");
        assert_eq!(page["data"].as_array().unwrap().len(), reported, "{limit}");
    }
}

async fn a_limit_without_pages_answers_a_list<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    for (limit, count) in [(json!(2), 2), (json!(0), 0), (json!(-1), 5), (json!("x"), 5), (json!(9), 5)] {
        assert_eq!(client.find(json!({"$limit": limit})).await.unwrap().as_array().unwrap().len(), count, "{limit}");
    }
}

async fn params_override_the_pages<S: Store + Clone>(table: Table<S>) {
    let table = table.paginate(1, 1);
    let params = || asking(json!({})).unwrap();
    assert!(table.find(&params().without_pages()).await.unwrap().is_array());
    let page = plain(table.find(&params().with_pages(3, 4)).await).unwrap();
    assert_eq!((&page["limit"], page["data"].as_array().unwrap().len()), (&json!(3), 3));
    let params = asking(json!({"$limit": 9})).unwrap().with_pages(3, 4);
    assert_eq!(plain(table.find(&params).await).unwrap()["limit"], 4);
}

async fn skip_leaves_out_the_first<S: Store + Clone>(table: Table<S>) {
    let client = Client(table.clone());
    assert_eq!(client.ids(json!({"$skip": 3})).await, [4, 5]);
    assert_eq!(client.ids(json!({"$skip": "1", "$limit": 2})).await, [2, 3]);
    assert_eq!(client.ids(json!({"$skip": 99})).await, [0; 0]);
    let client = Client(table.paginate(2, 3));
    for (skip, reported, ids) in [(json!(-1), 0, [1, 2]), (json!("x"), 0, [1, 2]), (json!(2), 2, [3, 4])] {
        assert_eq!(client.find(json!({"$skip": skip})).await.unwrap()["skip"], reported);
        assert_eq!(client.ids(json!({"$skip": skip})).await, ids);
    }
    assert_eq!(
        client.find(json!({"$skip": 99})).await.unwrap(),
        json!({"total": 5, "limit": 2, "skip": 99, "data": []})
    );
}

async fn select_answers_the_listed_fields_and_the_id<S: Store + Clone>(table: Table<S>) {
    let text = async |select| {
        let query = asking(json!({"$select": select})).unwrap();
        table.get(1.into(), &query).await.unwrap().into_value().unwrap().to_string()
    };
    assert_eq!(text(json!(["text"])).await, r#"{"text":"one","id":1}"#);
    assert_eq!(text(json!(["n", "id", "text"])).await, r#"{"n":10,"id":1,"text":"one"}"#);
    assert_eq!(text(json!([])).await, r#"{"id":1}"#);
    assert_eq!(text(json!(["nothing", "text", "text"])).await, r#"{"text":"one","id":1}"#);
    // Names are what JavaScript makes of them.
    assert_eq!(text(json!([1, null, {"$x": 1}, ["text"]])).await, r#"{"text":"one","id":1}"#);
    let all = text(json!(null)).await;
    for nothing in [json!(0), json!(""), json!(false)] {
        assert_eq!(text(nothing).await, all);
    }
    assert_eq!(
        Client(table.clone()).find(json!({"$select": [], "userId": 2})).await.unwrap(),
        json!([{"id": 2}, {"id": 4}])
    );
}

async fn a_wrong_select_is_refused<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    for select in [json!("text"), json!({"a": 1}), json!(1), json!(true)] {
        refused(client.find(json!({"$select": select})).await, 400, "Invalid $select: it must be a list of names");
    }
}

async fn ids_are_found_by_their_text<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    assert_eq!(client.get("1", json!({})).await.unwrap()["id"], json!(1));
    for id in ["01", " 1", "1.0", "+1", ""] {
        refused(client.get(id, json!({})).await, 404, &format!("No record found for id '{id}'"));
    }
}

async fn ids_that_do_not_exist_are_not_found<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    for id in ["999", "__proto__", "toString", "constructor", "1; DROP TABLE messages", "\"", "1 OR 1=1", "\0"] {
        let message = format!("No record found for id '{id}'");
        refused(client.get(id, json!({})).await, 404, &message);
        refused(client.patch(id, json!({"text": "x"}), json!({})).await, 404, &message);
        refused(client.update(id, json!({"text": "x"}), json!({})).await, 404, &message);
        refused(client.remove(id, json!({})).await, 404, &message);
    }
    refused(client.get(IdArg::Null, json!({})).await, 404, "No record found for id 'null'");
    let message = "No record found for id 'undefined'";
    refused(client.get(IdArg::Absent, json!({})).await, 404, message);
    refused(client.patch(IdArg::Absent, json!({"n": 1}), json!({})).await, 404, message);
    refused(client.update(IdArg::Absent, json!({"n": 1}), json!({})).await, 404, message);
    refused(client.remove(IdArg::Absent, json!({})).await, 404, message);
    assert_eq!(client.ids(json!({})).await, [1, 2, 3, 4, 5]);
}

async fn get_honours_the_query<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    assert_eq!(client.get(1, json!({"userId": 1})).await.unwrap()["id"], 1);
    assert_eq!(client.get(1, json!({"tags": "x"})).await.unwrap()["id"], 1);
    for query in [json!({"userId": 2}), json!({"$or": [{"id": 2}]}), json!({"tags": "z"})] {
        refused(client.get(1, query).await, 404, "No record found for id '1'");
    }
}

async fn get_ignores_limit_skip_and_sort<S: Store + Clone>(table: Table<S>) {
    let client = Client(table);
    for query in [json!({"$limit": 0}), json!({"$skip": 5, "$sort": {"id": 1}})] {
        assert_eq!(client.get(1, query).await.unwrap()["id"], 1);
    }
}

async fn all_six_methods_are_there<S: Store + Clone>(table: Table<S>) {
    assert_eq!(table.methods(), Method::STANDARD);
}

async fn params_override_what_the_adapter_allows<S: Store + Clone>(table: Table<S>) {
    let table = table.paginate(1, 1).multi(["remove"]);
    let with = |adapter| {
        let mut params = asking(json!({"id": 1})).unwrap();
        params.set("adapter", adapter);
        params.set("paginate", json!({"default": 2}));
        params
    };
    assert_eq!(plain(table.find(&with(json!({}))).await).unwrap()["limit"], 2);
    let multi = with(json!({"paginate": {"max": 3}})).with_multi();
    assert_eq!(plain(table.find(&multi).await).unwrap()["limit"], 3);
    assert!(table.patch(IdArg::Null, Some(json!({"n": 1}).into()), &multi).await.is_ok());
    assert_eq!(plain(table.find(&with(json!({"paginate": {"max": 3}}))).await).unwrap()["limit"], 3);
    assert!(plain(table.find(&with(json!({"paginate": false}))).await).unwrap().is_array());
    for (multi, patches, removes) in [
        (json!({"multi": true}), true, true),
        (json!({"multi": ["patch"]}), true, false),
        (json!({"multi": false}), false, false),
        (json!({"multi": "patch"}), false, false),
        (json!({"other": 1}), false, true),
    ] {
        let data = Some(json!({"n": 1}).into());
        assert_eq!(table.patch(IdArg::Null, data, &with(multi.clone())).await.is_ok(), patches, "{multi}");
        assert_eq!(table.remove(IdArg::Null, &with(multi.clone())).await.is_ok(), removes, "{multi}");
    }
}
