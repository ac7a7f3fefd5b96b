//! The limits that a server announces: what is larger is not sent, and the connection stays.

use crate::faults::quick;
use crate::fixture::{Fixture, Target};
use crate::scripted::{Listener, once};
use crate::soon;
use serde_json::{Value, json};
use std::collections::HashMap;
use wingbeat_client::{Binary, ConnectionEvent, DeliveryStatus, Error, MemoryStorage, TransportKind};

on_both! {
    what_is_too_large_for_the_server_is_refused_here_and_the_connection_stays
    many_calls_that_are_too_large_together_go_by_polling_in_several_bodies
    attachments_count_as_the_transport_carries_them
}

fn sizes(error: &Error) -> (usize, usize) {
    let Error::TooLarge { size, limit, .. } = error else { panic!("{error:?}") };
    assert_eq!(error.delivery_status(), DeliveryStatus::NotSent);
    assert!(error.message().contains(&size.to_string()) && error.message().contains(&limit.to_string()), "{error}");
    (*size, *limit)
}

const BOTH: [TransportKind; 2] = [TransportKind::WebSocket, TransportKind::Polling];

async fn what_is_too_large_for_the_server_is_refused_here_and_the_connection_stays(target: Target) {
    let server = Fixture::start(target, "base");
    for transport in BOTH {
        let client = server.client().transports([transport]).connect().await.unwrap();
        let id = client.id();
        assert_eq!(client.announced_max_payload(), Some(1_000_000));
        let messages = client.untyped("messages");
        let envelope = r#"42?["create","messages",{"text":""},{}]"#.len();
        // The largest that fits, exactly; then one byte more.
        let text = "x".repeat(1_000_000 - envelope);
        assert_eq!(messages.create(&json!({ "text": text })).await.unwrap()["text"], *text);
        let error = messages.create(&json!({ "text": format!("{text}x") })).await.unwrap_err();
        assert_eq!(sizes(&error), (1_000_001, 1_000_000));
        let io = client.io();
        assert_eq!(sizes(&io.emit("x", "y".repeat(1_000_000)).await.unwrap_err()).1, 1_000_000);
        assert_eq!(sizes(&io.emit_with_ack("x", "y".repeat(1_000_000)).await.map(drop).unwrap_err()).1, 1_000_000);
        let login = client.authenticate(&json!({"strategy": "local", "email": "y".repeat(1_000_000)})).await;
        assert_eq!(sizes(&login.unwrap_err()).1, 1_000_000);
        assert_eq!(messages.get(1).await.unwrap()["text"], "one");
        assert_eq!(client.id(), id, "the same connection");
    }
}

async fn many_calls_that_are_too_large_together_go_by_polling_in_several_bodies(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().transports([TransportKind::Polling]).connect().await.unwrap();
    let id = client.id();
    let messages = client.untyped("messages");
    let data = json!({ "text": "x".repeat(300_000) });
    let calls = (0..12).map(|_| async { messages.create(&data).await });
    for record in futures_util::future::join_all(calls).await {
        assert_eq!(record.unwrap()["text"], data["text"]);
    }
    assert_eq!(client.id(), id, "the same connection");
}

async fn attachments_count_as_the_transport_carries_them(target: Target) {
    let server = Fixture::start(target, "base");
    for (transport, most) in [(TransportKind::WebSocket, 1_000_000), (TransportKind::Polling, 749_997)] {
        let client = server.client().transports([transport]).connect().await.unwrap();
        let id = client.id();
        let create = async |len: usize| -> Result<Value, Error> {
            let data = HashMap::from([("buf", Binary::from(vec![7; len]))]);
            client.untyped("blob").create(&data).await
        };
        assert_eq!(create(700_000).await.unwrap()["len"], 700_000);
        let (size, limit) = sizes(&create(most + 1).await.unwrap_err());
        assert!(size > limit && limit == 1_000_000, "{size}");
        assert_eq!(client.id(), id, "the same connection");
    }
}

fn open(max_payload: usize) -> String {
    format!(r#"0{{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":{max_payload}}}"#)
}

#[tokio::test]
async fn after_a_reconnection_the_new_limit_counts() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let texts = client.service::<u32>("texts");
    let data = "x".repeat(500);
    for (limit, fits) in [(10_000, true), (100, false), (1000, true)] {
        let server = async {
            let (mut peer, _) = listener.websocket().await;
            peer.send(&open(limit)).await;
            assert_eq!(peer.receive().await.as_deref(), Some("40"));
            peer.send(r#"40{"sid":"x"}"#).await;
            if fits {
                let asked = peer.receive().await.unwrap();
                let id: String = asked[2..].chars().take_while(char::is_ascii_digit).collect();
                peer.send(&format!("43{id}[null,1]")).await;
            }
            peer
        };
        let call = async { texts.create(&data).await };
        let (answer, peer) = soon(async { tokio::join!(call, server) }).await;
        match answer {
            Ok(one) => assert!(fits && one == 1),
            Err(error) => assert!(!fits && sizes(&error).1 == 100, "{error}"),
        }
        assert_eq!(client.announced_max_payload(), Some(limit));
        let mut events = client.connection_events();
        drop(peer);
        while !matches!(soon(events.next()).await, Some(ConnectionEvent::Disconnected { .. })) {}
    }
}

#[tokio::test]
async fn a_stored_token_that_is_too_large_fails_the_login_and_what_waits_for_it() {
    let listener = Listener::bind().await;
    let storage = MemoryStorage::with_token("t".repeat(200));
    let client = once(&listener.url()).storage(storage).build().unwrap();
    let server = async {
        let (mut peer, _) = listener.websocket().await;
        peer.send(&open(100)).await;
        peer.receive().await;
        peer.send(r#"40{"sid":"x"}"#).await;
        peer
    };
    let login = async { client.re_authenticate().await.map(drop) };
    let call = async { client.untyped("secure").get(1).await.map(drop) };
    let (login, call, _peer) = soon(async { tokio::join!(login, call, server) }).await;
    for outcome in [login, call] {
        let error = outcome.unwrap_err();
        assert_eq!(error.delivery_status(), DeliveryStatus::NotSent, "{error}");
        assert!(error.message().contains("the server accepts 100"), "{error}");
    }
}

#[tokio::test]
async fn a_payload_of_connect_that_is_too_large_is_told() {
    let listener = Listener::bind().await;
    let builder = once(&listener.url()).auth(&json!({ "ticket": "t".repeat(200) }));
    let server = async {
        let (mut peer, _) = listener.websocket().await;
        peer.send(&open(100)).await;
        assert_eq!(peer.receive().await, None);
    };
    let (client, ()) = soon(async { tokio::join!(builder.connect(), server) }).await;
    assert_eq!(sizes(&client.err().unwrap()).1, 100);
}

#[tokio::test]
async fn a_server_that_announces_nothing_has_no_limit() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let server = async {
        let (mut peer, _) = listener.websocket().await;
        peer.send(r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#).await;
        peer.receive().await;
        peer.send(r#"40{"sid":"x"}"#).await;
        assert!(peer.receive().await.unwrap().len() > 2_000_000);
        peer.send("430[null,1]").await;
        peer
    };
    let call = async { client.service::<u32>("texts").create(&"x".repeat(2_000_000)).await };
    let (answer, _peer) = soon(async { tokio::join!(call, server) }).await;
    assert_eq!((answer.unwrap(), client.announced_max_payload()), (1, None));
}
