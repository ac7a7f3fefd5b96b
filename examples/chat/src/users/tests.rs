use crate::visitor::{Visitor, opened, opened_with};
use serde_json::{Value, json};
use wingbeat::store::Sqlite;

const PASSWORD: &str = "correct horse";

fn account(name: &str) -> Value {
    json!({ "name": name, "password": PASSWORD })
}

#[tokio::test]
async fn who_has_signed_up_can_sign_in() {
    let app = opened().await;
    let ada = Visitor::stranger(&app).await;
    let made = ada.create("users", json!({ "name": " Ada ", "password": PASSWORD, "id": 7 })).await.unwrap();
    assert_eq!((&made["name"], &made["id"], made.get("password")), (&json!("Ada"), &json!(1), None));
    let result = ada.sign_in("ada", PASSWORD).await.unwrap();
    assert_eq!((&result["user"]["name"], result["user"].get("password")), (&json!("Ada"), None));
    assert_eq!(result["authentication"]["payload"]["aud"], "wingbeat-chat");
    let wrong = ada.sign_in("Ada", "correct mare").await.unwrap_err();
    assert_eq!((wrong.code(), wrong.message()), (401, "Wrong name or password"));
    assert_eq!(ada.sign_in("Zoe", PASSWORD).await.unwrap_err().message(), wrong.message());
}

#[tokio::test]
async fn a_name_is_taken_once_and_a_password_has_8_to_200_characters() {
    let app = opened().await;
    let visitor = Visitor::stranger(&app).await;
    visitor.create("users", account("Ada")).await.unwrap();
    let taken = visitor.create("users", account("ADA")).await.unwrap_err();
    assert_eq!((taken.code(), taken.message()), (409, "Somebody has this name already"));
    for password in [json!("1234567"), json!("x".repeat(201)), json!(12_345_678), json!(null)] {
        let error = visitor.create("users", json!({ "name": "Grace", "password": password })).await.unwrap_err();
        assert_eq!(error.code(), 400, "{password}");
    }
    assert_eq!(visitor.create("users", json!([account("A"), account("B")])).await.unwrap_err().code(), 405);
}

#[tokio::test]
async fn nobody_can_look_through_the_users() {
    let app = opened().await;
    let ada = Visitor::member(&app, "Ada").await;
    for method in ["find", "get", "patch", "update", "remove"] {
        assert_eq!(ada.ask(method, &[json!("users"), json!(1)]).await.unwrap_err().code(), 405, "{method}");
    }
}

#[tokio::test]
async fn a_member_speaks_under_the_own_name_and_no_guest_under_it() {
    let app = opened().await;
    let ada = Visitor::member(&app, "Ada").await;
    assert_eq!(ada.create("people", json!({ "name": "Grace" })).await.unwrap()["name"], "Ada");
    let guest = Visitor::stranger(&app).await;
    let refused = guest.create("people", json!({ "name": "ada" })).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (409, "This name belongs to a member. Is it yours? Then sign in"));
    guest.create("people", json!({ "name": "Grace" })).await.unwrap();
}

#[tokio::test]
async fn a_guest_keeps_no_name_that_somebody_has_signed_up_with() {
    let app = opened().await;
    let guest = Visitor::new(&app, "Bob", 1).await;
    let message = |uid| json!({ "uid": uid, "roomId": 1, "text": "I am Bob" });
    assert_eq!(guest.create("messages", message("a")).await.unwrap()["byMember"], false);
    let bob = Visitor::member(&app, "bob").await;
    for refused in [
        guest.create("messages", message("b")).await.unwrap_err(),
        guest.call("messages", "typing", json!({ "roomId": 1 })).await.unwrap_err(),
    ] {
        let told = "Your name belongs to a member by now. Sign in, or say another";
        assert_eq!((refused.code(), refused.message()), (401, told));
    }
    assert_eq!(bob.create("messages", message("c")).await.unwrap()["byMember"], true);
    guest.create("people", json!({ "name": "Rob" })).await.unwrap();
    assert_eq!(guest.create("messages", message("b")).await.unwrap()["author"], "Rob");
}

