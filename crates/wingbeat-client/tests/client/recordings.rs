//! The recorded JavaScript client: for the same calls, ours sends the same frames and understands the same answers.

use crate::scripted::Listener;
use crate::soon;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use wingbeat_client::{Client, Error, IdArg, MemoryStorage, Method, Reconnection, Result};

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) frames: Vec<(String, Value)>,
}

pub(crate) fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/vectors/open/client.jsonl");
    let mut cases: Vec<Case> = Vec::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        match (line["header"].as_str(), cases.last_mut()) {
            (Some("case"), _) => {
                cases.push(Case { name: line["case"].as_str().unwrap().to_owned(), frames: Vec::new() });
            }
            (None, Some(case)) => case.frames.push((line["dir"].as_str().unwrap().to_owned(), line["frame"].take())),
            _ => {}
        }
    }
    cases
}

// Those over REST have no frames; the upgrade has a test of its own; a slash in a route is refused here, not there.
fn is_played(name: &str) -> bool {
    !name.starts_with("client/rest-") && !matches!(name, "client/polling-upgrade" | "client/route")
}

#[tokio::test]
async fn the_same_calls_send_the_same_frames() {
    let mut played = 0;
    for case in cases().iter().filter(|case| is_played(&case.name)) {
        soon(play(case)).await;
        played += 1;
    }
    assert!(played >= 15, "only {played} cases");
}

#[tokio::test]
async fn routes_send_the_same_frames_except_for_a_slash() {
    let mut case = cases().into_iter().find(|case| case.name == "client/route").unwrap();
    // The call with `a/b` is never sent: cut it out, and count on.
    let is = |frame: &Value, text: &str| frame.to_string().contains(text);
    case.frames.retain(|(_, frame)| !is(frame, "a/b"));
    for (_, frame) in &mut case.frames {
        if let Some(text) = frame.as_str() {
            *frame = json!(text.replacen("423[", "422[", 1).replacen("433[", "432[", 1));
        }
    }
    soon(play(&case)).await;
}

async fn play(case: &Case) {
    let listener = Listener::bind().await;
    let url = listener.url();
    let frames = case.frames.clone();
    let name = case.name.clone();
    let server = tokio::spawn(async move { serve(&name, listener, frames).await });
    let mut builder = Client::builder(&url).reconnection(Reconnection::never()).timeout(Duration::from_secs(5));
    if case.name.contains("reauth") && !case.name.contains("empty") || case.name == "client/auth-pending" {
        builder = builder.storage(MemoryStorage::with_token(token(case)));
    }
    let client = builder.build().unwrap();
    if !matches!(&*case.name, "client/offline-buffer" | "client/handshake-header-bad") {
        client.connect().await.unwrap();
    }
    for (at, (_, frame)) in case.frames.iter().enumerate() {
        let Some(api) = frame["api"].as_str() else { continue };
        let result = perform(&case.name, &client, api, &token(case)).await;
        let outcome =
            case.frames[at..].iter().find(|(_, frame)| frame.get("resolved").or(frame.get("rejected")).is_some());
        let (_, outcome) = outcome.unwrap();
        check(&format!("{}: {api}", case.name), outcome, result);
    }
    if case.name == "client/handshake-header-bad" {
        let error = client.connect().await.unwrap_err();
        assert_eq!((&*error.message(), &error.data().unwrap()["name"]), ("jwt expired", &json!("TokenExpiredError")));
    }
    if case.name == "client/auth-server-disconnect" {
        while client.is_connected() {
            tokio::task::yield_now().await;
        }
        let error = client.untyped("messages").find().await.unwrap_err();
        assert!(error.message().contains("io server disconnect"), "{error}");
        let mut events = client.connection_events();
        client.connect().await.unwrap();
        let failed = loop {
            if let wingbeat_client::ConnectionEvent::LoginFailed(error) = events.next().await.unwrap() {
                break error;
            }
        };
        assert_eq!(failed.message(), "jwt expired");
    }
    client.close().await;
    server.await.unwrap();
}

