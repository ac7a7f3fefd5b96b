//! Servers that mean no good: no panic, no hang, bounded memory.

use crate::scripted::{Listener, OPEN, once};
use crate::soon;
use futures_util::StreamExt;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;
use wingbeat_client::{Client, ConnectionEvent, DeliveryStatus, Error, Event, Reason, Reconnection};

#[derive(Clone, Debug)]
enum Message {
    Text(String),
    Binary(Vec<u8>),
}

fn message() -> impl Strategy<Value = Message> {
    let nearly = "[0-6]{1,2}[0-9]{0,2}(-|/x,)?[0-9]{0,3}(\\[(null|1|\"a\"|\\{\\}|,){0,6}\\]?)?";
    prop_oneof![
        4 => nearly.prop_map(Message::Text),
        1 => "\\PC{0,40}".prop_map(Message::Text),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Message::Binary),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn whatever_a_server_sends_calls_end_and_the_client_closes(
        first in prop_oneof![3 => Just(OPEN.to_owned()), 1 => "0\\PC{0,30}"],
        messages in prop::collection::vec(message(), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(soon(async {
            let listener = Listener::bind().await;
            // Nothing has to succeed here, and much is never answered.
            let builder = once(&listener.url()).timeout(Duration::from_millis(500));
            let client = builder.connect_timeout(Duration::from_millis(500)).build().unwrap();
            let mut any = client.io().on_any();
            let server = async {
                let (mut peer, _) = listener.websocket().await;
                peer.send(&first).await;
                peer.send(r#"40{"sid":"x"}"#).await;
                for message in &messages {
                    match message {
                        Message::Text(text) => peer.send(text).await,
                        Message::Binary(bytes) => peer.send_binary(bytes).await,
                    }
                }
            };
            let call = async { client.untyped("x").get(1).await };
            let ((), outcome) = tokio::join!(server, call);
            // Chance may write an answer; whatever it is, it came in time.
            drop(outcome);
            client.close().await;
            while any.next().await.is_some() {}
        }));
    }
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_connection() {
    let deep = format!("42[\"a\",{}{}]", "[".repeat(300), "]".repeat(300));
    for bad in ["9", "42[", "42{}", "43", "51-", "4x", "430{}", "45999999-[\"a\"]", &deep, "0{}", "2probe"] {
        let listener = Listener::bind().await;
        let client = once(&listener.url()).build().unwrap();
        let mut events = client.connection_events();
        let mut peer = soon(listener.joined()).await;
        assert!(matches!(soon(events.next()).await, Some(ConnectionEvent::Connected { .. })));
        peer.send(bad).await;
        let event = soon(events.next()).await;
        let ended = matches!(event, Some(ConnectionEvent::Disconnected { reason: Reason::ParseError, .. }));
        assert!(ended, "{bad}: {event:?}");
    }
}

#[tokio::test]
async fn a_flood_of_events_is_bounded_and_what_was_missed_is_counted() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).listener_limits(10, 1 << 20).build().unwrap();
    let mut slow = client.service::<u64>("flood").on("tick");
    let mut peer = soon(listener.joined()).await;
    for n in 0..5_000 {
        peer.send(&format!(r#"42["flood tick",{n}]"#)).await;
    }
    // Answers come after the events before them: then all have arrived.
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.untyped("x").get(1).await }
    });
    soon(peer.receive()).await;
    peer.send("430[null,1]").await;
    soon(call).await.unwrap().unwrap();
    let error = soon(slow.next()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Missed(4990)), "{error:?}");
    let rest: Vec<u64> = slow.by_ref().take(10).map(|event| event.unwrap()).collect().await;
    assert_eq!(rest, (4990..5000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_not_taken_in() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).max_payload(100_000).build().unwrap();
    let mut events = client.connection_events();
    let mut peer = soon(listener.joined()).await;
    assert!(matches!(soon(events.next()).await, Some(ConnectionEvent::Connected { .. })));
    peer.send(&format!(r#"42["a","{}"]"#, "x".repeat(200_000))).await;
    assert!(matches!(soon(events.next()).await, Some(ConnectionEvent::Disconnected { .. })));
}

#[tokio::test]
async fn ten_megabytes_in_one_event_arrive_with_their_attachments() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let mut events = client.io().on::<Event>("big");
    let mut peer = soon(listener.joined()).await;
    peer.send(&format!(r#"451-["big","{}",{{"_placeholder":true,"num":0}}]"#, "x".repeat(10 << 20))).await;
    peer.send_binary(&[7; 1000]).await;
    let event = soon(events.next()).await.unwrap().unwrap();
    assert_eq!((event.argument_as::<String>(0).unwrap().len(), event.attachments()[0].len()), (10 << 20, 1000));
}

#[tokio::test]
async fn a_server_may_ask_and_is_answered_once_on_its_own_connection() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let mut asks = client.io().on::<Event>("ask");
    let mut peer = soon(listener.joined()).await;
    peer.send(r#"427["ask",1]"#).await;
    let event = soon(asks.next()).await.unwrap().unwrap();
    assert!(event.wants_reply());
    event.reply(&json!({"n": 2})).await.unwrap();
    assert_eq!(soon(peer.receive()).await.unwrap(), r#"437[{"n":2}]"#);
}

#[tokio::test]
async fn what_a_call_carries_is_escaped_and_its_bytes_follow() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    let io = client.io();
    let bytes = wingbeat_client::Binary::from(vec![1, 2]);
    let emit = tokio::spawn(async move { io.emit("a\"b\n", ("\u{2028}", bytes)).await });
    let packet = soon(peer.receive()).await.unwrap();
    let json = packet.strip_prefix("451-").unwrap();
    let sent: Value = serde_json::from_str(json).unwrap();
    assert_eq!(sent, json!(["a\"b\n", "\u{2028}", {"_placeholder": true, "num": 0}]));
    assert_eq!(soon(peer.receive_binary()).await, [1, 2]);
    soon(emit).await.unwrap().unwrap();
    let error = client.untyped("a/:id").route("id", "x/y").get(1).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
}

#[tokio::test]
async fn answers_that_a_server_does_not_read_are_bounded() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).buffer_limits(4, 1 << 20).build().unwrap();
    let mut asks = client.io().on::<Event>("ask");
    let mut peer = soon(listener.joined()).await;
    peer.send(r#"421["ask"]"#).await;
    let event = soon(asks.next()).await.unwrap().unwrap();
    // Far more than the buffers of both kernels hold: the rest waits, in a buffer that has an end.
    let large = "x".repeat(200_000);
    let replies = (0..100).map(|_| event.reply(&large));
    let outcomes = soon(futures_util::future::join_all(replies)).await;
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(
        refused.clone().count() > 10 && refused.clone().all(|error| error.delivery_status() == DeliveryStatus::NotSent)
    );
    drop(peer);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_not_sent_to_the_next_connection() {
    let listener = Listener::bind().await;
    let delay = Duration::from_millis(10);
    let reconnection = Reconnection::default().delay(delay).max_delay(delay);
    let client = Client::builder(&listener.url()).reconnection(reconnection).build().unwrap();
    let mut asks = client.io().on::<Event>("ask");
    let mut events = client.connection_events();
    let mut peer = soon(listener.joined()).await;
    peer.send(r#"421["ask"]"#).await;
    let event = soon(asks.next()).await.unwrap().unwrap();
    drop(peer);
    while !matches!(soon(events.next()).await, Some(ConnectionEvent::Disconnected { .. })) {}
    let mut peer = soon(listener.joined()).await;
    while !matches!(soon(events.next()).await, Some(ConnectionEvent::Connected { .. })) {}
    let error = soon(event.reply(&1)).await.unwrap_err();
    assert_eq!(error.delivery_status(), DeliveryStatus::NotSent);
    soon(client.close()).await;
    assert_eq!(soon(peer.receive()).await.as_deref(), Some("41"));
}

#[tokio::test]
async fn a_listener_named_like_a_reserved_event_hears_nothing() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let (mut reserved, mut any) = (client.io().on::<Event>("connect"), client.io().on_any());
    let mut peer = soon(listener.joined()).await;
    peer.send(r#"42["real"]"#).await;
    assert_eq!(soon(any.next()).await.unwrap().unwrap().name(), "real");
    soon(client.close()).await;
    assert!(soon(reserved.next()).await.is_none());
}

#[tokio::test]
async fn what_a_server_says_at_logins_is_bounded_for_who_does_not_listen() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).listener_limits(100, 10_000).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    soon(client.connect()).await.unwrap();
    let mut events = client.connection_events();
    let large = "x".repeat(4_000);
    for (id, answer) in [
        format!(r#"[null,{{"user":"{large}"}}]"#),
        format!(r#"[{{"name":"NotAuthenticated","code":401,"message":"{large}"}}]"#),
        format!(r#"[{{"name":"NotAuthenticated","code":401,"message":"","data":{{"a":"{large}"}}}}]"#),
        format!(r#"[{{"name":"NotAuthenticated","code":401,"message":"","errors":{{"a":"{large}"}}}}]"#),
        format!(r#"[null,{{"user":"{large}"}}]"#),
    ]
    .into_iter()
    .enumerate()
    {
        let login = json!({"strategy": "x"});
        let server = async {
            peer.receive().await.unwrap();
            peer.send(&format!("43{id}{answer}")).await;
        };
        let _ = soon(async { tokio::join!(client.authenticate(&login), server) }).await;
    }
    assert!(matches!(soon(events.next()).await, Some(ConnectionEvent::Missed(3))));
    assert!(matches!(soon(events.next()).await, Some(ConnectionEvent::LoginFailed(_))));
    assert!(matches!(soon(events.next()).await, Some(ConnectionEvent::LoggedIn(_))));
}
