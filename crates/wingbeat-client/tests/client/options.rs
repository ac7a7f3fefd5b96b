//! What a client can be told: encodings, certificates, paths, payloads.

use crate::fixture::{Fixture, Target};
use crate::scripted::Listener;
use crate::soon;
use serde_json::{Value, json};
use std::time::Duration;
use wingbeat_client::{Binary, Client, Definition, DeliveryStatus, Error, Event, Reconnection, TransportKind};

const BOTH: [TransportKind; 2] = [TransportKind::WebSocket, TransportKind::Polling];

on_both! {
    messagepack_carries_calls_events_errors_and_bytes
    who_speaks_another_encoding_is_told_and_does_not_hang
    another_path_is_taken
    a_definition_is_a_typed_service
}

async fn messagepack_carries_calls_events_errors_and_bytes(target: Target) {
    let server = Fixture::start(target, "msgpack");
    for transport in BOTH {
        let client = server.client().msgpack(true).transports([transport]).connect().await.unwrap();
        let messages = client.untyped("messages");
        let mut created = messages.on("created");
        let data = json!({"text": "é\u{1f600}", "numbers": [0, -1, 127, 128, -129, 70000, 1.5, null, true], "deep": {"a": {}}});
        let record = messages.create(&data).await.unwrap();
        assert_eq!((&record["numbers"], &record["text"]), (&data["numbers"], &data["text"]));
        assert_eq!(created.next().await.unwrap().unwrap(), record);
        let error = client.untyped("errors").get("data").await.unwrap_err();
        assert_eq!((error.code(), error.data()), (Some(400), Some(&json!({"field": "text", "n": 1}))));
        let bytes = Binary::from(vec![0, 1, 255]);
        let blob = client.io().emit_with_ack("create", ("blob", json!({}), json!({}))).await.unwrap();
        assert_eq!(blob.argument_as::<Value>(1).unwrap()["len"], -1);
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Blob {
            #[serde(alias = "back")]
            buf: Binary,
        }
        let blob = client.service::<Blob>("blob").create(&Blob { buf: bytes.clone() }).await.unwrap();
        assert_eq!(blob.buf.0, bytes.0, "{transport:?}");
        let error = server.client().msgpack(true).query("deny", "no").connect().await.err().unwrap();
        assert_eq!((&*error.message(), error.data()), ("denied by middleware", Some(&json!({"reason": "no"}))));
        client.close().await;
    }
}

async fn who_speaks_another_encoding_is_told_and_does_not_hang(target: Target) {
    for (state, msgpack) in [("msgpack", false), ("base", true)] {
        let server = Fixture::start(target, state);
        for transport in BOTH {
            let builder = server.client().msgpack(msgpack).reconnection(Reconnection::never()).transports([transport]);
            let error = builder.connect_timeout(Duration::from_secs(3)).connect().await.err().unwrap();
            assert_eq!(error.delivery_status(), DeliveryStatus::NotSent, "{state}: {error}");
            let speaks = if msgpack { "speaks JSON and not MessagePack" } else { "speaks MessagePack and not JSON" };
            assert!(error.message().contains(speaks) && error.message().contains("Builder::msgpack"), "{error}");
        }
    }
}

async fn another_path_is_taken(target: Target) {
    let server = Fixture::start(target, "path-ws");
    for transport in BOTH {
        let client = server.client().path("/ws/").transports([transport]).connect().await.unwrap();
        assert_eq!(client.untyped("messages").get(1).await.unwrap()["text"], "one");
        let elsewhere = server.client().transports([transport]).connect().await.err().unwrap();
        assert!(elsewhere.message().starts_with("Cannot connect"), "{elsewhere}");
    }
}

async fn a_definition_is_a_typed_service(target: Target) {
    #[derive(serde::Deserialize)]
    struct Message {
        text: String,
    }
    struct Messages;
    impl Definition for Messages {
        type Item = Message;
        type Data = Value;
        type Patch = Value;
        type Query = Value;
        const PATH: &'static str = "messages";
    }
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    assert_eq!(client.defined::<Messages>().get(1).await.unwrap().text, "one");
}

#[tokio::test]
async fn headers_query_and_payload_are_sent() {
    let listener = Listener::bind().await;
    let builder = Client::builder(&listener.url()).path("live").query("room", "a&b").header("x-tenant", "acme");
    let client = builder.auth(&json!({"token": 1})).build().unwrap();
    let (mut peer, request) = soon(listener.request()).await;
    assert_eq!(request.uri(), "/live/?EIO=4&transport=websocket&room=a%26b");
    assert_eq!(request.headers()["x-tenant"], "acme");
    assert!(request.headers()["user-agent"].to_str().unwrap().starts_with("wingbeat-client/"));
    peer.send(crate::scripted::OPEN).await;
    assert_eq!(soon(peer.receive()).await.unwrap(), r#"40{"token":1}"#);
    drop(client);
}

#[tokio::test]
async fn a_payload_that_is_no_object_and_other_nonsense_is_refused() {
    let build = |change: fn(wingbeat_client::Builder) -> wingbeat_client::Builder| {
        change(Client::builder("http://localhost")).build().err().map(|error| matches!(error, Error::Invalid(_)))
    };
    assert_eq!(build(|builder| builder.auth(&1)), Some(true));
    assert_eq!(build(|builder| builder.header("a b", "c")), Some(true));
    assert_eq!(build(|builder| builder.header("a", "c\nd")), Some(true));
    assert_eq!(build(|builder| builder.transports([])), Some(true));
    assert_eq!(build(|builder| builder), None);
}

#[tokio::test]
async fn an_answer_may_hold_bytes() {
    let listener = Listener::bind().await;
    let client = Client::builder(&listener.url()).build().unwrap();
    let mut asks = client.io().on::<Event>("ask");
    let mut peer = soon(listener.joined()).await;
    peer.send(r#"421["ask"]"#).await;
    soon(asks.next()).await.unwrap().unwrap().reply(&Binary::from(vec![1, 2])).await.unwrap();
    assert_eq!(soon(peer.receive()).await.unwrap(), r#"461-1[{"_placeholder":true,"num":0}]"#);
    assert_eq!(soon(peer.receive_binary()).await, [1, 2]);
}
