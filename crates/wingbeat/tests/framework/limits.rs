//! What a server's options bound, through the framework.

use crate::sockets::Client;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use wingbeat::engine::HttpLimits;
use wingbeat::prelude::*;
use wingbeat::store::Memory;

/// Serves with other limits for HTTP until the sender is dropped.
async fn serving(limits: HttpLimits) -> (SocketAddr, oneshot::Sender<()>) {
    let app = App::builder().mount("notes", Mount::new(Memory::new())).configure(SocketIo::new()).build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let serving = wingbeat::serve(listener, app).limits(limits).until(async { drop(ended.await) });
    tokio::spawn(serving.into_future());
    (address, end)
}

async fn rest_of(stream: &mut TcpStream) -> String {
    let mut rest = String::new();
    // A connection that is closed in the middle may be reset.
    let _ = stream.read_to_string(&mut rest).await;
    rest
}

#[tokio::test]
async fn who_says_nothing_is_closed_after_the_time_that_was_set() {
    let (address, _end) = serving(HttpLimits::default().header_timeout(Duration::from_millis(50))).await;
    assert_eq!(rest_of(&mut TcpStream::connect(address).await.unwrap()).await, "");
}

#[tokio::test]
async fn an_address_has_as_many_connections_as_were_set() {
    let (address, _end) = serving(HttpLimits::default().max_connections_per_address(1)).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    // Accepted in order, so the second is the one too many.
    assert_eq!(rest_of(&mut TcpStream::connect(address).await.unwrap()).await, "");
    first.write_all(b"GET /nope HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(rest_of(&mut first).await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn headers_are_as_long_as_was_set() {
    let (address, _end) = serving(HttpLimits::default().max_header_bytes(8 * 1024)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET /nope HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(9 * 1024));
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(rest_of(&mut stream).await.starts_with("HTTP/1.1 431 "));
}

async fn never(_: &mut Context) -> Result<()> {
    std::future::pending().await
}

#[tokio::test]
async fn an_end_waits_no_longer_than_was_set() {
    let notes = Mount::new(Memory::new()).before(All, never);
    let app = App::builder().mount("notes", notes).configure(SocketIo::new()).build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", listener.local_addr().unwrap());
    let (end, ended) = oneshot::channel::<()>();
    let serving = wingbeat::serve(listener, app).patience(Duration::ZERO).until(async { drop(ended.await) });
    let serving = tokio::spawn(serving.into_future());
    let mut client = Client::open(&url).await;
    // The second is answered, so the first has begun.
    client.send(r#"421["get","notes",1]"#).await;
    client.call(2, json!(["get", "nothing", 1])).await;
    drop(end);
    // Unless it is said otherwise the call would be waited for ten seconds.
    tokio::time::timeout(Duration::from_secs(8), serving).await.expect("it ends").unwrap().unwrap();
}
