//! Each example is started, and talked to by a real client.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "../lines/transport.rs"]
mod lines;

use serde_json::{Value, json};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use wingbeat::{App, Connection, Mount, Params};
use wingbeat_client::{Client, Query};

/// An example that runs, and ends with its test.
struct Example {
    url: String,
    _process: Child,
}

impl Example {
    async fn start(program: &str) -> Example {
        let mut process = Command::new(program);
        let mut process = process.arg("127.0.0.1:0").stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().unwrap();
        // Whoever prints into a closed pipe dies.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Example { url: first.strip_prefix("listening on ").unwrap().to_owned(), _process: process }
    }

    async fn client(&self) -> Client {
        Client::connect_to(&self.url).await.unwrap()
    }

    async fn page(&self, path: &str) -> String {
        self.ask(&format!("GET {path} "), "", "").await
    }

    async fn ask(&self, verb_and_path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.url.strip_prefix("http://").unwrap()).await.unwrap();
        let length = body.len();
        let request = format!(
            "{verb_and_path}HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// Waits for a future, but not for ever.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("this should have come long ago")
}

#[tokio::test]
async fn todo_tells_everybody_what_is_to_do() {
    let example = Example::start(env!("CARGO_BIN_EXE_todo")).await;
    let (ann, bob) = (example.client().await, example.client().await);
    let mut heard = bob.untyped("todos").on("created");
    let todos = ann.untyped("todos");
    assert_eq!(todos.create(&json!({"text": "Milk", "id": 77})).await.unwrap_err().code(), Some(400));
    let milk = todos.create(&json!({"text": "Milk"})).await.unwrap();
    assert_eq!(milk, json!({"id": 1, "text": "Milk", "done": false}));
    assert_eq!(soon(heard.next()).await.unwrap().unwrap(), milk);
    todos.update(1, &json!({"text": "Milk", "done": true})).await.unwrap();
    assert_eq!(todos.find().await.unwrap().records(), [json!({"id": 1, "text": "Milk", "done": true})]);
    assert!(example.page("/todos").await.ends_with(r#"[{"id":1,"text":"Milk","done":true}]"#));
    assert_eq!(todos.update(2, &json!({"text": "?"})).await.unwrap_err().code(), Some(404));
    assert_eq!(todos.create(&json!({"text": 7})).await.unwrap_err().code(), Some(400));
    assert!(example.page("/").await.contains("What is to do?"));
}

#[tokio::test]
async fn raw_tells_who_watches() {
    let example = Example::start(env!("CARGO_BIN_EXE_raw")).await;
    let (ann, bob) = (example.client().await, example.client().await);
    let mut heard = bob.untyped("documents").on("patched");
    let told = bob.io().emit_with_ack("watch", ("agenda",)).await.unwrap();
    assert_eq!(told.argument_as::<String>(0).unwrap(), "You watch agenda");
    let documents = ann.untyped("documents");
    documents.patch("other", &json!({"a": 1})).await.unwrap();
    let patched = documents.patch("agenda", &json!({"points": ["tea"]})).await.unwrap();
    assert_eq!(soon(heard.next()).await.unwrap().unwrap(), patched);
    let point: Value = documents.get("agenda").query(Query::new().eq("at", "/points/0")).await.unwrap();
    assert_eq!(point, "tea");
    assert_eq!(documents.get("nothing").await.unwrap_err().code(), Some(404));
}

#[tokio::test]
async fn axum_and_its_routes_share_the_services() {
    let example = Example::start(env!("CARGO_BIN_EXE_inside-axum")).await;
    let client = example.client().await;
    let ann = json!({"strategy": "local", "email": "ann@example.com", "password": "swordfish"});
    let login: Value = client.untyped("authentication").create(&ann).await.unwrap();
    let message = client.untyped("messages").create(&json!({"text": "Hello"})).await.unwrap();
    assert_eq!(message, json!({"text": "Hello", "from": "127.0.0.1", "by": "Ann", "id": 1}));
    assert!(example.page("/messages/1").await.ends_with(&message.to_string()));
    assert!(example.page("/messages/2").await.starts_with("HTTP/1.1 404 "));
    assert!(example.page("/nothing").await.contains("Page not found"));

    // The token of the socket's login is good for the routes.
    let bearer = format!("Authorization: Bearer {}\r\n", login["accessToken"].as_str().unwrap());
    assert!(example.page("/").await.contains("you are a guest"));
    assert!(example.ask("GET / ", &bearer, "").await.contains("you are logged in"));
    assert!(example.ask("GET /me ", &bearer, "").await.ends_with(r#"{"id":1,"name":"Ann"}"#));
    let refused = example.page("/me").await;
    assert!(refused.starts_with("HTTP/1.1 401 ") && refused.contains(r#""name":"NotAuthenticated""#), "{refused}");
    let forged = "Authorization: Bearer nonsense\r\n";
    assert!(example.ask("GET / ", forged, "").await.starts_with("HTTP/1.1 401 "));

    // What a route writes as the client is signed, and heard over sockets.
    let mut heard = client.untyped("messages").on("created");
    let json = "Content-Type: application/json\r\n";
    let text = r#"{"text":"By HTTP"}"#;
    assert!(example.ask("POST /messages ", json, text).await.starts_with("HTTP/1.1 401 "));
    let written = example.ask("POST /messages ", &format!("{json}{bearer}"), text).await;
    let message = soon(heard.next()).await.unwrap().unwrap();
    assert_eq!(message, json!({"text": "By HTTP", "from": "127.0.0.1", "by": "Ann", "id": 2}));
    assert!(written.ends_with(&message.to_string()), "{written}");
}

#[tokio::test]
async fn hooks_guard_the_stock() {
    let example = Example::start(env!("CARGO_BIN_EXE_hooks")).await;
    let guest = example.client().await;
    let keeper = Client::builder(&example.url).header("x-word", "sesame").connect().await.unwrap();
    let mut heard = guest.untyped("stock").on("patched");
    let (guest, keeper) = (guest.untyped("stock"), keeper.untyped("stock"));
    assert_eq!(guest.patch("tea", &json!({"take": 1})).await.unwrap_err().message(), "Say the word");
    let tea = keeper.patch("tea", &json!({"take": 3})).await.unwrap();
    assert_eq!(tea, json!({"id": "tea", "name": "Tea", "count": 0, "available": false}));
    assert_eq!(soon(heard.next()).await.unwrap().unwrap(), tea);
    assert_eq!(keeper.patch("tea", &json!({"take": 1})).await.unwrap_err().message(), "Only 0 are left");
    assert_eq!(guest.get("gold").await.unwrap_err().message(), "We do not sell that");
}

/// A client of one line a call.
struct LineClient {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl LineClient {
    async fn connect(address: &str) -> LineClient {
        let (reader, writer) = TcpStream::connect(address).await.unwrap().into_split();
        LineClient { lines: BufReader::new(reader).lines(), writer }
    }

    async fn send(&mut self, line: &str) {
        self.writer.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&soon(self.lines.next_line()).await.unwrap().expect("the server closed")).unwrap()
    }

    async fn ask(&mut self, request: Value) -> Value {
        self.send(&request.to_string()).await;
        self.next().await
    }

    async fn log_in(&mut self, name: &str) -> Value {
        let data = json!({"strategy": "local", "name": name, "password": "swordfish"});
        self.ask(json!({"call": "login", "path": "authentication", "method": "create", "data": data})).await
    }
}

#[tokio::test]
async fn lines_carry_calls_logins_and_events() {
    let example = Example::start(env!("CARGO_BIN_EXE_lines")).await;
    let (mut ann, mut bob) = (LineClient::connect(&example.url).await, LineClient::connect(&example.url).await);
    let find = json!({"call": 1, "path": "notes", "method": "find"});
    assert_eq!(bob.ask(find.clone()).await["error"]["code"], 401);
    assert_eq!(ann.log_in("eve").await["error"]["code"], 401);
    assert!(ann.log_in("ann").await["result"]["accessToken"].is_string());
    assert!(bob.log_in("bob").await["result"]["user"].get("password").is_none());

    let note = json!({"text": "Hello", "id": 1});
    // The event comes before the answer.
    let event = json!({"event": "notes created", "data": note});
    let create = json!({"call": 2, "path": "notes", "method": "create", "data": {"text": "Hello"}});
    assert_eq!(ann.ask(create).await, event);
    assert_eq!(ann.next().await, json!({"call": 2, "result": note}));
    assert_eq!(bob.next().await, event);
    assert_eq!(bob.ask(find).await, json!({"call": 1, "result": [note]}));
    let get = json!({"call": 3, "path": "notes", "method": "get", "id": 1, "query": {"$select": ["text"]}});
    assert_eq!(bob.ask(get).await["result"]["text"], "Hello");
    let remove = json!({"call": 4, "path": "notes", "method": "remove", "id": null});
    assert_eq!(bob.ask(remove).await["error"]["code"], 405);
}

#[tokio::test]
async fn lines_that_are_no_calls_are_answered() {
    let example = Example::start(env!("CARGO_BIN_EXE_lines")).await;
    let mut client = LineClient::connect(&example.url).await;
    for (line, code) in [
        ("hello", 400),
        (r#"{"call": 1, "path": "notes"}"#, 400),
        (r#"{"call": 1, "path": "nothing", "method": "find"}"#, 404),
        (r#"{"call": 1, "path": "users", "method": "find"}"#, 405),
        (r#"{"call": 1, "path": "notes", "method": "get", "id": {}}"#, 400),
        (r#"{"call": 1, "path": "notes", "method": "find", "query": "all"}"#, 400),
        (r#"{"call": 1, "path": "notes", "method": "find", "id": 1}"#, 400),
    ] {
        client.send(line).await;
        assert_eq!(client.next().await["error"]["code"], code, "{line}");
    }
    // Lines have an end.
    let endless = "x".repeat(1_000_001);
    client.writer.write_all(endless.as_bytes()).await.ok();
    assert!(!matches!(soon(client.lines.next_line()).await, Ok(Some(_))));
}

#[tokio::test]
async fn lines_end_with_their_connection_and_with_the_application() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wait = {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        move |_: Value, _: Params| {
            let (begun, go_on) = (begun.clone(), go_on.clone());
            async move {
                begun.notify_one();
                go_on.notified().await;
                Ok("done")
            }
        }
    };
    let leave = |_: Value, params: Params| async move {
        params.connection.as_ref().map(Connection::disconnect);
        Ok(())
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = App::builder()
        .mount("calls", Mount::empty().method("wait", wait).method("leave", leave))
        .on_connection(|app, connection| app.channel("all").join(connection))
        .configure(lines::Lines(listener))
        .build()
        .unwrap();
    app.setup().await.unwrap();

    let mut leaving = LineClient::connect(&address).await;
    leaving.send(r#"{"call": 1, "path": "calls", "method": "leave"}"#).await;
    while soon(leaving.lines.next_line()).await.unwrap().is_some() {}
    let mut waiting = LineClient::connect(&address).await;
    waiting.send(r#"{"call": 2, "path": "calls", "method": "wait"}"#).await;
    soon(begun.notified()).await;
    let ending = tokio::spawn({
        let app = app.clone();
        async move { app.shutdown(Duration::from_secs(60)).await }
    });
    go_on.notify_one();
    assert_eq!(waiting.next().await, json!({"call": 2, "result": "done"}));
    assert!(soon(waiting.lines.next_line()).await.unwrap().is_none());
    soon(ending).await.unwrap();
    assert_eq!(app.channel("all").len(), 0);
    assert!(TcpStream::connect(&address).await.is_err());
}
