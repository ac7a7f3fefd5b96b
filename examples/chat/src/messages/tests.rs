use crate::visitor::{Visitor, opened, opened_with};
use crate::{messages, rooms, users};
use serde_json::{Value, json};
use wingbeat::store::Sqlite;

fn message(uid: &str, text: &str) -> Value {
    json!({ "uid": uid, "roomId": 1, "text": text, "author": "somebody else", "createdAt": 0, "id": 1000 })
}

#[tokio::test]
async fn a_message_is_by_who_sent_it_and_heard_in_every_room() {
    let app = opened().await;
    let ada = Visitor::new(&app, "Ada", 1).await;
    let grace = Visitor::new(&app, "Grace", 2).await;
    let sent = ada.create("messages", message("a", " Hello\n")).await.unwrap();
    assert_eq!((&sent["id"], &sent["author"], &sent["text"]), (&json!(1), &json!("Ada"), &json!("Hello")));
    assert!(sent["createdAt"].as_u64().unwrap() > 1_600_000_000_000);
    assert_eq!(grace.hears("messages created").await, sent);
}

#[tokio::test]
async fn a_message_sent_again_is_stored_and_heard_once() {
    let app = opened().await;
    let ada = Visitor::new(&app, "Ada", 1).await;
    let first = ada.create("messages", message("a", "Once")).await.unwrap();
    assert_eq!(ada.create("messages", message("a", "Once")).await.unwrap(), first);
    let second = ada.create("messages", message("b", "Then")).await.unwrap();
    assert_eq!(ada.hears("messages created").await, first);
    assert_eq!(ada.hears("messages created").await, second);
    assert_eq!(ada.find("messages", json!({ "$limit": 0 })).await.unwrap()["total"], 2);
}

#[tokio::test]
async fn nobody_is_answered_with_the_message_of_another() {
    let app = opened().await;
    let ada = Visitor::new(&app, "Ada", 1).await;
    let grace = Visitor::new(&app, "Grace", 1).await;
    ada.create("messages", message("a", "Mine")).await.unwrap();
    assert_eq!(grace.create("messages", message("a", "Mine too")).await.unwrap_err().code(), 409);
    let elsewhere = json!({ "uid": "a", "roomId": 2, "text": "Mine" });
    assert_eq!(ada.create("messages", elsewhere).await.unwrap_err().code(), 409);
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let app = opened().await;
    let ada = Visitor::new(&app, "Ada", 1).await;
    for wrong in [
        message("a", " "),
        message("a", &"x".repeat(2001)),
        message("", "No uid"),
        message(&"x".repeat(65), "A long uid"),
        json!({ "uid": "a", "roomId": 99, "text": "Nowhere" }),
        json!({ "uid": "a", "text": "Nowhere" }),
        json!("Hello"),
    ] {
        assert_eq!(ada.create("messages", wrong.clone()).await.unwrap_err().code(), 400, "{wrong}");
    }
    assert_eq!(
        ada.create("messages", json!([message("a", "Two"), message("b", "Two")])).await.unwrap_err().code(),
        405
    );
}

#[tokio::test]
async fn a_database_that_fails_does_not_say_that_there_is_no_such_room() {
    let database = Sqlite::memory().await.unwrap();
    crate::migrate(&database).await.unwrap();
    let app = opened_with(&database).await;
    let ada = Visitor::new(&app, "Ada", 1).await;
    database
        .migrate(&[&crate::steps()[..], &[("out of reach", "ALTER TABLE rooms RENAME TO away")]].concat())
        .await
        .unwrap();
    let failed = ada.create("messages", message("a", "Is it there?")).await.unwrap_err();
    assert_eq!(failed.code(), 500, "{failed:?}");
    let busy = super::no_such_room(wingbeat::Error::unavailable("The database is busy"));
    assert_eq!((busy.code(), busy.message()), (503, "The database is busy"));
}

#[tokio::test]
async fn a_page_has_30_messages_and_at_most_100() {
    let app = opened().await;
    let ada = Visitor::new(&app, "Ada", 1).await;
    for number in 1..=101 {
        ada.create("messages", message(&number.to_string(), "Line")).await.unwrap();
    }
    let find = |query| ada.find("messages", query);
    let ids =
        |found: &Value| found["data"].as_array().unwrap().iter().map(|one| one["id"].as_i64()).collect::<Vec<_>>();
    assert_eq!(ids(&find(json!({})).await.unwrap()).len(), 30);
    assert_eq!(ids(&find(json!({ "$limit": 1000 })).await.unwrap()).len(), 100);
    let older = json!({ "roomId": 1, "id": { "$lt": 90 }, "$sort": { "id": -1 }, "$limit": 2, "$skip": 1 });
    assert_eq!(ids(&find(older).await.unwrap()), [Some(88), Some(87)]);
    assert!(ids(&find(json!({ "roomId": 2 })).await.unwrap()).is_empty());
}

#[tokio::test]
async fn only_those_in_the_room_hear_who_is_typing() {
    let app = opened().await;
    let ada = Visitor::new(&app, "Ada", 1).await;
    let grace = Visitor::new(&app, "Grace", 1).await;
    let linus = Visitor::new(&app, "Linus", 2).await;
    grace.call("messages", "typing", json!({ "roomId": 1 })).await.unwrap();
    assert_eq!(ada.hears("messages typing").await, json!({ "roomId": 1, "name": "Grace" }));
    assert_eq!(grace.call("messages", "typing", json!({ "roomId": 2 })).await.unwrap_err().code(), 403);
    linus.call("messages", "typing", json!({ "roomId": 2 })).await.unwrap();
    assert_eq!(linus.hears("messages typing").await["name"], "Linus", "and nobody before");
}

#[tokio::test]
async fn what_a_member_said_before_messages_told_so_is_the_members() {
    let database = Sqlite::memory().await.unwrap();
    let said = "
        INSERT INTO users (name, password, createdAt) VALUES ('Bob', '', 100);
        INSERT INTO messages (uid, roomId, author, text, createdAt)
        VALUES ('a', 1, 'Bob', 'As a guest', 99), ('b', 1, 'Bob', 'As myself', 100), ('c', 1, 'Eve', 'As ever', 101);
    ";
    let before = [
        ("rooms", rooms::TABLE),
        ("messages", messages::TABLE),
        ("users", users::TABLE),
        ("rooms for members", rooms::MEMBERS_ROOM),
        ("messages for members", messages::MEMBERS_ROOM),
        ("what was said", said),
        ("messages by members", messages::BY_MEMBERS),
        ("looks of names", users::LOOKS),
    ];
    database.migrate(&before).await.unwrap();
    let app = opened_with(&database).await;
    let found = Visitor::stranger(&app).await.find("messages", json!({ "$sort": { "id": 1 } })).await.unwrap();
    let by_member: Vec<_> = found["data"].as_array().unwrap().iter().map(|one| one["byMember"] == true).collect();
    assert_eq!(by_member, [false, true, false]);
}
