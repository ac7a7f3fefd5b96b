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
    impl wingbeat_core::Definition for Shouting {
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

/// A typed service with `find`, and all that it lists.
macro_rules! listing {
    ($name:ident: $($listed:ident)*) => {
        struct $name;
        impl Service for $name {
            type Item = i64;
            type Data = i64;
            type Patch = i64;
            const METHODS: &'static [Method] = &[$($listed),*];
            async fn find(&self, _: &Params) -> Result<Found<i64>> {
                Ok(vec![1].into())
            }
        }
    };
}
listing!(Fitting: Find);
listing!(Unlisted:);
listing!(Unwritten: Find Remove);

struct Raw(Vec<Method>);
impl RawService for Raw {
    fn methods(&self) -> Vec<Method> {
        self.0.clone()
    }
    async fn get(&self, _: IdArg, _: &Params) -> Result<Payload> {
        Ok(Payload::NULL)
    }
}

/// Typed around another service, as programs write them.
struct Around<S>(S);
impl<S: Service> Service for Around<S> {
    type Item = S::Item;
    type Data = S::Data;
    type Patch = S::Patch;
    const METHODS: &'static [Method] = S::METHODS;
    async fn find(&self, params: &Params) -> Result<Found<S::Item>> {
        self.0.find(params).await
    }
    async fn get(&self, id: Id, params: &Params) -> Result<S::Item> {
        self.0.get(id, params).await
    }
    async fn create(&self, data: OneOrMany<S::Data>, params: &Params) -> Result<OneOrMany<S::Item>> {
        self.0.create(data, params).await
    }
    async fn update(&self, id: Option<Id>, data: S::Data, params: &Params) -> Result<OneOrMany<S::Item>> {
        self.0.update(id, data, params).await
    }
    async fn patch(&self, id: Option<Id>, data: S::Patch, params: &Params) -> Result<OneOrMany<S::Item>> {
        self.0.patch(id, data, params).await
    }
    async fn remove(&self, id: Option<Id>, params: &Params) -> Result<OneOrMany<S::Item>> {
        self.0.remove(id, params).await
    }
}

#[tokio::test]
async fn a_method_that_is_only_listed_or_only_written_is_not_built() {
    let remove = "lists the method 'remove' without implementing it: write `async fn remove`";
    for (mount, told) in [
        (Mount::new(Unlisted), "implements the method 'find' without listing it: add it to `METHODS`"),
        (Mount::new(Unwritten), remove),
        (Mount::new(Raw(vec![Get, Remove])), remove),
        (Mount::new(Raw(vec![Get, Method::named("archive")])), "lists 'archive' among the standard methods"),
    ] {
        let error = App::builder().mount("x", mount).build().unwrap_err();
        assert!(error.message().starts_with("Service 'x' ") && error.message().contains(told), "{error}");
    }
    let app = App::builder().build().unwrap();
    assert!(app.mount("x", Mount::new(Unwritten)).await.unwrap_err().message().contains(remove));
    // A raw service says anew each time what it has, and one around another has what that one has.
    for mount in [Mount::new(Fitting), Mount::new(Raw(vec![])).events(["rung"]), Mount::new(Around(Fitting))] {
        App::builder().mount("x", mount).build().unwrap();
    }
}
