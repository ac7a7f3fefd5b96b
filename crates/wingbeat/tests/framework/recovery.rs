//! Clients that lose their connection and come back, packet by packet.

use super::sockets::{Client, Server};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::connect_async;
use wingbeat::auth::{ApiKey, Auth, Key, Local, Passwords, authenticate};
use wingbeat::realtime::channels_matching;
use wingbeat::{Builder, Recovery, hooks, prelude::*, store::Memory};

const HASH: &str = "$2a$04$abcdefghijklmnopqrstuuCHf7DUmNUvMBdGje9JveOQe49tH5xFK";

/// Everybody hears of notes; who is logged in hears of secrets.
pub(super) fn builder(auth: Auth) -> Builder {
    let users = json!([
        {"id": 1, "email": "ann@example.com", "password": HASH},
        {"id": 2, "email": "bob@example.com", "password": HASH},
    ]);
    let secrets = Mount::new(Memory::new()).before(All, authenticate("jwt")).publish(|_| channel("members"));
    App::builder()
        .mount("authentication", auth)
        .mount("users", Mount::new(Memory::new().start(3).records(users.as_array().unwrap().clone())))
        .mount("notes", Mount::new(Memory::new()))
        .mount("secrets", secrets)
        .on_login(|app, connection| app.channel("members").join(connection))
}

pub(super) fn auth() -> Auth {
    let local = Local::new("email", "password").passwords(Passwords::with_cost(8, 1).unwrap());
    Auth::new(Key::secret("a secret of thirty-two bytes, yes").unwrap()).strategy(local)
}

async fn start(app: Builder) -> Server {
    Server::over(app, SocketIo::new().recovery(Recovery::new())).await
}

/// What a client knows that has been there.
#[derive(Clone)]
pub(super) struct Was {
    pub(super) sid: String,
    pub(super) pid: String,
    pub(super) offset: Option<String>,
}

/// Connects, with what is sent as CONNECT's data; the answer's too.
async fn connect(url: &str, data: &str) -> (Client, Value) {
    let mut client = Client(connect_async(url).await.unwrap().0);
    assert!(client.read().await.starts_with('0'));
    client.send(&format!("40{data}")).await;
    let answer = client.read().await;
    let answer = answer.strip_prefix("40").unwrap_or_else(|| panic!("it was refused: {answer}"));
    (client, serde_json::from_str(answer).unwrap())
}

pub(super) async fn first(server: &Server) -> (Client, Was) {
    let (client, answer) = connect(&server.url, "").await;
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (client, Was { sid: text("sid"), pid: text("pid"), offset: None })
}

/// Asks to come back, and does not wait for the answer.
pub(super) async fn open(url: &str, was: &Was) -> Client {
    let mut client = Client(connect_async(url).await.unwrap().0);
    client.send(&format!("40{}", json!({"pid": was.pid, "offset": was.offset}))).await;
    client
}

/// Comes back; whether the server says that nothing was missed.
pub(super) async fn again(server: &Server, was: &Was) -> (Client, bool) {
    let (client, answer) = connect(&server.url, &json!({"pid": was.pid, "offset": was.offset}).to_string()).await;
    let is_recovered = answer["pid"] == json!(was.pid);
    assert!(!is_recovered || answer["sid"] == json!(was.sid), "another id: {answer}");
    (client, is_recovered)
}

/// The next event: its name, its data and its place.
pub(super) async fn event(client: &mut Client, was: &mut Was) -> (String, Value) {
    loop {
        let packet = client.read().await;
        if let Some(event) = packet.strip_prefix("42") {
            let event: Vec<Value> = serde_json::from_str(event).unwrap();
            let [name, data, place] = &event[..] else { panic!("not an event with a place: {event:?}") };
            was.offset = Some(place.as_str().unwrap().to_owned());
            return (name.as_str().unwrap().to_owned(), data.clone());
        }
    }
}

pub(super) async fn note(server: &Server, text: &str) {
    server.app.service("notes").create(json!({"text": text}), Params::new()).await.unwrap();
}

