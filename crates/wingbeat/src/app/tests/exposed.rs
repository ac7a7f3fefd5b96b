//! Which methods a service has, and which of them clients may call.

use super::Echo;
use crate::prelude::*;
use crate::test::Client;
use serde_json::{Value, json};

fn echo() -> Mount {
    let shout = async |text: String, _: &Params| Ok(text.to_uppercase());
    Mount::new(Echo).method("shout", shout).method("whisper", async |text: String, _: &Params| Ok(text))
}

/// What clients may call of `get`, `create`, `shout` and `whisper`; the server may call all of it.
async fn callable(mount: Mount) -> Vec<&'static str> {
    let app = App::builder().mount("echo", mount).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    let mut callable = Vec::new();
    for (method, argument) in [("get", json!(1)), ("create", json!({})), ("shout", json!("a")), ("whisper", json!("a"))]
    {
        match client.emit(method, &[json!("echo"), argument]).await {
            Ok(_) => callable.push(method),
            Err(error) => assert_eq!(error.code(), 405, "{method}"),
        }
    }
    let inside = app.service("echo");
    inside.get(1, Params::new()).await.unwrap();
    inside.create(json!({}), Params::new()).await.unwrap();
    inside.call("shout", json!("a"), Params::new()).await.unwrap();
    inside.call("whisper", json!("a"), Params::new()).await.unwrap();
    callable
}

#[tokio::test]
async fn clients_call_what_is_exposed_and_the_server_calls_all() {
    let all = ["get", "create", "shout", "whisper"];
    assert_eq!(callable(echo()).await, all);
    assert_eq!(callable(echo().expose((Get, "shout"))).await, ["get", "shout"]);
    assert_eq!(callable(echo().expose("shout")).await, ["shout"]);
    assert_eq!(callable(echo().expose([Create])).await, ["create"]);
    assert_eq!(callable(echo().internal()).await, [""; 0]);
    assert_eq!(callable(echo().internal().expose(All)).await, all);
}

#[tokio::test]
async fn methods_names_the_standard_ones_and_leaves_the_others_alone() {
    assert_eq!(callable(echo().methods([Get])).await, ["get", "shout", "whisper"]);
    assert_eq!(callable(echo().methods([])).await, ["shout", "whisper"]);
    assert_eq!(callable(echo().expose("shout").methods([])).await, ["shout", "whisper"]);
}

#[tokio::test]
async fn a_definition_says_what_clients_may_call() {
    struct Shouting;
    impl crate::Definition for Shouting {
        type Item = Value;
        type Data = Value;
        type Patch = Value;
        type Query = Value;
        const PATH: &'static str = "echo";
        const METHODS: &'static [&'static str] = &["get", "shout"];
    }
    assert_eq!(callable(echo().define::<Shouting>()).await, ["get", "shout"]);
}

#[test]
fn what_is_exposed_and_does_not_exist_is_not_built() {
    let error = App::builder().mount("echo", echo().expose((Get, "sing"))).build().unwrap_err();
    assert!(error.message().contains("'echo' has no method 'sing'"), "{error}");
}
