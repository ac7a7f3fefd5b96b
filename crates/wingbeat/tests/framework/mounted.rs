//! A whole application inside somebody else's axum server, and on other listeners.

use crate::sockets::Client;
use axum::Router;
use axum::routing::get;
use futures_util::StreamExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::connect_async;
use wingbeat::prelude::*;
use wingbeat::store::Memory;

fn app() -> App {
    let messages = Memory::new().records([json!({"id": 1, "text": "kept"})]);
    App::builder().mount("messages", Mount::new(messages)).configure(SocketIo::new()).build().unwrap()
}

/// An axum application with ours under a prefix.
async fn mounted() -> (std::net::SocketAddr, App) {
    let app = app();
    let router = Router::new().route("/", get(|| async { "theirs" })).nest_service("/api", app.http());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, app)
}

async fn request(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn websockets_and_polls_reach_an_application_under_a_prefix() {
    let (address, app) = mounted().await;
    let url = format!("ws://{address}/api/socket.io/?EIO=4&transport=websocket");
    let mut client = Client(connect_async(url).await.unwrap().0);
    assert!(client.read().await.starts_with('0'));
    client.send("40").await;
    assert!(client.read().await.starts_with("40{"));
    assert_eq!(client.call(1, json!(["get", "messages", 1])).await[1]["text"], "kept");
    let handshake = request(address, "/api/socket.io/?EIO=4&transport=polling").await;
    assert!(handshake.starts_with("HTTP/1.1 200 ") && handshake.contains("0{\"sid\""), "{handshake}");
    assert!(request(address, "/").await.ends_with("theirs"));
    assert!(request(address, "/api/nothing").await.contains("Page not found"));
    // Without its prefix there is no application.
    assert!(request(address, "/socket.io/?EIO=4&transport=polling").await.starts_with("HTTP/1.1 404 "));
    app.shutdown(std::time::Duration::from_secs(5)).await;
    while let Some(Ok(message)) = client.0.next().await {
        assert!(!message.is_text() || message.into_text().unwrap().starts_with('1'));
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum_says_where_clients_come_from() {
    let address = |_: serde_json::Value, params: Params| async move { Ok(params.address()) };
    let app = App::builder().mount("where", Mount::empty().method("from", address)).configure(SocketIo::new());
    let app = app.build().unwrap();
    let router = Router::new().nest_service("/api", app.http());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/api/socket.io/?EIO=4&transport=websocket", listener.local_addr().unwrap());
    let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let mut client = Client(connect_async(url).await.unwrap().0);
    client.send("40").await;
    assert_eq!(client.call(1, json!(["from", "where"])).await, json!([null, "127.0.0.1"]));
    app.shutdown(std::time::Duration::from_secs(5)).await;
}

#[cfg(unix)]
#[tokio::test]
async fn an_application_is_served_on_a_unix_socket_until_the_end() {
    use tokio::net::{UnixListener, UnixStream};
    let path = std::env::temp_dir().join(format!("wingbeat-{}.sock", std::process::id()));
    drop(std::fs::remove_file(&path));
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let listener = UnixListener::bind(&path).unwrap();
    let serving = tokio::spawn(wingbeat::serve(listener, app()).until(async { drop(ended.await) }).into_future());
    let mut kept = UnixStream::connect(&path).await.unwrap();
    kept.write_all(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert_ne!(kept.read_buf(&mut answer).await.unwrap(), 0);
    }
    end.send(()).unwrap();
    serving.await.unwrap().unwrap();
    // A connection that is kept alive and does nothing is closed.
    assert_eq!(kept.read_buf(&mut answer).await.unwrap(), 0);
    std::fs::remove_file(path).unwrap();
}
