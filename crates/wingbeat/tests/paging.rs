//! All records of a store, page by page, while others write: by the client in Rust, from each store.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "a test")]

use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::net::TcpListener;
use wingbeat::prelude::*;
use wingbeat::store::{Memory, Sqlite};
use wingbeat_client::Client;

const PAGE: u64 = 7;

/// A server with one service for each kind of store and id, and its client.
async fn stores() -> Client {
    let db = Sqlite::memory().await.unwrap();
    let tables = "CREATE TABLE numbers (id INTEGER PRIMARY KEY, n INTEGER); \
                  CREATE TABLE texts (id TEXT PRIMARY KEY, n INTEGER)";
    db.migrate(&[("tables", tables)]).await.unwrap();
    let memory = || Memory::new().multi(true).paginate(PAGE, PAGE);
    let table = |name: &str| db.table::<Value>(name).multi(true).paginate(PAGE, PAGE);
    let app = App::builder()
        .mount("memory", Mount::new(memory()))
        .mount("underscored", Mount::new(memory().id("_id")))
        .mount("numbers", Mount::new(table("numbers")))
        .mount("texts", Mount::new(table("texts")))
        .configure(SocketIo::new())
        .build()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { wingbeat::serve(listener, app).await });
    Client::connect_to(&url).await.unwrap()
}

fn number(n: u64) -> Value {
    json!(n)
}

/// Letters in both cases, digits, and what sorts differently in UTF-16 and in UTF-8.
fn text(n: u64) -> Value {
    let first = ["B", "a", "Z", "9", "10", "ß", "\u{1f600}", "\u{ffee}"][(n % 8) as usize];
    json!(format!("{first}-{n}"))
}

#[tokio::test]
async fn what_is_there_all_the_time_comes_exactly_once_whatever_others_write() {
    let client = stores().await;
    for (path, field, id) in [
        ("memory", "id", number as fn(u64) -> Value),
        ("memory", "id", text),
        ("underscored", "_id", number),
        ("numbers", "id", number),
        ("texts", "id", text),
    ] {
        let service = client.untyped(path);
        let records: Vec<Value> = (1..=100).map(|n| json!({ field: id(n), "n": n })).collect();
        service.create_many(&records).await.unwrap();
        let mut pages = service.find().pages();
        assert!(!pages.is_by_position());
        let (mut seen, mut touched, mut made) = (Vec::new(), BTreeSet::new(), 100);
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            assert_eq!(page.skip, seen.len() as u64, "{path}");
            assert!(page.total.unwrap() >= page.skip + page.data.len() as u64, "{path}");
            seen.extend(page.data.iter().map(|record| record["n"].as_u64().unwrap()));
            // Before and behind where it is: three that were read and one that was not go, and two come.
            let unread = (1..=100).find(|n| !seen.contains(n) && !touched.contains(n));
            let gone: Vec<u64> = seen.iter().copied().filter(|n| !touched.contains(n)).take(3).chain(unread).collect();
            for n in gone {
                let id = id(n);
                let id = id.as_str().map_or_else(|| n.into(), wingbeat_client::IdArg::from);
                service.remove(id).await.unwrap();
                touched.insert(n);
            }
            for _ in 0..2 {
                made += 1;
                touched.insert(made);
                service.create(&json!({ field: id(made), "n": made })).await.unwrap();
            }
            assert!(made < 1000, "{path}: it has no end");
        }
        let once: BTreeSet<u64> = seen.iter().copied().collect();
        assert_eq!(once.len(), seen.len(), "{path}: none comes twice");
        let missing: Vec<u64> = (1..=100).filter(|n| !once.contains(n) && !touched.contains(n)).collect();
        assert_eq!(missing, [0u64; 0], "{path}: none is missing");
        service.remove_many().await.unwrap_or_default();
        while !service.remove_many().await.unwrap().is_empty() {}
    }
}

#[tokio::test]
async fn ids_of_mixed_kinds_are_told_wherever_they_meet() {
    let client = stores().await;
    let service = client.untyped("memory");
    // On one page, at the border between two, and behind the last of the numbers.
    for numbers in [PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 3] {
        let ids = (1..=numbers).map(number).chain((1..=PAGE + 2).map(text));
        let records: Vec<Value> = ids.map(|id| json!({ "id": id })).collect();
        service.create_many(&records).await.unwrap();
        let mut found = service.find().records();
        let error = loop {
            match found.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("{numbers}: records were skipped in silence"),
            }
        };
        assert!(error.message().contains("numbers and some are texts"), "{error}");
        // The remedy that it names.
        let mut found = service.find().query(json!({"$sort": {"n": 1}})).records();
        assert!(found.is_by_position());
        let mut count = 0;
        while let Some(record) = found.next().await {
            record.unwrap();
            count += 1;
        }
        assert_eq!(count, records.len());
        service.remove_many().await.unwrap();
    }
}

#[tokio::test]
async fn conditions_of_the_querys_own_hold_on_every_page() {
    let client = stores().await;
    for path in ["memory", "numbers"] {
        let service = client.untyped(path);
        let records: Vec<Value> = (1..=50).map(|n| json!({ "id": n, "n": n % 2 })).collect();
        service.create_many(&records).await.unwrap();
        let query = json!({"n": 1, "id": {"$gt": 9, "$lt": 40}, "$select": ["n"], "$limit": 3});
        let mut found = service.find().query(query).records();
        let mut ids = Vec::new();
        while let Some(record) = found.next().await {
            ids.push(record.unwrap()["id"].as_u64().unwrap());
        }
        assert_eq!(ids, (11..40).step_by(2).collect::<Vec<u64>>(), "{path}");
    }
}
