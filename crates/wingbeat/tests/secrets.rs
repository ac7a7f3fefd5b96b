//! No secret is in logs and figures, whatever happens to it. In a program of its own: what hears every log line, of every
//! thread, is one per process, and so is a recorder of figures.
#![cfg(all(feature = "auth", feature = "metrics"))]
#![allow(clippy::unwrap_used, reason = "a test")]

use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Empty};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tower_service::Service as _;
use tracing::field::{Field, Visit};
use tracing::span;
use wingbeat::auth::{ApiKey, Auth, Key, Local, Passwords, authenticate, hash_password, logout_changed};
use wingbeat::{Metrics, hooks::protect, prelude::*, store::Memory};

const SECRET: &str = "never-log-this-secret-of-the-tokens";
const OLD: &str = "never-log-the-old-password";
const NEW: &str = "never-log-the-new-password";
const WRONG: &str = "never-log-a-wrong-password";
const KEY: &str = "never-log-an-api-key";

/// Everything that is logged, from all threads and at every level, with the fields of all spans.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut self.clone());
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(address: &str, headers: &[(&'static str, &str)]) -> (Client, String) {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let mut client = Client(connect_async(request).await.unwrap().0);
        client.0.send(Message::text("40")).await.unwrap();
        let answer = client.read("4").await;
        (client, answer)
    }

    async fn read(&mut self, prefix: &str) -> String {
        loop {
            let message = self.0.next().await.unwrap().unwrap().into_text().unwrap();
            if message.starts_with(prefix) {
                return message.to_string();
            }
        }
    }

    /// The arguments of the answer to a call.
    async fn call(&mut self, arguments: Value) -> Value {
        self.0.send(Message::text(format!("421{arguments}"))).await.unwrap();
        serde_json::from_str(&self.read("431").await[3..]).unwrap()
    }

    async fn login(&mut self, password: &str) -> Value {
        let data = json!({"strategy": "local", "email": "ann@example.com", "password": password});
        self.call(json!(["create", "authentication", data])).await
    }
}

async fn app() -> App {
    let passwords = Passwords::with_cost(8, 1).unwrap();
    let ann = json!({"id": 1, "email": "ann@example.com", "password": passwords.hash(OLD.into()).await.unwrap()});
    let local = Local::new("email", "password").passwords(passwords);
    let users = Mount::new(Memory::new().records([ann]))
        .before([Create, Patch], hash_password("password"))
        .after(All, logout_changed(["password"]))
        .after(All, protect(["password"]))
        .publish(|_| channel("members"));
    let auth = Auth::new(Key::secret(SECRET).unwrap()).strategy(local).strategy(ApiKey::new().user(KEY, 1));
    let broken = Mount::empty().method("fail", async |_: Value, _: &Params| Err::<(), _>(Error::general("broken")));
    App::builder()
        .mount("authentication", auth)
        .mount("users", users)
        .mount("notes", Mount::new(Memory::new()).before(All, authenticate(["jwt", "apiKey"])))
        .mount("broken", broken)
        .on_login(|app, connection| app.channel("members").join(connection))
        .configure(Metrics::install().unwrap())
        .configure(SocketIo::new())
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_logged_or_counted() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let app = app().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(wingbeat::serve(listener, app.clone()).until(std::future::pending()).into_future());

    let (mut ann, _) = Client::connect(&address, &[]).await;
    let result = ann.login(OLD).await;
    let token = result[1]["accessToken"].as_str().unwrap().to_owned();
    let (mut other, answer) = Client::connect(&address, &[("authorization", &format!("Bearer {token}"))]).await;
    assert!(answer.starts_with("40"), "{answer}");
    let (_, answer) = Client::connect(&address, &[("authorization", &format!("Bearer {token}x"))]).await;
    assert!(answer.starts_with("44"), "{answer}");
    let (_, answer) = Client::connect(&address, &[("x-api-key", KEY)]).await;
    assert!(answer.starts_with("40"), "{answer}");
    let (_, answer) = Client::connect(&address, &[("x-api-key", &format!("{KEY}x"))]).await;
    assert!(answer.starts_with("44"), "{answer}");

    let mut told = vec![ann.login(WRONG).await];
    told.push(other.call(json!(["create", "notes", {"text": "mine"}])).await);
    told.push(ann.call(json!(["patch", "users", 1, {"password": NEW}])).await);
    told.push(other.call(json!(["find", "notes", {}])).await);
    told.push(ann.call(json!(["patch", "users", 1, {"password": {"$set": NEW}}])).await);
    told.push(ann.call(json!(["create", "users", {"email": "bob@example.com", "password": WRONG.repeat(50)}])).await);
    told.push(ann.call(json!(["fail", "broken", {"password": NEW, "accessToken": token}])).await);
    told.push(
        ann.call(json!(["create", "authentication", {"strategy": "jwt", "accessToken": format!("{token}x")}])).await,
    );
    told.push(ann.call(json!(["create", "authentication", {"strategy": "apiKey", "key": format!("{KEY}x")}])).await);
    told.push(ann.call(json!(["remove", "authentication", "no token of mine"])).await);
    told.push(ann.call(json!(["remove", "authentication", null])).await[1]["user"].clone());
    let new = ann.login(NEW).await;
    let newer = new[1]["accessToken"].as_str().unwrap().to_owned();
    told.push(new[1]["user"].clone());
    app.shutdown(std::time::Duration::from_secs(1)).await;
    server.abort();

    let request = http::Request::builder().uri("/metrics").body(Empty::<bytes::Bytes>::new()).unwrap();
    let figures = app.http().call(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let figures = String::from_utf8(figures.to_vec()).unwrap();
    let log = log.0.lock().unwrap().clone();
    let counted = r#"wingbeat_calls_total{service="authentication",method="create",outcome="NotAuthenticated"}"#;
    assert!(figures.contains(counted), "nothing was counted, so nothing is proven: {figures}");
    for line in ["Invalid login", "invalid signature", "Incorrect API Key", "broken"] {
        assert!(log.contains(line), "{line} was not logged, so nothing is proven: {log}");
    }
    let told = json!(told).to_string();
    for secret in [SECRET, OLD, NEW, WRONG, KEY, &token, &newer, "$argon2", "Bearer"] {
        assert!(!log.contains(secret), "{secret} was logged: {log}");
        assert!(!figures.contains(secret), "{secret} was counted: {figures}");
        assert!(!told.contains(secret), "{secret} was told: {told}");
    }
}
