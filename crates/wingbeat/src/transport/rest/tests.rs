use super::Rest;
use crate::app::{App, HttpBody, Mount};
use crate::prelude::*;
use crate::store::Memory;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::time::Duration;
use tower_service::Service as _;
use wingbeat_core::Binary;
use wingbeat_engine::Cors;

/// What has come back: status, headers, and the body as JSON where it is that.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(super) async fn send(app: &App, request: http::request::Builder, body: impl Into<Bytes>) -> Answer {
    let request: Request<Full<Bytes>> = request.body(Full::new(body.into())).unwrap();
    let (head, body): (_, HttpBody) = app.http().call(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or_else(|_| text()) };
    Answer { status: head.status.as_u16(), headers: head.headers, body }
}

pub(super) fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("host", "chat.example")
}

pub(super) async fn ask(app: &App, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = request(method, path).header("content-type", "application/json");
    let answer = send(app, request, body.map(|body| body.to_string()).unwrap_or_default()).await;
    (answer.status, answer.body)
}

/// A table of messages, and a service that answers what it is asked.
fn app() -> App {
    let echo = Mount::empty()
        .method("shout", async |data: Value, _: &Params| Ok(json!({"shouted": data})))
        .method("inside", async |_: Value, _: &Params| Ok(1))
        .expose(["shout"]);
    App::builder()
        .mount("messages", Mount::new(Memory::new().start(1).multi(true)))
        .mount("users/:userId/notes", Mount::new(Echo))
        .mount("tools", echo)
        .configure(Rest::new().max_body(1000).cors(Cors::origins(["https://friend.example"])))
        .build()
        .unwrap()
}

struct Echo;

impl RawService for Echo {
    fn methods(&self) -> Vec<Method> {
        vec![Get, Find]
    }

    async fn get(&self, id: IdArg, params: &Params) -> Result<Payload> {
        Ok(json!({"id": id.to_string(), "user": params.route.get("userId"), "provider": params.provider}).into())
    }

    async fn find(&self, params: &Params) -> Result<Payload> {
        Ok(params.query.to_value().into())
    }
}

#[tokio::test]
async fn requests_are_calls() {
    let app = app();
    let hello = json!({"text": "Hello", "id": 1});
    assert_eq!(ask(&app, "POST", "/messages", Some(json!({"text": "Hello"}))).await, (201, hello.clone()));
    assert_eq!(ask(&app, "GET", "/messages", None).await, (200, json!([hello])));
    assert_eq!(ask(&app, "GET", "//messages/1/", None).await, (200, hello.clone()));
    assert_eq!(ask(&app, "PATCH", "/messages/1", Some(json!({"n": 2}))).await.1["n"], 2);
    assert_eq!(ask(&app, "PUT", "/messages/1", Some(json!({"n": 3}))).await.1, json!({"n": 3, "id": 1}));
    assert_eq!(ask(&app, "POST", "/messages/ignored", Some(json!({}))).await.1["id"], 2);
    assert_eq!(ask(&app, "DELETE", "/messages?id[$in][]=9", None).await, (200, json!([])));
    assert_eq!(ask(&app, "DELETE", "/messages/1", None).await.0, 200);
    assert_eq!(ask(&app, "GET", "/messages/1", None).await.1["name"], "NotFound");
}

