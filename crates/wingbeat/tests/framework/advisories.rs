//! What was published against Feathers: one test for each advisory, which bears its number. SECURITY.md has the list.

use serde_json::{Value, json};
use std::path::Path;
use wingbeat::prelude::*;
use wingbeat::store::Memory;
use wingbeat::test::Client;

fn app() -> App {
    let records = [json!({"id": 1, "text": "one"}), json!({"id": 2, "text": "two"})];
    App::builder().mount("messages", Mount::new(Memory::new().multi(true).records(records))).build().unwrap()
}

async fn client() -> Client {
    Client::connect(&app()).await.unwrap()
}

/// An object whose `toString` is not a function, as path or method, ended the process.
#[tokio::test]
async fn cve_2023_37899_what_is_no_text_names_no_service() {
    let client = client().await;
    for path in [json!({"toString": ""}), json!({"toString": null}), json!([]), json!(["messages"]), json!(null)] {
        let error = client.emit("find", std::slice::from_ref(&path)).await.unwrap_err();
        assert!((400..500).contains(&error.code()), "{path}: {error:?}");
    }
    for query in [json!({"toString": ""}), json!({"text": {"toString": ""}}), json!([{"toString": ""}])] {
        if let Err(error) = client.emit("find", &[json!("messages"), query.clone()]).await {
            assert!((400..500).contains(&error.code()), "{query}: {error:?}");
        }
    }
    assert_eq!(client.emit("get", &[json!("messages"), json!(1)]).await.unwrap()["text"], "one");
}

/// An object with operators as id matched every record.
#[tokio::test]
async fn cve_2026_29793_ids_are_numbers_or_texts() {
    let client = client().await;
    for id in [json!({"$ne": null}), json!({"$gt": ""}), json!([1]), json!([[1]]), json!(true), json!({"id": 1})] {
        for arguments in [
            vec![json!("get"), id.clone()],
            vec![json!("patch"), id.clone(), json!({"text": "x"})],
            vec![json!("update"), id.clone(), json!({"text": "x"})],
            vec![json!("remove"), id.clone()],
        ] {
            let [Value::String(method), rest @ ..] = &arguments[..] else { unreachable!() };
            let error = client.emit(method, &[&[json!("messages")], rest].concat()).await.unwrap_err();
            assert_eq!(error.code(), 400, "{method} {id}");
        }
    }
    let all = client.emit("find", &[json!("messages")]).await.unwrap();
    assert_eq!(all, json!([{"id": 1, "text": "one"}, {"id": 2, "text": "two"}]));
}

/// feathers-sequelize: members of a query reached the library beneath as more than values.
#[tokio::test]
async fn cve_2022_29822_unknown_operators_and_filters_are_refused() {
    let client = client().await;
    for query in [json!({"$where": "1"}), json!({"text": {"$regex": ".*"}}), json!({"text": {"$like": "%"}})] {
        let error = client.emit("find", &[json!("messages"), query.clone()]).await.unwrap_err();
        assert_eq!(error.code(), 400, "{query}");
    }
    for query in [
        json!({"$or": "x"}),
        json!({"$or": [1]}),
        json!({"$and": {"a": 1}}),
        json!({"$select": {"a": 1}}),
        json!({"$sort": [["text", "1; DROP TABLE messages"]]}),
        json!({"$sort": {"text; DROP TABLE messages": 1}}),
        json!({"$limit": {"$gt": 1}}),
    ] {
        // Some of it means nothing, as in Feathers; none of it is an error of the server.
        if let Err(error) = client.emit("find", &[json!("messages"), query.clone()]).await {
            assert_eq!(error.code(), 400, "{query}");
        }
    }
}

/// feathers-sequelize: what a client sent changed the prototype of all objects.
#[tokio::test]
async fn cve_2022_29823_and_2022_2422_members_are_only_members() {
    let client = client().await;
    for query in [json!({"__proto__": {"admin": true}}), json!({"constructor": {"prototype": {"admin": true}}})] {
        // Nothing has such a member, so nothing is found; a store that knows its columns may say so.
        match client.emit("find", &[json!("messages"), query]).await {
            Ok(found) => assert_eq!(found, json!([])),
            Err(error) => assert_eq!(error.code(), 400),
        }
    }
    let made = client.emit("create", &[json!("messages"), json!({"__proto__": {"admin": true}})]).await.unwrap();
    assert_eq!(made["admin"], Value::Null);
}

/// @feathersjs/commons: what was merged could change the prototype of all objects.
#[tokio::test]
async fn cve_2026_54335_what_is_merged_stays_in_its_record() {
    let client = client().await;
    let data = json!({"text": "x", "__proto__": {"admin": true}, "more": {"__proto__": {"admin": true}}});
    let made = client.emit("create", &[json!("messages"), data.clone()]).await.unwrap();
    client.emit("patch", &[json!("messages"), json!(1), data.clone()]).await.unwrap();
    client.emit("update", &[json!("messages"), made["id"].clone(), data]).await.unwrap();
    let all = client.emit("find", &[json!("messages")]).await.unwrap();
    let all = all.as_array().unwrap();
    assert_eq!(all.iter().filter(|record| record["text"] == "x").count(), 2);
    for record in all {
        assert_eq!((&record["admin"], &record["more"]["admin"]), (&Value::Null, &Value::Null), "{record}");
    }
    assert_eq!(all.last(), Some(&json!({"id": 2, "text": "two"})));
    let query = json!({"admin": true});
    assert_eq!(client.emit("find", &[json!("messages"), query]).await.unwrap(), json!([]));
}

/// What fuzzing has found to be worth asking.
#[test]
fn queries_of_the_fuzzer_do_no_harm() {
    corpus("query").iter().for_each(|input| crate::query::query(input));
}

#[test]
fn query_strings_hold_no_more_than_was_written() {
    corpus("query_string").iter().for_each(|input| crate::query_string::query_string(input));
    // Strings of what has a meaning in them, 50,000 of them.
    let words =
        ["a", "b", "[", "]", "[]", "=", "&", "0", "1", "25", "1999", "%5B", "%5D", "%", "%zz", "%ff", "+", "__proto__"];
    let mut random = 1_u64;
    for _ in 0..50_000 {
        let mut text = String::new();
        for _ in 0..24 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(words[(random >> 33) as usize % words.len()]);
        }
        crate::query_string::query_string(text.as_bytes());
    }
}

/// The inputs that a fuzzer begins with.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let inputs: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(inputs.len() > 5, "{target} has no corpus");
    inputs
}
