//! What holds against every Feathers server: run against the original and against Wingbeat.

use crate::fixture::{Fixture, Target};
use crate::soon;
use bytes::Bytes;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use wingbeat_client::{
    All, Binary, Client, Context, DeliveryStatus, Error, Found, Hooks, IdArg, Method, Order, Payload, Query, Result,
    TransportKind,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    id: i64,
    text: String,
}

on_both! {
    every_method_does_what_it_says
    records_are_typed
    pages_follow_each_other
    errors_keep_their_class_and_data
    events_are_heard_by_all_listeners_until_dropped
    custom_methods_and_their_events
    bytes_go_there_and_back
    hooks_see_and_change_calls
    raw_events_have_answers_and_timeouts
    polling_upgrades_and_polling_alone_works
    a_refusal_is_told_with_its_data
    another_namespace_is_joined
    a_large_record_comes_back_whole
}

async fn every_method_does_what_it_says(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    call_every_method(&client).await;
    let found = client.untyped("messages").find().query(Query::new().gte("id", 4)).await.unwrap();
    assert_eq!(found.records().len(), 1);
}

/// The same over every way to a server.
pub(super) async fn call_every_method(client: &Client) {
    let messages = client.untyped("messages");
    assert_eq!(messages.find().await.unwrap().records().len(), 3);
    assert_eq!(messages.get(1).await.unwrap()["text"], "one");
    assert_eq!(messages.create(&json!({"text": "c"})).await.unwrap(), json!({"text": "c", "id": 4}));
    let two = messages.create_many(&[json!({"text": "d"}), json!({"text": "e"})]).await.unwrap();
    assert_eq!(two[1]["id"], 6);
    assert_eq!(messages.update(1, &json!({"text": "u"})).await.unwrap(), json!({"text": "u", "id": 1}));
    assert_eq!(messages.patch("2", &json!({"text": "p"})).await.unwrap()["n"], 20);
    let patched = messages.patch_many(&json!({"read": true})).query(Query::new().one_of("text", ["d", "e"]));
    assert_eq!(patched.await.unwrap().len(), 2);
    assert_eq!(messages.remove(3).await.unwrap()["text"], "three");
    assert_eq!(messages.remove_many().query(Query::new().one_of("text", ["c", "d"])).await.unwrap().len(), 2);
    let error = messages.get("").await.unwrap_err();
    assert_eq!((&*error.message(), error.delivery_status()), ("id for .get is required", DeliveryStatus::NotSent));
}

async fn records_are_typed(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    let messages = client.service::<Message>("messages");
    let query = Query::new().sort("id", Order::Descending).limit(2);
    let found = messages.find().query(query).await.unwrap().into_records();
    assert_eq!(found[0], Message { id: 3, text: "three".to_owned() });
    let error = client.service::<Vec<u8>>("messages").get(1).await.unwrap_err();
    assert!(matches!(error, Error::Unreadable(_)), "{error:?}");
}

async fn pages_follow_each_other(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    let paged = client.service::<Message>("paged");
    assert!(matches!(paged.find().await.unwrap(), Found::Page(page) if page.total == Some(5) && page.data.len() == 2));
    let pages: Vec<_> = paged.find().pages().map_ok(|page| page.data.len()).try_collect().await.unwrap();
    assert_eq!(pages, [2, 2, 1]);
    let texts: Vec<_> =
        paged.find().query(Query::new().skip(1)).records().map_ok(|m| m.text).try_collect().await.unwrap();
    assert_eq!(texts, ["b", "c", "d", "e"]);
    let all: Vec<Message> = client.service("messages").find().records().try_collect().await.unwrap();
    assert_eq!(all.len(), 3);
    // A service that makes no pages still takes as many as it is asked for.
    let messages = client.service::<Message>("messages");
    let texts: Vec<_> =
        messages.find().query(Query::new().limit(2)).records().map_ok(|m| m.text).try_collect().await.unwrap();
    assert_eq!(texts, ["one", "two", "three"]);
    let pages: Vec<_> = messages
        .find()
        .query(Query::new().limit(1))
        .pages()
        .map_ok(|page| page.data.len())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(pages, [1, 1, 1]);
}

async fn errors_keep_their_class_and_data(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    let errors = client.untyped("errors");
    for code in [400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 422, 429, 500, 501, 502, 503] {
        let error = errors.get(code.to_string()).await.unwrap_err();
        assert_eq!((error.code(), error.delivery_status()), (Some(code), DeliveryStatus::Answered));
    }
    assert_eq!(errors.get("data").await.unwrap_err().data(), Some(&json!({"field": "text", "n": 1})));
    let error = errors.get("errors").await.unwrap_err();
    assert_eq!(error.answer().unwrap().errors(), Some(&json!({"text": "is required"})));
    assert_eq!(client.untyped("nope").find().await.unwrap_err().code(), Some(404));
    assert_eq!(client.untyped("readonly").remove(1).await.unwrap_err().code(), Some(405));
}

async fn events_are_heard_by_all_listeners_until_dropped(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    let messages = client.service::<Message>("messages");
    let (mut first, mut second) = (messages.on("created"), messages.on("created"));
    messages.create(&json!({"text": "a"})).await.unwrap();
    assert_eq!(first.next().await.unwrap().unwrap(), second.next().await.unwrap().unwrap());
    drop(first);
    messages.create_many(&[json!({"text": "b"}), json!({"text": "c"})]).await.unwrap();
    assert_eq!(second.next().await.unwrap().unwrap().text, "b");
    assert_eq!(second.next().await.unwrap().unwrap().text, "c");
    client.close().await;
    assert!(second.next().await.is_none());
}

