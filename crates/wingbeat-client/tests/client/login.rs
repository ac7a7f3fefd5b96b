//! Logging in, staying so, and what becomes of a login that ends, with both servers.

use crate::fixture::{Fixture, Target};
use serde_json::{Value, json};
use std::path::PathBuf;
use wingbeat_client::{
    Client, ConnectionEvent, ConnectionEvents, DeliveryStatus, FileStorage, IdArg, Method, Reason, Reconnection,
    Result, Storage,
};

on_both! {
    a_login_opens_what_needs_one_and_a_logout_closes_it
    a_wrong_password_is_told_and_the_token_forgotten
    a_login_survives_the_server_and_the_client
    calls_made_during_a_login_wait_for_it_and_fail_with_it
    a_login_that_expires_is_told_and_nothing_hangs
    who_is_told_to_come_back_comes_back_logged_out
    a_header_of_the_handshake_logs_in
}

fn ann(password: &str) -> Value {
    json!({"strategy": "local", "email": "ann@example.com", "password": password})
}

/// Who the server takes us for.
async fn who(client: &Client) -> Result<Value> {
    let found: Value = client.untyped("secure").call(Method::Find, IdArg::Absent, None::<&()>).await?;
    Ok(found["user"]["name"].clone())
}

async fn until(events: &mut ConnectionEvents, is: impl Fn(&ConnectionEvent) -> bool) -> ConnectionEvent {
    loop {
        let event = events.next().await.expect("the client is open");
        if is(&event) {
            return event;
        }
    }
}

struct TokenFile(PathBuf);

impl TokenFile {
    fn new(name: &str, target: Target) -> TokenFile {
        TokenFile(std::env::temp_dir().join(format!("wingbeat-{name}-{target:?}-{}", std::process::id())))
    }

    fn storage(&self) -> FileStorage {
        FileStorage::new(&self.0)
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn a_login_opens_what_needs_one_and_a_logout_closes_it(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    let mut events = client.connection_events();
    assert_eq!(who(&client).await.unwrap_err().code(), Some(401));
    let said = client.authenticate(&ann("secret1")).await.unwrap();
    assert!(said["accessToken"].is_string() && said["user"]["name"] == "Ann" && said["user"].get("password").is_none());
    assert_eq!(who(&client).await.unwrap(), "Ann");
    assert!(matches!(events.next().await, Some(ConnectionEvent::LoggedIn(result)) if result == said));
    assert_eq!(client.re_authenticate().await.unwrap(), said);
    // Only those who are logged in hear of notes.
    let mut notes = client.untyped("notes").on("created");
    client.untyped("notes").create(&json!({"text": "n"})).await.unwrap();
    assert_eq!(notes.next().await.unwrap().unwrap()["text"], "n");
    client.logout().await.unwrap();
    assert!(matches!(events.next().await, Some(ConnectionEvent::LoggedOut)));
    assert!(client.authentication().is_none());
    assert_eq!(who(&client).await.unwrap_err().code(), Some(401));
    // Once more: nobody is logged in, which is what was wanted.
    client.logout().await.unwrap();
}

async fn a_wrong_password_is_told_and_the_token_forgotten(target: Target) {
    let server = Fixture::start(target, "base");
    let token = TokenFile::new("wrong", target);
    token.storage().set("left over").unwrap();
    let client = server.client().storage(token.storage()).connect().await.unwrap();
    let mut events = client.connection_events();
    let error = client.authenticate(&ann("nope")).await.unwrap_err();
    assert_eq!(
        (error.code(), &*error.message(), error.delivery_status()),
        (Some(401), "Invalid login", DeliveryStatus::Answered)
    );
    assert!(matches!(events.next().await, Some(ConnectionEvent::LoginFailed(error)) if error.code() == Some(401)));
    assert_eq!(token.storage().get().unwrap(), None);
    let error = client.re_authenticate().await.unwrap_err();
    assert_eq!(
        (&*error.message(), error.delivery_status()),
        ("No accessToken found in storage", DeliveryStatus::NotSent)
    );
}

async fn a_login_survives_the_server_and_the_client(target: Target) {
    let mut server = Fixture::start(target, "base");
    let token = TokenFile::new("kept", target);
    let client = server.client().storage(token.storage()).connect().await.unwrap();
    let mut events = client.connection_events();
    client.authenticate(&ann("secret1")).await.unwrap();
    server.kill();
    until(&mut events, |event| matches!(event, ConnectionEvent::Disconnected { .. })).await;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { who(&client).await }
    });
    server.start_again();
    assert_eq!(waiting.await.unwrap().unwrap(), "Ann");
    client.close().await;
    let client = server.client().storage(token.storage()).connect().await.unwrap();
    assert_eq!(client.re_authenticate().await.unwrap()["user"]["name"], "Ann");
    assert_eq!(who(&client).await.unwrap(), "Ann");
}

