//! Rules of docs/protocol.md that no other test happens to hold.

use crate::client::{Got, PATIENCE, Ws};
use crate::http_client::{Session, get, post};
use crate::server::Server;
use std::collections::HashSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wingbeat_engine::Config;

fn sid(packet: &str) -> String {
    packet.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned()
}

#[tokio::test]
async fn every_socket_has_an_id_of_its_own() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::open(server.port, "/socket.io/?EIO=4&transport=websocket").await;
    let mut ids = HashSet::from([sid(&ws.text().await)]);
    for packet in ["40", "40/other,", "41", "40"] {
        ws.send(packet).await;
        if packet != "41" {
            assert!(ids.insert(sid(&ws.text().await)), "{packet}");
        }
    }
}

#[tokio::test]
async fn two_posts_at_once_end_the_session() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    // Its body never comes whole.
    let mut first = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    let head = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n", session.path());
    first.write_all(format!("{head}Expect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    // The server asks for the body once it has begun with the request.
    tokio::time::timeout(PATIENCE, first.read_buf(&mut seen)).await.unwrap().unwrap();
    assert!(seen.starts_with(b"HTTP/1.1 100 "));
    assert_eq!(post(server.port, &session.path(), "42[\"a\"]").await.status, 400);
    server.seen.wait_for("disconnect transport error").await;
}

#[tokio::test]
async fn after_the_move_polls_are_refused() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    let path = session.path().replace("transport=polling", "transport=websocket");
    let mut ws = Ws::open(server.port, &path).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    ws.send("5").await;
    ws.send("421[\"echo\",1]").await;
    assert_eq!(ws.text().await, "431[null,1]");
    assert_eq!(get(server.port, &session.path()).await.status, 400);
    assert_eq!(post(server.port, &session.path(), "42[\"a\"]").await.status, 400);
    ws.send("422[\"echo\",2]").await;
    assert_eq!(ws.text().await, "432[null,2]");
}

#[tokio::test]
async fn placeholders_need_their_attachments() {
    let server = Server::start(Config::default()).await;
    for num in ["1", "-1", "0.5", "\"0\"", "null", "1e99"] {
        let mut ws = Ws::connect(server.port).await;
        ws.send(&format!("451-[\"echo\",[{{\"_placeholder\":true,\"num\":{num}}}]]")).await;
        ws.send_binary(b"x").await;
        assert_eq!(ws.next().await, Got::Close(None), "{num}");
    }
}
