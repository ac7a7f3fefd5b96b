//! Requests outside sessions: handshakes, refusals, client files, mounting.

use crate::client::{Got, Ws};
use crate::http_client::{get, post, request};
use crate::memory::start;
use crate::server::{NotFound, Seen, Server, Test};
use http::{Request, Response};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower_service::Service;
use wingbeat_engine::{Config, Cors, Engine, HttpLimits, Origins};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

#[tokio::test]
async fn the_handshake_says_what_the_reference_says() {
    let server = Server::start(Config::default()).await;
    let answer = get(server.port, POLLING).await;
    let sid = answer.text().split('"').nth(3).unwrap();
    assert_eq!(sid.len(), 20);
    let expected = format!(
        r#"0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
    );
    assert_eq!((answer.status, answer.text()), (200, &*expected));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let mut ws = Ws::open(server.port, WEBSOCKET).await;
    assert!(ws.text().await.contains(r#","upgrades":[],"#));
}

#[tokio::test]
async fn refusals_have_the_references_codes() {
    let server = Server::start(Config::default()).await;
    for (method, query, code, message) in [
        ("GET", "EIO=4&transport=tictac", 0, "Transport unknown"),
        ("GET", "EIO=4", 0, "Transport unknown"),
        ("GET", "", 0, "Transport unknown"),
        ("GET", "EIO=4&transport=constructor", 0, "Transport unknown"),
        ("GET", "EIO=4&transport=polling&sid=abc", 1, "Session ID unknown"),
        ("GET", "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", 1, "Session ID unknown"),
        ("POST", "EIO=4&transport=polling", 2, "Bad handshake method"),
        ("OPTIONS", "EIO=4&transport=polling", 2, "Bad handshake method"),
        ("GET", "EIO=4&transport=websocket", 3, "Bad request"),
        ("GET", "EIO=4&transport=polling&j=1", 3, "Bad request"),
        ("GET", "EIO=3&transport=polling", 5, "Unsupported protocol version"),
        ("GET", "transport=polling", 5, "Unsupported protocol version"),
        ("GET", "EIO=abc&transport=polling", 5, "Unsupported protocol version"),
    ] {
        let answer = request(server.port, method, &format!("/socket.io/?{query}"), "", "").await;
        assert_eq!(answer.text(), format!(r#"{{"code":{code},"message":"{message}"}}"#), "{method} {query}");
        assert_eq!((answer.status, answer.header("content-type")), (400, Some("application/json")), "{method} {query}");
    }
    assert_eq!(get(server.port, "/socket.io?EIO=4&transport=polling").await.text(), "nobody");
}

#[tokio::test]
async fn refused_websockets_are_told_in_plain_http() {
    let server = Server::start(Config::default()).await;
    for (query, message) in [
        ("EIO=4&transport=websocket&sid=abcdef", "Session ID unknown"),
        ("EIO=3&transport=websocket", "Unsupported protocol version"),
        ("EIO=4&transport=nope", "Transport unknown"),
        ("EIO=4&transport=polling", "Bad request"),
    ] {
        let (mut ws, head) = Ws::try_open(server.port, &format!("/socket.io/?{query}"), "").await;
        assert!(head.starts_with("HTTP/1.1 400 ") && head.contains("content-type: text/html"), "{head}");
        assert_eq!(ws.rest().await, message, "{query}");
    }
}

#[tokio::test]
async fn transports_can_be_limited() {
    let server = Server::start(Config::default().transports(false, true)).await;
    assert_eq!(get(server.port, POLLING).await.text(), r#"{"code":0,"message":"Transport unknown"}"#);
    let server = Server::start(Config::default().transports(true, false)).await;
    assert!(get(server.port, POLLING).await.text().contains(r#""upgrades":[]"#));
    let (_, head) = Ws::try_open(server.port, WEBSOCKET, "").await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
}

#[tokio::test]
async fn no_move_where_moves_are_not_allowed() {
    let server = Server::start(Config::default().allow_upgrades(false)).await;
    let answer = get(server.port, POLLING).await;
    assert!(answer.text().contains(r#""upgrades":[]"#));
    let sid = answer.text().split('"').nth(3).unwrap();
    let mut ws = Ws::open(server.port, &format!("{WEBSOCKET}&sid={sid}")).await;
    assert_eq!(ws.next().await, Got::Close(None));
}

#[tokio::test]
async fn allow_request_refuses_with_its_text() {
    let config = Config::default().allow_request(|parts| {
        let allowed = parts.headers.contains_key("x-key");
        async move { if allowed { Ok(()) } else { Err("not today".to_owned()) } }
    });
    let server = Server::start(config).await;
    let answer = get(server.port, POLLING).await;
    assert_eq!((answer.status, answer.text()), (403, r#"{"code":4,"message":"not today"}"#));
    assert_eq!(request(server.port, "GET", POLLING, "X-Key: 1\r\n", "").await.status, 200);
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_accepts_it() {
    let server = Server::start(Config::default()).await;
    let session = crate::http_client::Session::connect(server.port).await;
    let text = "x".repeat(5000);
    session.post(&format!("421[\"echo\",\"{text}\"]")).await;
    let answer = request(server.port, "GET", &session.path(), "Accept-Encoding: gzip\r\n", "").await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert!(answer.body.len() < 200 && answer.body.starts_with(&[0x1f, 0x8b]));
}

#[tokio::test]
async fn client_files_are_served_as_the_reference_does() {
    let package = std::env::temp_dir().join(format!("wingbeat-client-files-{}", std::process::id()));
    std::fs::create_dir_all(package.join("dist")).unwrap();
    std::fs::write(package.join("package.json"), r#"{"version":"4.8.4"}"#).unwrap();
    std::fs::write(package.join("dist/socket.io.min.js"), "/* client */").unwrap();
    std::fs::write(package.join("dist/secret.js"), "secret").unwrap();
    let server = Server::start(Config::default().client_files(package.join("dist"))).await;
    let path = "/socket.io/socket.io.min.js";
    let answer = get(server.port, path).await;
    assert_eq!((answer.status, answer.text(), answer.header("etag")), (200, "/* client */", Some("\"4.8.4\"")));
    assert_eq!(answer.header("content-type"), Some("application/javascript; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=0"));
    for tag in ["\"4.8.4\"", "W/\"4.8.4\""] {
        assert_eq!(request(server.port, "GET", path, &format!("If-None-Match: {tag}\r\n"), "").await.status, 304);
    }
    let answer = request(server.port, "GET", path, "Accept-Encoding: gzip, br\r\n", "").await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(get(server.port, "/socket.io/socket.io.js").await.status, 404);
    for other in ["secret.js", "../package.json", "socket.io.min.js/x", ""] {
        let answer = get(server.port, &format!("/socket.io/{other}")).await;
        assert_eq!(answer.text(), r#"{"code":0,"message":"Transport unknown"}"#, "{other}");
    }
    // As after `npm ci`, while the server runs.
    std::fs::write(package.join("dist/socket.io.js"), "/* later */").unwrap();
    assert_eq!(get(server.port, "/socket.io/socket.io.js").await.text(), "/* later */");
    std::fs::remove_dir_all(package).unwrap();
}

#[tokio::test]
async fn it_is_mounted_in_axum() {
    let engine = Engine::new(Config::default(), Test(Arc::new(Seen::default()))).unwrap();
    let inner = Engine::new(Config::default(), Test(Arc::new(Seen::default()))).unwrap();
    let app = axum::Router::new()
        .route("/hello", axum::routing::get(|| async { "hello" }))
        .route_service("/socket.io/", engine.service())
        .nest_service("/deep", inner.service());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    assert_eq!(get(port, "/hello").await.text(), "hello");
    for prefix in ["", "/deep"] {
        let mut ws = Ws::open(port, &format!("{prefix}{WEBSOCKET}")).await;
        assert!(ws.text().await.starts_with('0'));
        ws.send("40").await;
        assert!(ws.text().await.starts_with("40{"));
        ws.send("421[\"echo\",1]").await;
        assert_eq!(ws.text().await, "431[null,1]");
        let answer = get(port, &format!("{prefix}{POLLING}")).await;
        let sid = answer.text().split('"').nth(3).unwrap();
        let session = format!("{prefix}{POLLING}&sid={sid}");
        assert_eq!(post(port, &session, "40").await.text(), "ok");
        assert!(get(port, &session).await.text().starts_with("40{"));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_work_like_others() {
    let path = std::env::temp_dir().join(format!("wingbeat-engine-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let engine = Engine::new(Config::default(), Test(Arc::new(Seen::default()))).unwrap();
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(wingbeat_engine::serve(listener, engine, NotFound, std::future::pending()));
    let mut stream = tokio::net::UnixStream::connect(&path).await.unwrap();
    let head = "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    stream.write_all(format!("GET {WEBSOCKET} HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
    }
    assert!(String::from_utf8_lossy(&seen).contains("0{\"sid\""));
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn the_slash_at_the_end_can_be_left_off() {
    let server = Server::start(Config::default().path("/ws").add_trailing_slash(false)).await;
    for path in ["/ws?EIO=4&transport=polling", "/ws/?EIO=4&transport=polling"] {
        assert_eq!(get(server.port, path).await.status, 200, "{path}");
    }
    assert_eq!(get(server.port, "/wsx?EIO=4&transport=polling").await.text(), "nobody");
    assert_eq!(get(server.port, POLLING).await.text(), "nobody");
}

#[tokio::test]
async fn connections_that_speak_http_are_limited() {
    let limits =
        HttpLimits::default().max_connections(1).max_header_bytes(8 * 1024).header_timeout(Duration::from_millis(100));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(wingbeat_engine::serve_http_with(listener, limits, NotFound, std::future::pending()));
    let mut silent = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut second = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut bytes = Vec::new();
    assert_eq!(second.read_to_end(&mut bytes).await.unwrap(), 0);
    // The first has said nothing in time, and makes room.
    let _ = tokio::time::timeout(crate::client::PATIENCE, silent.read_to_end(&mut bytes)).await.expect("it is closed");
    let large = format!("X-Large: {}\r\n", "x".repeat(10_000));
    assert_eq!(request(port, "GET", "/", &large, "").await.status, 431);
}

/// A service that is ready when it is asked for the third time, and no clone of it is.
struct Shy(u8);

impl Clone for Shy {
    fn clone(&self) -> Shy {
        Shy(0)
    }
}

impl Service<Request<Incoming>> for Shy {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0 += 1;
        if self.0 > 2 {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, _: Request<Incoming>) -> Self::Future {
        ready(Ok(Response::new(if self.0 > 2 { "ready".to_owned() } else { "not asked".to_owned() })))
    }
}

#[tokio::test]
async fn services_are_asked_whether_they_are_ready() {
    let (first, second) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let ports = [&first, &second].map(|listener| listener.local_addr().unwrap().port());
    let engine = Engine::new(Config::default(), Test(Arc::new(Seen::default()))).unwrap();
    tokio::spawn(wingbeat_engine::serve(first, engine, Shy(0), pending()));
    tokio::spawn(wingbeat_engine::serve_http(second, Shy(0), pending()));
    for port in ports {
        assert_eq!(get(port, "/").await.text(), "ready");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_whose_answer_dies_leaves_no_session() {
    fn panics() -> ! {
        std::panic::resume_unwind(Box::new("as asked"))
    }
    for config in [
        Config::default().headers(|_, _| panics()),
        Config::default().initial_headers(|_, _| panics()),
        Config::default().cors(Cors::new(Origins::matching(|_| panics()))),
    ] {
        let (door, engine, _) = start(config);
        for path in [WEBSOCKET, POLLING] {
            let mut pipe = door.knock();
            let upgrade = if path == WEBSOCKET { "Connection: Upgrade\r\nUpgrade: websocket\r\n" } else { "" };
            let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
            let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nOrigin: http://a.org\r\n{upgrade}{key}\r\n");
            pipe.write_all(head.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            pipe.read_to_end(&mut answer).await.unwrap();
            assert_eq!(String::from_utf8(answer).unwrap(), "", "{path}");
            let begun = tokio::time::Instant::now();
            while engine.connections() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        }
    }
}
