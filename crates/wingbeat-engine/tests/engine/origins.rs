//! Pages of other origins.

use crate::client::Ws;
use crate::http_client::{get, request};
use crate::server::Server;
use wingbeat_engine::{Config, Cookie, Cors, Origins};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

#[tokio::test]
async fn cors_headers_are_on_every_answer() {
    let server = Server::start(Config::default().cors(Cors::new(Origins::Mirror).credentials(true))).await;
    for path in [POLLING, "/socket.io/"] {
        let answer = request(server.port, "GET", path, "Origin: http://a.org\r\n", "").await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("http://a.org"));
        assert_eq!(
            (answer.header("access-control-allow-credentials"), answer.header("vary")),
            (Some("true"), Some("Origin"))
        );
    }
    let asked =
        "Origin: http://a.org\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-a\r\n";
    let answer = request(server.port, "OPTIONS", POLLING, asked, "").await;
    assert_eq!((answer.status, answer.text()), (204, ""));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET,HEAD,PUT,PATCH,POST,DELETE"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("x-a"));
}

#[tokio::test]
async fn a_cookie_brings_a_check_of_origins() {
    let config = Config::default().cookie(Cookie::default()).cors(Cors::origins(["http://good.org"]));
    let config = config.initial_headers(|headers, _| drop(headers.insert("x-first", "1".parse().unwrap())));
    let server = Server::start(config).await;
    let answer = get(server.port, POLLING).await;
    let sid = answer.text().split('"').nth(3).unwrap();
    assert_eq!(answer.header("set-cookie").unwrap(), format!("io={sid}; Path=/; HttpOnly; SameSite=Lax"));
    assert_eq!(answer.header("x-first"), Some("1"));
    for (origin, status) in [("http://good.org", 101), ("http://x", 101), ("http://evil.org", 400)] {
        let (_, head) = Ws::try_open(server.port, WEBSOCKET, &format!("Origin: {origin}\r\n")).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{origin}: {head}");
    }
}

#[tokio::test]
async fn with_same_origin_pages_of_others_reach_nothing() {
    let server = Server::start(Config::default().same_origin()).await;
    let handshake = get(server.port, POLLING).await;
    let session = format!("{POLLING}&sid={}", handshake.text().split('"').nth(3).unwrap());
    for origin in ["http://evil.org", "null", "http://x.evil.org", "http://x:81"] {
        let origin = format!("Origin: {origin}\r\n");
        for (method, path) in [("GET", POLLING), ("GET", &*session), ("POST", &*session), ("OPTIONS", POLLING)] {
            let answer = request(server.port, method, path, &origin, "").await;
            assert_eq!(
                (answer.status, answer.text()),
                (403, r#"{"code":4,"message":"Forbidden"}"#),
                "{method} {origin}"
            );
        }
        let (_, head) = Ws::try_open(server.port, WEBSOCKET, &origin).await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{origin}: {head}");
    }
    assert_eq!(request(server.port, "GET", POLLING, "Origin: http://x\r\n", "").await.status, 200);
    let (_, head) = Ws::try_open(server.port, WEBSOCKET, "Origin: http://x\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}

#[tokio::test]
async fn with_same_origin_programs_without_an_origin_are_let_in() {
    let server = Server::start(Config::default().same_origin()).await;
    assert_eq!(get(server.port, POLLING).await.status, 200);
    let (_, head) = Ws::try_open(server.port, WEBSOCKET, "").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}

#[tokio::test]
async fn with_same_origin_the_host_that_a_trusted_proxy_names_counts() {
    let headers = "Origin: http://chat.example\r\nX-Forwarded-Host: chat.example\r\n";
    let trusting = Config::default().trusted_proxies(["127.0.0.1".parse().unwrap()]);
    for (config, status, upgrade) in [(trusting, 200, 101), (Config::default(), 403, 400)] {
        let server = Server::start(config.same_origin()).await;
        assert_eq!(request(server.port, "GET", POLLING, headers, "").await.status, status);
        let (_, head) = Ws::try_open(server.port, WEBSOCKET, headers).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {upgrade} ")), "{head}");
    }
}

#[tokio::test]
async fn with_same_origin_named_origins_are_let_in() {
    let named = Cors::origins(["http://good.org"]);
    let server = Server::start(Config::default().cors(named).same_origin()).await;
    for (origin, status) in [("http://good.org", 200), ("http://evil.org", 403)] {
        let answer = request(server.port, "GET", POLLING, &format!("Origin: {origin}\r\n"), "").await;
        assert_eq!(answer.status, status, "{origin}");
    }
}
