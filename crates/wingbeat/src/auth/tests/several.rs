//! Several users on one connection, and several authentication services in one application.

use super::*;
use crate::locked;
use std::sync::{Arc, Mutex};

/// Whoever logs in hears what is theirs alone.
fn own_channels() -> (App, Arc<Mutex<Vec<&'static str>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (login, logout) = (told.clone(), told.clone());
    let app = builder(auth(), people())
        .on_login(move |app, connection| {
            let user = connection.get("user").unwrap_or_default();
            app.channel(format!("users/{}", user["id"])).join(connection);
            locked(&login).push("login");
        })
        .on_logout(move |_, connection| {
            assert_eq!(connection.get("user"), None);
            locked(&logout).push("logout");
        });
    (app.build().unwrap(), told)
}

#[tokio::test]
async fn who_logs_in_as_somebody_else_hears_nothing_more_of_the_first() {
    let (app, told) = own_channels();
    let (client, _) = ann(&app).await;
    login(&client, "bob@example.com", "secret2").await.unwrap();
    assert_eq!(who(&client).await.unwrap(), "Bob");
    assert_eq!(client.connection().channels(), ["members", "users/2"]);
    assert_eq!(*locked(&told), ["login", "logout", "login"]);
}

#[tokio::test]
async fn who_logs_in_at_another_service_is_logged_out_of_the_first() {
    let theirs = Auth::new(Key::secret("another secret of thirty-two bytes").unwrap()).strategy(local());
    let (app, told) = own_channels();
    app.mount("admin/authentication", theirs.into()).await.unwrap();
    let (client, _) = ann(&app).await;
    let data = json!({"strategy": "local", "email": "bob@example.com", "password": "secret2"});
    client.service("admin/authentication").create(data).await.unwrap();
    assert_eq!(client.connection().channels(), ["members", "users/2"]);
    assert_eq!(*locked(&told), ["login", "logout", "login"]);
    assert_eq!((app.logout_user(1), app.logout_user(2)), (0, 1));
}

#[tokio::test]
async fn a_new_token_of_the_same_user_changes_no_channel() {
    let (app, told) = own_channels();
    let (client, _) = ann(&app).await;
    let before = client.connection().channels();
    login(&client, "ann@example.com", "secret1").await.unwrap();
    assert_eq!((client.connection().channels(), locked(&told).len()), (before, 2));
    assert!(!locked(&told).contains(&"logout"));
}

#[tokio::test]
async fn a_handshake_is_the_first_services_business() {
    let theirs = Auth::new(Key::secret("another secret of thirty-two bytes").unwrap()).strategy(local());
    let app = builder(auth(), people()).mount("admin/authentication", theirs).build().unwrap();
    let (_client, token) = ann(&app).await;
    let client = Client::to(&app).header("authorization", &format!("Bearer {token}")).connect().await.unwrap();
    assert_eq!(who(&client).await.unwrap(), "Ann");
}

#[test]
fn records_that_there_are_not_have_no_service() {
    let without = |auth: Auth| builder(auth, people()).build().unwrap_err().message().to_owned();
    for contradiction in [auth().no_entity().service("people"), auth().no_entity().entity_id("_id")] {
        assert!(without(contradiction).contains("no_entity"));
    }
}

#[tokio::test]
async fn a_method_reads_who_calls_from_its_params() {
    #[derive(serde::Deserialize)]
    struct User {
        name: String,
    }
    let name = |_: Value, params: Params| async move { Ok(params.user::<User>()?.name) };
    let open = Mount::empty().method("name", name);
    let known = Mount::empty().method("name", name).before(All, authenticate("jwt"));
    let app = builder(auth(), people()).mount("open", open).mount("known", known).build().unwrap();
    let (client, _) = ann(&app).await;
    assert_eq!(client.service("known").call("name", json!(null)).await.unwrap(), "Ann");
    assert_eq!(code(client.service("open").call("name", json!(null)).await), 401);
}
