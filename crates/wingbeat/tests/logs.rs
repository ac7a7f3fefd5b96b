//! What clients send forges no lines of the log and does not fill it. In a program of its own: what hears every log line, of
//! every thread, is one per process.
#![cfg(feature = "auth")]
#![allow(clippy::unwrap_used, reason = "a test")]

use futures_util::{SinkExt, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tracing::field::{Field, Visit};
use tracing::span;
use wingbeat::auth::{Auth, Key, Local, Passwords};
use wingbeat::schema::{Resolver, resolve_result};
use wingbeat::{Escaped, prelude::*, realtime::channels_matching, store::Memory};

/// Ends the line, begins one of its own, rings, colours, and turns the direction of writing.
const EVIL: &str = "x\n2026-01-01T00:00:00Z ERROR FORGED\r\u{7}\u{1b}[31m\u{85}\u{9b}\u{2028}\u{2029}\u{202e}\u{2066}";

/// What Wingbeat logs, from all threads and at every level, as it would stand in a file whose writer changes nothing.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, "{field}={value} ").unwrap();
    }
}

impl Log {
    fn start() -> Log {
        static ONCE: OnceLock<Log> = OnceLock::new();
        let log = ONCE.get_or_init(|| {
            tracing::subscriber::set_global_default(Log::default()).unwrap();
            LOG.get_or_init(Log::default).clone()
        });
        log.clone()
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn add(&self, line: Line) {
        // The subscriber is given away; what it hears is kept here.
        LOG.get_or_init(Log::default).0.lock().unwrap().push(line.0);
    }
}

static LOG: OnceLock<Log> = OnceLock::new();

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("wingbeat")
    }
    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut line = Line::default();
        span.record(&mut line);
        self.add(line);
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut line = Line::default();
        values.record(&mut line);
        self.add(line);
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(format!("{} ", event.metadata().level()));
        event.record(&mut line);
        self.add(line);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(address: &str) -> Client {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let mut client = Client(connect_async(url).await.unwrap().0);
        client.send("40").await;
        client.read("40").await;
        client
    }

    async fn send(&mut self, packet: &str) {
        self.0.send(Message::text(packet)).await.unwrap();
    }

    async fn read(&mut self, prefix: &str) -> String {
        loop {
            let message = self.0.next().await.unwrap().unwrap().into_text().unwrap();
            if message.starts_with(prefix) {
                return message.to_string();
            }
        }
    }

    /// The answer to a call.
    async fn call(&mut self, arguments: Value) -> Value {
        self.send(&format!("421{arguments}")).await;
        serde_json::from_str(&self.read("431").await[3..]).unwrap()
    }
}

