//! Who is in channels, on one node and on several.

use crate::Presence;
use crate::app::Builder;
use crate::bus;
use crate::prelude::*;
use crate::test::Client;
use serde_json::{Value, json};
use std::time::Duration;

fn app() -> Builder {
    present(Presence::new("rooms/*", user))
}

fn user(connection: &Connection) -> Option<Value> {
    connection.get("user")
}

fn present(presence: Presence) -> Builder {
    App::builder().mount("presence", Mount::new(presence))
}

async fn started(builder: Builder) -> App {
    let app = builder.build().unwrap();
    app.setup().await.unwrap();
    app
}

async fn person(app: &App, name: &str, rooms: &[&str]) -> Client {
    let client = Client::connect(app).await.unwrap();
    client.connection().set("user", json!({"id": name}));
    app.channels(rooms.iter().copied()).join(client.connection());
    client
}

/// Who is there, as the server sees it: "channel:key".
async fn there(app: &App) -> Vec<String> {
    let found = app.service("presence").find(Params::new()).await.unwrap();
    found.to_value().unwrap().as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

async fn until(app: &App, expected: &[&str]) {
    let waiting = async {
        while there(app).await != expected {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(30), waiting).await.is_err() {
        panic!("{:?} are there instead of {expected:?}", there(app).await);
    }
}

fn told(client: &Client) -> Vec<(String, Value)> {
    client.heard().into_iter().map(|heard| (heard.event.to_string(), heard.data["member"]["id"].clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn members_of_a_channel_are_told_who_comes_changes_and_goes() {
    let app = started(app()).await;
    let ann = person(&app, "ann", &["rooms/1", "halls/1"]).await;
    until(&app, &["rooms/1:ann"]).await;
    let bob = person(&app, "bob", &["rooms/1", "rooms/2"]).await;
    until(&app, &["rooms/1:ann", "rooms/1:bob", "rooms/2:bob"]).await;
    let entry = ann.service("presence").get("rooms/1:bob").await.unwrap();
    assert_eq!(entry, json!({"id": "rooms/1:bob", "channel": "rooms/1", "member": {"id": "bob"}}));
    bob.connection().set("user", json!({"id": "bob", "away": true}));
    app.channel("rooms/1").join(bob.connection());
    while told(&ann).len() < 3 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(bob);
    until(&app, &["rooms/1:ann"]).await;
    let event = |name: &str, who: &str| (format!("presence {name}"), json!(who));
    let expected = [event("created", "ann"), event("created", "bob"), event("patched", "bob"), event("removed", "bob")];
    while told(&ann).len() < expected.len() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(told(&ann), expected);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_at_once_has_not_left_and_tabs_are_one_member() {
    let app = started(app()).await;
    let ann = person(&app, "ann", &["rooms/1"]).await;
    let tabs = (person(&app, "bob", &["rooms/1"]).await, person(&app, "bob", &["rooms/1"]).await);
    until(&app, &["rooms/1:ann", "rooms/1:bob"]).await;
    drop(tabs.0);
    drop(tabs.1);
    let bob = person(&app, "bob", &["rooms/1"]).await;
    // Something else, behind which nothing can still be on its way.
    let eve = person(&app, "eve", &["rooms/1"]).await;
    until(&app, &["rooms/1:ann", "rooms/1:bob", "rooms/1:eve"]).await;
    assert!(!told(&ann).iter().any(|(event, _)| event == "presence removed"), "{:?}", told(&ann));
    drop((bob, eve));
}

#[tokio::test(start_paused = true)]
async fn clients_learn_of_their_own_channels_alone() {
    let app = started(app()).await;
    let ann = person(&app, "ann", &["rooms/1"]).await;
    let bob = person(&app, "bob", &["rooms/2"]).await;
    until(&app, &["rooms/1:ann", "rooms/2:bob"]).await;
    let found = ann.service("presence").find().await.unwrap();
    assert_eq!(found, json!([{"id": "rooms/1:ann", "channel": "rooms/1", "member": {"id": "ann"}}]));
    let there = json!({"channel": "rooms/2"});
    assert_eq!(ann.service("presence").query(there.clone()).find().await.unwrap_err().code(), 403);
    assert_eq!(ann.service("presence").get("rooms/2:bob").await.unwrap_err().code(), 404);
    assert_eq!(bob.service("presence").query(there).find().await.unwrap().as_array().unwrap().len(), 1);
    for wrong in [json!({"channel": 1}), json!({"name": "ann"}), json!({"$limit": 1})] {
        assert_eq!(ann.service("presence").query(wrong.clone()).find().await.unwrap_err().code(), 400, "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_one_answers_everybody_and_says_nothing_of_strangers() {
    let app = started(present(Presence::new("rooms/*", user).open())).await;
    let stranger = Client::connect(&app).await.unwrap();
    app.channel("rooms/1").join(stranger.connection());
    let ann = person(&app, "ann", &["rooms/2"]).await;
    until(&app, &["rooms/2:ann"]).await;
    assert_eq!(stranger.service("presence").find().await.unwrap().as_array().unwrap().len(), 1);
    drop(ann);
}

#[tokio::test(start_paused = true)]
async fn a_publisher_of_the_mount_says_who_is_told_also_one_that_waits() {
    let mount = || Mount::new(Presence::new("rooms/*", user));
    let waits = mount().publish_async(|_| async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(channel("admins"))
    });
    for mount in [mount().publish(|_| channel("admins")), waits] {
        let app = started(App::builder().mount("presence", mount)).await;
        let admin = person(&app, "admin", &["admins"]).await;
        let ann = person(&app, "ann", &["rooms/1"]).await;
        until(&app, &["rooms/1:ann"]).await;
        while told(&admin).is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(told(&ann).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_panics_hides_nobody_else() {
    let of = |connection: &Connection| {
        let user = connection.get("user");
        assert_ne!(user, Some(json!({"id": "eve"})), "on purpose");
        user
    };
    let app = started(present(Presence::new("rooms/*", of))).await;
    let people = (person(&app, "eve", &["rooms/1"]).await, person(&app, "ann", &["rooms/1"]).await);
    until(&app, &["rooms/1:ann"]).await;
    drop(people);
}

#[tokio::test(start_paused = true)]
async fn every_node_knows_who_is_on_the_others() {
    let bus = bus::Memory::new();
    let one = started(app().bus(bus.clone())).await;
    let ann = person(&one, "ann", &["rooms/1"]).await;
    until(&one, &["rooms/1:ann"]).await;
    // It learns who was there before it.
    let two = started(app().bus(bus.clone())).await;
    let bob = person(&two, "bob", &["rooms/1"]).await;
    let both = ["rooms/1:ann", "rooms/1:bob"];
    until(&one, &both).await;
    until(&two, &both).await;
    // Who is on two nodes is one member.
    let ann_there = person(&two, "ann", &["rooms/1"]).await;
    drop(ann);
    let eve = person(&one, "eve", &["rooms/1"]).await;
    until(&two, &["rooms/1:ann", "rooms/1:bob", "rooms/1:eve"]).await;
    let heard = told(&bob);
    assert!(!heard.iter().any(|(event, _)| event == "presence removed"), "{heard:?}");
    drop((ann_there, eve));
    until(&one, &["rooms/1:bob"]).await;
}

#[tokio::test(start_paused = true)]
async fn members_of_a_node_that_is_gone_are_gone_and_what_was_missed_is_asked_for() {
    let bus = bus::Memory::new();
    let (one, two) = (started(app().bus(bus.clone())).await, started(app().bus(bus.clone())).await);
    let (ann, bob) = (person(&one, "ann", &["rooms/1"]).await, person(&two, "bob", &["rooms/1"]).await);
    until(&one, &["rooms/1:ann", "rooms/1:bob"]).await;
    bus.cut(1);
    let cleo = person(&one, "cleo", &["rooms/1"]).await;
    drop(ann);
    until(&one, &["rooms/1:bob", "rooms/1:cleo"]).await;
    assert_eq!(there(&two).await, ["rooms/1:ann", "rooms/1:bob"]);
    // Not heard of for long, the other one is as good as gone.
    until(&one, &["rooms/1:cleo"]).await;
    bus.restore(1);
    until(&one, &["rooms/1:bob", "rooms/1:cleo"]).await;
    until(&two, &["rooms/1:bob", "rooms/1:cleo"]).await;
    two.shutdown(Duration::from_secs(1)).await;
    until(&one, &["rooms/1:cleo"]).await;
    drop((bob, cleo));
}

#[tokio::test(start_paused = true)]
async fn who_joined_before_the_service_was_there_is_told_of_as_well() {
    let app = started(App::builder()).await;
    let ann = person(&app, "ann", &["rooms/1"]).await;
    app.mount("presence", Mount::new(Presence::new("rooms/*", user))).await.unwrap();
    app.setup().await.unwrap();
    until(&app, &["rooms/1:ann"]).await;
    drop(ann);
}
