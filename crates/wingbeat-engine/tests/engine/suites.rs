//! What the protocols' own test suites demand and no other test happens to hold; docs/protocol.md has the whole list.

use crate::client::{Got, Ws};
use crate::http_client::{Session, request};
use crate::server::Server;
use wingbeat_engine::Config;

#[tokio::test]
async fn a_session_begins_with_a_get_that_names_version_and_transport() {
    let server = Server::start(Config::default()).await;
    for (method, query) in [
        ("POST", "EIO=4&transport=polling"),
        ("PUT", "EIO=4&transport=polling"),
        ("GET", "transport=polling"),
        ("GET", "EIO=abc&transport=polling"),
        ("GET", "EIO=4"),
        ("GET", "EIO=4&transport=abc"),
    ] {
        let answer = request(server.port, method, &format!("/socket.io/?{query}"), "", "").await;
        assert_eq!(answer.status, 400, "{method} {query}");
    }
    for query in ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"] {
        let (_, head) = Ws::try_open(server.port, &format!("/socket.io/?{query}"), "").await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{query}: {head}");
    }
}

#[tokio::test]
async fn after_the_move_another_websocket_is_closed_and_the_first_goes_on() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    let path = session.path().replace("transport=polling", "transport=websocket");
    let mut first = Ws::open(server.port, &path).await;
    first.send("2probe").await;
    assert_eq!(first.text().await, "3probe");
    first.send("5").await;
    first.send("421[\"echo\",1]").await;
    assert_eq!(first.text().await, "431[null,1]");
    let mut second = Ws::open(server.port, &path).await;
    assert_eq!(second.next().await, Got::Close(None));
    first.send("422[\"echo\",2]").await;
    assert_eq!(first.text().await, "432[null,2]");
}

#[tokio::test]
async fn the_main_namespace_is_joined_with_and_without_a_payload() {
    let server = Server::start(Config::default()).await;
    for (packet, auth) in [("40", "None"), ("40{\"token\":\"123\"}", "Some(\"{\\\"token\\\":\\\"123\\\"}\")")] {
        let mut ws = Ws::open(server.port, "/socket.io/?EIO=4&transport=websocket").await;
        ws.text().await;
        ws.send(packet).await;
        let joined = ws.text().await;
        assert!(joined.starts_with("40{\"sid\":\"") && joined.ends_with("\"}"), "{joined}");
        server.seen.wait_for(&format!("connect / {auth}")).await;
    }
}

#[tokio::test]
async fn what_is_no_packet_closes_the_connection_joined_or_not() {
    let server = Server::start(Config::default()).await;
    for packet in ["4abc", "42{}", "42abc[\"echo\",1]", "abc"] {
        let mut ws = Ws::open(server.port, "/socket.io/?EIO=4&transport=websocket").await;
        ws.text().await;
        ws.send(packet).await;
        assert_eq!(ws.next().await, Got::Close(None), "{packet}");
        let mut joined = Ws::connect(server.port).await;
        joined.send(packet).await;
        assert_eq!(joined.next().await, Got::Close(None), "{packet}");
    }
}

#[tokio::test]
async fn one_namespace_can_be_left_while_the_others_go_on() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.send("40/other").await;
    assert!(ws.text().await.starts_with("40/other,{\"sid\":\""));
    ws.send("41/other").await;
    ws.send("421[\"echo\",\"message to main namespace\"]").await;
    assert_eq!(ws.text().await, "431[null,\"message to main namespace\"]");
}
