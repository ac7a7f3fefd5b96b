//! For whom calls are made, and how often.

use super::{ann, app, auth, builder, login, people};
use crate::auth::{authenticate, by_user};
use crate::hooks::{external, limit};
use crate::prelude::*;
use crate::store::Memory;
use crate::test::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

#[derive(Deserialize)]
struct User {
    name: String,
}

#[tokio::test]
async fn the_server_acts_for_a_user() {
    let app = app(auth());
    let who = async |params| app.service("secure").call("who", Value::Null, params).await;
    assert_eq!(who(Params::acting_as(&app, 1).await.unwrap()).await.unwrap().to_value().unwrap(), "Ann");
    assert_eq!(Params::acting_as(&app, 1).await.unwrap().user::<User>().unwrap().name, "Ann");
    assert_eq!(Params::acting_as(&app, 9).await.unwrap_err().code(), 401);
    let without = App::builder().build().unwrap();
    assert!(Params::acting_as(&without, 1).await.unwrap_err().message().contains("Missing authentication service"));
}

#[tokio::test]
async fn a_hook_for_clients_passes_what_the_server_calls() {
    let around = async |context: &mut Context, next: Next<'_>| {
        next.run(context).await?;
        context.set_result(json!("seen"));
        Ok(())
    };
    let mount = Mount::new(Memory::new().records([json!({"id": 1})]))
        .before(Remove, external(async |_: &mut Context| Err(Error::forbidden("no"))))
        .around(Get, external(around));
    let app = App::builder().mount("notes", mount).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    assert_eq!(client.service("notes").get(1).await.unwrap(), "seen");
    assert_eq!(client.service("notes").remove(1).await.unwrap_err().code(), 403);
    assert_eq!(app.service("notes").get(1, Params::new()).await.unwrap().to_value().unwrap(), json!({"id": 1}));
    app.service("notes").remove(1, Params::new()).await.unwrap();
}

#[tokio::test]
async fn a_users_calls_are_limited_wherever_they_come_from() {
    let mount = Mount::new(Memory::new()).before(All, authenticate("jwt")).before(All, limit(2, by_user));
    let app = builder(auth(), people()).mount("limited", mount).build().unwrap();
    let ((one, token), other) = (ann(&app).await, Client::connect(&app).await.unwrap());
    super::present(&other, token).await.unwrap();
    one.service("limited").find().await.unwrap();
    other.service("limited").find().await.unwrap();
    assert_eq!(one.service("limited").find().await.unwrap_err().code(), 429);
    login(&other, "bob@example.com", "secret2").await.unwrap();
    other.service("limited").find().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_waits_for_work_in_the_background() {
    let done = Arc::new(Mutex::new(Vec::new()));
    let app = App::builder().build().unwrap();
    let noted = done.clone();
    app.spawn(async move {
        tokio::task::yield_now().await;
        crate::locked(&noted).push("work");
        Err(Error::general("is logged"))
    });
    app.spawn(async { panic!("on purpose") });
    app.shutdown(std::time::Duration::from_secs(5)).await;
    assert_eq!(*crate::locked(&done), ["work"]);
}
