//! Who has a say in logins, and what listeners are told.

use super::{ann, auth, builder, login, people, who};
use crate::auth::Login;
use crate::prelude::*;
use crate::store::Memory;
use crate::test::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

#[derive(Deserialize)]
struct User {
    id: u64,
    name: String,
}

async fn not_bob(app: &App, login: &Login) -> Result<()> {
    let user: User = login.user()?;
    let teams = app.service("teams").get(user.id, Params::new()).await?;
    login.join(format!("teams/{}", teams.to::<Value>()?["team"]));
    match user.name == "Bob" {
        true => Err(Error::forbidden("Not today")),
        false => Ok(()),
    }
}

fn with_teams() -> App {
    let teams = Memory::new().records([json!({"id": 1, "team": 7}), json!({"id": 2, "team": 8})]);
    builder(auth(), people()).mount("teams", Mount::new(teams)).on_login_async(not_bob).build().unwrap()
}

#[tokio::test]
async fn a_listener_that_waits_lets_the_connection_join_channels() {
    let app = with_teams();
    let client = Client::connect(&app).await.unwrap();
    login(&client, "ann@example.com", "secret1").await.unwrap();
    assert_eq!(client.connection().channels(), ["everybody", "members", "teams/7"]);
}

#[tokio::test]
async fn a_refused_login_leaves_the_connection_as_it_was() {
    let app = with_teams();
    let client = Client::connect(&app).await.unwrap();
    let refused = login(&client, "bob@example.com", "secret2").await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (403, "Not today"));
    assert_eq!(client.connection().channels(), ["everybody"]);
    assert_eq!(who(&client).await.unwrap_err().code(), 401);
    // Who was logged in before still is.
    login(&client, "ann@example.com", "secret1").await.unwrap();
    login(&client, "bob@example.com", "secret2").await.unwrap_err();
    assert_eq!(client.connection().channels(), ["everybody", "members", "teams/7"]);
    assert_eq!(who(&client).await.unwrap(), "Ann");
}

#[tokio::test]
async fn a_listener_that_panics_refuses_the_login() {
    let panics = async |_: &App, _: &Login| panic!("on purpose");
    let app = builder(auth(), people()).on_login_async(panics).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    assert_eq!(login(&client, "ann@example.com", "secret1").await.unwrap_err().code(), 500);
    assert_eq!(who(&client).await.unwrap_err().code(), 401);
}

#[tokio::test]
async fn a_handshake_is_asked_about_too_and_joins_once_it_is_there() {
    let app = with_teams();
    let (_, token) = ann(&app).await;
    let header = format!("Bearer {token}");
    let client = Client::to(&app).header("authorization", &header).connect().await.unwrap();
    assert!(client.connection().channels().contains(&"teams/7".to_owned()));
}

#[tokio::test]
async fn listeners_are_told_which_channels_were_left() {
    let left: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
    let note = || {
        let left = left.clone();
        move |_: &App, connection: &Connection| crate::locked(&left).push(connection.left_channels())
    };
    let app = builder(auth(), people()).on_disconnect(note()).on_logout(note()).build().unwrap();
    let (client, _) = ann(&app).await;
    client.service("authentication").remove(json!(null)).await.unwrap();
    app.channel("room").join(client.connection());
    client.disconnect();
    assert_eq!(*crate::locked(&left), [vec!["everybody".to_owned(), "members".into()], vec!["room".into()]]);
}
