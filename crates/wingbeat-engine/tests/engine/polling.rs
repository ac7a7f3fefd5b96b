//! HTTP long-polling, and the move to a WebSocket.

use crate::client::{Got, PATIENCE, Ws};
use crate::http_client::{Session, get, post, request, send};
use crate::server::Server;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use wingbeat_engine::Config;

const UNKNOWN: &str = r#"{"code":1,"message":"Session ID unknown"}"#;

#[tokio::test]
async fn packets_come_and_go_in_bodies() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    let posted = session.post("421[\"echo\",1]\u{1e}422[\"tell\",2]").await;
    assert_eq!((posted.status, posted.text(), posted.header("content-type")), (200, "ok", Some("text/html")));
    let polled = session.poll().await;
    assert_eq!(polled.text(), "431[null,1]\u{1e}42[\"told\",2]\u{1e}432[null,2]");
    assert_eq!(polled.header("content-type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(polled.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn sessions_end_with_the_letters_of_their_node_and_those_of_others_are_counted() {
    let server = Server::start(Config::default().node("n1")).await;
    let session = Session::connect(server.port).await;
    assert!(session.sid.ends_with("n1") && session.sid.len() == 20, "{}", session.sid);
    session.post("421[\"echo\",1]").await;
    assert_eq!(session.poll().await.text(), "431[null,1]");
    let other = format!("{}n2", &session.sid[..18]);
    for (sid, counted) in [(&*other, 1), (&other, 2), ("AAAAAAAAAAAAAAAAAAn1", 2), ("n2", 2)] {
        let target = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
        let response = get(server.port, &target).await;
        assert_eq!((response.status, response.text()), (400, UNKNOWN), "{sid}");
        assert_eq!(server.engine.foreign_requests(), counted, "{sid}");
    }
}

#[test]
fn letters_of_a_node_that_no_session_id_can_have_are_an_error() {
    for letters in ["", "1", "abc", "n.", "ä"] {
        let error = Config::default().node(letters).check().unwrap_err();
        assert!(error.message().starts_with("Invalid option 'node'"), "{error}");
    }
    Config::default().node("_-").check().unwrap();
}

#[tokio::test]
async fn long_and_short_packets_come_in_one_body() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    let long = "x".repeat(50_000);
    session.post(&format!("421[\"echo\",1]\u{1e}422[\"echo\",\"{long}\"]\u{1e}423[\"echo\",3]")).await;
    session.post(&format!("424[\"echo\",\"{long}\"]\u{1e}425[\"tell\",\"{long}\"]")).await;
    let polled = session.poll().await;
    let expected = [
        "431[null,1]".to_owned(),
        format!("432[null,\"{long}\"]"),
        "433[null,3]".to_owned(),
        format!("434[null,\"{long}\"]"),
        format!("42[\"told\",\"{long}\"]"),
        format!("435[null,\"{long}\"]"),
    ];
    assert_eq!(polled.text().split('\u{1e}').collect::<Vec<_>>(), expected);
    assert_eq!(polled.header("content-length"), Some(polled.body.len().to_string().as_str()));
}

#[tokio::test]
async fn attachments_are_base64() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    session.post("451-1[\"echo\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQIDBA==").await;
    assert_eq!(session.poll().await.text(), "461-1[null,{\"_placeholder\":true,\"num\":0}]\u{1e}bAQIDBA==");
}

#[tokio::test]
async fn a_poll_waits_for_packets() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    session.post("421[\"gate\",1]").await;
    let poll = tokio::spawn(async move { session.poll().await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!poll.is_finished());
    server.seen.gate.notify_one();
    assert_eq!(poll.await.unwrap().text(), "431[null,1]");
}

#[tokio::test]
async fn a_cancelled_poll_ends_the_session() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    let poll = send(server.port, "GET", &session.path(), "", "").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(poll);
    server.seen.wait_for("disconnect transport error").await;
    assert_eq!(session.poll().await.text(), UNKNOWN);
}

#[tokio::test]
async fn two_polls_at_once_end_the_session() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    let mut first = send(server.port, "GET", &session.path(), "", "").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let second = session.poll().await;
    assert_eq!((second.status, second.text()), (400, ""));
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, first.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.ends_with("\r\n\r\n1"), "{answer}");
    assert_eq!(session.poll().await.text(), UNKNOWN);
    server.seen.wait_for("disconnect transport error").await;
}

#[tokio::test]
async fn garbage_is_answered_ok_and_ends_the_session() {
    let server = Server::start(Config::default()).await;
    for garbage in ["", "zzz", "42[]\u{1e}", "b%%", "2"] {
        let session = Session::connect(server.port).await;
        let posted = session.post(garbage).await;
        assert_eq!((posted.status, posted.text()), (200, "ok"), "{garbage:?}");
        let polled = session.poll().await;
        let told = polled.text() == UNKNOWN || polled.text() == "6\u{1e}1";
        assert!(told, "{garbage:?}: {polled:?}");
        assert_eq!(session.poll().await.text(), UNKNOWN, "{garbage:?}");
    }
}

