//! What a login means for a connection.

use super::super::{Attempt, Identity, Strategy};
use super::*;
use crate::hooks::sync;
use crate::locked;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::Map;
use std::sync::{Arc, Mutex};
use tower_service::Service as _;

async fn heads_in(app: &App, header: &str, value: &str) -> Result<Client> {
    Client::to(app).header(header, value).connect().await
}

#[tokio::test]
async fn connection_comes_before_login() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |text: &'static str| {
        let seen = seen.clone();
        move |_: &App, connection: &Connection| locked(&seen).push((text, connection.get("user").is_some()))
    };
    let builder = builder(auth(), people()).on_connection(note("connection")).on_login(note("login"));
    let app = builder.on_logout(note("logout")).on_disconnect(note("disconnect")).build().unwrap();
    let (_, token) = ann(&app).await;
    locked(&seen).clear();
    let client = heads_in(&app, "authorization", &format!("Bearer {token}")).await.unwrap();
    assert_eq!(who(&client).await.unwrap(), "Ann");
    client.service("authentication").remove(json!(null)).await.unwrap();
    drop(client);
    let order = [("connection", true), ("login", true), ("logout", false), ("disconnect", false)];
    assert_eq!(*locked(&seen), order);
}

#[tokio::test]
async fn a_bad_handshake_is_refused_with_message_and_data() {
    let app = app(auth());
    let error = heads_in(&app, "authorization", "Bearer abc").await.unwrap_err();
    assert_eq!((error.message(), error.data()), ("jwt malformed", Some(&json!({"name": "JsonWebTokenError"}))));
    assert_eq!(heads_in(&app, "x-api-key", "wrong").await.unwrap_err().message(), "Incorrect API Key");
    let machine = heads_in(&app, "x-api-key", "key-of-ann").await.unwrap();
    assert_eq!(who(&machine).await.unwrap(), "Ann");
}

#[tokio::test]
async fn a_new_connection_is_nobodys_until_it_logs_in_itself() {
    let app = app(auth());
    let (client, token) = ann(&app).await;
    client.disconnect();
    let again = Client::connect(&app).await.unwrap();
    assert_eq!(code(who(&again).await), 401);
    assert_eq!(again.connection().channels(), ["everybody"]);
    present(&again, token).await.unwrap();
    assert_eq!(who(&again).await.unwrap(), "Ann");
}

#[tokio::test]
async fn who_logs_out_leaves_every_channel() {
    let app = app(auth());
    let (client, _) = ann(&app).await;
    assert_eq!(client.connection().channels(), ["everybody", "members"]);
    client.service("authentication").remove(json!(null)).await.unwrap();
    assert!(client.connection().channels().is_empty());
    assert_eq!(client.connection().names(), [""; 0]);
    assert_eq!(code(who(&client).await), 401);
}

#[tokio::test]
async fn a_login_that_a_hook_refuses_is_none() {
    let mount = Mount::from(auth()).after(Create, sync(|_| Err(Error::forbidden("Not on Sundays"))));
    let app = App::builder().mount("authentication", mount).mount("users", Mount::new(people())).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    assert_eq!(code(login(&client, "ann@example.com", "secret1").await), 403);
    assert_eq!(client.connection().names(), [""; 0]);
}

#[tokio::test]
async fn a_failed_login_changes_nothing_and_another_one_replaces_the_first() {
    let app = app(auth());
    let (client, _) = ann(&app).await;
    assert_eq!(code(login(&client, "bob@example.com", "wrong").await), 401);
    assert_eq!(who(&client).await.unwrap(), "Ann");
    login(&client, "bob@example.com", "secret2").await.unwrap();
    assert_eq!(who(&client).await.unwrap(), "Bob");
    assert_eq!(app.logout_user(1), 0);
    assert_eq!(app.logout_user(2), 1);
}

#[tokio::test]
async fn a_user_who_was_removed_is_out_at_once() {
    let app = app(auth());
    let (client, _) = ann(&app).await;
    app.service("users").remove(1, Params::new()).await.unwrap();
    assert_eq!(code(who(&client).await), 401);
    assert!(client.connection().channels().is_empty(), "hears on");
}

