//! Secrets stay where they are.

use super::super::Identity;
use super::*;
use crate::hooks::sync;

#[tokio::test]
async fn no_secret_is_in_results_events_errors_or_values() {
    let app = app(auth());
    let listener = Client::connect(&app).await.unwrap();
    let (client, token) = ann(&app).await;
    let mut told = vec![login(&client, "ann@example.com", "secret1").await.unwrap()];
    told.push(client.service("users").get(1).await.unwrap());
    told.push(client.service("users").find().await.unwrap());
    told.push(client.service("users").patch(2, json!({"password": "swordfish"})).await.unwrap());
    told.extend(client.connection().names().iter().filter_map(|name| client.connection().get(name)));
    for (name, password) in [("ann@example.com", "swordfish"), ("zoe@example.com", "swordfish")] {
        told.push(serde_json::to_value(login(&client, name, password).await.unwrap_err()).unwrap());
    }
    told.push(serde_json::to_value(present(&client, format!("{token}x")).await.unwrap_err()).unwrap());
    told.push(client.service("authentication").remove(json!(null)).await.unwrap());
    told.push(listener.hears("users patched").await);
    let everything = format!("{told:?}");
    for secret in ["secret1", "swordfish", "$2a$", "$argon2", SECRET] {
        assert!(!everything.contains(secret), "{secret} was told: {everything}");
    }
}

#[tokio::test]
async fn listeners_and_middleware_see_no_password_of_whoever_logs_in() {
    let (client, _) = ann(&app(auth())).await;
    let user = client.connection().get("user").unwrap();
    assert_eq!(user, json!({"id": 1, "email": "ann@example.com", "name": "Ann"}));
}

#[test]
fn configurations_and_identities_do_not_show_their_secrets() {
    let keys = ApiKey::new().anonymous("key-of-a-machine");
    let shown = format!("{:?} {keys:?} {:?}", auth(), Identity::of(json!({"password": HASH_1})));
    assert!(!shown.contains(SECRET) && !shown.contains("key-of") && !shown.contains(HASH_1), "{shown}");
}

#[tokio::test]
async fn what_holds_records_calls_and_tokens_does_not_show_them() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let hear = seen.clone();
    let look = sync(move |context: &mut Context| {
        let original = context.original().cloned();
        context.http().headers.push(("Set-Cookie".into(), "token=swordfish".into()));
        let http = context.http().clone();
        let shown = format!("{http:?} {original:?} {:?} {context:?}", context.params);
        crate::locked(&hear).push_str(&shown);
        Ok(())
    });
    let mount = Mount::new(people()).before(Create, hash_password("password")).error(All, look);
    let app = App::builder().mount("authentication", auth()).mount("users", mount).build().unwrap();
    let (client, token) = ann(&app).await;
    let mut params = Params::new().with_query(json!({"password": HASH_1})).unwrap();
    params = params.with_headers([("authorization", token.as_str())].into_iter().collect());
    params.set("authentication", json!({"accessToken": token}));
    app.service("users").create(json!({"id": 1, "password": "swordfish", "bad": true}), params.clone()).await.unwrap();
    app.service("users").patch(99, json!({"password": "swordfish"}), params.clone()).await.unwrap_err();
    let arguments =
        crate::service::invocation::Arguments { data: Some(json!({"password": "swordfish"}).into()), ..params.into() };
    let call = crate::service::invocation::Invocation::new(
        "authentication",
        "create",
        crate::service::invocation::Caller::Internal,
        Ok(arguments),
    );
    let shown = format!("{call:?} {:?} {:?} {:?} {}", people(), client.connection(), app, crate::locked(&seen));
    assert!(shown.contains("Original") && shown.contains("Set-Cookie"), "{shown}");
    for secret in ["swordfish", "$argon2", "$2a$", SECRET, &token] {
        assert!(!shown.contains(secret), "{secret} is shown: {shown}");
    }
}
