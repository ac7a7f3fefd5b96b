//! Names, passwords, and those who try them.

use super::*;
use crate::hooks::sync;
use futures_util::FutureExt;
use futures_util::future::{Either, join_all, select};
use std::num::NonZeroU32;
use std::time::Duration;

#[tokio::test]
async fn name_and_password_must_be_text() {
    let app = app(auth());
    let client = Client::connect(&app).await.unwrap();
    let names = [
        json!({"$ne": null}),
        json!({"$in": ["ann@example.com"]}),
        json!(["ann@example.com"]),
        json!(1),
        json!(true),
        json!(null),
    ];
    for name in names {
        assert_eq!(login(&client, name.clone(), "secret1").await.unwrap_err().message(), "Invalid login", "{name}");
    }
    for password in [json!({"$ne": 1}), json!(["secret1"]), json!(12345), json!(true), json!(null), json!("")] {
        let error = login(&client, "ann@example.com", password.clone()).await.unwrap_err();
        assert_eq!(error.message(), "Invalid login", "{password}");
    }
    assert_eq!(code(who(&client).await), 401);
}

#[tokio::test]
async fn nobody_learns_which_names_exist() {
    let passwords = cheap();
    let app = app(auth().strategy(Local::new("email", "password").passwords(passwords.clone())));
    let client = Client::connect(&app).await.unwrap();
    let known = login(&client, "ann@example.com", "wrong").await.unwrap_err();
    let unknown = login(&client, "zoe@example.com", "wrong").await.unwrap_err();
    assert_eq!(serde_json::to_value(&known).unwrap(), serde_json::to_value(&unknown).unwrap());
    // As long as nothing can be hashed, neither is answered: both are hashed for.
    let _all = passwords.occupy().await;
    for name in ["ann@example.com", "zoe@example.com"] {
        let attempt = tokio::time::timeout(Duration::from_millis(50), login(&client, name, "wrong"));
        assert!(attempt.await.is_err(), "{name} was answered without a hash");
    }
}

#[tokio::test]
async fn who_guesses_too_often_has_to_wait() {
    let app = app(auth().attempts(NonZeroU32::new(5).unwrap(), Duration::from_secs(3600)));
    let (guesser, owner) = (Client::connect(&app).await.unwrap(), Client::connect(&app).await.unwrap());
    for _ in 0..5 {
        assert_eq!(code(login(&guesser, "ann@example.com", "wrong").await), 401);
    }
    assert_eq!(code(login(&guesser, "ann@example.com", "secret1").await), 429);
    assert_eq!(code(login(&guesser, "ANN@example.com", "wrong").await), 429, "spelling makes it another name");
    login(&guesser, "bob@example.com", "secret2").await.unwrap();
    login(&owner, "ann@example.com", "secret1").await.unwrap();
}

#[tokio::test]
async fn logins_that_succeed_do_not_count() {
    let app = app(auth().attempts(NonZeroU32::new(5).unwrap(), Duration::from_secs(3600)));
    let client = Client::connect(&app).await.unwrap();
    for _ in 0..20 {
        login(&client, "ann@example.com", "secret1").await.unwrap();
    }
    for _ in 0..5 {
        assert_eq!(code(login(&client, "ann@example.com", "wrong").await), 401);
    }
    assert_eq!(code(login(&client, "ann@example.com", "secret1").await), 429);
}

#[tokio::test]
async fn logins_under_way_count_until_they_have_succeeded() {
    let passwords = cheap();
    let local = Local::new("email", "password").passwords(passwords.clone());
    let app = app(auth().strategy(local).attempts(NonZeroU32::new(5).unwrap(), Duration::from_secs(3600)));
    let client = Client::connect(&app).await.unwrap();
    let all = passwords.occupy().await;
    let mut logins: Vec<_> = (0..5).map(|_| Box::pin(login(&client, "ann@example.com", "secret1"))).collect();
    assert!(logins.iter_mut().all(|login| futures_util::FutureExt::now_or_never(login).is_none()));
    assert_eq!(code(login(&client, "ann@example.com", "secret1").await), 429);
    // Nobody knows what would have come of one that is given up.
    logins.truncate(3);
    drop(all);
    for login in futures_util::future::join_all(logins).await {
        login.unwrap();
    }
    for expected in [401, 401, 401, 429] {
        assert_eq!(code(login(&client, "ann@example.com", "wrong").await), expected);
    }
}