/// The token that the recorded client sends.
fn token(case: &Case) -> String {
    let texts = case.frames.iter().filter_map(|(_, frame)| frame.as_str());
    let tokens = texts.filter_map(|text| text.split_once(r#""accessToken":""#)?.1.split('"').next());
    tokens.into_iter().next().unwrap_or("token").to_owned()
}

async fn serve(name: &str, listener: Listener, frames: Vec<(String, Value)>) {
    let mut peer = None;
    for (dir, frame) in frames {
        if frame["ws"] == "open" {
            let (opened, asked) = listener.websocket().await;
            assert_eq!(asked, frame["path"].as_str().unwrap(), "{name}");
            peer = Some(opened);
        }
        let (Some(text), Some(peer)) = (frame.as_str(), &mut peer) else { continue };
        let text = text.replace("{{int}}", "1").replace("{{sid:", "sid-").replace("}}\",\"upgrades", "\",\"upgrades");
        if dir == "s>c" {
            peer.send(&text).await;
        } else {
            let sent = peer.receive().await.unwrap_or_else(|| panic!("{name}: the client left before {text}"));
            assert_eq!(split(&sent), split(&text), "{name}");
        }
    }
    if let Some(mut peer) = peer {
        assert_eq!(peer.receive().await, None, "{name}: nothing more is sent");
    }
}

/// A packet's head, and its JSON.
fn split(frame: &str) -> (String, Value) {
    let at = frame.find(['[', '{']).unwrap_or(frame.len());
    (frame[..at].to_owned(), serde_json::from_str(&frame[at..]).unwrap_or_default())
}

fn check(what: &str, outcome: &Value, result: Option<Result<Value>>) {
    match (outcome.get("resolved"), outcome.get("rejected"), result) {
        (_, _, None) => {}
        (Some(expected), _, Some(Ok(value))) => assert!(matches(expected, &value), "{what}: {value}, not {expected}"),
        (_, Some(expected), Some(Err(error))) => {
            let plain = expected["class"] == "Error";
            let name = match &error {
                Error::NotLoggedIn => Some("NotAuthenticated"),
                error => error.kind().map(|kind| kind.name()),
            };
            assert!(plain || expected["name"].as_str() == name, "{what}: {error:?}");
            let odd = expected["message"] == "[object Object]" || expected["message"] == "operation has timed out";
            assert!(odd || expected["message"] == *error.message(), "{what}: {error:?}");
            assert_eq!(expected.get("data"), error.data(), "{what}");
            assert_eq!(expected.get("errors"), error.answer().and_then(|error| error.errors()), "{what}");
        }
        (_, _, Some(result)) => panic!("{what}: {result:?} instead of {outcome}"),
    }
}

/// Equal, where the recording is not masked.
fn matches(expected: &Value, value: &Value) -> bool {
    match (expected, value) {
        (Value::String(text), value) if text.starts_with("{{") && !text.starts_with("{{jwt") => !value.is_null(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| matches(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| matches(a, b)))
        }
        (a, b) => a == b,
    }
}

async fn perform(case: &str, client: &Client, api: &str, token: &str) -> Option<Result<Value>> {
    let messages = client.untyped("messages");
    let tools = client.untyped("tools");
    let user_messages = client.untyped("users/:userId/messages");
    let (secure, echo) = (client.untyped("secure"), client.untyped("echo"));
    let local = |password| json!({"strategy": "local", "email": "ann@example.com", "password": password});
    let list = |found: Result<wingbeat_client::Found<Value>>| found.map(|found| Value::from(found.into_records()));
    let owned = |result: Result<std::sync::Arc<Value>>| result.map(|value| (*value).clone());
    Some(match (case, api) {
        (_, "service('messages').find()") => list(messages.find().await),
        (_, "service('messages').get(1)" | "get(1)") => messages.get(1).await,
        (_, "get(999)") => messages.get(999).await,
        (_, "service('messages').create({text:'c'})") => messages.create(&json!({"text": "c"})).await,
        (_, "service('messages').update(1,{text:'u'})") => messages.update(1, &json!({"text": "u"})).await,
        (_, "service('messages').patch(2,{text:'p'})") => messages.patch(2, &json!({"text": "p"})).await,
        (_, "service('messages').remove(3)") => messages.remove(3).await,
        (_, "find({query:{userId:1,$limit:1},user:{id:9},headers:{a:1}})") => {
            list(messages.find().query(json!({"userId": 1, "$limit": 1})).await)
        }
        (_, "patch(null,{read:true},{query:{userId:1}})") => {
            messages.patch_many(&json!({"read": true})).query(json!({"userId": 1})).await.map(Value::from)
        }
        (_, "remove(null,{query:{userId:2}})") => {
            messages.remove_many().query(json!({"userId": 2})).await.map(Value::from)
        }
        (_, "service('tools').reverse is undefined before registration") => return None,
        (_, "reverse({text:'abc'})") => tools.method("reverse", &json!({"text": "abc"})).await,
        (_, "reverse({text:'abc'},{query:{q:1}})") => {
            tools.method("reverse", &json!({"text": "abc"})).query(json!({"q": 1})).await
        }
        (_, "fail({})") => tools.method("fail", &json!({})).await,
        (_, "find({route:{userId:2}})") => list(user_messages.route("userId", 2).find().await),
        (_, "get(5,{route:{userId:2},query:{a:1}})") => {
            user_messages.get(5).route("userId", 2).query(json!({"a": 1})).await
        }
        (_, "create({text:'x'},{route:{userId:'a/b'}})") => return None,
        (_, "find() without route") => list(user_messages.find().await),
        ("client/error-conversion", get) => {
            let id = get.trim_start_matches("get('").trim_end_matches("')");
            client.untyped("errors").get(id).await
        }
        (_, "create({text:'1'})") => messages.create(&json!({"text": "1"})).await,
        (_, "create({text:'2'}) after off") => messages.create(&json!({"text": "2"})).await,
        (_, "patch(1,{a:1})") => messages.patch(1, &json!({"a": 1})).await,
        (_, "patch(1,{a:2})") => messages.patch(1, &json!({"a": 2})).await,
        (_, "send('nosuch')") => {
            let call = messages.call::<Value>(Method::named("nosuch"), IdArg::Absent, None::<&()>);
            // This one has no data: as the recorded client sent it, it is a raw event.
            drop(call);
            let io = client.io().timeout(Duration::from_millis(100));
            io.emit_with_ack("nosuch", ("messages", json!({}))).await.map(|_| Value::Null)
        }
        (_, "authenticate({strategy:'local',...})" | "authenticate (token lives 1s)") => {
            owned(client.authenticate(&local("secret1")).await)
        }
        (_, "service('secure').find()") => secure.call(Method::Find, IdArg::Absent, None::<&()>).await,
        (_, "logout()") => client.logout().await,
        (_, "reAuthenticate()" | "authenticate()") => owned(client.re_authenticate().await),
        (_, "reAuthenticate(true)") => owned(client.re_authenticate_now().await),
        (_, "authenticate(wrong) and find at once") => {
            let find = secure.call::<Value>(Method::Find, IdArg::Absent, None::<&()>);
            let wrong = local("x");
            let (login, found) = tokio::join!(client.authenticate(&wrong), async { find.await });
            let text = |error: Error| error.message().into_owned();
            Ok(json!(["rejected", text(login.unwrap_err()), "rejected", text(found.unwrap_err())]))
        }
        (_, "authenticate(right) and find at once") => {
            let find = secure.call::<Value>(Method::Find, IdArg::Absent, None::<&()>);
            let right = json!({"strategy": "jwt", "accessToken": token});
            let (login, found) = tokio::join!(client.authenticate(&right), async { find.await });
            let text = |ok: bool| if ok { "fulfilled" } else { "rejected" };
            Ok(json!([text(login.is_ok()), text(found.is_ok())]))
        }
        (_, "two calls before connect") => {
            let (one, two) = (messages.get(1), messages.get(2));
            let (one, two) = tokio::join!(async { one.await }, async { two.await });
            Ok(json!([one.unwrap(), two.unwrap()]))
        }
        (_, "create({a:undefined,d:Date(0),n:NaN,arr:[undefined]})") => {
            echo.create(&json!({"d": "1970-01-01T00:00:00.000Z", "n": f64::NAN, "arr": [null]})).await
        }
        (_, "create(undefined)") => echo.create(&()).await,
        (case, api) => panic!("{case}: the test does not know {api}"),
    })
}
