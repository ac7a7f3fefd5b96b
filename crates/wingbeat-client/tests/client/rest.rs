//! Calls over REST, with both servers.

use crate::fixture::{Fixture, Target};
use crate::soon;
use crate::suite::call_every_method;
use bytes::Bytes;
use serde_json::{Value, json};
use std::future::IntoFuture;
use wingbeat_client::{
    Binary, Client, ConnectionEvent, Context, DeliveryStatus, Error, Event, Hooks, IdArg, MemoryStorage, Method, Order,
    Query, Result,
};

on_both! {
    every_method_does_what_it_says
    a_query_arrives_as_it_is_meant
    custom_methods_are_called
    errors_keep_their_class_and_data
    pages_follow_each_other
    hooks_see_and_change_calls
    bytes_are_sent_as_buffers
    a_login_goes_with_every_call_until_the_logout
    a_wrong_password_is_told_and_the_token_forgotten
    a_stored_token_logs_in_again
    what_needs_a_connection_is_refused_and_says_so
    many_calls_at_a_time_share_connections
}

fn start(target: Target) -> (Fixture, Client) {
    let server = Fixture::start(target, "base");
    let client = Client::rest(&server.url()).build().unwrap();
    (server, client)
}

async fn every_method_does_what_it_says(target: Target) {
    let (_server, client) = start(target);
    call_every_method(&client).await;
    // What selects nothing must not select everything, as it would without its list.
    let messages = client.untyped("messages");
    let nothing = messages.remove_many().query(Query::new().one_of("id", Vec::<i64>::new()));
    let error = nothing.await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)) && error.message().contains("'id[$in]' is empty"), "{error}");
    assert_eq!(messages.find().await.unwrap().records().len(), 3);
}

async fn a_query_arrives_as_it_is_meant(target: Target) {
    let (_server, client) = start(target);
    let query = json!({"a b": "\u{e9}&=+%", "$or": [{"x": {"$gt": 1}}, {"y": null}], "list": ["a", "b"]});
    let echo: Value = client.untyped("echo").call(Method::Find, IdArg::Absent, None::<&()>).query(query).await.unwrap();
    let read = json!({"a b": "\u{e9}&=+%", "$or": [{"x": {"$gt": "1"}}, {"y": ""}], "list": ["a", "b"]});
    assert_eq!(echo["query"], read);
    // Feathers leaves ids encoded.
    let id = if target == Target::Wingbeat { "a/b \u{e9}" } else { "a%2Fb%20%C3%A9" };
    assert_eq!(client.untyped("echo").get("a/b \u{e9}").await.unwrap()["args"], json!([id]));
}

async fn custom_methods_are_called(target: Target) {
    let (_server, client) = start(target);
    let reversed: Value = client.untyped("tools").method("reverse", &json!({"text": "abc"})).await.unwrap();
    assert_eq!(reversed, json!({"text": "cba"}));
    let error = client.untyped("tools").method::<Value>("nowhere", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), Some(405), "{error}");
}

async fn errors_keep_their_class_and_data(target: Target) {
    let (_server, client) = start(target);
    let error = client.untyped("messages").get(99).await.unwrap_err();
    assert_eq!((error.code(), error.delivery_status()), (Some(404), DeliveryStatus::Answered));
    let error = client.untyped("tools").method::<Value>("fail", &json!({})).await.unwrap_err();
    assert_eq!((&*error.message(), error.data()), ("Tool failed", Some(&json!({"tool": "hammer"}))));
    assert_eq!(client.untyped("nowhere").find().await.unwrap_err().code(), Some(404));
}

async fn pages_follow_each_other(target: Target) {
    let (_server, client) = start(target);
    let all = async |query: Query| -> Result<Vec<Value>> {
        let mut records = client.untyped("paged").find().query(query.limit(2)).records();
        let mut ids = Vec::new();
        while let Some(record) = records.next().await {
            ids.push(record?["id"].clone());
        }
        Ok(ids)
    };
    assert_eq!(all(Query::new().sort("text", Order::Ascending)).await.unwrap(), [1, 2, 3, 4, 5]);
    // A store without columns compares its numbers with the text that has arrived: that is told, and no page missed.
    let error = all(Query::new()).await.unwrap_err();
    assert!(error.message().contains("$sort of its own"), "{error}");
}

async fn hooks_see_and_change_calls(target: Target) {
    let server = Fixture::start(target, "base");
    let hooks = Hooks::new()
        .before(Method::Create, async |context: &mut Context| {
            context.data = Some(json!({"text": "of a hook"}).into());
            Ok(())
        })
        .error(Method::Get, async |context: &mut Context| {
            context.result = Some(json!({"instead": true}).into());
            Ok(())
        });
    let client = Client::rest(&server.url()).service_hooks("messages", hooks).build().unwrap();
    let messages = client.untyped("messages");
    assert_eq!(messages.create(&json!({})).await.unwrap()["text"], "of a hook");
    assert_eq!(messages.get(99).await.unwrap(), json!({"instead": true}));
}

