//! Pages in the order of ids, where a service makes that hard.

use crate::fixture::{Fixture, Target};
use crate::scripted::{Listener, Peer, once};
use crate::soon;
use serde_json::{Value, json};
use wingbeat_client::{Client, Error, Result};

on_both! {
    records_that_are_removed_meanwhile_move_no_others_out_of_sight
    ids_of_two_kinds_are_told_and_not_skipped
}

async fn all(client: &Client, path: &str, query: Value) -> Result<Vec<Value>> {
    let mut records = client.untyped(path).find().query(query).records();
    let mut all = Vec::new();
    while let Some(record) = records.next().await {
        all.push(record?);
    }
    Ok(all)
}

async fn records_that_are_removed_meanwhile_move_no_others_out_of_sight(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    // One service that makes pages, and one that takes as many as it is asked for.
    let chat = client.untyped("chat");
    chat.create_many(&(1..=5).map(|id| json!({ "id": id })).collect::<Vec<_>>()).await.unwrap();
    for service in [client.untyped("paged"), chat] {
        let mut records = service.find().query(json!({"$limit": 2})).records();
        let mut ids = Vec::new();
        while let Some(record) = records.next().await {
            let id = record.unwrap()["id"].as_i64().unwrap();
            ids.push(id);
            service.remove(id).await.unwrap();
        }
        assert_eq!(ids, [1, 2, 3, 4, 5]);
    }
}

async fn ids_of_two_kinds_are_told_and_not_skipped(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    let ids = [json!(1), json!(2), json!("a"), json!("b"), json!("c")];
    client.untyped("chat").create_many(&ids.map(|id| json!({ "id": id }))).await.unwrap();
    for limit in 1..5 {
        let error = all(&client, "chat", json!({ "$limit": limit })).await.unwrap_err();
        assert!(
            matches!(error, Error::Unreadable(_)) && error.message().contains("numbers and some are texts"),
            "{limit}: {error}"
        );
    }
    for query in [json!({}), json!({"$limit": 2, "$sort": {"x": 1}})] {
        assert_eq!(all(&client, "chat", query).await.unwrap().len(), 5);
    }
}

/// Answers the next find; gives its query.
async fn answer(peer: &mut Peer, with: &str) -> Value {
    let asked = peer.receive().await.unwrap();
    let (id, call) = asked.strip_prefix("42").and_then(|rest| rest.split_once('[')).unwrap();
    peer.send(&format!("43{id}[{with}]")).await;
    serde_json::from_str::<Value>(&format!("[{call}")).unwrap()[2].take()
}

fn page(total: u64, ids: Value) -> String {
    let data: Vec<Value> = ids.as_array().unwrap().iter().map(|id| json!({ "_id": id })).collect();
    format!(r#"null,{{"total":{total},"limit":2,"skip":0,"data":{}}}"#, json!(data))
}

#[tokio::test]
async fn records_with_an_underscore_in_their_id_are_read_in_its_order() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let server = async {
        let mut peer = listener.joined().await;
        assert_eq!(answer(&mut peer, &page(3, json!(["b", "a"]))).await, json!({"$sort": {"id": 1}}));
        assert_eq!(answer(&mut peer, &page(3, json!(["a", "b"]))).await, json!({"$sort": {"_id": 1}}));
        let next = json!({"$sort": {"_id": 1}, "_id": {"$gt": "b"}});
        assert_eq!(answer(&mut peer, &page(1, json!(["c"]))).await, next);
        assert_eq!(answer(&mut peer, &page(3, json!(["c"]))).await, json!({"$sort": {"_id": -1}, "$limit": 1}));
        peer
    };
    let (found, _peer) = soon(async { tokio::join!(all(&client, "x", json!({})), server) }).await;
    assert_eq!(found.unwrap(), ["a", "b", "c"].map(|id| json!({ "_id": id })));
}

