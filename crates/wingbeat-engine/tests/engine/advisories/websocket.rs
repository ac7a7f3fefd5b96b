//! ws, and Rust's own.

use super::serves;
use crate::client::{Got, PATIENCE, Ws, frame};
use crate::memory::{WEBSOCKET, start};
use crate::server::Server;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wingbeat_engine::Config;

/// A pong could carry memory that was never written.
#[tokio::test]
async fn cve_2016_10518_a_pong_is_what_the_ping_was() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    for len in [0, 1, 100, 125] {
        ws.frame(0x89, &vec![7; len]).await;
        assert_eq!(ws.next().await, Got::Pong(vec![7; len]));
    }
}

/// Messages of 256 MiB were taken in.
#[tokio::test]
async fn cve_2016_10542_too_large_a_message_is_refused_by_its_header() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.raw(&[0x81, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 0, 1, 2, 3, 4]).await;
    assert_eq!(ws.next().await, Got::Close(Some(1009)));
}

/// Names that every JavaScript object has, as extensions, ended the process. (ws 3.3.1, no CVE.)
#[tokio::test]
async fn ghsa_5v72_xg48_5rpm_no_extension_is_agreed_on() {
    let server = Server::start(Config::default()).await;
    for offer in ["constructor", "a; constructor; toString=1", "permessage-deflate; __proto__", "\"", ";;,,=,"] {
        let (_, head) = Ws::try_open(server.port, WEBSOCKET, &format!("Sec-WebSocket-Extensions: {offer}\r\n")).await;
        assert!(head.starts_with("HTTP/1.1 101 ") && !head.contains("extensions"), "{head}");
    }
}

/// Very many spaces in a list of protocols took minutes.
#[tokio::test]
async fn cve_2021_32640_only_the_first_protocol_is_looked_at() {
    let server = Server::start(Config::default()).await;
    let protocols = format!("Sec-WebSocket-Protocol: b{}x\r\n", " ".repeat(15_000));
    let (_, head) = Ws::try_open(server.port, WEBSOCKET, &protocols).await;
    assert!(head.starts_with("HTTP/1.1 101 ") && !head.contains("protocol"), "{head}");
    let protocols = format!("Sec-WebSocket-Protocol: a, b{}x\r\n", " ".repeat(15_000));
    let (_, head) = Ws::try_open(server.port, WEBSOCKET, &protocols).await;
    assert!(head.contains("\r\nsec-websocket-protocol: a\r\n"), "{head}");
}

/// More headers than the server takes ended the process.
#[tokio::test]
async fn cve_2024_37890_too_many_headers_are_refused() {
    let server = Server::start(Config::default()).await;
    let (_, head) = Ws::try_open(server.port, WEBSOCKET, &"X: y\r\n".repeat(200)).await;
    assert!(head.starts_with("HTTP/1.1 431 "), "{head}");
    serves(&server).await;
}

/// A close frame could carry memory that was never written.
#[tokio::test]
async fn cve_2026_45736_a_close_frame_has_a_code_and_no_more() {
    let server = Server::start(Config::default()).await;
    for (sent, expected) in [(frame(0x83, b""), "\u{3}\u{ea}"), (frame(0x81, b"\xff"), "\u{3}\u{ef}")] {
        let mut ws = Ws::connect(server.port).await;
        ws.raw(&sent).await;
        let code: Vec<u8> = expected.chars().map(|c| c as u8).collect();
        let mut rest = [0; 4];
        tokio::time::timeout(PATIENCE, ws.stream().read_exact(&mut rest)).await.unwrap().unwrap();
        assert_eq!(rest, [0x88, 2, code[0], code[1]]);
        // Nothing follows.
        assert_eq!(ws.next().await, Got::End);
    }
}

/// Each tiny fragment was kept with much around it, far beyond the limit of a message.
#[tokio::test(start_paused = true)]
async fn cve_2026_48779_fragments_are_kept_as_one_text() {
    if alone("cve_2026_48779_fragments_are_kept_as_one_text") {
        return;
    }
    let (door, ..) = start(Config::default().max_http_buffer_size(1_000_000));
    let mut ws = door.connect().await;
    let before = resident();
    ws.frame(0x01, b"4").await;
    for _ in 0..990 {
        ws.raw(&frame(0x00, b"x").repeat(1000)).await;
    }
    // A reference for each of them is 32 bytes, and more is around what it refers to.
    assert!(resident() < before + (32 << 20), "{} MiB", (resident() - before) >> 20);
    ws.raw(&frame(0x00, b"x").repeat(10_000)).await;
    assert_eq!(ws.next().await, Got::Close(Some(1009)));
}