/// A session whose handshake has this header.
async fn open_with(server: &Server, name: &str, value: &str) -> Client {
    let request = http::Request::builder()
        .uri(&server.url)
        .header(name, value)
        .header("host", "localhost")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
    let mut client = Client(connect_async(request.body(()).unwrap()).await.unwrap().0);
    assert!(client.read().await.starts_with('0'));
    client
}

pub(super) async fn login(client: &mut Client, email: &str) -> Value {
    let data = json!({"strategy": "local", "email": email, "password": "secret1"});
    let answer = client.call(7, json!(["create", "authentication", data, {}])).await;
    answer[1].clone()
}

/// Waits until the server has noticed that a client has gone.
pub(super) fn disconnects(app: Builder) -> (Builder, mpsc::UnboundedReceiver<()>) {
    let (gone, noticed) = mpsc::unbounded_channel();
    (app.on_disconnect(move |_, _| gone.send(()).unwrap()), noticed)
}

#[tokio::test]
async fn what_was_missed_comes_behind_the_answer_to_connect_under_the_same_ids() {
    let (app, mut noticed) = disconnects(builder(auth()));
    let told = Arc::new(Mutex::new(Vec::new()));
    let server = {
        let told = told.clone();
        start(app.on_connection(move |_, connection| told.lock().unwrap().push(connection.is_recovered()))).await
    };
    let (mut client, mut was) = first(&server).await;
    note(&server, "heard").await;
    assert_eq!(event(&mut client, &mut was).await.1["text"], "heard");
    drop(client);
    noticed.recv().await.unwrap();
    note(&server, "missed").await;
    note(&server, "missed too").await;
    let (mut client, is_recovered) = again(&server, &was).await;
    assert!(is_recovered);
    note(&server, "later").await;
    for text in ["missed", "missed too", "later"] {
        assert_eq!(event(&mut client, &mut was).await.1["text"], text);
    }
    assert_eq!(*told.lock().unwrap(), [false, true]);
}

#[tokio::test]
async fn who_is_back_before_its_loss_is_noticed_takes_its_session_over() {
    let server = start(builder(auth())).await;
    let (mut old, mut was) = first(&server).await;
    for round in ["one", "two"] {
        // Twice: the second time the id leads to a session that it was not made for.
        let (mut client, is_recovered) = again(&server, &was).await;
        assert!(is_recovered, "{round}");
        note(&server, round).await;
        assert_eq!(event(&mut client, &mut was).await.1["text"], round);
        assert_eq!(server.app.channel("everybody").len(), 1);
        old = client;
    }
    drop(old);
}

#[tokio::test]
async fn the_token_is_asked_again_and_nothing_protected_is_heard_without_it() {
    let revoked = Arc::new(AtomicBool::new(false));
    let asked = revoked.clone();
    let (app, mut noticed) = disconnects(builder(auth().revoked(move |_, _| asked.load(Ordering::SeqCst))));
    let server = start(app).await;
    for is_revoked in [false, true] {
        let (mut client, mut was) = first(&server).await;
        assert!(login(&mut client, "ann@example.com").await["accessToken"].is_string());
        drop(client);
        noticed.recv().await.unwrap();
        server.app.service("secrets").create(json!({"text": "secret"}), Params::new()).await.unwrap();
        revoked.store(is_revoked, Ordering::SeqCst);
        let (mut client, is_recovered) = again(&server, &was).await;
        assert_eq!(is_recovered, !is_revoked);
        note(&server, "for everybody").await;
        let (name, _) = event(&mut client, &mut was).await;
        // It is logged in again without a word of its own.
        let answer = client.call(1, json!(["find", "secrets", {}])).await;
        assert_eq!((name == "secrets created", answer[0].is_null()), (!is_revoked, !is_revoked), "{name} {answer}");
    }
}

