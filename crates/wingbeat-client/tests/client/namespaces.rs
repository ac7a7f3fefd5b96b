//! Namespaces beside that of the services: asked for once, and again only when that helps.

use crate::faults::quick;
use crate::scripted::{Listener, once};
use crate::soon;
use std::future::IntoFuture;
use wingbeat_client::{DeliveryStatus, Error};

#[tokio::test]
async fn a_namespace_that_is_refused_says_why_and_the_others_go_on() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    soon(client.connect()).await.unwrap();
    let admin = client.io().of("admin").await.unwrap();
    assert_eq!(soon(peer.receive()).await.as_deref(), Some("40/admin,"));
    peer.send(r#"44/admin,{"message":"not you","data":{"why":1}}"#).await;
    let error = soon(admin.emit_with_ack("x", ())).await.unwrap_err();
    assert_eq!((&*error.message(), error.delivery_status()), ("not you", DeliveryStatus::NotSent));
    let call = tokio::spawn(async move { client.service::<u32>("numbers").get(1).await });
    soon(peer.receive()).await.unwrap();
    peer.send("430[null,1]").await;
    assert_eq!(soon(call).await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn a_namespace_is_asked_for_once_however_often_it_is_named() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    // That of the services as well, while it is being joined.
    client.io().of("/").await.unwrap();
    let (mut peer, _) = soon(listener.websocket()).await;
    peer.send(crate::scripted::OPEN).await;
    assert_eq!(soon(peer.receive()).await.as_deref(), Some("40"));
    client.io().of("/").await.unwrap();
    client.io().of("a").await.unwrap();
    assert_eq!(soon(peer.receive()).await.as_deref(), Some("40/a,"));
    peer.send(r#"40{"sid":"x"}"#).await;
    soon(client.connect()).await.unwrap();
    client.io().of("a").await.unwrap();
    let call = tokio::spawn(client.service::<u32>("numbers").get(1).into_future());
    assert_eq!(soon(peer.receive()).await.unwrap(), r#"420["get","numbers",1,{}]"#);
    peer.send("430[null,1]").await;
    assert_eq!(soon(call).await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn a_namespace_that_has_refused_is_asked_again_by_who_names_it_again() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    soon(client.connect()).await.unwrap();
    for end in [r#"44/a,{"message":"not you"}"#, "41/a,"] {
        client.io().of("a").await.unwrap();
        assert_eq!(soon(peer.receive()).await.as_deref(), Some("40/a,"));
        peer.send(end).await;
        // What comes after it has come: so has the end.
        let get = tokio::spawn(client.service::<u32>("numbers").get(1).into_future());
        let asked = soon(peer.receive()).await.unwrap();
        let id = asked.strip_prefix("42").and_then(|rest| rest.split_once('[')).unwrap().0;
        peer.send(&format!("43{id}[null,1]")).await;
        soon(get).await.unwrap().unwrap();
    }
    // The next connection asks by itself, and what is sent meanwhile waits for what it says.
    drop(peer);
    let mut peer = soon(listener.joined()).await;
    assert_eq!(soon(peer.receive()).await.as_deref(), Some("40/a,"));
    let io = client.io().of("a").await.unwrap();
    let emit = tokio::spawn(async move { io.emit("x", 1).await });
    soon(client.connect()).await.unwrap();
    peer.send(r#"40/a,{"sid":"y"}"#).await;
    assert_eq!(soon(peer.receive()).await.unwrap(), r#"42/a,["x",1]"#);
    soon(emit).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_names_a_namespace_after_the_disconnect_is_told_at_once() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    soon(client.connect()).await.unwrap();
    client.io().of("a").await.unwrap();
    assert_eq!(soon(peer.receive()).await.as_deref(), Some("40/a,"));
    client.disconnect().await.unwrap();
    for name in ["a", "b", "/"] {
        let io = client.io().of(name).await.unwrap();
        let error = soon(io.emit("x", ())).await.unwrap_err();
        assert!(matches!(error, Error::NotConnected(_)), "{name}: {error:?}");
    }
}