/// Fragments of a message that never ended were kept, those as well in which nothing is.
#[tokio::test(start_paused = true)]
async fn cve_2026_62389_empty_fragments_cost_nothing() {
    if alone("cve_2026_62389_empty_fragments_cost_nothing") {
        return;
    }
    let (door, ..) = start(Config::default());
    let mut ws = door.connect().await;
    let before = resident();
    ws.frame(0x01, b"42").await;
    let empty = frame(0x00, b"").repeat(10_000);
    for _ in 0..200 {
        ws.raw(&empty).await;
    }
    assert!(resident() < before + (32 << 20), "{} MiB", (resident() - before) >> 20);
    // The message is still there, and may end.
    ws.frame(0x80, b"1[\"echo\",1]").await;
    assert_eq!(ws.text().await, "431[null,1]");
}

/// ws-rs: what a client did not read grew without end. (RUSTSEC-2020-0043.)
#[tokio::test(start_paused = true)]
async fn cve_2020_35896_what_is_not_read_is_limited() {
    let (door, engine, seen) = start(Config::default());
    let mut ws = door.connect().await;
    let call = frame(0x81, format!("421[\"echo\",\"{}\"]", "x".repeat(100_000)).as_bytes());
    let mut sent = 0;
    while tokio::time::timeout(Duration::from_secs(1), ws.stream().write_all(&call))
        .await
        .is_ok_and(|sent| sent.is_ok())
    {
        sent += call.len();
        assert!(sent < 32 << 20, "it grows");
    }
    assert!(engine.outbox_bytes() < 4 << 20, "{}", engine.outbox_bytes());
    seen.wait_for("disconnect ping timeout").await;
}

/// rust-websocket: room was made for as much as a header promised. (RUSTSEC-2022-0035.)
#[tokio::test(start_paused = true)]
async fn cve_2022_35922_room_is_made_for_what_has_come() {
    // No machine has as much: who asks the system for it, even without touching it, is refused and ends.
    let (door, ..) = start(Config::default().max_http_buffer_size(1 << 47));
    let mut ws = door.connect().await;
    // 64 TiB are promised, and two characters come.
    ws.raw(&[0x81, 0xff, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'4', b'2']).await;
    // It is waited for, until the client has not answered its ping.
    assert_eq!(ws.next().await, Got::Text("2".into()));
    assert_eq!(door.connect().await.next().await, Got::Text("2".into()));
}

/// tungstenite: a long header that came in pieces was read again from its beginning for each. (RUSTSEC-2023-0065.)
#[tokio::test]
async fn cve_2023_43669_long_headers_are_given_up() {
    let server = Server::start(Config::default()).await;
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    stream.write_all(format!("GET {WEBSOCKET} HTTP/1.1\r\nHost: x\r\nX: ").as_bytes()).await.unwrap();
    let mut sent = 0;
    while stream.write_all(&[b'x'; 1000]).await.is_ok() && sent < 10 << 20 {
        sent += 1000;
        tokio::task::yield_now().await;
    }
    let mut answer = Vec::new();
    // It may be reset as well.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is closed");
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
    serves(&server).await;
}

/// Runs a test of this file in a process of its own, where no other needs memory meanwhile. `false` in that process, which
/// goes on with the test.
fn alone(test: &str) -> bool {
    if std::env::var_os("WINGBEAT_ALONE").is_some() {
        return false;
    }
    let name = format!("advisories::websocket::{test}");
    let mut run = std::process::Command::new(std::env::current_exe().unwrap());
    let run = run.args(["--exact", &name]).env("WINGBEAT_ALONE", "1").output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&run.stderr));
    true
}

/// Bytes that belong to this process.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    pages.and_then(|pages| pages.split(' ').nth(1)?.parse::<usize>().ok()).map_or(0, |pages| pages * 4096)
}
