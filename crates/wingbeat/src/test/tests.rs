use super::Client;
use crate::prelude::*;
use crate::store::Memory;
use serde_json::{Value, json};
use std::time::Duration;

fn app() -> App {
    App::builder()
        .mount("messages", Mount::new(Memory::new().start(1)).expose([Find, Get, Create]).publish(|_| channel("all")))
        .on_connection(|app, connection| app.channel("all").join(connection))
        .build()
        .unwrap()
}

#[tokio::test]
async fn calls_pass_the_checks_of_a_socket() {
    let app = app();
    let client = Client::connect(&app).await.unwrap();
    let messages = client.service("messages");
    assert_eq!(messages.create(json!({"text": "a"})).await.unwrap(), json!({"text": "a", "id": 1}));
    assert_eq!(messages.clone().query(json!({"text": "b"})).find().await.unwrap(), json!([]));
    // Hidden from clients, though not from the server.
    assert_eq!(messages.remove(1).await.unwrap_err().code(), 405);
    assert_eq!(app.service("messages").remove(1, Params::new()).await.unwrap().to_value().unwrap()["id"], 1);
    for (method, arguments, code) in [
        ("find", vec![json!("nope")], 404),
        ("find", vec![], 404),
        ("get", vec![json!("messages"), json!({"$ne": 1})], 400),
        ("find", vec![json!("messages"), json!("text")], 400),
        ("find", vec![json!("messages"), json!({}), json!(null)], 400),
        ("toString", vec![json!("messages")], 405),
    ] {
        assert_eq!(client.emit(method, &arguments).await.unwrap_err().code(), code, "{method} {arguments:?}");
    }
}

#[tokio::test]
async fn a_call_that_fails_says_method_and_path() {
    let mount = Mount::empty().method("parse", async |text: String, _: &Params| Ok(text.parse::<u8>()?));
    let app = App::builder().mount("notes", Mount::new(Memory::new())).mount("numbers", mount).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    let error = client.service("notes").get(7).await.unwrap_err();
    assert_eq!(error.message(), "No record found for id '7'");
    assert_eq!(
        format!("{error:?}"),
        "NotFound: No record found for id '7', caused by: the call of 'get' on service 'notes'"
    );
    // The causes stay.
    let error = client.service("numbers").call("parse", "x").await.unwrap_err();
    assert!(format!("{error:?}").contains("'parse' on service 'numbers', caused by: invalid digit"), "{error:?}");
    assert!(error.is::<std::num::ParseIntError>());
    let error = client.emit("find", &[]).await.unwrap_err();
    assert!(format!("{error:?}").ends_with("the call of 'find' on service ''"), "{error:?}");
}

#[tokio::test]
async fn a_panic_and_a_call_without_end_are_answered() {
    let mount = Mount::empty()
        .method("panic", async |_: Value, _: &Params| if true { panic!("on purpose") } else { Ok(()) })
        .method("hang", |_: Value, _: Params| std::future::pending::<Result<()>>());
    let app = App::builder().mount("odd", mount).build().unwrap();
    let client = Client::to(&app).patience(Duration::from_millis(20)).connect().await.unwrap();
    assert_eq!(client.service("odd").call("panic", json!(1)).await.unwrap_err().code(), 500);
    assert_eq!(client.service("odd").call("hang", json!(1)).await.unwrap_err().code(), 408);
}

#[tokio::test]
async fn hooks_see_what_the_client_says_it_is() {
    let who = |params: Params| {
        let headers = params.headers().and_then(|headers| headers.get("x-from")).map(str::to_owned);
        json!([params.provider, headers, params.get("tenant")])
    };
    let mount = Mount::empty().method("who", move |_: Value, params: Params| async move { Ok(who(params)) });
    let app = App::builder().mount("me", mount).build().unwrap();
    let client = Client::to(&app).provider("rest").header("X-From", "here").value("tenant", 7).connect().await.unwrap();
    assert_eq!(client.service("me").call("who", json!(null)).await.unwrap(), json!(["rest", "here", 7]));
}

#[tokio::test]
async fn events_are_heard_in_order_and_taken_out() {
    let app = app();
    let (ann, bob) = (Client::connect(&app).await.unwrap(), Client::connect(&app).await.unwrap());
    for text in ["a", "b"] {
        ann.service("messages").create(json!({ "text": text })).await.unwrap();
    }
    assert_eq!(bob.next().await.data["text"], "a");
    assert_eq!(bob.hears("messages created").await["text"], "b");
    assert_eq!(bob.heard(), []);
    assert_eq!(ann.heard().len(), 2);
}

#[tokio::test]
async fn who_hears_is_asserted_both_ways() {
    let app = app();
    let (ann, bob) = (Client::connect(&app).await.unwrap(), Client::connect(&app).await.unwrap());
    app.channel("all").leave(bob.connection());
    app.service("messages").create(json!({"text": "a"}), Params::new()).await.unwrap();
    crate::assert_published!("messages created", {"text": "a", "id": 1} => ann; not bob);
    // It was taken out.
    crate::assert_published!("messages created", {"text": "a", "id": 1} => ; not ann);
}

#[tokio::test]
#[should_panic = "did not hear"]
async fn an_event_that_does_not_come_fails_the_test() {
    let app = app();
    let ann = Client::to(&app).patience(Duration::from_millis(10)).connect().await.unwrap();
    crate::assert_published!("messages created", {} => ann);
}

#[tokio::test]
#[should_panic = "must not hear"]
async fn an_event_that_must_not_come_fails_the_test() {
    let app = app();
    let ann = Client::connect(&app).await.unwrap();
    app.service("messages").create(json!({"text": "a"}), Params::new()).await.unwrap();
    crate::assert_published!("messages created", {"text": "a", "id": 1} => ; not ann);
}

#[tokio::test]
async fn a_client_goes_once_whoever_ends_it() {
    let app = app();
    let (ann, bob) = (Client::connect(&app).await.unwrap(), Client::connect(&app).await.unwrap());
    bob.connection().disconnect();
    assert_eq!((bob.connection().is_connected(), app.channel("all").len()), (false, 1));
    ann.disconnect();
    drop(bob);
    assert!(app.channel("all").is_empty());
}

#[cfg(feature = "auth")]
#[tokio::test]
async fn a_client_can_log_in() {
    use crate::auth::{ApiKey, Auth, Key, authenticate};
    let keys = ApiKey::new().anonymous("key-of-a-machine");
    let auth = Auth::new(Key::secret("a secret of thirty-two bytes, yes").unwrap()).strategy(keys);
    let secure = Mount::new(Memory::new()).before(All, authenticate("apiKey"));
    let app = App::builder().mount("authentication", auth).mount("secure", secure);
    let app = app.mount("users", Mount::new(Memory::new())).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    assert_eq!(client.service("secure").find().await.unwrap_err().code(), 401);
    client.authenticate(json!({"strategy": "apiKey", "key": "wrong"})).await.unwrap_err();
    client.authenticate(json!({"strategy": "apiKey", "key": "key-of-a-machine"})).await.unwrap();
    assert_eq!(client.service("secure").find().await.unwrap(), json!([]));
}