/// The answer to an HTTP request, header and all.
async fn http(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = timeout(std::time::Duration::from_secs(10), stream.read(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer[..read.unwrap_or(0)]).into_owned()
}

#[derive(Serialize, Deserialize)]
struct Word {
    text: u8,
}

async fn typed(word: Word, _: Params) -> Result<Word> {
    Ok(word)
}

async fn fail(text: String, _: Params) -> Result<()> {
    Err(Error::general(text.clone()).with_data(json!({&*text: text})).with_source(std::io::Error::other(text)))
}

async fn refuse(text: String, _: Params) -> Result<()> {
    Err(Error::forbidden(text))
}

async fn panic(text: String, _: Params) -> Result<()> {
    panic!("{text}")
}

async fn full(_: Value, _: Params) -> Result<()> {
    Err(std::io::Error::other("no space left on device").into())
}

async fn serve() -> (String, App) {
    let auth = Auth::new(Key::secret("a-secret-of-more-than-thirty-two-bytes").unwrap())
        .strategy(Local::new("email", "password").passwords(Passwords::with_cost(8, 1).unwrap()));
    let broken = Resolver::new().field("text", |field| async move {
        let text: String = field.get_as("text")?;
        Err::<Option<Value>, _>(Error::general(text))
    });
    let told = Mount::new(Memory::new()).publish(|publication| match publication.data()["text"].as_str() {
        Some(text) => Err(Error::general(text.to_owned())),
        None => Ok(channel("all")),
    });
    let room = Mount::new(Memory::new()).publish(|publication| {
        let room = publication.data()["text"].as_str().unwrap_or_default();
        channel(room).having(room, room).or(channels_matching(room))
    });
    let odd = Mount::empty()
        .method("typed", typed)
        .method("fail", fail)
        .method("refuse", refuse)
        .method("panic", panic)
        .method("full", full);
    let app = App::builder()
        .mount("authentication", auth)
        .mount("users", Mount::new(Memory::new()))
        .mount("odd", odd)
        .mount("told", told)
        .mount("rooms", room)
        .mount("broken", Mount::new(Memory::new()).around(Create, resolve_result(broken)))
        .on_disconnect_async(|_, connection| async move {
            let text = connection.get("said").and_then(|said| said.as_str().map(str::to_owned));
            Err(Error::general(text.unwrap_or_default()))
        })
        .on_connection(|_, connection| connection.set("said", EVIL))
        .configure(SocketIo::new())
        .build()
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(wingbeat::serve(listener, app.clone()).until(std::future::pending()).into_future());
    (address, app)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_clients_send_ends_a_line_of_the_log() {
    let log = Log::start();
    let (address, app) = serve().await;
    let mut client = Client::connect(&address).await;
    let dollar = format!("${EVIL}");
    let calls = [
        json!([EVIL, "users"]),
        json!([EVIL, "users", {}, {}, {}, {}]),
        json!(["find", EVIL, {}]),
        json!(["find", "users", {EVIL: 1}]),
        json!(["find", "users", {&*dollar: 1}]),
        json!(["find", "users", {"a": {&*dollar: EVIL}}]),
        json!(["find", "users", EVIL]),
        json!(["find", "users", [EVIL]]),
        json!(["find", "users", {"$sort": EVIL, "$select": EVIL}]),
        json!(["get", "users", EVIL, {}]),
        json!(["get", "users", {EVIL: EVIL}, {}]),
        json!(["patch", "users", EVIL, {EVIL: EVIL}, {}]),
        json!(["create", "users", EVIL, {}]),
        json!(["create", "authentication", {"strategy": EVIL}]),
        json!(["create", "authentication", {"strategy": "local", "email": EVIL, "password": EVIL}]),
        json!(["remove", "authentication", EVIL]),
        json!(["typed", "odd", {"text": EVIL}]),
        json!(["fail", "odd", EVIL]),
        json!(["refuse", "odd", EVIL]),
        json!(["panic", "odd", EVIL]),
        json!(["create", "told", {"text": EVIL}, {}]),
        json!(["create", "rooms", {"text": EVIL}, {}]),
        json!(["create", "broken", {"text": EVIL}, {}]),
    ];
    for call in calls {
        client.call(call).await;
    }
    client.send(&format!("40/{EVIL},")).await;
    client.read("44").await;
    let latin: Vec<u8> = EVIL.chars().filter(|c| *c >= '\u{80}').map(|c| c as u8).chain(*b"\tFORGED").collect();
    for target in ["/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=3&transport=%0aFORGED%1b", "/%0aFORGED%07"] {
        let mut request =
            format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: ").into_bytes();
        request.extend(&latin);
        request.extend(b"\r\nUser-Agent: ");
        request.extend(&latin);
        request.extend(b"\r\nAuthorization: Bearer ");
        request.extend(&latin);
        request.extend(b"\r\n\r\n");
        assert!(http(&address, &request).await.starts_with("HTTP/1.1"));
    }
    drop(client);
    app.shutdown(std::time::Duration::from_secs(5)).await;

    let lines = log.lines();
    let forged = |line: &&String| line.contains("FORGED");
    for told in [
        "a call was refused",
        "a call failed",
        "panicked",
        "a publisher failed",
        "nobody hears an event",
        "could not be resolved",
        "a listener failed",
    ] {
        assert!(lines.iter().filter(forged).any(|line| line.contains(told)), "{told}: nothing is proven by {lines:#?}");
    }
    for line in &lines {
        assert!(!line.contains(Escaped::escapes), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_that_repeat_are_told_once_a_second_with_their_number() {
    let log = Log::start();
    let (address, _app) = serve().await;
    let mut client = Client::connect(&address).await;
    for _ in 0..20 {
        for id in 0..100 {
            client.send(&format!(r#"42{id}["full","odd",{{}}]"#)).await;
        }
        client.read("4399").await;
    }
    let lines = log.lines();
    let full: Vec<_> = lines.iter().filter(|line| line.contains("ERROR") && line.contains("no space left")).collect();
    assert!((1..200).contains(&full.len()), "{} lines for 2,000 failures", full.len());
}

#[cfg(feature = "axum")]
#[test]
fn a_route_that_fails_is_logged_with_its_cause_in_one_line() {
    use axum::response::IntoResponse;
    let log = Log::start();
    drop(Error::internal(format!("the disk of the route {EVIL}")).into_response());
    drop(Error::forbidden("a refusal of the route").into_response());
    let lines = log.lines();
    let told: Vec<_> = lines.iter().filter(|line| line.contains("of the route")).collect();
    assert!(matches!(&*told, [line] if line.contains("the disk") && !line.contains(Escaped::escapes)), "{told:?}");
}