#[tokio::test]
async fn a_login_that_a_hook_refuses_counts_though_the_password_was_right() {
    let auth = auth().attempts(NonZeroU32::new(5).unwrap(), Duration::from_secs(3600));
    let second_factor =
        sync(|context: &mut Context| match context.data.as_mut().map(|data| data.value()).transpose()? {
            Some(data) if data["code"] == 1234 => Ok(()),
            _ => Err(Error::not_authenticated("Wrong code")),
        });
    let mount = Mount::from(auth).after(Create, second_factor);
    let app = App::builder().mount("authentication", mount).mount("users", Mount::new(people())).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    let login = async |guess: u32| {
        let data = json!({"strategy": "local", "email": "ann@example.com", "password": "secret1", "code": guess});
        client.service("authentication").create(data).await
    };
    login(1234).await.unwrap();
    for guess in 0..5 {
        assert_eq!(login(guess).await.unwrap_err().message(), "Wrong code");
    }
    assert_eq!(code(login(1234).await), 429);
}

#[tokio::test]
async fn an_address_is_guessed_from_whatever_the_connection() {
    let app = app(auth().attempts(NonZeroU32::new(5).unwrap(), Duration::from_secs(3600)));
    let attempt = async |address: &str| {
        let data = json!({"strategy": "local", "email": "ann@example.com", "password": "wrong"});
        let mut params = Params::new().with_address(address.parse().unwrap());
        params.provider = Some("rest");
        code(app.service("authentication").create(data, params).await)
    };
    for _ in 0..5 {
        assert_eq!(attempt("6.6.6.6").await, 401);
    }
    assert_eq!((attempt("6.6.6.6").await, attempt("1.2.3.4").await), (429, 401));
}

#[tokio::test]
async fn who_fills_the_queue_from_four_addresses_keeps_nobody_from_logging_in() {
    let passwords = cheap();
    let app = app(auth().unlimited_attempts().strategy(Local::new("email", "password").passwords(passwords.clone())));
    let authentication = app.service("authentication");
    let attempt = |address: [u8; 4]| {
        let data = json!({"strategy": "local", "email": "ann@example.com", "password": "secret1"});
        let mut params = Params::new().with_address(address.into());
        params.provider = Some("rest");
        authentication.create(data, params).boxed()
    };
    let all = passwords.occupy().await;
    let addresses = (0..1024).map(|n| [6, 6, 6, n as u8 % 4]);
    let mut crowd: Vec<_> = addresses.map(attempt).collect();
    assert!(crowd.iter_mut().all(|login| login.now_or_never().is_none()));
    let mut owner = attempt([1, 2, 3, 4]);
    assert!((&mut owner).now_or_never().is_none(), "the owner is sent away");
    drop(all);
    match select(owner, join_all(crowd)).await {
        Either::Left((owner, _)) => drop(owner.unwrap()),
        Either::Right(_) => panic!("the crowd goes first"),
    }
}

#[tokio::test]
async fn who_is_sent_away_because_too_many_wait_has_not_guessed() {
    let passwords = cheap();
    let local = Local::new("email", "password").passwords(passwords.clone());
    let app = app(auth().strategy(local).attempts(NonZeroU32::new(5).unwrap(), Duration::from_secs(3600)));
    let client = Client::connect(&app).await.unwrap();
    let all = passwords.occupy().await;
    let mut crowd: Vec<_> = (0..1024).map(|n| login(&client, n.to_string(), "secret1").boxed()).collect();
    assert!(crowd.iter_mut().all(|login| login.now_or_never().is_none()));
    for _ in 0..20 {
        let error = login(&client, "ann@example.com", "secret1").await.unwrap_err();
        assert_eq!((error.code(), error.message()), (429, "Too many are waiting, try again later"));
    }
    drop((all, crowd));
    login(&client, "ann@example.com", "secret1").await.unwrap();
}

#[tokio::test]
async fn a_login_that_its_client_has_left_behind_is_not_begun() {
    let passwords = cheap();
    let app = app(auth().strategy(Local::new("email", "password").passwords(passwords.clone())));
    let client = Client::connect(&app).await.unwrap();
    let connection = client.connection().clone();
    let all = passwords.occupy().await;
    let mut waiting = login(&client, "ann@example.com", "secret1").boxed();
    assert!((&mut waiting).now_or_never().is_none());
    connection.disconnect();
    assert_eq!(waiting.now_or_never().expect("it waits on").unwrap_err().code(), 410);
    drop(all);
}