#[tokio::test]
async fn who_is_logged_out_or_removed_while_away_begins_anew() {
    let (app, mut noticed) = disconnects(builder(auth()));
    let lost = Arc::new(Mutex::new(0));
    let connections = Arc::new(Mutex::new(Vec::new()));
    let server = {
        let (lost, connections) = (lost.clone(), connections.clone());
        let app = app.on_lost(move |_, _| *lost.lock().unwrap() += 1);
        start(app.on_connection(move |_, connection| connections.lock().unwrap().push(connection.clone()))).await
    };
    for round in 0..2 {
        let (mut client, was) = first(&server).await;
        login(&mut client, "ann@example.com").await;
        drop(client);
        noticed.recv().await.unwrap();
        match round {
            // None was there, so none was logged out.
            0 => assert_eq!(server.app.logout_user(1), 0),
            _ => connections.lock().unwrap().last().unwrap().disconnect(),
        }
        let (_client, is_recovered) = again(&server, &was).await;
        assert!(!is_recovered, "round {round}");
        assert_eq!(*lost.lock().unwrap(), round + 1 - usize::from(round == 1));
    }
}

#[tokio::test]
async fn who_left_a_channel_while_away_hears_what_came_before_and_nothing_after() {
    let (app, mut noticed) = disconnects(builder(auth()));
    let app = app.on_connection(|app, connection| {
        if !connection.is_recovered() {
            app.channel("room").join(connection);
        }
    });
    let app = app.mount("said", Mount::new(Memory::new()).publish(|_| channel("room")));
    let server = start(app).await;
    let (client, mut was) = first(&server).await;
    drop(client);
    noticed.recv().await.unwrap();
    let say = async |text: &str| server.app.service("said").create(json!({"text": text}), Params::new()).await.unwrap();
    say("before").await;
    server.app.channel("room").leave_if(|connection| connection.provider() == "socketio");
    say("after").await;
    let (mut client, is_recovered) = again(&server, &was).await;
    assert!(is_recovered);
    say("much later").await;
    note(&server, "for everybody").await;
    assert_eq!(event(&mut client, &mut was).await.1["text"], "before");
    assert_eq!(event(&mut client, &mut was).await.1["text"], "for everybody");
}

#[tokio::test]
async fn another_subject_gets_nothing() {
    let (app, mut noticed) = disconnects(builder(auth()));
    let server = start(app).await;
    let (mut client, was) = first(&server).await;
    login(&mut client, "ann@example.com").await;
    let (mut other, _) = first(&server).await;
    let token = login(&mut other, "bob@example.com").await["accessToken"].as_str().unwrap().to_owned();
    drop(client);
    noticed.recv().await.unwrap();
    let mut thief = open_with(&server, "authorization", &format!("Bearer {token}")).await;
    thief.send(&format!("40{}", json!({"pid": was.pid}))).await;
    assert!(!thief.read().await.contains(&was.pid));
    // What was tried in vain is over.
    assert!(!again(&server, &was).await.1);
}

#[tokio::test]
async fn of_two_that_come_back_for_the_same_the_first_goes_on() {
    /// Holds up who asks for a user, once it is closed.
    #[derive(Default)]
    struct Gate {
        is_closed: AtomicBool,
        asked: Notify,
        open: Notify,
    }
    let gate = Arc::new(Gate::default());
    let users = json!([{"id": 1, "email": "ann@example.com", "password": HASH}]);
    let slow = hooks::with(gate.clone(), async |gate: Arc<Gate>, _: &mut Context| {
        if gate.is_closed.load(Ordering::SeqCst) {
            gate.asked.notify_one();
            gate.open.notified().await;
        }
        Ok(())
    });
    let users = Mount::new(Memory::new().records(users.as_array().unwrap().clone())).before(Get, slow);
    let app = App::builder().mount("authentication", auth()).mount("users", users);
    let (app, mut noticed) = disconnects(app);
    let server = start(app).await;
    let (mut client, was) = first(&server).await;
    assert!(login(&mut client, "ann@example.com").await["accessToken"].is_string());
    drop(client);
    noticed.recv().await.unwrap();
    gate.is_closed.store(true, Ordering::SeqCst);
    let back = tokio::spawn({
        let (url, was) = (server.url.clone(), was.clone());
        async move { connect(&url, &json!({"pid": was.pid}).to_string()).await.1["pid"] == json!(was.pid) }
    });
    // It has claimed the lost connection, and its user is being asked for.
    gate.asked.notified().await;
    gate.is_closed.store(false, Ordering::SeqCst);
    assert!(!again(&server, &was).await.1);
    gate.open.notify_one();
    assert!(back.await.unwrap(), "the second has ended what the first asked for");
}