#[tokio::test]
async fn a_new_password_ends_all_other_connections() {
    let app = app(auth());
    let ((one, _), (other, _)) = (ann(&app).await, ann(&app).await);
    one.service("users").patch(1, json!({"name": "Anna"})).await.unwrap();
    assert_eq!(who(&other).await.unwrap(), "Anna");
    one.service("users").patch(1, json!({"password": "swordfish"})).await.unwrap();
    assert_eq!(who(&one).await.unwrap(), "Anna");
    assert_eq!(code(who(&other).await), 401);
    assert_eq!(code(login(&other, "ann@example.com", "secret1").await), 401);
    login(&other, "ann@example.com", "swordfish").await.unwrap();
}

#[tokio::test]
async fn a_revoked_token_is_refused_even_where_it_is_in_use() {
    let revoked = Arc::new(Mutex::new(String::new()));
    let list = revoked.clone();
    let app = app(auth().revoked(move |payload, user| user.is_some() && payload["jti"] == *locked(&list)));
    let client = Client::connect(&app).await.unwrap();
    let result = login(&client, "ann@example.com", "secret1").await.unwrap();
    assert_eq!(who(&client).await.unwrap(), "Ann");
    *locked(&revoked) = result["authentication"]["payload"]["jti"].as_str().unwrap().to_owned();
    assert_eq!(code(who(&client).await), 401);
    assert!(client.connection().channels().is_empty(), "hears on");
    assert_eq!(code(present(&client, result["accessToken"].clone()).await), 401);
}

#[tokio::test]
async fn users_that_only_users_may_see_can_log_in_all_the_same() {
    let users = Mount::new(people()).before(All, authenticate("jwt"));
    let app = App::builder().mount("authentication", auth()).mount("users", users).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    assert_eq!(code(client.service("users").find().await), 401);
    login(&client, "ann@example.com", "secret1").await.unwrap();
    assert_eq!(client.service("users").get(2).await.unwrap()["name"], "Bob");
}

#[tokio::test]
async fn without_the_service_nobody_is_logged_in() {
    let app = app(auth());
    let (client, _) = ann(&app).await;
    app.unmount("authentication").await.unwrap();
    assert!(client.connection().channels().is_empty());
    assert_eq!(code(who(&client).await), 401);
}

#[tokio::test]
async fn two_services_do_not_take_each_others_sessions() {
    let other = Auth::new(Key::secret(&"o".repeat(32)).unwrap()).strategy(local());
    let theirs = Mount::new(Memory::new()).before(All, authenticate("jwt").service("other"));
    let app = builder(auth(), people()).mount("other", other).mount("theirs", theirs).build().unwrap();
    let (client, _) = ann(&app).await;
    assert_eq!(code(client.service("theirs").find().await), 401);
    let data = json!({"strategy": "local", "email": "bob@example.com", "password": "secret2"});
    client.service("other").create(data).await.unwrap();
    client.service("theirs").find().await.unwrap();
    assert_eq!(code(who(&client).await), 401);
}

#[tokio::test]
async fn a_machine_without_a_record_is_known_by_its_key_alone() {
    let app = app(auth());
    let client = Client::connect(&app).await.unwrap();
    let data = json!({"strategy": "apiKey", "key": "key-of-a-machine"});
    let result = client.service("authentication").create(data).await.unwrap();
    assert_eq!(who(&client).await.unwrap(), json!(null));
    assert_eq!(code(client.service("notes").create(json!({})).await), 401, "this is for users");
    let other = Client::connect(&app).await.unwrap();
    assert_eq!(code(present(&other, result["accessToken"].clone()).await), 401, "the token stands for nobody");
    client.service("authentication").remove(json!(null)).await.unwrap();
    assert_eq!(code(who(&client).await), 401);
}

