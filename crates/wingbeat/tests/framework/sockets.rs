//! Services over real WebSockets.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use wingbeat::Builder;
use wingbeat::{hooks::protect, prelude::*, store::Memory};

/// A server that ends with its test.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) app: App,
    _end: oneshot::Sender<()>,
}

impl Server {
    async fn start(app: Builder) -> Server {
        Server::over(app, SocketIo::new()).await
    }

    pub(crate) async fn over(app: Builder, transport: SocketIo) -> Server {
        let app = app
            .on_connection(|app, connection| app.channel("everybody").join(connection))
            .publish(|_| channel("everybody"))
            .configure(transport)
            .build()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", listener.local_addr().unwrap());
        let (end, ended) = oneshot::channel::<()>();
        let serving = wingbeat::serve(listener, app.clone()).until(async { drop(ended.await) });
        tokio::spawn(serving.into_future());
        Server { url, app, _end: end }
    }
}

/// A client that has joined the main namespace.
pub(crate) struct Client(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn connect(server: &Server) -> Client {
        Client::open(&server.url).await
    }

    pub(crate) async fn open(url: &str) -> Client {
        let mut client = Client(connect_async(url).await.unwrap().0);
        assert!(client.read().await.starts_with('0'));
        client.send("40").await;
        assert!(client.read().await.starts_with("40{"));
        client
    }

    pub(crate) async fn send(&mut self, packet: &str) {
        self.0.send(Message::text(packet)).await.unwrap();
    }

    pub(crate) async fn read(&mut self) -> String {
        let message = self.0.next().await.expect("the server closed the connection").unwrap();
        message.into_text().unwrap().to_string()
    }

    pub(crate) async fn call(&mut self, id: u32, arguments: Value) -> Value {
        self.send(&format!("42{id}{arguments}")).await;
        loop {
            let packet = self.read().await;
            if let Some(answer) = packet.strip_prefix(&format!("43{id}")) {
                return serde_json::from_str(answer).unwrap();
            }
        }
    }
}

/// Ids say what happens: `panic`, `wait` (until the gate opens), anything else is ready at once.
#[derive(Clone)]
struct Moody {
    gate: watch::Receiver<bool>,
    waiting: Arc<Notify>,
}

impl Moody {
    fn new() -> (watch::Sender<bool>, Moody) {
        let (open, gate) = watch::channel(false);
        (open, Moody { gate, waiting: Arc::default() })
    }

    async fn act(&self, mood: &str) -> Result<Payload> {
        match mood {
            "panic" => panic!("on purpose"),
            "wait" => {
                self.waiting.notify_one();
                self.gate.clone().wait_for(|open| *open).await.map_err(Error::internal)?;
            }
            _ => {}
        }
        Ok(json!({ "was": mood }).into())
    }
}

impl RawService for Moody {
    fn methods(&self) -> Vec<Method> {
        vec![Get, Create]
    }

    async fn get(&self, id: IdArg, _params: &Params) -> Result<Payload> {
        self.act(&id.to_string()).await
    }

    async fn create(&self, data: Option<Payload>, _params: &Params) -> Result<Payload> {
        let mood: String = data.unwrap_or(Payload::NULL).to()?;
        self.act(&mood).await
    }
}

async fn moody() -> (Server, watch::Sender<bool>, Moody) {
    let (open, service) = Moody::new();
    (Server::start(App::builder().mount("moods", Mount::new(service.clone()))).await, open, service)
}

