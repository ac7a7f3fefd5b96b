//! Calls that wait: for a connection, for a login, or no longer.

use crate::faults::quick;
use crate::scripted::Listener;
use crate::soon;
use serde_json::json;
use std::time::Duration;
use wingbeat_client::{Client, ConnectionEvent, DeliveryStatus, Error, MemoryStorage, Reconnection};

#[tokio::test]
async fn what_cannot_be_sent_is_told_and_never_is() {
    let client = Client::builder("http://127.0.0.1:1").build().unwrap();
    let (io, numbers) = (client.io(), client.untyped("numbers"));
    let no_json = std::collections::HashMap::from([((1, 2), 3)]);
    let login = client.authenticate(&no_json).await.map(drop);
    let call = numbers.create(&no_json).await.map(drop);
    let query = numbers.find().query(&no_json).await.map(drop);
    for outcome in [login, call, query, io.emit("x", &no_json).await] {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error:?}");
        assert!(error.message().contains("key must be a string"), "{error}");
    }
    for reserved in ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"] {
        let call = numbers.method::<()>(reserved, &1).await;
        for outcome in [io.emit(reserved, 1).await, io.emit_with_ack(reserved, ()).await.map(drop), call] {
            let error = outcome.unwrap_err();
            assert!(matches!(error, Error::Invalid(_)), "{error:?}");
            assert!(error.message().ends_with("is a reserved event name"), "{error}");
        }
    }
}

#[tokio::test]
async fn calls_made_offline_wait_in_order_and_the_buffer_has_an_end() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).buffer_limits(3, 10_000).build().unwrap();
    let calls = (0..5).map(|n| {
        let numbers = client.service::<u32>("numbers");
        async move { numbers.get(n).await }
    });
    let server = async {
        let mut peer = listener.joined().await;
        for n in 0..3 {
            assert_eq!(peer.receive().await.unwrap(), format!(r#"42{n}["get","numbers",{n},{{}}]"#));
            peer.send(&format!("43{n}[null,{n}]")).await;
        }
        peer
    };
    let (outcomes, _peer) = soon(async { tokio::join!(futures_util::future::join_all(calls), server) }).await;
    let full = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::NotSent(_)))).count();
    assert_eq!(full, 2);
}

#[tokio::test]
async fn a_login_comes_before_the_calls_that_wait_for_the_connection() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).storage(MemoryStorage::with_token("t")).build().unwrap();
    let server = async {
        let mut peer = listener.joined().await;
        assert!(peer.receive().await.unwrap().starts_with(r#"420["create","authentication""#));
        peer.send(r#"430[null,{"accessToken":"t"}]"#).await;
        drop(peer);
        let mut peer = listener.joined().await;
        assert!(peer.receive().await.unwrap().starts_with(r#"421["create","authentication""#));
        peer.send(r#"431[null,{"accessToken":"t"}]"#).await;
        assert_eq!(peer.receive().await.unwrap(), r#"422["get","secure",1,{}]"#);
        peer.send("432[null,7]").await;
        peer
    };
    let calls = async {
        let mut events = client.connection_events();
        client.re_authenticate().await.unwrap();
        while !matches!(events.next().await, Some(ConnectionEvent::Disconnected { .. })) {}
        assert_eq!(client.service::<u32>("secure").get(1).await.unwrap(), 7);
    };
    soon(async { tokio::join!(server, calls) }).await;
}

#[tokio::test]
async fn attempts_have_an_end_when_told_so() {
    let listener = Listener::bind().await;
    let url = listener.url();
    drop(listener);
    let delay = Duration::from_millis(5);
    let client = Client::builder(&url).reconnection(Reconnection::default().delay(delay).attempts(2)).build().unwrap();
    let mut events = client.connection_events();
    let mut attempts = 0;
    loop {
        match soon(events.next()).await.unwrap() {
            ConnectionEvent::Reconnecting { attempt, .. } => attempts = attempt,
            ConnectionEvent::ConnectFailed { will_retry: false, .. } => break,
            _ => {}
        }
    }
    assert_eq!(attempts, 2);
    let error = soon(async { client.untyped("messages").get(1).await }).await.unwrap_err();
    assert_eq!(error.delivery_status(), DeliveryStatus::NotSent);
}

#[tokio::test]
async fn a_storage_that_panics_ends_the_client_and_nobody_waits_for_ever() {
    struct Panics;
    impl wingbeat_client::Storage for Panics {
        fn get(&self) -> wingbeat_client::Result<Option<String>> {
            Ok(None)
        }
        fn set(&self, _token: &str) -> wingbeat_client::Result<()> {
            panic!("this storage is broken")
        }
        fn remove(&self) -> wingbeat_client::Result<()> {
            Ok(())
        }
    }
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).storage(Panics).build().unwrap();
    let mut created = client.untyped("messages").on("created");
    let server = async {
        let mut peer = listener.joined().await;
        peer.receive().await;
        peer.send(r#"430[null,{"accessToken":"t"}]"#).await;
    };
    let login = json!({"strategy": "x"});
    let ((), outcome) = soon(async { tokio::join!(server, client.authenticate(&login)) }).await;
    assert_eq!(outcome.unwrap_err().delivery_status(), DeliveryStatus::Unknown);
    assert!(soon(created.next()).await.is_none());
    let error = soon(async { client.untyped("messages").get(1).await }).await.unwrap_err();
    assert_eq!(error.delivery_status(), DeliveryStatus::NotSent);
    assert!(soon(client.connect()).await.is_err());
    soon(client.close()).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_before_it_is_sent_is_not_sent() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let numbers = client.service::<u32>("numbers");
    let dropped = tokio::time::timeout(Duration::from_millis(20), async { numbers.get(1).await }).await;
    assert!(dropped.is_err());
    let server = async {
        let mut peer = listener.joined().await;
        assert_eq!(peer.receive().await.unwrap(), r#"420["get","numbers",2,{}]"#);
        peer.send("430[null,2]").await;
        peer
    };
    let (answer, _peer) = soon(async { tokio::join!(async { numbers.get(2).await }, server) }).await;
    assert_eq!(answer.unwrap(), 2);
}