async fn custom_methods_and_their_events(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    let tools = client.untyped("tools");
    let mut progress = tools.on("progress");
    let reversed: Value = tools.method("reverse", &json!({"text": "abc"})).await.unwrap();
    assert_eq!(reversed["text"], "cba");
    assert_eq!(progress.next().await.unwrap().unwrap(), json!({"step": 1, "of": 2}));
    let error = tools.method::<Value>("fail", &json!({})).await.unwrap_err();
    assert_eq!((&*error.message(), error.data()), ("Tool failed", Some(&json!({"tool": "hammer"}))));
}

async fn bytes_go_there_and_back(target: Target) {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Blob {
        is_buffer: bool,
        len: usize,
        back: Binary,
    }
    let server = Fixture::start(target, "base");
    for transport in [TransportKind::WebSocket, TransportKind::Polling] {
        let client = server.client().transports([transport]).connect().await.unwrap();
        let bytes: Bytes = (0..=255).collect();
        let blob = client.service::<Blob>("blob").create(&json_with("buf", Binary(bytes.clone()))).await.unwrap();
        assert!(blob.is_buffer && blob.len == 256 && blob.back.0 == bytes, "{transport:?}");
        let found: Binary = client.untyped("blob").call(Method::Find, IdArg::Null, None::<&()>).await.unwrap();
        assert_eq!(&*found.0, [9, 8, 7]);
    }
}

fn json_with<T: Serialize>(key: &'static str, value: T) -> impl Serialize {
    std::collections::BTreeMap::from([(key, value)])
}

async fn hooks_see_and_change_calls(target: Target) {
    let server = Fixture::start(target, "base");
    let hooks = Hooks::new().before(Method::Create, async |context: &mut Context| {
        if let Some(data) = &mut context.data {
            data.value_mut()?["by"] = json!("hook");
        }
        Ok(())
    });
    let only_messages = Hooks::new().after(All, async |context: &mut Context| {
        let was = context.result.take().map(Payload::into_value).transpose()?;
        context.result = Some(json!({"was": was}).into());
        Ok(())
    });
    let client = server.client().hooks(hooks).service_hooks("messages", only_messages).connect().await.unwrap();
    let created = client.untyped("messages").create(&json!({"text": "x"})).await.unwrap();
    assert_eq!(created["was"]["by"], "hook");
    assert!(client.untyped("paged").get(1).await.unwrap().get("was").is_none());
}

async fn raw_events_have_answers_and_timeouts(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    let answer = client.io().emit_with_ack("get", ("messages", 1, json!({}))).await.unwrap();
    assert_eq!((answer.len(), answer.argument_as::<Value>(1).unwrap()["text"].clone()), (2, json!("one")));
    let mut any = client.io().on_any();
    client.io().emit("create", ("messages", json!({"text": "raw"}))).await.unwrap();
    let event = any.next().await.unwrap().unwrap();
    assert_eq!((event.name(), event.argument_as::<Message>(0).unwrap().text.as_str()), ("messages created", "raw"));
}

async fn polling_upgrades_and_polling_alone_works(target: Target) {
    let server = Fixture::start(target, "base");
    let client = server.client().transports([TransportKind::Polling]).connect().await.unwrap();
    let mut created = client.untyped("messages").on("created");
    client.untyped("messages").create(&json!({"text": "polled"})).await.unwrap();
    assert_eq!(created.next().await.unwrap().unwrap()["text"], "polled");
    assert_eq!(client.transport(), Some(TransportKind::Polling));
    let both = [TransportKind::Polling, TransportKind::WebSocket];
    let client = server.client().transports(both).connect().await.unwrap();
    // Calls at all moments of the upgrade: none is lost or answered twice.
    let messages = client.untyped("messages");
    while client.transport() != Some(TransportKind::WebSocket) {
        assert_eq!(messages.get(1).await.unwrap()["text"], "one");
    }
    assert_eq!(messages.get(2).await.unwrap()["text"], "two");
    client.close().await;
}

async fn a_refusal_is_told_with_its_data(target: Target) {
    let server = Fixture::start(target, "base");
    let error = server.client().query("deny", "no").connect().await.err().unwrap();
    assert_eq!((&*error.message(), error.data()), ("denied by middleware", Some(&json!({"reason": "no"}))));
}

async fn another_namespace_is_joined(target: Target) {
    // Wingbeat's fixture has no other namespace: there the refusal is what is told.
    let server = Fixture::start(target, "base");
    let client = server.client().connect().await.unwrap();
    let nowhere = client.io().of("/nowhere").await.unwrap();
    let error = nowhere.emit("x", ()).await.unwrap_err();
    assert_eq!((&*error.message(), error.delivery_status()), ("Invalid namespace", DeliveryStatus::NotSent));
    assert!(client.untyped("messages").get(1).await.is_ok());
    if target == Target::Node {
        client.io().of("/other").await.unwrap().emit("x", (1, 2)).await.unwrap();
    }
}

async fn a_large_record_comes_back_whole(target: Target) {
    let server = Fixture::start(target, "base");
    let text = "ü".repeat(400_000);
    for transport in [TransportKind::WebSocket, TransportKind::Polling] {
        let client = server.client().transports([transport]).timeout(Duration::from_secs(10)).connect().await.unwrap();
        let created: Result<Message> = client.service("messages").create(&json!({ "text": text })).await;
        assert_eq!(created.unwrap().text, text);
        soon(client.close()).await;
    }
}
