//! A network that is cut, frozen or slow, between the client and both servers.

use crate::fixture::{Fixture, Target};
use crate::proxy::Proxy;
use serde_json::json;
use std::time::Duration;
use wingbeat_client::{Builder, Client, ConnectionEvent, DeliveryStatus, Reason, Reconnection, TransportKind};

const SHORT: Duration = Duration::from_millis(300);

on_both! {
    a_cut_network_is_told_and_calls_made_meanwhile_are_answered_later
    a_frozen_network_is_noticed_and_left_for_a_new_connection
    a_slow_network_delays_and_breaks_nothing
    ten_megabytes_are_carried_by_a_websocket
    ten_megabytes_are_carried_by_polling
    a_network_that_is_cut_again_and_again_loses_no_call
}

fn client(url: &str, transport: TransportKind) -> Builder {
    let delay = Duration::from_millis(20);
    let reconnection = Reconnection::default().delay(delay).max_delay(delay);
    Client::builder(url).reconnection(reconnection).transports([transport])
}

async fn a_cut_network_is_told_and_calls_made_meanwhile_are_answered_later(target: Target) {
    let server = Fixture::start(target, "base");
    for transport in [TransportKind::WebSocket, TransportKind::Polling] {
        let proxy = Proxy::before(server.port).await;
        let client = client(&proxy.url, transport).connect().await.unwrap();
        let mut events = client.connection_events();
        proxy.cut();
        let event = events.next().await;
        assert!(matches!(event, Some(ConnectionEvent::Disconnected { will_reconnect: true, .. })), "{event:?}");
        let messages = client.untyped("messages");
        let calls = (1..=3).map(|id| {
            let messages = messages.clone();
            async move { messages.get(id).await }
        });
        let calls = tokio::spawn(futures_util::future::join_all(calls));
        while !matches!(events.next().await, Some(ConnectionEvent::ConnectFailed { will_retry: true, .. })) {}
        proxy.mend();
        let ids: Vec<_> = calls.await.unwrap().into_iter().map(|record| record.unwrap()["id"].clone()).collect();
        assert_eq!(ids, [1, 2, 3], "{transport:?}");
    }
}

async fn a_frozen_network_is_noticed_and_left_for_a_new_connection(target: Target) {
    let server = Fixture::start(target, "fast-ping");
    for transport in [TransportKind::WebSocket, TransportKind::Polling] {
        let proxy = Proxy::before(server.port).await;
        let client = client(&proxy.url, transport).connect().await.unwrap();
        let mut events = client.connection_events();
        proxy.freeze();
        let error = client.untyped("messages").get(1).timeout(SHORT * 20).await.unwrap_err();
        assert_eq!(error.delivery_status(), DeliveryStatus::Unknown, "{error}");
        let event = events.next().await;
        assert!(matches!(event, Some(ConnectionEvent::Disconnected { reason: Reason::PingTimeout, .. })), "{event:?}");
        proxy.mend();
        assert_eq!(client.untyped("messages").get(1).await.unwrap()["text"], "one");
    }
}

async fn a_slow_network_delays_and_breaks_nothing(target: Target) {
    let server = Fixture::start(target, "base");
    for transport in [TransportKind::WebSocket, TransportKind::Polling] {
        let proxy = Proxy::before(server.port).await;
        proxy.slow_down();
        let client = client(&proxy.url, transport).connect().await.unwrap();
        let messages = client.untyped("messages");
        let (one, two) = tokio::join!(async { messages.get(1).await }, async { messages.get(2).await });
        assert_eq!((&one.unwrap()["id"], &two.unwrap()["id"]), (&json!(1), &json!(2)));
    }
}

async fn ten_megabytes_are_carried_by_a_websocket(target: Target) {
    ten_megabytes(target, TransportKind::WebSocket).await;
}

async fn ten_megabytes_are_carried_by_polling(target: Target) {
    ten_megabytes(target, TransportKind::Polling).await;
}

async fn ten_megabytes(target: Target, transport: TransportKind) {
    let server = Fixture::start(target, "large");
    let client = client(&server.url(), transport).timeout(SHORT * 200).connect().await.unwrap();
    let mut created = client.untyped("messages").on("created");
    let text = "x".repeat(10 << 20);
    let record = client.untyped("messages").create(&json!({ "text": text })).await.unwrap();
    assert_eq!(record["text"].as_str().unwrap().len(), text.len());
    let event = created.next().await.unwrap().unwrap();
    assert_eq!((&event["id"], event["text"].as_str().unwrap().len()), (&record["id"], text.len()));
}

async fn a_network_that_is_cut_again_and_again_loses_no_call(target: Target) {
    let server = Fixture::start(target, "base");
    let proxy = Proxy::before(server.port).await;
    let client = client(&proxy.url, TransportKind::WebSocket).connect().await.unwrap();
    let calls: Vec<_> = (0..8)
        .map(|n| {
            let messages = client.untyped("messages");
            tokio::spawn(async move {
                let (mut answered, mut unknown) = (0, 0);
                for _ in 0..50 {
                    match messages.patch(1, &json!({ "n": n })).await {
                        Ok(record) => {
                            assert_eq!(record["n"], n, "somebody else's answer");
                            answered += 1;
                        }
                        Err(error) if error.delivery_status() == DeliveryStatus::Unknown => unknown += 1,
                        Err(error) => panic!("{error:?}"),
                    }
                }
                (answered, unknown)
            })
        })
        .collect();
    let mut events = client.connection_events();
    for _ in 0..5 {
        proxy.cut();
        while !matches!(events.next().await, Some(ConnectionEvent::Disconnected { .. })) {}
        proxy.mend();
        while !matches!(events.next().await, Some(ConnectionEvent::Connected { .. })) {}
    }
    let mut total = 0;
    for call in calls {
        let (answered, unknown) = call.await.unwrap();
        total += answered + unknown;
        // Each cut takes at most the one call that each caller has under way.
        assert!(unknown <= 5);
    }
    assert_eq!(total, 400);
}