#[tokio::test]
async fn a_login_of_the_handshake_is_not_replaced_by_that_of_the_lost_connection() {
    let guests = Auth::new(Key::secret("another secret of thirty-two bytes").unwrap())
        .strategy(Local::new("email", "password").passwords(Passwords::with_cost(8, 1).unwrap()));
    let who = Mount::empty()
        .method("who", async |_: Value, params: &Params| Ok(params.get("user").map(|user| user["id"].clone())));
    let (app, mut noticed) = disconnects(builder(auth()).mount("guests", guests).mount("who", who));
    let server = start(app).await;
    let (mut bob, _) = first(&server).await;
    let token = login(&mut bob, "bob@example.com").await["accessToken"].as_str().unwrap().to_owned();
    let (mut client, was) = first(&server).await;
    let data = json!({"strategy": "local", "email": "ann@example.com", "password": "secret1"});
    assert!(client.call(1, json!(["create", "guests", data, {}])).await[0].is_null());
    drop(client);
    noticed.recv().await.unwrap();
    let mut client = open_with(&server, "authorization", &format!("Bearer {token}")).await;
    client.send(&format!("40{}", json!({"pid": was.pid}))).await;
    assert!(!client.read().await.contains(&was.pid));
    assert_eq!(client.call(2, json!(["who", "who", null, {}])).await, json!([null, 2]));
}

#[tokio::test]
async fn keys_that_name_nobody_are_told_apart() {
    let keys = ApiKey::new().anonymous("key-of-a-machine").anonymous("key-of-another");
    let (app, mut noticed) = disconnects(builder(auth().strategy(keys)));
    let server = start(app).await;
    for (key, goes_on) in [("key-of-a-machine", true), ("key-of-another", false)] {
        let (mut client, was) = first(&server).await;
        let data = json!({"strategy": "apiKey", "key": "key-of-a-machine"});
        assert!(client.call(1, json!(["create", "authentication", data, {}])).await[0].is_null());
        drop(client);
        noticed.recv().await.unwrap();
        let mut client = open_with(&server, "x-api-key", key).await;
        client.send(&format!("40{}", json!({"pid": was.pid}))).await;
        assert_eq!(client.read().await.contains(&was.pid), goes_on, "{key}");
        drop(client);
        noticed.recv().await.unwrap();
    }
}

#[tokio::test]
async fn middleware_is_asked_again_and_what_calls_have_set_is_kept_by_name() {
    let is_open = Arc::new(AtomicBool::new(true));
    let asked = is_open.clone();
    let transport = SocketIo::new().recovery(Recovery::new().keep(["color"])).middleware(move |_, connection| {
        connection.set("tenant", "a");
        let is_open = asked.load(Ordering::SeqCst);
        async move { if is_open { Ok(()) } else { Err(Error::forbidden("Closed")) } }
    });
    let paint = Mount::empty().method("paint", async |color: String, params: &Params| {
        let connection = params.connection.as_ref().unwrap();
        let was = connection.get("color");
        connection.set("color", color.clone());
        connection.set("shape", color);
        Ok(json!([was, connection.get("tenant"), connection.names().contains(&"shape".to_owned())]))
    });
    let (app, mut noticed) = disconnects(builder(auth()).mount("paint", paint));
    let server = Server::over(app, transport).await;
    let (mut client, was) = first(&server).await;
    assert_eq!(client.call(1, json!(["paint", "paint", "red", {}])).await[1], json!([null, "a", true]));
    drop(client);
    noticed.recv().await.unwrap();
    is_open.store(false, Ordering::SeqCst);
    let mut refused = Client(connect_async(&server.url).await.unwrap().0);
    assert!(refused.read().await.starts_with('0'));
    refused.send(&format!("40{}", json!({"pid": was.pid}))).await;
    assert!(refused.read().await.starts_with("44"));
    is_open.store(true, Ordering::SeqCst);
    let (mut client, is_recovered) = again(&server, &was).await;
    assert!(is_recovered, "a refusal has ended what was kept");
    assert_eq!(client.call(1, json!(["paint", "paint", "blue", {}])).await[1], json!(["red", "a", true]));
}