#[tokio::test]
async fn params_hold_who_calls_and_by_which_token() {
    let seen = Mount::empty()
        .method("seen", async |_: Value, params: &Params| {
            Ok(["authentication", "authenticated", "user"].map(|name| params.get(name)))
        })
        .before(All, authenticate("jwt"));
    let app = builder(auth(), people()).mount("seen", seen).build().unwrap();
    let (client, token) = ann(&app).await;
    let seen = async || client.service("seen").call("seen", json!(null)).await;
    let told = seen().await.unwrap();
    assert_eq!((&told[0]["strategy"], &told[0]["accessToken"]), (&json!("jwt"), &json!(token)));
    assert_eq!((&told[0]["payload"]["sub"], &told[1]), (&json!("1"), &json!(true)));
    assert_eq!((&told[2]["name"], told[2]["password"].is_string()), (&json!("Ann"), true));
    // What the connection says instead is what counts.
    client.connection().set("authentication", json!({"strategy": "jwt", "accessToken": "forged"}));
    assert_eq!(code(seen().await), 401);
    client.connection().set("authentication", json!({"strategy": "jwt", "accessToken": token, "further": 1}));
    assert_eq!(seen().await.unwrap()[0]["further"], 1);
    client.connection().unset("authentication");
    assert_eq!(code(seen().await), 401);
}

#[tokio::test]
async fn a_user_is_read_behind_the_hook_only() {
    #[derive(serde::Deserialize)]
    struct User {
        name: String,
    }
    async fn sign(context: &mut Context) -> Result<()> {
        let name = context.user::<User>()?.name;
        for item in context.items_mut()? {
            item.insert("author".into(), name.clone().into());
        }
        Ok(())
    }
    let signed = Mount::new(Memory::new()).before(All, authenticate("jwt")).before(Create, sign);
    let careless = Mount::new(Memory::new()).before(Create, sign);
    let app = builder(auth(), people()).mount("signed", signed).mount("careless", careless).build().unwrap();
    let (client, _) = ann(&app).await;
    let stored = client.service("signed").create(json!({"author": "Bob"})).await.unwrap();
    assert_eq!(stored["author"], "Ann");
    assert_eq!(code(client.service("careless").create(json!({})).await), 401);
}

#[tokio::test]
async fn a_strategy_of_ones_own_logs_in() {
    struct Code;
    impl Strategy for Code {
        fn name(&self) -> &str {
            "code"
        }
        async fn authenticate(&self, data: &Map<String, Value>, attempt: &Attempt<'_>) -> Result<Identity> {
            match data.get("code").and_then(Value::as_str) {
                Some("1234") => Ok(Identity::of(attempt.entity("2").await?).with("by", "code")),
                _ => Err(Error::not_authenticated("Invalid code")),
            }
        }
    }
    let app = app(auth().strategy(Code));
    let client = Client::connect(&app).await.unwrap();
    let attempt = |code: &str| json!({"strategy": "code", "code": code});
    assert_eq!(code(client.service("authentication").create(attempt("1")).await), 401);
    let result = client.service("authentication").create(attempt("1234")).await.unwrap();
    assert_eq!((&result["by"], &result["user"]["name"]), (&json!("code"), &json!("Bob")));
    assert_eq!(who(&client).await.unwrap(), "Bob");
}

#[tokio::test]
async fn a_strategy_that_panics_at_a_header_fails_the_call_alone() {
    struct Broken;
    impl Strategy for Broken {
        fn name(&self) -> &str {
            "broken"
        }
        fn parse(&self, headers: &crate::realtime::Headers) -> Option<Map<String, Value>> {
            headers.get("x-broken").map(|_| panic!("on purpose"))
        }
        async fn authenticate(&self, _: &Map<String, Value>, _: &Attempt<'_>) -> Result<Identity> {
            Err(Error::not_authenticated("Nobody"))
        }
    }
    let auth = auth().strategy(Broken).parse_strategies(["broken"]);
    let app = builder(auth, people()).configure(crate::Rest::new()).build().unwrap();
    let status = async |header: &str| {
        let request = http::Request::builder().uri("/users").header(header, "1");
        app.http().call(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap().status().as_u16()
    };
    assert_eq!(status("x-broken").await, 500);
    assert_eq!(status("x-other").await, 200);
}