async fn bytes_are_sent_as_buffers(target: Target) {
    let (_server, client) = start(target);
    let image = json!({"name": "a"});
    let data = (image, Binary::from(Bytes::from_static(b"\x01\xff")));
    let echo: Value = client.untyped("echo").create(&data).await.unwrap();
    assert_eq!(echo["args"][0][1], json!({"type": "Buffer", "data": [1, 255]}));
}

fn ann(password: &str) -> Value {
    json!({"strategy": "local", "email": "ann@example.com", "password": password})
}

async fn who(client: &Client) -> Result<Value> {
    let found: Value = client.untyped("secure").call(Method::Find, IdArg::Absent, None::<&()>).await?;
    Ok(found["user"]["name"].clone())
}

async fn a_login_goes_with_every_call_until_the_logout(target: Target) {
    let (_server, client) = start(target);
    let mut events = client.connection_events();
    assert_eq!(who(&client).await.unwrap_err().code(), Some(401));
    // A call that is made meanwhile waits for it.
    let login = ann("secret1");
    let (said, name) = tokio::join!(client.authenticate(&login), who(&client));
    let said = said.unwrap();
    assert_eq!(name.unwrap(), "Ann");
    assert!(matches!(events.next().await, Some(ConnectionEvent::LoggedIn(result)) if result == said));
    assert_eq!((who(&client).await.unwrap(), client.re_authenticate().await.unwrap()), (json!("Ann"), said));
    client.logout().await.unwrap();
    assert!(matches!(events.next().await, Some(ConnectionEvent::LoggedOut)));
    assert!(client.authentication().is_none());
    assert_eq!(who(&client).await.unwrap_err().code(), Some(401));
    // Once more: nobody is logged in, which is what was wanted.
    client.logout().await.unwrap();
}

async fn a_wrong_password_is_told_and_the_token_forgotten(target: Target) {
    let server = Fixture::start(target, "base");
    let client = Client::rest(&server.url()).storage(MemoryStorage::with_token("left over")).build().unwrap();
    let mut events = client.connection_events();
    let login = ann("nope");
    let (error, waited) = tokio::join!(client.authenticate(&login), who(&client));
    assert_eq!((error.as_ref().unwrap_err().code(), &*error.unwrap_err().message()), (Some(401), "Invalid login"));
    let waited = waited.unwrap_err();
    assert_eq!((&*waited.message(), waited.delivery_status()), ("Invalid login", DeliveryStatus::NotSent));
    assert!(matches!(events.next().await, Some(ConnectionEvent::LoginFailed(error)) if error.code() == Some(401)));
    assert!(matches!(client.re_authenticate().await, Err(Error::NotLoggedIn)));
    // It has failed: what comes later is a guest's.
    assert_eq!(client.untyped("messages").find().await.unwrap().records().len(), 3);
}

async fn a_stored_token_logs_in_again(target: Target) {
    let (server, client) = start(target);
    let said = client.authenticate(&ann("secret1")).await.unwrap();
    let token = MemoryStorage::with_token(said["accessToken"].as_str().unwrap());
    let client = Client::rest(&server.url()).storage(token).build().unwrap();
    assert_eq!(client.re_authenticate().await.unwrap()["user"]["name"], "Ann");
    assert_eq!(who(&client).await.unwrap(), "Ann");
}

async fn what_needs_a_connection_is_refused_and_says_so(target: Target) {
    let (_server, client) = start(target);
    const WHY: &str = "Over REST there are no events: connect with Client::connect_to";
    let mut created = client.untyped("messages").on("created");
    assert_eq!(created.next().await.unwrap().unwrap_err().message(), WHY);
    assert!(created.next().await.is_none());
    let mut any = client.io().on_any();
    assert_eq!(any.next().await.unwrap().unwrap_err().message(), WHY);
    assert_eq!(client.io().on::<Event>("x").next().await.unwrap().unwrap_err().message(), WHY);
    for error in [
        client.io().emit("x", ()).await.unwrap_err(),
        client.io().emit_with_ack("x", ()).await.unwrap_err(),
        client.io().of("/other").await.err().unwrap(),
        client.connect().await.unwrap_err(),
        client.disconnect().await.unwrap_err(),
    ] {
        assert_eq!((&*error.message(), error.delivery_status()), (WHY, DeliveryStatus::NotSent));
    }
    assert!(!client.is_connected() && client.id().is_none() && client.transport().is_none());
    let mut events = client.connection_events();
    client.close().await;
    assert!(soon(events.next()).await.is_none());
    assert!(matches!(client.untyped("messages").find().await, Err(Error::Closed)));
}

async fn many_calls_at_a_time_share_connections(target: Target) {
    let server = Fixture::start(target, "base");
    let client = Client::rest(&server.url()).in_flight_limit(4).build().unwrap();
    let calls = (0..200).map(|n| client.untyped("echo").get(n).into_future());
    let echoes = futures_util::future::join_all(calls).await;
    for (n, echo) in echoes.into_iter().enumerate() {
        assert_eq!(echo.unwrap()["args"], json!([n.to_string()]));
    }
}