#[tokio::test]
async fn methods_of_ones_own_have_two_ways() {
    let app = app();
    let by_header =
        request("POST", "/tools").header("x-service-method", "shout").header("content-type", "application/json");
    assert_eq!(send(&app, by_header, r#"{"a":1}"#).await.body, json!({"shouted": {"a": 1}}));
    assert_eq!(ask(&app, "POST", "/tools/shout", Some(json!({"a": 1}))).await, (200, json!({"shouted": {"a": 1}})));
    for (method, path, header) in [
        ("POST", "/tools", "inside"),
        ("POST", "/tools", "create"),
        ("GET", "/tools", "find"),
        ("POST", "/tools/inside", ""),
    ] {
        let mut request = request(method, path);
        if !header.is_empty() {
            request = request.header("x-service-method", header);
        }
        let answer = send(&app, request, "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method} {path} {header}");
    }
}

#[tokio::test]
async fn paths_are_split_and_then_decoded() {
    let app = app();
    let answer = ask(&app, "GET", "/users/J%C3%B6/notes/a%2Fb%20c", None).await.1;
    assert_eq!(answer, json!({"id": "a/b c", "user": "J\u{f6}", "provider": "rest"}));
    assert_eq!(ask(&app, "GET", "/users/a%2Fb/notes/1", None).await.1["user"], "a%2Fb");
    assert_eq!(ask(&app, "GET", "/users/1/notes/%zz", None).await.0, 400);
    let missing = ask(&app, "GET", "/nowhere/1?x=1", None).await;
    assert_eq!((missing.0, &missing.1["data"]["url"]), (404, &json!("/nowhere/1?x=1")));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_changes_nothing() {
    let app = app();
    let json = "application/json";
    let deep = "[".repeat(500) + &"]".repeat(500);
    let cases: [(&str, Vec<u8>, u16); 9] = [
        (json, b"{".to_vec(), 400),
        (json, b"5".to_vec(), 400),
        (json, b"\"\xff\"".to_vec(), 400),
        (json, deep.into_bytes(), 400),
        (json, vec![b' '; 1001], 413),
        ("application/json; charset=latin1", b"{}".to_vec(), 415),
        ("application/xml", b"<a/>".to_vec(), 415),
        ("application/x-www-form-urlencoded", b"a=\xff".to_vec(), 400),
        ("application/x-www-form-urlencoded", vec![b'&'; 1000], 400),
    ];
    for (kind, body, status) in cases {
        let answer = send(&app, request("POST", "/messages").header("content-type", kind), body).await;
        assert_eq!(answer.status, status, "{kind}: {}", answer.body);
    }
    let compressed = request("POST", "/messages").header("content-encoding", "gzip");
    assert_eq!(send(&app, compressed, "x").await.status, 415);
    let no_json = request("POST", "/messages").header("accept", "text/csv, application/json;q=0");
    assert_eq!(send(&app, no_json, "").await.status, 406);
    assert_eq!(ask(&app, "GET", &format!("/messages?{}", "a".repeat(9000)), None).await.0, 414);
    assert_eq!(ask(&app, "GET", "/messages", None).await.1, json!([]));
}

#[tokio::test]
async fn a_form_is_data_and_a_request_without_body_has_none() {
    let app = app();
    let form = request("POST", "/messages").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(
        send(&app, form, "text=Hello+you&tags[]=a").await.body,
        json!({"text": "Hello you", "tags": ["a"], "id": 1})
    );
    assert_eq!(send(&app, request("POST", "/messages"), "").await.body, json!({"id": 2}));
}

#[tokio::test]
async fn pages_of_strangers_may_not_change_anything() {
    let app = app();
    let from = |origin: &str| request("POST", "/messages").header("origin", origin);
    for origin in ["https://stranger.example", "null", "https://chat.example.stranger.example"] {
        assert_eq!(send(&app, from(origin), "").await.status, 403, "{origin}");
    }
    assert_eq!(send(&app, from("https://chat.example"), "").await.status, 201);
    let friend = send(&app, from("https://friend.example"), "").await;
    assert_eq!((friend.status, friend.header("access-control-allow-origin")), (201, Some("https://friend.example")));
    let preflight = request("OPTIONS", "/messages")
        .header("origin", "https://friend.example")
        .header("access-control-request-method", "PATCH");
    let preflight = send(&app, preflight, "").await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.header("access-control-allow-methods").unwrap().contains("PATCH"));
    assert_eq!(send(&app, request("OPTIONS", "/messages"), "").await.status, 405);
    assert_eq!(ask(&app, "GET", "/messages", None).await.1.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_client_that_has_an_answer_is_not_sent_it_again() {
    let app = app();
    let first = send(&app, request("GET", "/messages"), "").await;
    let tag = first.header("etag").unwrap();
    assert_eq!((tag.starts_with("W/\""), first.header("vary")), (true, Some("Accept")));
    let again = send(&app, request("GET", "/messages").header("if-none-match", tag), "").await;
    assert_eq!((again.status, &again.body, again.header("etag")), (304, &Value::Null, Some(tag)));
    let head = send(&app, request("HEAD", "/messages"), "").await;
    assert_eq!((head.status, &head.body, head.header("content-length")), (200, &Value::Null, Some("2")));
    ask(&app, "POST", "/messages", Some(json!({}))).await;
    assert_eq!(send(&app, request("GET", "/messages").header("if-none-match", tag), "").await.status, 200);
}

#[tokio::test]
async fn hooks_say_status_headers_and_redirects() {
    let away = async |context: &mut Context| {
        let id = context.id.to_string();
        let http = context.http();
        match &*id {
            "accepted" => http.status = Some(202),
            "moved" => http.location = Some("/elsewhere".into()),
            _ => http.headers.push(("x-page".into(), "7\n".into())),
        }
        Ok(())
    };
    let app = App::builder().mount("things", Mount::new(Echo).after(Get, away)).configure(Rest::new());
    let app = app.build().unwrap();
    assert_eq!(send(&app, request("GET", "/things/accepted"), "").await.status, 202);
    let moved = send(&app, request("GET", "/things/moved"), "").await;
    assert_eq!((moved.status, moved.header("location")), (303, Some("/elsewhere")));
    // What HTTP cannot carry is the server's fault, and nobody else's.
    assert_eq!(send(&app, request("GET", "/things/broken"), "").await.status, 500);
}

#[tokio::test]
async fn several_records_need_a_condition() {
    let app = app();
    ask(&app, "POST", "/messages", Some(json!([{"read": true}, {"read": false}]))).await;
    for method in ["DELETE", "PATCH"] {
        let (status, error) = ask(&app, method, "/messages?$select[]=id", Some(json!({"n": 1}))).await;
        assert_eq!(status, 400, "{error}");
        assert!(error["message"].as_str().unwrap().contains("without a condition"), "{error}");
    }
    let all = App::builder()
        .mount("messages", Mount::new(Memory::new().start(1).multi(true).allow_everything()))
        .configure(Rest::new());
    let all = all.build().unwrap();
    ask(&all, "POST", "/messages", Some(json!([{}, {}]))).await;
    assert_eq!(ask(&all, "DELETE", "/messages", None).await.1.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn bytes_are_what_json_makes_of_a_buffer() {
    let bytes =
        Mount::empty().method("read", async |_: Value, _: &Params| Ok(json!({"bytes": Binary::from(vec![1, 255])})));
    let app = App::builder().mount("files", bytes).configure(Rest::new()).build().unwrap();
    let read = ask(&app, "POST", "/files/read", None).await.1;
    assert_eq!(read, json!({"bytes": {"type": "Buffer", "data": [1, 255]}}));
}

#[tokio::test]
async fn a_call_goes_on_when_its_client_has_gone_and_a_shutdown_waits_for_it() {
    let (begun, seen) = tokio::sync::oneshot::channel();
    let (done, mut over) = tokio::sync::oneshot::channel();
    let ends = std::sync::Mutex::new(Some((begun, done)));
    let slow = Mount::empty().method("wait", crate::hooks::with(std::sync::Arc::new(ends), slow));
    let app = App::builder().mount("slow", slow).configure(Rest::new()).build().unwrap();
    let (asked, shut) = (app.clone(), app);
    let client = tokio::spawn(async move { ask(&asked, "POST", "/slow/wait", None).await });
    let release = seen.await.unwrap();
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    let released = async { release.send(()).unwrap() };
    tokio::join!(shut.shutdown(Duration::from_secs(10)), released);
    over.try_recv().expect("a shutdown waits for it");
}

type Ends = (tokio::sync::oneshot::Sender<tokio::sync::oneshot::Sender<()>>, tokio::sync::oneshot::Sender<()>);

async fn slow(ends: std::sync::Arc<std::sync::Mutex<Option<Ends>>>, _: Value, _: &Params) -> Result<u8> {
    let (begun, done) = crate::locked(&ends).take().unwrap();
    let (release, released) = tokio::sync::oneshot::channel();
    begun.send(release).unwrap();
    released.await.unwrap();
    done.send(()).unwrap();
    Ok(1)
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn texts_are_read_as_what_columns_hold() {
    let db = crate::store::Sqlite::memory().await.unwrap();
    let schema = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT, n INTEGER, done BOOLEAN)";
    db.migrate(&[("notes", schema)]).await.unwrap();
    let notes = Mount::new(db.table::<Value>("notes"));
    let app = App::builder().mount("notes", notes).configure(Rest::new()).build().unwrap();
    app.setup().await.unwrap();
    ask(&app, "POST", "/notes", Some(json!({"text": "7", "n": 7, "done": true}))).await;
    for query in ["n=7", "text=7", "done=true", "id=1", "n[$gt]=6&n[$lt]=8", "id[$in][]=1"] {
        assert_eq!(ask(&app, "GET", &format!("/notes?{query}"), None).await.1.as_array().unwrap().len(), 1, "{query}");
    }
    for query in ["n=8", "n=seven", "done=false", "text=", "n=null"] {
        assert_eq!(ask(&app, "GET", &format!("/notes?{query}"), None).await.1, json!([]), "{query}");
    }
    assert_eq!(ask(&app, "GET", "/notes/1", None).await.1["n"], 7);
}
