//! The end of tokens, and of logins by force.

use super::super::Expiry;
use super::*;
use crate::hooks::{sync, with};
use crate::locked;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

const DAY: Duration = Duration::from_secs(86_400);

fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_its_token_a_client_is_disconnected() {
    let app = app(auth().expires_in(Duration::from_secs(4)));
    let (client, _) = ann(&app).await;
    sleep(Duration::from_secs(11)).await;
    assert!(!client.connection().is_connected());
    assert!(app.channel_names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_its_token_a_client_may_also_stay_as_nobody() {
    let app = app(auth().expires_in(Duration::from_secs(4)).on_expiry(Expiry::Anonymous));
    let (client, token) = ann(&app).await;
    assert!(client.hears("authentication expired").await["expiredAt"].is_string());
    assert!(client.connection().is_connected());
    assert!(client.connection().channels().is_empty());
    assert_eq!(code(who(&client).await), 401);
    assert_eq!(present(&client, token).await.unwrap_err().message(), "jwt expired");
    login(&client, "bob@example.com", "secret2").await.unwrap();
    assert_eq!(who(&client).await.unwrap(), "Bob");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_runs_while_its_token_expires_ends_and_is_the_last() {
    let app = builder(auth().expires_in(Duration::from_secs(4)).on_expiry(Expiry::Anonymous), people());
    let (begun, begin) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let (begun_there, begin_there) = (begun.clone(), begin.clone());
    let slow = Mount::empty()
        .method("run", move |_: Value, params: Params| {
            let (begun, begin) = (begun_there.clone(), begin_there.clone());
            async move {
                begun.notify_one();
                begin.notified().await;
                Ok(params.get("user").map(|user| user["name"].clone()))
            }
        })
        .before(All, authenticate("jwt"));
    let app = app.mount("slow", slow).build().unwrap();
    let (client, _) = ann(&app).await;
    let expire = async {
        begun.notified().await;
        client.hears("authentication expired").await;
        begin.notify_one();
    };
    let slow = client.service("slow");
    let (answer, ()) = tokio::join!(slow.call("run", json!(1)), expire);
    assert_eq!(answer.unwrap(), "Ann");
    assert_eq!(code(slow.call("run", json!(1)).await), 401);
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_at_its_time_however_far_that_is() {
    let app = app(auth().expires_in(26 * DAY));
    let (client, _) = ann(&app).await;
    sleep(26 * DAY - Duration::from_secs(2)).await;
    assert_eq!(who(&client).await.unwrap(), "Ann");
    sleep(Duration::from_secs(3)).await;
    assert!(!client.connection().is_connected());
}

/// The task that watches the time ends with its runtime, as it would by a panic.
#[test]
fn tokens_end_though_the_runtime_of_the_first_login_has_gone() {
    let app = app(auth());
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let first = runtime();
    let (early, _) = first.block_on(ann(&app));
    drop(first);
    runtime().block_on(async {
        let (client, _) = ann(&app).await;
        sleep(2 * DAY).await;
        assert!(!client.connection().is_connected());
        assert!(!early.connection().is_connected());
    });
}

#[tokio::test(start_paused = true)]
async fn every_token_ends_at_its_own_time_and_one_task_sees_to_all() {
    let app = app(auth());
    let before = alive();
    let now = super::super::token::now().floor() as u64;
    let mut clients = Vec::new();
    // Not in the order in which they end.
    for n in (0..100).map(|n| n * 37 % 100) {
        let client = Client::connect(&app).await.unwrap();
        let mut claims = claims("1");
        claims["exp"] = json!(now + 1000 + 10 * n);
        present(&client, token(json!({"alg": "HS256"}), claims, Algorithm::HS256, SECRET.as_bytes())).await.unwrap();
        clients.push((n, client));
    }
    assert_eq!(alive(), before + 1);
    for ended in 1..=100 {
        let left = (now + 1000 + 10 * (ended - 1)) as f64 + 0.5 - super::super::token::now();
        sleep(Duration::from_secs_f64(left)).await;
        for (n, client) in &clients {
            assert_eq!(client.connection().is_connected(), *n >= ended, "client {n} after the end of {ended}");
        }
    }
    sleep(Duration::from_secs(61)).await;
    assert_eq!(alive(), before, "the task outlives what it watches");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_token_is_no_concern_of_who_has_another_or_none() {
    let app = app(auth().expires_in(Duration::from_secs(10)));
    let ((again, _), (out, _)) = (ann(&app).await, ann(&app).await);
    out.service("authentication").remove(json!(null)).await.unwrap();
    sleep(Duration::from_secs(8)).await;
    login(&again, "bob@example.com", "secret2").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(who(&again).await.unwrap(), "Bob");
    assert!(out.connection().is_connected());
    sleep(Duration::from_secs(6)).await;
    assert!(!again.connection().is_connected());
    assert!(out.connection().is_connected());
}

#[tokio::test]
async fn a_login_under_way_does_not_outlive_that_its_user_is_logged_out() {
    let passwords = cheap();
    let app = app(auth().strategy(Local::new("email", "password").passwords(passwords.clone())));
    let ((client, _), other) = (ann(&app).await, Client::connect(&app).await.unwrap());
    let all = passwords.occupy().await;
    let mut ann = Box::pin(login(&client, "ann@example.com", "secret1"));
    let mut bob = Box::pin(login(&other, "bob@example.com", "secret2"));
    assert!(futures_util::poll!(&mut ann).is_pending() && futures_util::poll!(&mut bob).is_pending());
    // Whoever does this, for example because the password was changed, does not know of the login.
    assert_eq!(app.logout_user(1), 1);
    drop(all);
    assert_eq!(ann.await.unwrap_err().message(), "Logged out while logging in");
    assert!(client.connection().names().is_empty() && client.connection().channels().is_empty());
    assert_eq!(code(who(&client).await), 401);
    bob.await.unwrap();
    login(&client, "ann@example.com", "secret1").await.unwrap();
}

#[tokio::test]
async fn who_fails_so_while_somebody_else_was_logged_in_there_leaves_the_channels_too() {
    let passwords = cheap();
    let app = app(auth().strategy(Local::new("email", "password").passwords(passwords.clone())));
    let client = Client::connect(&app).await.unwrap();
    login(&client, "bob@example.com", "secret2").await.unwrap();
    let all = passwords.occupy().await;
    let mut ann = Box::pin(login(&client, "ann@example.com", "secret1"));
    assert!(futures_util::poll!(&mut ann).is_pending());
    assert_eq!(app.logout_user(1), 0);
    drop(all);
    assert_eq!(code(ann.await), 401);
    assert!(client.connection().names().is_empty() && client.connection().channels().is_empty());
}

#[tokio::test]
async fn who_is_logged_out_while_the_listeners_are_told_is_out_when_they_have_been() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (login, logout) = (seen.clone(), seen.clone());
    let builder = builder(auth(), people()).on_login(|app, connection| assert!(app.logout(connection)));
    let app = builder
        .on_login(move |app, connection| {
            app.channel("late").join(connection);
            locked(&login).push("login");
        })
        .on_logout(move |_, _| locked(&logout).push("logout"))
        .build()
        .unwrap();
    let (client, _) = ann(&app).await;
    assert_eq!(*locked(&seen), ["login", "logout"]);
    assert!(client.connection().channels().is_empty() && client.connection().names().is_empty());
}

#[tokio::test]
async fn a_new_password_in_a_nested_field_or_a_new_record_ends_the_connections() {
    let users = Mount::new(Memory::new().records([json!({"id": 1, "login": {"name": "ann", "password": HASH_1}})]))
        .after(All, logout_changed(["login.password"]));
    let local = Local::new("login.name", "login.password").passwords(cheap());
    let auth = Auth::new(Key::secret(SECRET).unwrap()).strategy(local);
    let app = App::builder().mount("authentication", auth).mount("users", users).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    let login = async || {
        let data = json!({"strategy": "local", "login": {"name": "ann", "password": "secret1"}});
        client.service("authentication").create(data).await.unwrap();
    };
    let is_in = || client.connection().get("user").is_some();
    let users = app.service("users");
    login().await;
    users.patch(1, json!({"more": 1}), Params::new()).await.unwrap();
    assert!(is_in());
    users.patch(1, json!({"login": {"name": "ann", "password": HASH_1}}), Params::new()).await.unwrap();
    assert!(!is_in());
    login().await;
    users.update(1, json!({"login": {"name": "ann", "password": HASH_1}}), Params::new()).await.unwrap();
    assert!(!is_in());
}

#[tokio::test]
async fn a_token_can_be_revoked_while_its_owner_is_known_by_something_else() {
    let revoked = Arc::new(Mutex::new(Value::Null));
    let list = revoked.clone();
    let app = app(auth().revoked(move |payload, _| payload["jti"] == *locked(&list)));
    let client = Client::connect(&app).await.unwrap();
    let data = json!({"strategy": "apiKey", "key": "key-of-a-machine"});
    let result = client.service("authentication").create(data).await.unwrap();
    assert_eq!(who(&client).await.unwrap(), json!(null));
    *locked(&revoked) = result["authentication"]["payload"]["jti"].clone();
    assert_eq!(code(who(&client).await), 401);
}

#[tokio::test]
async fn logging_a_connection_out_ends_what_every_service_knows_of_it() {
    let other = Auth::new(Key::secret(&"o".repeat(32)).unwrap()).strategy(local());
    let app = builder(auth(), people()).mount("other", other).build().unwrap();
    let (client, _) = ann(&app).await;
    let data = json!({"strategy": "local", "email": "bob@example.com", "password": "secret2"});
    client.service("other").create(data).await.unwrap();
    assert!(app.logout(client.connection()));
    assert_eq!((app.logout_user(1), app.logout_user(2)), (0, 0));
}

#[tokio::test]
async fn a_logout_without_an_id_is_none() {
    let app = app(auth());
    let (client, _) = ann(&app).await;
    let stranger = Client::connect(&app).await.unwrap();
    for (client, text) in [(&client, "Invalid access token"), (&stranger, "Not authenticated")] {
        let mut params = Params::new();
        params.provider = Some(client.connection().provider());
        params.connection = Some(client.connection().clone());
        let refused = app.service("authentication").remove(IdArg::Absent, params).await.unwrap_err();
        assert_eq!((refused.code(), refused.message()), (401, text));
    }
    assert_eq!(who(&client).await.unwrap(), "Ann");
}

#[tokio::test]
async fn a_logout_does_not_end_a_login_that_was_faster() {
    type Notice = Arc<Notify>;
    let (reached, go_on) = (Notice::default(), Notice::default());
    let slow = with(
        (reached.clone(), go_on.clone()),
        async |(reached, go_on): (Notice, Notice), context: &mut Context, next: Next<'_>| {
            next.run(context).await?;
            reached.notify_one();
            go_on.notified().await;
            Ok(())
        },
    );
    let mount = Mount::from(auth()).around(Remove, slow);
    let users = Mount::new(people()).after(All, protect(["password"]));
    let app = App::builder().mount("authentication", mount).mount("users", users).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    login(&client, "ann@example.com", "secret1").await.unwrap();
    let logout = async { client.service("authentication").remove(json!(null)).await };
    let relogin = async {
        reached.notified().await;
        let outcome = login(&client, "bob@example.com", "secret2").await;
        go_on.notify_one();
        outcome
    };
    let (logout, relogin) = tokio::join!(logout, relogin);
    logout.unwrap();
    relogin.unwrap();
    assert_eq!(client.connection().get("user").unwrap()["name"], "Bob");
}

#[tokio::test]
async fn a_removal_that_answers_no_record_logs_out_whom_it_was_about() {
    let users = Mount::new(people())
        .after(
            Remove,
            sync(|context: &mut Context| {
                context.set_result(json!(true));
                Ok(())
            }),
        )
        .after(Remove, logout_changed(["password"]))
        .after([Find, Get], protect(["password"]));
    let app = App::builder().mount("authentication", auth()).mount("users", users).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    login(&client, "ann@example.com", "secret1").await.unwrap();
    assert_eq!(app.service("users").remove(1, Params::new()).await.unwrap().into_value().unwrap(), json!(true));
    assert!(client.connection().get("user").is_none());
}