#[tokio::test]
async fn a_store_that_finds_nothing_behind_an_id_is_told_from_one_that_has_no_more() {
    // Ids that are no texts in the store, as those of MongoDB, compare with no text.
    for compares in [false, true] {
        let listener = Listener::bind().await;
        let client = once(&listener.url()).build().unwrap();
        let server = async {
            let mut peer = listener.joined().await;
            answer(&mut peer, &page(9, json!(["a", "b"]))).await;
            answer(&mut peer, &page(9, json!(["a", "b"]))).await;
            answer(&mut peer, &page(0, json!([]))).await;
            if compares {
                // `b` has been removed, and all behind it.
                answer(&mut peer, &page(1, json!(["a"]))).await;
                let query = answer(&mut peer, &page(1, json!(["a"]))).await;
                assert_eq!(query, json!({"_id": {"$gte": "a"}, "$limit": 1}));
            } else {
                for _ in 0..5 {
                    answer(&mut peer, &page(9, json!(["k"]))).await;
                    answer(&mut peer, &page(0, json!([]))).await;
                }
            }
            peer
        };
        let (found, _peer) = soon(async { tokio::join!(all(&client, "x", json!({})), server) }).await;
        match found {
            Ok(found) => assert!(compares && found.len() == 2),
            Err(error) => assert!(!compares && error.message().contains("does not compare with it"), "{error}"),
        }
    }
}

#[tokio::test]
async fn records_without_ids_are_no_pages_unless_they_all_fit_on_one() {
    for (total, is_told) in [(2, false), (3, true)] {
        for data in ["[1,2]", r#"[{"a":1},{"a":2}]"#, r#"[{"id":true},{"id":[]}]"#] {
            let listener = Listener::bind().await;
            let client = once(&listener.url()).build().unwrap();
            let server = async {
                let mut peer = listener.joined().await;
                answer(&mut peer, &format!(r#"null,{{"total":{total},"limit":2,"skip":0,"data":{data}}}"#)).await;
                peer
            };
            let (found, _peer) = soon(async { tokio::join!(all(&client, "x", json!({})), server) }).await;
            match found {
                Ok(found) => assert!(!is_told && found.len() == 2),
                Err(error) => assert!(is_told && error.message().contains("$sort of its own"), "{error}"),
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_refuses_the_order_is_quoted_with_the_remedy() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let server = async {
        let mut peer = listener.joined().await;
        let refusal = r#"{"name":"BadRequest","code":400,"message":"no such column: id","data":{"a":1}}"#;
        answer(&mut peer, refusal).await;
        peer
    };
    let (found, _peer) = soon(async { tokio::join!(all(&client, "x", json!({})), server) }).await;
    let error = found.unwrap_err();
    let message = error.message();
    assert!(message.starts_with("no such column: id (") && message.contains("$sort of its own"), "{message}");
    assert_eq!(error.data(), Some(&json!({"a": 1})));
}

#[tokio::test]
async fn pages_that_count_only_so_far_or_not_at_all_are_read_to_their_end() {
    // What the page says of the total: nothing, and "1 or more".
    for total in ["", r#""total":1,"#] {
        for sort in [json!({"_id": 1}), json!({"x": 1})] {
            let listener = Listener::bind().await;
            let client = once(&listener.url()).build().unwrap();
            let server = async {
                let mut peer = listener.joined().await;
                for ids in [json!(["a", "b"]), json!(["c", "d"]), json!([])] {
                    let data: Vec<Value> = ids.as_array().unwrap().iter().map(|id| json!({ "_id": id })).collect();
                    answer(&mut peer, &format!(r#"null,{{{total}"limit":2,"skip":0,"data":{}}}"#, json!(data))).await;
                }
                if sort.get("_id").is_some() {
                    answer(&mut peer, &page(4, json!(["d"]))).await;
                }
                peer
            };
            let found = all(&client, "x", json!({ "$sort": sort }));
            let (found, _peer) = soon(async { tokio::join!(found, server) }).await;
            assert_eq!(found.unwrap(), ["a", "b", "c", "d"].map(|id| json!({ "_id": id })), "{total} {sort}");
        }
    }
}