#[tokio::test]
async fn closing_releases_the_waiting_poll() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    let mut poll = send(server.port, "GET", &session.path(), "", "").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(session.post("1").await.text(), "ok");
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, poll.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.ends_with("\r\n\r\n6"), "{answer}");
    assert_eq!(session.poll().await.text(), UNKNOWN);
    server.seen.wait_for("disconnect transport close").await;
}

#[tokio::test]
async fn a_server_that_ends_the_session_lets_the_client_fetch_the_news() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    session.post("42[\"close\"]").await;
    assert_eq!(session.poll().await.text(), "41");
    assert_eq!(session.poll().await.text(), "6\u{1e}1");
    assert_eq!(session.poll().await.text(), UNKNOWN);
}

#[tokio::test]
async fn too_large_a_body_is_413_and_a_binary_one_400() {
    let server = Server::start(Config::default().max_http_buffer_size(100)).await;
    let session = Session::connect(server.port).await;
    let answer = session.post(&"x".repeat(101)).await;
    assert_eq!((answer.status, answer.text()), (413, ""));
    assert_eq!(session.post("421[\"echo\",1]").await.text(), "ok");
    assert_eq!(session.poll().await.text(), "431[null,1]");
    let answer = request(server.port, "POST", &session.path(), "Content-Type: application/octet-stream\r\n", "4").await;
    assert_eq!((answer.status, answer.text()), (400, ""));
}

#[tokio::test]
async fn pings_reach_polls_and_silence_ends_the_session() {
    let config = Config::default().ping_interval(Duration::from_millis(100)).ping_timeout(Duration::from_millis(100));
    let server = Server::start(config).await;
    let session = Session::connect(server.port).await;
    assert_eq!(session.poll().await.text(), "2");
    session.post("3").await;
    assert_eq!(session.poll().await.text(), "2");
    server.seen.wait_for("disconnect ping timeout").await;
    assert_eq!(session.poll().await.text(), UNKNOWN);
}

#[tokio::test]
async fn a_session_moves_to_a_websocket() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    let mut poll = send(server.port, "GET", &session.path(), "", "").await;
    let mut ws = Ws::open(server.port, &session.path().replace("polling", "websocket")).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, poll.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.ends_with("\r\n\r\n6"), "{answer}");
    // Answered while the session is between its transports.
    session.post("420[\"tell\",0]").await;
    ws.send("5").await;
    assert_eq!(ws.text().await, "42[\"told\",0]");
    assert_eq!(ws.text().await, "430[null,0]");
    ws.send("421[\"echo\",1]").await;
    assert_eq!(ws.text().await, "431[null,1]");
    assert_eq!(session.poll().await.text(), r#"{"code":3,"message":"Bad request"}"#);
    let mut again = Ws::open(server.port, &session.path().replace("polling", "websocket")).await;
    assert_eq!(again.next().await, Got::Close(None));
    assert_eq!(server.seen.count("connected"), 1);
}

#[tokio::test]
async fn a_wrong_first_packet_closes_only_the_websocket() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    for wrong in ["421[\"echo\",1]", "5", "2", ""] {
        let mut ws = Ws::open(server.port, &session.path().replace("polling", "websocket")).await;
        ws.send(wrong).await;
        assert_eq!(ws.next().await, Got::Close(None), "{wrong:?}");
    }
    session.post("421[\"echo\",1]").await;
    assert_eq!(session.poll().await.text(), "431[null,1]");
}

#[tokio::test]
async fn a_move_that_takes_too_long_is_off() {
    let server = Server::start(Config::default().upgrade_timeout(Duration::from_millis(50))).await;
    let session = Session::connect(server.port).await;
    let mut ws = Ws::open(server.port, &session.path().replace("polling", "websocket")).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    assert_eq!(ws.next().await, Got::Close(None));
    session.post("421[\"echo\",1]").await;
    assert_eq!(session.poll().await.text(), "431[null,1]");
}

#[tokio::test]
async fn other_methods_of_a_session_are_500() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    assert_eq!(request(server.port, "PUT", &session.path(), "", "x").await.status, 500);
    assert_eq!(
        get(server.port, &session.path().replace("EIO=4", "EIO=3")).await.text(),
        r#"{"code":3,"message":"Bad request"}"#
    );
    assert_eq!(post(server.port, &session.path().replace("polling", "websocket"), "4").await.status, 400);
}

#[tokio::test]
async fn a_session_that_has_ended_moves_nowhere() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    // Against the rules, but the client may still fetch what is left.
    session.post("4nonsense").await;
    let mut ws = Ws::open(server.port, &session.path().replace("polling", "websocket")).await;
    assert_eq!(ws.next().await, Got::Close(None));
    assert_eq!(session.poll().await.text(), "6\u{1e}1");
}