async fn calls_made_during_a_login_wait_for_it_and_fail_with_it(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    let wrong = ann("nope");
    let (login, call) = tokio::join!(client.authenticate(&wrong), who(&client));
    assert_eq!(login.unwrap_err().message(), "Invalid login");
    let error = call.unwrap_err();
    assert_eq!((&*error.message(), error.delivery_status()), ("Invalid login", DeliveryStatus::NotSent));
    let right = ann("secret1");
    let (login, call) = tokio::join!(client.authenticate(&right), who(&client));
    assert_eq!((login.is_ok(), call.unwrap()), (true, json!("Ann")));
}

async fn a_login_that_expires_is_told_and_nothing_hangs(target: Target) {
    let server = Fixture::start(target, "auth-1s");
    let client = server.client().connect().await.unwrap();
    let mut events = client.connection_events();
    client.authenticate(&ann("secret1")).await.unwrap();
    let event = until(&mut events, |event| matches!(event, ConnectionEvent::Disconnected { .. })).await;
    let gone =
        matches!(event, ConnectionEvent::Disconnected { reason: Reason::ServerDisconnect, will_reconnect: false });
    assert!(gone, "{event:?}");
    let error = client.untyped("messages").get(1).await.unwrap_err();
    assert_eq!(error.delivery_status(), DeliveryStatus::NotSent);
    client.connect().await.unwrap();
    let event = until(&mut events, |event| matches!(event, ConnectionEvent::LoginFailed(_))).await;
    assert!(matches!(event, ConnectionEvent::LoginFailed(error) if error.message() == "jwt expired"));
    assert_eq!(client.untyped("messages").get(1).await.unwrap()["text"], "one");
}

async fn who_is_told_to_come_back_comes_back_logged_out(target: Target) {
    let server = Fixture::start(target, "auth-1s");
    let soon = std::time::Duration::from_millis(20);
    let back = Reconnection::default().delay(soon).max_delay(soon).after_server_disconnect(true);
    let client = server.client().reconnection(back).connect().await.unwrap();
    let mut events = client.connection_events();
    client.authenticate(&ann("secret1")).await.unwrap();
    until(&mut events, |event| matches!(event, ConnectionEvent::Disconnected { will_reconnect: true, .. })).await;
    // Made while the old login is tried once more: it fails with it, and the next is an anonymous one.
    until(&mut events, |event| matches!(event, ConnectionEvent::LoginFailed(_))).await;
    assert_eq!(client.untyped("messages").get(1).await.unwrap()["text"], "one");
    assert_eq!(who(&client).await.unwrap_err().code(), Some(401));
}

async fn a_header_of_the_handshake_logs_in(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().header("x-api-key", "key-user-1").connect().await.unwrap();
    assert_eq!(who(&client).await.unwrap(), "Ann");
    let error = server.client().header("x-api-key", "wrong").connect().await.err().unwrap();
    assert_eq!((&*error.message(), error.delivery_status()), ("Incorrect API Key", DeliveryStatus::NotSent));
}

#[tokio::test]
async fn a_token_that_cannot_be_read_has_sent_nothing() {
    let unreadable = FileStorage::new(std::env::temp_dir());
    let client = Client::builder("http://127.0.0.1:1").storage(unreadable).build().unwrap();
    assert_eq!(client.re_authenticate().await.unwrap_err().delivery_status(), DeliveryStatus::NotSent);
}