#[tokio::test]
async fn only_members_see_the_members_room() {
    let app = opened().await;
    let (ada, zoe) = (Visitor::member(&app, "Ada").await, Visitor::member(&app, "Zoe").await);
    let guest = Visitor::new(&app, "Grace", 1).await;
    let room = ada.members_room().await;
    ada.call("rooms", "enter", json!({ "id": room })).await.unwrap();
    let message = json!({ "uid": "a", "roomId": room, "text": "Among us", "membersOnly": false });
    let sent = ada.create("messages", message).await.unwrap();
    assert_eq!((&sent["membersOnly"], &sent["author"]), (&json!(true), &json!("Ada")));
    assert_eq!(zoe.hears("messages created").await, sent);

    for query in [
        json!({}),
        json!({ "membersOnly": true }),
        json!({ "roomId": room }),
        json!({ "$or": [{ "membersOnly": true }, { "roomId": room }] }),
        json!({ "id": sent["id"], "$limit": 0 }),
    ] {
        assert_eq!(guest.find("messages", query.clone()).await.unwrap()["total"], 0, "{query}");
        assert_eq!(zoe.find("messages", query.clone()).await.unwrap()["total"], 1, "{query}");
    }
    let rooms = guest.find("rooms", json!({ "membersOnly": true })).await.unwrap();
    assert!(rooms["data"].as_array().unwrap().iter().all(|one| one["id"] != room), "{rooms}");
    assert_eq!(guest.ask("get", &[json!("rooms"), room.clone()]).await.unwrap_err().code(), 404);
    assert_eq!(guest.call("rooms", "enter", json!({ "id": room })).await.unwrap_err().code(), 404);
    // Whether it exists can not be told from the answer.
    let into = |room: &Value| json!({ "uid": "b", "roomId": room, "text": "Let me in" });
    let refused = guest.create("messages", into(&room)).await.unwrap_err();
    let nowhere = guest.create("messages", into(&json!(99))).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (nowhere.code(), nowhere.message()));
    // Nobody is told where the members are, either.
    let people = guest.find("people", json!({})).await.unwrap();
    let ada_there = people.as_array().unwrap().iter().find(|one| one["name"] == "Ada").unwrap().clone();
    assert_eq!(ada_there["roomId"], json!(null));
    assert!(zoe.find("people", json!({})).await.unwrap().as_array().unwrap().iter().any(|one| one["roomId"] == room));

    guest.create("messages", json!({ "uid": "c", "roomId": 1, "text": "Is somebody here?" })).await.unwrap();
    guest.hears("messages created").await;
    let heard = guest.all_heard();
    assert!(!heard.contains("Among us") && !heard.contains(&format!("\"roomId\":{room}")), "{heard}");
}

#[tokio::test]
async fn who_signs_out_is_in_no_room_and_hears_nothing_more() {
    let app = opened().await;
    let (ada, zoe) = (Visitor::member(&app, "Ada").await, Visitor::member(&app, "Zoe").await);
    let room = ada.members_room().await;
    ada.call("rooms", "enter", json!({ "id": room })).await.unwrap();
    ada.sign_out().await.unwrap();
    assert_eq!(zoe.hears("people removed").await["name"], "Ada");
    zoe.create("messages", json!({ "uid": "a", "roomId": room, "text": "Without Ada" })).await.unwrap();
    assert_eq!(ada.find("messages", json!({})).await.unwrap()["total"], 0);
    ada.create("people", json!({ "name": "Somebody" })).await.unwrap();
    zoe.create("messages", json!({ "uid": "b", "roomId": 1, "text": "To everybody" })).await.unwrap();
    ada.hears("messages created").await;
    assert!(!ada.all_heard().contains("Without Ada"));
    assert_eq!(ada.call("rooms", "enter", json!({ "id": room })).await.unwrap_err().code(), 404);
}

#[tokio::test]
async fn who_guesses_at_a_password_has_to_wait() {
    let app = opened().await;
    let ada = Visitor::member(&app, "Ada").await;
    let guesser = Visitor::stranger(&app).await;
    let mut codes = Vec::new();
    for _ in 0..21 {
        codes.push(guesser.sign_in("Ada", "12345678").await.unwrap_err().code());
    }
    assert_eq!((codes[0], codes[20]), (401, 429));
    ada.sign_in("Ada", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn nobody_has_a_name_that_looks_like_a_members() {
    let app = opened().await;
    let _ada = Visitor::member(&app, "Ada").await;
    let _muller = Visitor::member(&app, "Müller").await;
    let visitor = Visitor::stranger(&app).await;
    for name in ["\u{410}da", "ADA", "\u{ff21}da", "MÜLLER", "Mu\u{308}ller"] {
        assert_eq!(visitor.create("people", json!({ "name": name })).await.unwrap_err().code(), 409, "{name}");
        assert_eq!(visitor.create("users", account(name)).await.unwrap_err().code(), 409, "{name}");
    }
    for name in ["Ada\u{200b}", "\u{feff}Ada", "Ada\0", "\u{202e}Ada"] {
        let refused = visitor.create("people", json!({ "name": name })).await.unwrap_err();
        assert_eq!(refused.code(), 400, "{name:?}");
        assert!(refused.message().contains("can be seen"), "{refused:?}");
        assert_eq!(visitor.create("users", account(name)).await.unwrap_err().code(), 400, "{name:?}");
    }
}

#[tokio::test]
async fn guests_of_one_name_are_let_in_and_those_who_look_like_another_are_not() {
    let app = opened().await;
    let ada = Visitor::new(&app, "Ada", 1).await;
    let other = Visitor::new(&app, "Ada", 1).await;
    let refused = other.create("people", json!({ "name": "\u{410}da" })).await.unwrap_err();
    let told = "Somebody here has a name that looks like this one. Choose another";
    assert_eq!((refused.code(), refused.message()), (409, told));
    drop((ada, other));
}

#[tokio::test]
async fn members_from_before_looks_were_noted_have_theirs_noted() {
    let database = Sqlite::memory().await.unwrap();
    let steps = crate::steps();
    let (last, before) = steps.split_last().unwrap();
    let signed_up = "INSERT INTO users (name, password, createdAt) VALUES ('Ada', '', 1), ('\u{410}da', '', 2);";
    database.migrate(&[before, &[("signed up", signed_up), *last]].concat()).await.unwrap();
    let app = opened_with(&database).await;
    let guest = Visitor::stranger(&app).await;
    assert_eq!(guest.create("people", json!({ "name": "ad\u{430}" })).await.unwrap_err().code(), 409);
}
