mod ends;
#[cfg(feature = "auth")]
mod logins;

use super::EventStreams;
use crate::app::{App, Builder, HttpBody, Mount};
use crate::prelude::*;
use crate::store::Memory;
use crate::transport::Rest;
use crate::transport::rest::tests::{Answer, ask, request, send};
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower_service::Service as _;
use wingbeat_core::Binary;
use wingbeat_engine::Cors;

/// A stream that a client reads.
struct Reader {
    headers: HeaderMap,
    body: HttpBody,
}

impl Reader {
    /// The next piece; nothing where the stream is cut off.
    async fn piece(&mut self) -> Option<Bytes> {
        self.body.frame().await.unwrap().ok().map(|frame| frame.into_data().unwrap())
    }

    /// The next event.
    async fn event(&mut self) -> Value {
        let piece = self.piece().await.expect("the stream goes on");
        let text = std::str::from_utf8(&piece).unwrap();
        let line = text.strip_prefix("data: ").and_then(|text| text.strip_suffix("\n\n")).unwrap();
        assert!(!line.contains(['\n', '\r']), "{line}");
        serde_json::from_str(line).unwrap()
    }
}

async fn open(app: &App, request: http::request::Builder) -> Result<Reader, Answer> {
    let asked = request.body(Full::new(Bytes::new())).unwrap();
    let (head, body) = app.http().call(asked).await.unwrap().into_parts();
    if head.status == 200 {
        return Ok(Reader { headers: head.headers, body });
    }
    let text = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&text).unwrap_or_default();
    Err(Answer { status: head.status.as_u16(), headers: head.headers, body })
}

/// A stream of which `connected` has been read.
async fn listen(app: &App, path: &str) -> Reader {
    let mut reader = open(app, request("GET", path)).await.ok().unwrap();
    assert_eq!(reader.event().await["event"], "connected");
    reader
}

/// Connections that name a room are in it; messages go there.
fn builder(streams: impl Into<EventStreams>) -> Builder {
    let messages =
        Mount::new(Memory::new().start(1)).publish(|message| message.id("room").map(|room| channel(("rooms", room))));
    App::builder()
        .mount("messages", messages)
        .on_connection(|app, connection| {
            let query = connection.get("query").unwrap_or_default();
            if let Some(room) = query["room"].as_str() {
                app.channel(("rooms", room)).join(connection);
            }
        })
        .configure(Rest::new().cors(Cors::origins(["https://friend.example"])).events(streams))
}

fn app(streams: impl Into<EventStreams>) -> App {
    builder(streams).build().unwrap()
}

async fn create(app: &App, message: Value) {
    assert_eq!(ask(app, "POST", "/messages", Some(message)).await.0, 201);
}

#[tokio::test]
async fn a_stream_begins_with_connected_and_has_the_events_of_its_channels() {
    let app = app("sse");
    let mut reader = open(&app, request("GET", "/sse?room=7")).await.ok().unwrap();
    let header = |name: &str| reader.headers.get(name).map(|value| value.to_str().unwrap());
    // Their clients compare it as a whole.
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!((header("cache-control"), header("x-accel-buffering")), (Some("no-cache"), Some("no")));
    assert_eq!(reader.event().await, json!({"event": "connected", "data": {"room": "7"}, "path": "sse"}));
    create(&app, json!({"room": "8"})).await;
    create(&app, json!({"room": "7", "text": "a\nb"})).await;
    let heard = json!({"event": "created", "data": {"room": "7", "text": "a\nb", "id": 2}, "path": "messages"});
    assert_eq!(reader.event().await, heard);
    ask(&app, "DELETE", "/messages/2", None).await;
    assert_eq!(reader.event().await["event"], "removed");
}

#[tokio::test]
async fn a_stream_is_a_connection_with_filters_and_data_of_its_own() {
    let said = Mount::new(Memory::new()).publish(|said| {
        let room = said.data()["room"].clone();
        channel("all").filter(move |connection| connection.get("query").unwrap_or_default()["room"] == room)
    });
    let app = builder("/live/events/").mount("said", said).on_connection(|app, connection| {
        assert_eq!(connection.provider(), "rest");
        app.channel("all").join(connection);
    });
    let app = app.build().unwrap();
    let (mut one, mut two) = (listen(&app, "/live/events?room=1").await, listen(&app, "/live/events?room=2").await);
    for room in ["1", "2"] {
        ask(&app, "POST", "/said", Some(json!({ "room": room }))).await;
    }
    assert_eq!(one.event().await["data"]["room"], "1");
    assert_eq!(two.event().await["data"]["room"], "2");
    let bytes = json!({"room": "2", "bytes": Binary::from(vec![1, 255])});
    app.service("said").emit("created", &bytes).await.unwrap();
    assert_eq!(two.event().await["data"]["bytes"], json!({"type": "Buffer", "data": [1, 255]}));
}

#[tokio::test]
async fn line_ends_between_values_end_no_line() {
    let app = app("sse");
    let mut reader = listen(&app, "/sse?room=7").await;
    let asked = request("POST", "/messages").header("content-type", "application/json");
    send(&app, asked, "{\r\n\"room\":\n\"7\",\r\"list\": [1,\n2]}").await;
    assert_eq!(reader.event().await["data"]["list"], json!([1, 2]));
}

#[tokio::test]
async fn an_event_is_encoded_once_for_all_streams() {
    let app = app("sse");
    let (mut one, mut two) = (listen(&app, "/sse?room=7").await, listen(&app, "/sse?room=7").await);
    create(&app, json!({"room": "7"})).await;
    let (one, two) = (one.piece().await.unwrap(), two.piece().await.unwrap());
    assert_eq!(one.as_ptr(), two.as_ptr());
}

#[tokio::test]
async fn what_is_not_get_is_told_so_and_strangers_open_nothing() {
    let app = app("sse");
    for method in ["HEAD", "POST", "DELETE", "OPTIONS"] {
        let answer = open(&app, request(method, "/sse")).await.err().unwrap();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")), "{method}");
    }
    let from = async |origin: &str| open(&app, request("GET", "/sse").header("origin", origin)).await;
    assert_eq!(from("https://stranger.example").await.err().unwrap().status, 403);
    assert!(from("https://chat.example").await.is_ok());
    let friend = from("https://friend.example").await.ok().unwrap();
    assert_eq!(friend.headers["access-control-allow-origin"], "https://friend.example");
    assert_eq!(open(&app, request("GET", &format!("/sse?{}", "a".repeat(9000)))).await.err().unwrap().status, 414);
    assert_eq!(ask(&app, "GET", "/sse/1", None).await.0, 404);
}

#[test]
fn a_path_that_cannot_be_is_told_when_the_application_is_built() {
    for path in ["", "/", "a//b", "a b", "sse?x", "%20", "\u{e9}"] {
        let error = builder(path).build().unwrap_err();
        assert!(error.message().starts_with("Invalid path of event streams"), "{path}: {error:?}");
    }
    let error = builder("messages").build().unwrap_err();
    assert!(error.message().contains("A service is mounted at 'messages'"), "{error:?}");
}
