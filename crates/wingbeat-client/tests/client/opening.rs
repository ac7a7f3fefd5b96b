//! Servers whose handshake is refused, or is none.

use crate::scripted::{Listener, OPEN, once};
use crate::soon;
use crate::wire::{request, switched, text};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use wingbeat_client::{Client, DeliveryStatus, Error, TransportKind};

/// What a client says of a server that answers its handshake like this.
async fn refused(answer: impl FnOnce(String) -> Vec<u8>) -> String {
    refused_within(Duration::from_secs(30), answer).await
}

async fn refused_within(limit: Duration, answer: impl FnOnce(String) -> Vec<u8>) -> String {
    let listener = Listener::bind().await;
    let server = async {
        let mut tcp = listener.tcp().await;
        let accept = request(&mut tcp).await;
        let _ = tcp.write_all(&answer(accept)).await;
        // It does not close: the client has to know by itself.
        tcp
    };
    let builder = once(&listener.url()).connect_timeout(limit);
    let (outcome, _tcp) = soon(async { tokio::join!(builder.connect(), server) }).await;
    let error = outcome.err().unwrap();
    assert_eq!(error.delivery_status(), DeliveryStatus::NotSent);
    error.message().into_owned()
}

#[tokio::test]
async fn a_handshake_that_is_refused_is_told_with_what_the_server_says() {
    let answer = |status: &str, more: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{more}\r\n{body}", body.len()).into_bytes()
    };
    for (bytes, words) in [
        (answer("302 Found", "location: https://a.example/\r\n", ""), vec!["302", "https://a.example/"]),
        (answer("401 Unauthorized", "", r#"{"message":"who?"}"#), vec!["401", "who?"]),
        (answer("503 Service Unavailable", "retry-after: 1\r\n", "come back later"), vec!["503", "come back later"]),
        (answer("400 Bad Request", "", &"x".repeat(1 << 20)), vec!["400", "xxx"]),
        (answer("200 OK", "", "<html>"), vec!["200", "<html>"]),
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 100\r\n\r\nonly half".to_vec(), vec!["500: only half"]),
    ] {
        let message = refused(|_| bytes).await;
        assert!(words.iter().all(|word| message.contains(word)) && message.len() < 500, "{message}");
    }
}

#[tokio::test]
async fn a_handshake_that_proves_nothing_is_refused() {
    let wrong = refused(|_| switched("c3BhbSBzcGFtIHNwYW0gc3BhbQ==").into_bytes()).await;
    assert!(wrong.contains("Sec-WebSocket-Accept"), "{wrong}");
    let other = refused(|accept| switched(&accept).replace("websocket", "h2c").into_bytes()).await;
    assert!(other.contains("did not upgrade to a WebSocket"), "{other}");
    let extension = |accept: String| switched(&accept).replace("\r\n\r\n", "\r\nsec-websocket-extensions: x\r\n\r\n");
    let extended = refused(|accept| extension(accept).into_bytes()).await;
    assert!(extended.contains("not offered"), "{extended}");
    let huge = refused(|accept| {
        switched(&accept).replace("\r\n\r\n", &format!("\r\nx: {}\r\n\r\n", "y".repeat(1 << 20))).into_bytes()
    });
    let huge = huge.await;
    assert!(huge.contains("head"), "{huge}");
    let many = refused(|accept| {
        switched(&accept).replace("\r\n\r\n", &format!("{}\r\n\r\n", "\r\nx: y".repeat(200))).into_bytes()
    });
    assert!(many.await.contains("invalid HTTP"));
    assert!(refused(|_| b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()).await.contains("invalid HTTP"));
    // Half a head, and then nothing.
    let half = refused_within(Duration::from_millis(200), |_| b"HTTP/1.1 101 Switch".to_vec()).await;
    assert!(half.contains("no connection within"), "{half}");
}

#[tokio::test]
async fn who_cannot_connect_says_why() {
    let listener = Listener::bind().await;
    let url = listener.url();
    drop(listener);
    for transport in [TransportKind::WebSocket, TransportKind::Polling] {
        for (url, word) in [(url.as_str(), "refused"), ("http://nowhere.invalid", "lookup")] {
            let error = soon(once(url).transports([transport]).connect()).await.err().unwrap();
            assert!(error.message().contains(word), "{error}");
        }
    }
}

#[tokio::test]
async fn an_option_that_is_wrong_has_sent_nothing() {
    let error = Client::builder("localhost").build().err().unwrap();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
}

#[tokio::test]
async fn a_session_id_may_be_any_text() {
    let listener = Listener::bind().await;
    let _client = once(&listener.url()).transports([TransportKind::Polling]).build().unwrap();
    let mut tcp = tokio::io::BufReader::new(soon(listener.tcp()).await);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        soon(tcp.read_line(&mut line)).await.unwrap();
    }
    let open = r#"0{"sid":"a b/+\r\né","pingInterval":25000,"pingTimeout":20000}"#;
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{open}", open.len());
    tcp.write_all(answer.as_bytes()).await.unwrap();
    line.clear();
    soon(tcp.read_line(&mut line)).await.unwrap();
    assert!(line.ends_with("&sid=a%20b%2F%2B%0D%0A%C3%A9 HTTP/1.1\r\n"), "{line}");
}

#[tokio::test]
async fn a_join_without_an_id_is_none() {
    let listener = Listener::bind().await;
    let server = async {
        let (mut peer, _) = listener.websocket().await;
        peer.send(OPEN).await;
        assert_eq!(peer.receive().await.as_deref(), Some("40"));
        peer.send("40").await;
        peer
    };
    let (outcome, _peer) = soon(async { tokio::join!(once(&listener.url()).connect(), server) }).await;
    let message = outcome.err().unwrap().message().into_owned();
    assert!(message.contains("gives no id"), "{message}");
}

#[tokio::test]
async fn an_open_packet_of_nonsense_is_refused_or_bounded() {
    for bad in [
        r#"0{"sid":"x","pingInterval":-1,"pingTimeout":5}"#,
        r#"0{"sid":"x","pingInterval":"soon","pingTimeout":5}"#,
        r#"0{"sid":{},"pingInterval":5,"pingTimeout":5}"#,
        r#"0{"pingInterval":5,"pingTimeout":5}"#,
        "0",
        "40",
    ] {
        let message = refused(|accept| [switched(&accept).into_bytes(), text(bad)].concat()).await;
        assert!(message.contains("handshake"), "{bad}: {message}");
    }
}