#[tokio::test]
async fn who_middleware_takes_for_another_begins_anew() {
    let tenant = Arc::new(Mutex::new("a"));
    let asked = tenant.clone();
    let transport = SocketIo::new().recovery(Recovery::new().same(["tenant"])).middleware(move |_, connection| {
        connection.set("tenant", *asked.lock().unwrap());
        async { Ok(()) }
    });
    let (app, mut noticed) = disconnects(builder(auth()));
    let server = Server::over(app, transport).await;
    for (next, goes_on) in [("a", true), ("b", false)] {
        let (client, was) = first(&server).await;
        drop(client);
        noticed.recv().await.unwrap();
        *tenant.lock().unwrap() = next;
        let (client, is_recovered) = again(&server, &was).await;
        assert_eq!(is_recovered, goes_on, "{next}");
        drop(client);
        noticed.recv().await.unwrap();
        // What was tried in vain is over.
        *tenant.lock().unwrap() = "a";
        assert_eq!(again(&server, &was).await.1, goes_on);
        noticed.recv().await.unwrap();
    }
}

#[tokio::test]
async fn private_ids_and_places_that_are_not_its_own_are_no_reason_to_refuse_a_client() {
    let server = start(builder(auth())).await;
    let (_client, was) = first(&server).await;
    let (_other, others) = first(&server).await;
    let mut forged = was.clone();
    let last = forged.pid.pop();
    forged.pid.push(if last == Some('A') { 'B' } else { 'A' });
    let cut = Was { pid: was.pid[..19].to_owned(), ..was.clone() };
    // It leads to the session of the other, and is not its own.
    let mixed = Was { pid: format!("{}{}", &others.pid[..6], &was.pid[6..]), ..was.clone() };
    let later = Was { offset: Some("1-zzzzzzz".into()), ..others.clone() };
    let text = Was { offset: Some("hello".into()), ..others };
    for (wrong, why) in [(forged, "forged"), (cut, "cut"), (mixed, "mixed"), (text, "no place")] {
        assert!(!again(&server, &wrong).await.1, "{why}");
    }
    // Of an earlier time: the client keeps it until it hears something of this one.
    assert!(again(&server, &later).await.1);
    for data in [r#"{"pid":1}"#, r#"{"pid":null,"offset":{}}"#, r#"{"offset":"a"}"#, r#"{"pid":""}"#] {
        let (_client, answer) = connect(&server.url, data).await;
        assert!(answer["pid"].is_string(), "{data}");
    }
}

#[tokio::test]
async fn private_ids_have_the_twenty_letters_of_socket_io_and_begin_as_the_id_of_the_socket() {
    let server = start(builder(auth())).await;
    let (_client, Was { sid, pid, .. }) = first(&server).await;
    assert!(pid.len() == 20 && pid.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"-_".contains(&letter)));
    assert_eq!(pid[..5], sid[..5]);
}