#[tokio::test]
async fn an_old_hash_is_replaced_and_nobody_hears_of_it() {
    let people = people();
    let app = builder(auth(), people.clone()).build().unwrap();
    let (client, _) = ann(&app).await;
    let stored = people.get(1.into(), &Params::new()).await.unwrap().to_value().unwrap();
    assert!(stored["password"].as_str().unwrap().starts_with("$argon2id$"), "{stored}");
    assert_eq!((&stored["name"], &stored["email"]), (&json!("Ann"), &json!("ann@example.com")));
    login(&client, "ann@example.com", "secret1").await.unwrap();
    let bob = people.get(2.into(), &Params::new()).await.unwrap().to_value().unwrap();
    assert_eq!(bob["password"], HASH_2);
    // A later event arrives, so an earlier one would have.
    app.service("users").patch(2, json!({"name": "Bobby"}), Params::new()).await.unwrap();
    assert_eq!(client.next().await.data["name"], "Bobby");
}

#[tokio::test]
async fn where_bcrypt_is_kept_no_hash_changes_its_kind() {
    let people = people();
    let local = Local::new("email", "password").passwords(Passwords::keep_bcrypt_with_cost(5).unwrap());
    let app = builder(auth().strategy(local), people.clone()).build().unwrap();
    let _ann = ann(&app).await;
    let stored =
        async |id: u64| people.get(id.into(), &Params::new()).await.unwrap().to_value().unwrap()["password"].clone();
    assert_eq!(stored(1).await, HASH_1);
    let argon = cheap().hash("secret2".into()).await.unwrap();
    people.patch(2.into(), Some(json!({"password": argon}).into()), &Params::new()).await.unwrap();
    let client = Client::connect(&app).await.unwrap();
    login(&client, "bob@example.com", "secret2").await.unwrap();
    assert!(stored(2).await.as_str().unwrap().starts_with("$2b$05$"));
    let zoe = json!({"email": "zoe@example.com", "password": "swordfish"});
    client.service("users").create(zoe).await.unwrap();
    assert!(stored(3).await.as_str().unwrap().starts_with("$2b$05$"));
    login(&client, "zoe@example.com", "swordfish").await.unwrap();
}

#[tokio::test]
async fn a_password_that_was_changed_meanwhile_is_not_replaced_by_the_old_one() {
    let passwords = cheap();
    let people = Memory::new().records([json!({"id": 1, "email": "ann@example.com", "password": HASH_1})]);
    let auth =
        Auth::new(Key::secret(SECRET).unwrap()).strategy(Local::new("email", "password").passwords(passwords.clone()));
    let app = App::builder().mount("authentication", auth).mount("users", Mount::new(people)).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    let new = passwords.hash("swordfish".into()).await.unwrap();
    let all = passwords.occupy().await;
    let mut old = Box::pin(login(&client, "ann@example.com", "secret1"));
    assert!(futures_util::poll!(&mut old).is_pending());
    app.service("users").patch(1, json!({"password": new}), Params::new()).await.unwrap();
    drop(all);
    // Its hash was read before, so it comes in; `logout_changed` would have it fail.
    old.await.unwrap();
    let stored = app.service("users").get(1, Params::new()).await.unwrap().to_value().unwrap();
    assert_eq!(stored["password"], new);
    assert_eq!(code(login(&client, "ann@example.com", "secret1").await), 401);
}

#[tokio::test]
async fn a_wrong_password_does_not_replace_a_hash() {
    let people = people();
    let app = builder(auth(), people.clone()).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    assert_eq!(code(login(&client, "ann@example.com", "secret2").await), 401);
    let stored = people.get(1.into(), &Params::new()).await.unwrap().to_value().unwrap();
    assert_eq!(stored["password"], HASH_1);
}

#[tokio::test]
async fn a_password_is_stored_hashed_and_opens_the_door() {
    let people = people();
    let app = builder(auth(), people.clone()).build().unwrap();
    let client = Client::connect(&app).await.unwrap();
    let zoe = json!({"email": "zoe@example.com", "name": "Zoe", "password": "swordfish"});
    let created = client.service("users").create(zoe).await.unwrap();
    assert!(created.get("password").is_none(), "{created}");
    let stored = people.get(3.into(), &Params::new()).await.unwrap().to_value().unwrap();
    assert!(stored["password"].as_str().unwrap().starts_with("$argon2id$"), "{stored}");
    login(&client, "zoe@example.com", "swordfish").await.unwrap();
    let odd = json!({"email": "odd@example.com", "password": {"$ne": 1}});
    assert_eq!(code(client.service("users").create(odd).await), 400);
    let long = json!({"email": "long@example.com", "password": "x".repeat(2000)});
    assert_eq!(code(client.service("users").create(long).await), 400);
}
