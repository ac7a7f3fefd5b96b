//! Connections of HTTP/1.1: how requests begin on them, how long they are kept, and how they end.

use crate::client::Ws;
use crate::log::Log;
use crate::memory::{AGES, POLLING, WEBSOCKET, start, start_with};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, timeout};
use wingbeat_engine::{Config, HttpLimits};

/// Reads until the server ends.
async fn rest(pipe: &mut DuplexStream) -> Vec<u8> {
    let mut all = Vec::new();
    timeout(AGES, pipe.read_to_end(&mut all)).await.expect("it ends").unwrap();
    all
}

/// One request on a connection that is kept.
async fn ask(pipe: &mut DuplexStream) {
    pipe.write_all(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert_ne!(timeout(AGES, pipe.read_buf(&mut head)).await.unwrap().unwrap(), 0);
    }
    assert!(head.starts_with(b"HTTP/1.1 404 "), "{}", String::from_utf8_lossy(&head));
}

#[tokio::test(start_paused = true)]
async fn a_request_says_once_for_which_host_it_is() {
    let (door, engine, _) = start(Config::default());
    for (lines, status) in [
        ("GET @ HTTP/1.1\r\n", 400),
        ("GET @ HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        ("GET @ HTTP/1.1\r\nHost: a\r\n", 200),
        ("GET @ HTTP/1.1\r\nHost:\r\n", 200),
        ("GET @ HTTP/1.0\r\n", 200),
    ] {
        let mut pipe = door.knock();
        let request = format!("{}Connection: close\r\n\r\n", lines.replace('@', POLLING));
        pipe.write_all(request.as_bytes()).await.unwrap();
        let answer = String::from_utf8(rest(&mut pipe).await).unwrap();
        assert_eq!(&answer[9..12], status.to_string(), "{lines}: {answer}");
    }
    assert_eq!(engine.connections(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_for_longer_than_a_request_may_take() {
    let limits =
        HttpLimits::default().header_timeout(Duration::from_secs(5)).keep_alive_timeout(Duration::from_secs(60));
    let (door, _, _) = start_with(Config::default(), limits);
    let closed_after = async |mut pipe: DuplexStream| {
        let begun = Instant::now();
        rest(&mut pipe).await;
        begun.elapsed().as_secs()
    };
    assert_eq!(closed_after(door.knock()).await, 5, "no request");
    let mut kept = door.knock();
    ask(&mut kept).await;
    sleep(Duration::from_secs(59)).await;
    ask(&mut kept).await;
    assert_eq!(closed_after(kept).await, 60, "no further request");
    let mut slow = door.knock();
    ask(&mut slow).await;
    sleep(Duration::from_secs(30)).await;
    slow.write_all(b"GET / HT").await.unwrap();
    assert_eq!(closed_after(slow).await, 5, "half a request");
}

#[tokio::test(start_paused = true)]
async fn http2_without_an_agreement_is_refused_in_its_own_words() {
    let ((log, _guard), (door, _, _)) = (Log::start(), start(Config::default()));
    for _ in 0..3 {
        let mut pipe = door.knock();
        pipe.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let answer = rest(&mut pipe).await;
        let (settings, goaway) = answer.split_at(9);
        assert_eq!(settings, b"\0\0\0\x04\0\0\0\0\0");
        // Its length, GOAWAY, no flags, the connection; no stream was looked at, and 13 is HTTP_1_1_REQUIRED.
        let length = goaway.len() as u8 - 9;
        assert_eq!(goaway[..17], [0, 0, length, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13]);
        assert_eq!(&goaway[17..], b"HTTP/2 only over TLS, by ALPN");
    }
    assert_eq!(log.count("without having agreed on it"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_arrives_though_its_request_is_still_being_sent() {
    let (door, _, _) = start(Config::default());
    let path = door.polling().await;
    let mut pipe = door.knock();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n");
    pipe.write_all(head.as_bytes()).await.unwrap();
    // Who sends on finds the connection open, until there was time to read the answer.
    let sent = pipe.write_all(&[b'x'; 200_000]).await;
    assert!(sent.is_ok(), "{sent:?}");
    let answer = rest(&mut pipe).await;
    assert!(answer.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_says_which_of_its_headers_is_wrong() {
    let (door, engine, _) = start(Config::default());
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (headers, text) in [
        (format!("{key}Sec-WebSocket-Version: 8\r\n"), "Sec-WebSocket-Version"),
        ("Sec-WebSocket-Version: 13\r\n".to_owned(), "Sec-WebSocket-Key"),
        (format!("{key}Sec-WebSocket-Version: 13\r\nContent-Length: 5\r\n"), "Content-Length"),
        (format!("{key}Sec-WebSocket-Version: 13\r\nTransfer-Encoding: chunked\r\n"), "Transfer-Encoding"),
    ] {
        let mut pipe = door.knock();
        let upgrade = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
        pipe.write_all(format!("GET {WEBSOCKET} HTTP/1.1\r\n{upgrade}{headers}\r\n").as_bytes()).await.unwrap();
        let answer = String::from_utf8(rest(&mut pipe).await).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 ") && body.contains(text), "{answer}");
        assert_eq!(head.contains("sec-websocket-version: 13"), text == "Sec-WebSocket-Version", "{head}");
    }
    assert_eq!(engine.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_query_may_be_encoded() {
    let (door, _, _) = start(Config::default());
    assert_eq!(door.request("GET", "/socket.io/?%45IO=%34&transport=poll%69ng", "", "").await.status, 200);
    let (_, head) = Ws::over(door.knock(), "/socket.io/?EI%4F=4&trans%70ort=websocke%74", "", AGES).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
}