#[tokio::test]
async fn the_event_comes_before_the_acknowledgement() {
    let (server, ..) = moody().await;
    let mut client = Client::connect(&server).await;
    client.send(r#"421["create","moods","fine",{}]"#).await;
    assert_eq!(client.read().await, r#"42["moods created",{"was":"fine"}]"#);
    assert_eq!(client.read().await, r#"431[null,{"was":"fine"}]"#);
}

#[tokio::test]
async fn a_handler_that_panics_costs_its_caller_an_error_and_nobody_else_anything() {
    let (server, ..) = moody().await;
    let (mut ann, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    let answer = ann.call(1, json!(["get", "moods", "panic"])).await;
    assert_eq!((&answer[0]["name"], &answer[0]["code"]), (&json!("GeneralError"), &json!(500)));
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.call(2, json!(["get", "moods", "fine"])).await, json!([null, {"was": "fine"}]));
    }
}

#[tokio::test]
async fn what_a_client_began_is_published_though_it_has_gone() {
    let (server, open, service) = moody().await;
    let (mut ann, mut bob) = (Client::connect(&server).await, Client::connect(&server).await);
    ann.send(r#"421["create","moods","wait",{}]"#).await;
    service.waiting.notified().await;
    drop(ann);
    let everybody = server.app.channel("everybody");
    while everybody.len() > 1 {
        tokio::task::yield_now().await;
    }
    open.send(true).unwrap();
    assert_eq!(bob.read().await, r#"42["moods created",{"was":"wait"}]"#);
}

#[tokio::test]
async fn pipelined_calls_are_answered_as_they_get_ready() {
    let (server, open, service) = moody().await;
    let mut client = Client::connect(&server).await;
    for id in 0..64 {
        let mood = if id % 2 == 0 { "fine" } else { "wait" };
        client.0.feed(Message::text(format!(r#"42{id}["get","moods","{mood}"]"#))).await.unwrap();
    }
    client.0.flush().await.unwrap();
    for id in (0..64).step_by(2) {
        assert_eq!(client.read().await, format!(r#"43{id}[null,{{"was":"fine"}}]"#));
    }
    service.waiting.notified().await;
    open.send(true).unwrap();
    let mut late = Vec::new();
    for _ in 0..32 {
        late.push(client.read().await);
    }
    late.sort();
    let mut expected: Vec<_> = (1..64).step_by(2).map(|id| format!(r#"43{id}[null,{{"was":"wait"}}]"#)).collect();
    expected.sort();
    assert_eq!(late, expected);
}

#[tokio::test]
async fn wrong_calls_are_answered_with_the_documented_errors() {
    let (server, ..) = moody().await;
    let mut client = Client::connect(&server).await;
    let cases = [
        (json!(["get"]), 404, "Invalid service path"),
        (json!(["get", 5, 1]), 404, "Invalid service path"),
        (json!(["get", "nope", 1]), 404, "Service 'nope' not found"),
        (json!(["zap", "moods", 1]), 405, "Method 'zap' not allowed on service 'moods'"),
        (json!(["find", "moods"]), 405, "Method 'find' not allowed on service 'moods'"),
        (json!(["get", "moods", 1, {}, null]), 400, "Too many arguments for 'get' method"),
        (json!(["get", "moods", {"$ne": 1}]), 400, "Invalid id: it must be text, a number or null"),
        (json!(["get", "moods", 1, "ab"]), 400, "Invalid query: it must be an object"),
    ];
    for (id, (arguments, code, message)) in (1..).zip(cases) {
        let answer = client.call(id, arguments).await;
        assert_eq!((&answer[0]["code"], &answer[0]["message"]), (&json!(code), &json!(message)));
        assert_eq!(answer.as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn requests_that_are_nobodys_are_not_found() {
    let (server, ..) = moody().await;
    let address = server.url.trim_start_matches("ws://").split('/').next().unwrap().to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream.write_all(b"GET /nope?x=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(
        answer
            .ends_with(r#""message":"Page not found","code":404,"className":"not-found","data":{"url":"/nope?x=1"}}"#),
        "{answer}"
    );
}

#[tokio::test]
async fn a_shutdown_lets_running_calls_finish_and_closes_the_sockets() {
    let (open, service) = Moody::new();
    let server = Server::start(App::builder().mount("moods", Mount::new(service.clone()))).await;
    let mut client = Client::connect(&server).await;
    client.send(r#"421["get","moods","wait"]"#).await;
    service.waiting.notified().await;
    let app = server.app.clone();
    let ending = tokio::spawn(async move { app.shutdown(std::time::Duration::from_secs(30)).await });
    open.send(true).unwrap();
    let mut packets = Vec::new();
    while let Some(Ok(message)) = client.0.next().await {
        packets.extend(message.into_text().map(|text| text.to_string()).ok().filter(|text| !text.is_empty()));
    }
    assert!(packets.contains(&r#"431[null,{"was":"wait"}]"#.to_owned()), "{packets:?}");
    assert!(!packets.iter().any(|packet| packet.starts_with("41")), "a client that is told to leave stays away");
    ending.await.unwrap();
}

/// Says when it is freed.
struct Held(mpsc::UnboundedSender<()>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.send(()).ok();
    }
}

#[tokio::test]
async fn what_a_connection_holds_is_freed_when_it_has_gone() {
    let (freed, mut told) = mpsc::unbounded_channel();
    let server =
        Server::start(App::builder().on_connection(move |_, connection| connection.set_extension(Held(freed.clone()))))
            .await;
    drop(Client::connect(&server).await);
    timeout(Duration::from_secs(30), told.recv()).await.expect("the connection is still in memory").unwrap();
}

#[tokio::test]
async fn over_a_socket_nobody_asks_for_what_is_hidden_or_writes_without_a_bound() {
    let users =
        Memory::new().multi(true).paginate(10, 10).records([json!({"id": 1, "name": "Ann", "password": "abc"})]);
    let users = Mount::new(users).after(All, protect(["password"]));
    let server = Server::start(App::builder().mount("users", users)).await;
    let mut client = Client::connect(&server).await;
    for query in
        [json!({"password": {"$gte": "a"}}), json!({"$or": [{"password": "abc"}]}), json!({"$sort": {"password": 1}})]
    {
        for call in [
            json!(["find", "users", query]),
            json!(["get", "users", 1, query]),
            json!(["patch", "users", null, {"seen": true}, query]),
            json!(["remove", "users", null, query]),
        ] {
            let answer = client.call(1, call.clone()).await;
            assert_eq!(answer[0]["code"], 400, "{call}: {answer}");
            assert!(answer[0]["message"].as_str().unwrap().contains("'password'"), "{answer}");
        }
    }
    let many = client.call(2, json!(["create", "users", vec![json!({}); 300_000]])).await;
    assert_eq!(many[0]["message"], "Can not create more than 10000 entries in one call");
    let found = client.call(3, json!(["find", "users", {"name": "Ann"}])).await;
    assert_eq!(found[1]["data"], json!([{"id": 1, "name": "Ann"}]));
}