#[tokio::test]
async fn a_place_of_an_earlier_session_gives_nothing_from_before_this_one() {
    let (app, mut noticed) = disconnects(builder(auth()));
    let app = app.mount("all", Mount::new(Memory::new()).publish(|_| channels_matching("every*")));
    let server = start(app).await;
    let all = async |text: &str| server.app.service("all").create(json!({"text": text}), Params::new()).await.unwrap();
    let (mut client, mut was) = first(&server).await;
    note(&server, "of the first session").await;
    event(&mut client, &mut was).await;
    client.send("41").await;
    drop(client);
    noticed.recv().await.unwrap();
    note(&server, "between").await;
    all("between").await;
    let (client, next) = first(&server).await;
    note(&server, "missed").await;
    all("missed too").await;
    drop(client);
    noticed.recv().await.unwrap();
    // socket.io-client keeps the place until the first event of the new session, which was none here.
    let mut was = Was { offset: was.offset, ..next };
    let (mut client, is_recovered) = again(&server, &was).await;
    assert!(is_recovered);
    note(&server, "later").await;
    for text in ["missed", "missed too", "later"] {
        assert_eq!(event(&mut client, &mut was).await.1["text"], text);
    }
}

#[tokio::test]
async fn who_comes_back_for_what_ends_meanwhile_has_to_come_again() {
    let (asked, mut is_asked) = mpsc::unbounded_channel();
    let open = Arc::new(Notify::new());
    let gate = open.clone();
    let transport = SocketIo::new().recovery(Recovery::new()).with(move |io| {
        io.middleware(move |socket| {
            let (asked, gate, is_back) = (asked.clone(), gate.clone(), socket.auth().is_some());
            async move {
                if is_back {
                    asked.send(()).unwrap();
                    gate.notified().await;
                }
                Ok(())
            }
        });
    });
    let (app, mut noticed) = disconnects(builder(auth()));
    let connections = Arc::new(Mutex::new(Vec::new()));
    let app = {
        let connections = connections.clone();
        app.on_connection(move |_, connection| connections.lock().unwrap().push(connection.clone()))
    };
    let server = Server::over(app, transport).await;
    let (client, was) = first(&server).await;
    drop(client);
    noticed.recv().await.unwrap();
    let back = tokio::spawn({
        let (url, pid) = (server.url.clone(), was.pid.clone());
        async move { connect(&url, &json!({"pid": pid}).to_string()).await }
    });
    // It was let in under the old ids, and the answer to CONNECT is yet to come.
    is_asked.recv().await.unwrap();
    connections.lock().unwrap()[0].disconnect();
    open.notify_one();
    let (mut client, answer) = back.await.unwrap();
    assert_eq!(answer.get("pid"), None, "it would believe that it has missed nothing");
    while client.0.next().await.is_some_and(|packet| packet.is_ok_and(|packet| !packet.is_close())) {}
    open.notify_one();
    assert!(!again(&server, &was).await.1);
}

#[tokio::test]
async fn who_asks_for_none_is_told_of_none() {
    let server = start(builder(auth())).await;
    let (mut client, answer) = connect(&format!("{}&recovery=0", server.url), "").await;
    assert!(answer.get("pid").is_none());
    note(&server, "plain").await;
    let packet = client.read().await;
    assert!(packet.ends_with(r#""text":"plain","id":0}]"#) || packet.ends_with(r#""text":"plain"}]"#), "{packet}");
}

#[tokio::test]
async fn an_end_that_somebody_has_said_is_final() {
    let server = start(builder(auth())).await;
    let (mut client, was) = first(&server).await;
    client.send("41").await;
    drop(client);
    assert!(!again(&server, &was).await.1);
}

#[test]
fn options_that_cannot_be_are_told_when_the_application_is_built() {
    let second = Duration::from_secs(1);
    for (recovery, option) in [
        (Recovery::new().window(Duration::ZERO), "window"),
        (Recovery::new().window(second * 8 * 86_400), "window"),
        (Recovery::new().log_bytes(0), "log_bytes"),
        (Recovery::new().events(0), "events"),
        (Recovery::new().connections(0), "connections"),
    ] {
        let error = App::builder().configure(SocketIo::new().recovery(recovery)).build().unwrap_err();
        assert!(error.message().starts_with(&format!("Invalid option `{option}` of recovery")), "{error:?}");
    }
    let twice = || SocketIo::new().recovery(Recovery::new());
    let error = App::builder().configure(twice()).configure(twice()).build().unwrap_err();
    assert!(error.message().starts_with("`recovery` is for one transport"), "{error:?}");
}
