//! Logins that run into each other, or end with the connection.

use crate::faults::quick;
use crate::scripted::{Listener, Peer, once};
use crate::soon;
use serde_json::json;
use std::future::IntoFuture;
use wingbeat_client::{Client, DeliveryStatus, Result};

#[tokio::test]
async fn a_connection_lost_during_a_login_fails_the_login_and_what_waits_for_it() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    let login = tokio::spawn({
        let client = client.clone();
        async move { client.authenticate(&json!({"strategy": "local"})).await }
    });
    soon(peer.receive()).await.unwrap();
    let call = tokio::spawn(async move { client.untyped("secure").get(1).await });
    tokio::task::yield_now().await;
    drop(peer);
    assert_eq!(soon(login).await.unwrap().unwrap_err().delivery_status(), DeliveryStatus::Unknown);
    assert_eq!(soon(call).await.unwrap().unwrap_err().delivery_status(), DeliveryStatus::NotSent);
}

#[tokio::test]
async fn a_token_that_cannot_be_kept_is_told_and_the_login_counts() {
    let listener = Listener::bind().await;
    let storage = wingbeat_client::FileStorage::new("/nowhere/at/all/token");
    let client = once(&listener.url()).storage(storage).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    let login = tokio::spawn({
        let client = client.clone();
        async move { client.authenticate(&json!({"strategy": "local"})).await }
    });
    soon(peer.receive()).await.unwrap();
    peer.send(r#"430[null,{"accessToken":"t","user":{"id":1}}]"#).await;
    let error = soon(login).await.unwrap().unwrap_err();
    assert!(error.message().contains("/nowhere/at/all/token"), "{error}");
    assert_eq!(client.authentication().unwrap()["user"]["id"], 1);
}

/// Logs in while the server listens; gives the call under way, and what the server was asked.
async fn login(client: &Client, peer: &mut Peer) -> (tokio::task::JoinHandle<Result<()>>, String) {
    let client = client.clone();
    let login = tokio::spawn(async move { client.authenticate(&json!({"strategy": "local"})).await.map(drop) });
    let asked = soon(peer.receive()).await.unwrap();
    assert!(asked.contains(r#""strategy":"local""#), "{asked}");
    (login, id(&asked))
}

/// The id that an answer to this has to have.
fn id(asked: &str) -> String {
    asked.strip_prefix("42").and_then(|rest| rest.split_once('[')).unwrap().0.to_owned()
}

/// The client comes back, and logs in by itself with this token.
async fn back(listener: &Listener, token: &str) -> (Peer, String) {
    let mut peer = soon(listener.joined()).await;
    let asked = soon(peer.receive()).await.unwrap();
    assert!(asked.contains(&format!(r#""accessToken":"{token}""#)), "{asked}");
    let id = id(&asked);
    (peer, id)
}

#[tokio::test]
async fn two_logins_that_are_lost_together_hold_no_call_back() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    // More than once: which of the two was forgotten first is a matter of chance.
    for _ in 0..8 {
        let (first, id) = login(&client, &mut peer).await;
        peer.send(&format!(r#"43{id}[null,{{"accessToken":"t"}}]"#)).await;
        soon(first).await.unwrap().unwrap();
        drop(peer);
        let (mut lost, _) = back(&listener, "t").await;
        let (second, _) = login(&client, &mut lost).await;
        drop(lost);
        assert_eq!(soon(second).await.unwrap().unwrap_err().delivery_status(), DeliveryStatus::Unknown);
        peer = soon(listener.joined()).await;
        let call = tokio::spawn(client.service::<u32>("numbers").get(1).into_future());
        let asked = soon(peer.receive()).await.unwrap();
        assert!(asked.ends_with(r#"["get","numbers",1,{}]"#), "{asked}");
        peer.send(&format!("43{}[null,1]", self::id(&asked))).await;
        assert_eq!(soon(call).await.unwrap().unwrap(), 1);
    }
}

#[tokio::test]
async fn an_older_login_that_is_refused_takes_nothing_from_a_newer_one() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    let (first, id) = login(&client, &mut peer).await;
    peer.send(&format!(r#"43{id}[null,{{"accessToken":"old"}}]"#)).await;
    soon(first).await.unwrap().unwrap();
    drop(peer);
    let (mut peer, own) = back(&listener, "old").await;
    let (second, id) = login(&client, &mut peer).await;
    let call = tokio::spawn(client.service::<u32>("secure").get(1).into_future());
    peer.send(&format!(r#"43{id}[null,{{"accessToken":"new"}}]"#)).await;
    soon(second).await.unwrap().unwrap();
    peer.send(&format!(r#"43{own}[{{"name":"NotAuthenticated","code":401,"message":"jwt expired"}}]"#)).await;
    let asked = soon(peer.receive()).await.unwrap();
    assert!(asked.ends_with(r#"["get","secure",1,{}]"#), "{asked}");
    peer.send(&format!("43{}[null,1]", self::id(&asked))).await;
    assert_eq!(soon(call).await.unwrap().unwrap(), 1);
    assert_eq!(client.authentication().unwrap()["accessToken"], "new");
    drop(peer);
    back(&listener, "new").await;
}
