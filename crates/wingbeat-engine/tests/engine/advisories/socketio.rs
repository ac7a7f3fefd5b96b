//! socket.io, its parser, engine.io, and servers in other languages.

use super::serves;
use crate::client::{Got, Ws, frame};
use crate::http_client::{Session, get, request};
use crate::memory::{POLLING, WEBSOCKET, start};
use crate::server::Server;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::HashSet;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wingbeat_engine::Config;

/// Each packet ends its session, and nothing else.
async fn refused(server: &Server, packets: &[&str]) {
    for packet in packets {
        let mut ws = Ws::connect(server.port).await;
        ws.send(packet).await;
        assert_eq!(ws.next().await, Got::Close(None), "{packet}");
    }
    serves(server).await;
}

/// Ids of sockets came from a predictable generator.
#[tokio::test(start_paused = true)]
async fn cve_2017_16031_ids_cannot_be_guessed() {
    let (door, ..) = start(Config::default());
    let mut ids = Vec::new();
    for _ in 0..400 {
        let answer = door.request("GET", POLLING, "", "").await;
        let bytes = URL_SAFE_NO_PAD.decode(answer.text().split('"').nth(3).unwrap()).unwrap();
        // The first four bytes name the session's place; the other 88 bits are random.
        let bytes: [u8; 11] = bytes[4..].try_into().unwrap();
        ids.push(bytes.into_iter().fold(0, |id, byte| id << 8 | u128::from(byte)));
    }
    // From one id to the next each bit changes as often as not; of 399 times, eight deviations below is 120. In what
    // counts, however it was started, the upper bits rest and the lowest never does.
    for bit in 0..88 {
        let changes = ids.windows(2).filter(|pair| (pair[0] ^ pair[1]) >> bit & 1 == 1).count();
        assert!((120..280).contains(&changes), "bit {bit} has changed {changes} times of {}", ids.len() - 1);
    }
    // Nor is one id a fixed step from the other.
    let steps: HashSet<u128> = ids.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]) & ((1 << 88) - 1)).collect();
    assert_eq!(steps.len(), ids.len() - 1);
}

/// By default, pages of every origin were allowed.
#[tokio::test]
async fn cve_2020_28481_no_origin_is_allowed_unless_it_is_named() {
    let server = Server::start(Config::default()).await;
    for path in [POLLING, "/socket.io/"] {
        let answer = request(server.port, "GET", path, "Origin: http://evil.org\r\n", "").await;
        assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control")), "{answer:?}");
    }
}

/// A body of very many packets took all memory and time.
#[tokio::test(start_paused = true)]
async fn cve_2020_36048_a_body_of_half_a_million_packets_is_worked_off_among_others() {
    let (door, _engine, seen) = start(Config::default());
    let (path, mut other) = (door.polling().await, door.connect().await);
    let body = ["6"; 499_999].join("\u{1e}");
    let posted = tokio::spawn({
        let (door, path) = (door.clone(), path.clone());
        async move { door.request("POST", &path, "", &body).await }
    });
    for i in 0..100 {
        other.send(&format!("42{i}[\"echo\",{i}]")).await;
        assert_eq!(other.text().await, format!("43{i}[null,{i}]"));
    }
    assert_eq!(posted.await.unwrap().text(), "ok");
    assert_eq!(door.request("POST", &path, "", &"6".repeat(1_000_001)).await.status, 413);
    assert_eq!(seen.count("disconnect parse error"), 0);
}

/// Long numbers were put together digit by digit.
#[tokio::test]
async fn cve_2020_36049_numbers_without_end_are_refused() {
    let server = Server::start(Config::default()).await;
    let digits = "1".repeat(100_000);
    refused(&server, &[&format!("45{digits}-[\"a\"]"), &format!("42{digits}[\"a\"]"), &format!("45{digits}")]).await;
    // A namespace may be long; it is only not there.
    let mut ws = Ws::connect(server.port).await;
    ws.send(&format!("40/{digits},")).await;
    assert!(ws.text().await.starts_with("44/1"));
}

/// Bytes that are no WebSocket, behind the handshake of one, ended the process.
#[tokio::test]
async fn cve_2022_21676_what_is_no_frame_ends_only_its_connection() {
    let server = Server::start(Config::default()).await;
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\xff\xff\xff\xff", b"\x00\x00", b"\x81\x00"] {
        let mut ws = Ws::open(server.port, WEBSOCKET).await;
        assert!(ws.text().await.starts_with('0'));
        ws.raw(bytes).await;
        assert_eq!(ws.next().await, Got::Close(Some(1002)), "{bytes:?}");
    }
    serves(&server).await;
}

/// The number of a placeholder could name anything that a list of attachments has, its functions included.
#[tokio::test]
async fn cve_2022_2421_placeholders_name_attachments_and_nothing_else() {
    let server = Server::start(Config::default()).await;
    for num in [r#""splice""#, r#""length""#, r#""__proto__""#, "true", "[0]", r#"{"a":1}"#, "-0.1", "1"] {
        let mut ws = Ws::connect(server.port).await;
        ws.send(&format!(r#"451-["echo",{{"_placeholder":true,"num":{num}}}]"#)).await;
        ws.send_binary(b"x").await;
        assert_eq!(ws.next().await, Got::Close(None), "{num}");
    }
    serves(&server).await;
}

/// A connection that was reset while it became a WebSocket ended the process.
#[tokio::test]
async fn cve_2022_41940_a_reset_in_the_handshake_is_only_that() {
    let server = Server::start(Config::default()).await;
    let path = Session::connect(server.port).await.path().replace("polling", "websocket");
    for path in [WEBSOCKET, &path] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
            let head = format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            // Without waiting for what is sent: the kernel resets it.
            stream.set_zero_linger().unwrap();
        }
    }
    serves(&server).await;
}

/// Queries of an unexpected form ended the process.
#[tokio::test]
async fn cve_2023_31125_odd_queries_are_refused() {
    let server = Server::start(Config::default()).await;
    for query in [
        "EIO=4&transport=polling&transport=websocket",
        "EIO=4&transport[]=polling",
        "EIO=4&transport=toString",
        "EIO[]=4&transport=polling",
        "EIO=4&transport=polling&sid[]=a&sid=b",
        "EIO=4&transport=polling&sid=%00",
        "EIO=4&&&=&transport=polling&sid=a",
        "transport",
    ] {
        assert_eq!(get(server.port, &format!("/socket.io/?{query}")).await.status, 400, "{query}");
    }
    serves(&server).await;
}

/// An object as the name of an event ended the process.
#[tokio::test]
async fn cve_2023_32695_names_of_events_are_texts_or_numbers() {
    let server = Server::start(Config::default()).await;
    refused(&server, &[r#"42[{"toString":"foo"}]"#, r#"42[{"toString":{}}]"#, "42[[\"a\"]]", "42[true]", "42[null]"])
        .await;
}

/// An event named `error` ended the process where nobody listened for it.
#[tokio::test]
async fn cve_2024_38355_error_is_a_name_like_others() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.send(r#"42["error",{"message":"x"}]"#).await;
    ws.send(r#"421["echo",1]"#).await;
    assert_eq!(ws.text().await, "431[null,1]");
}

/// Any number of attachments was waited for.
#[tokio::test]
async fn cve_2026_33151_attachments_are_limited() {
    let server = Server::start(Config::default()).await;
    refused(&server, &["4511-[\"a\"]", "4699999999-1[]", "4518446744073709551615-[\"a\"]"]).await;
    let server = Server::start(Config::default().msgpack(true)).await;
    let mut ws = Ws::open(server.port, WEBSOCKET).await;
    ws.text().await;
    ws.send_binary(b"\x82\xa4type\x00\xa3nsp\xa1/").await;
    assert!(matches!(ws.next().await, Got::Binary(_)));
    let mut packet = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\xdd\x00\x07\xa1\x21\xa1a".to_vec();
    packet.extend(b"\xc4\x00".repeat(0x7a120));
    ws.send_binary(&packet).await;
    assert!(matches!(ws.next().await, Got::Close(_)));
}

/// A packet that announces no attachments made the parser wait for very many.
#[tokio::test]
async fn cve_2026_69185_no_attachments_are_not_waited_for() {
    let server = Server::start(Config::default()).await;
    refused(&server, &["450-[\"a\"]", "45-[\"a\"]", "4500-[\"a\"]", "460-1[]", "45-1-[\"a\"]"]).await;
}

/// A POST with a binary body, or one beside another request, was never answered and kept its connection.
#[tokio::test]
async fn cve_2026_59725_refused_polls_are_answered() {
    let server = Server::start(Config::default()).await;
    let session = Session::connect(server.port).await;
    let answer =
        request(server.port, "POST", &session.path(), "Content-Type: application/octet-stream\r\n", "4x").await;
    assert_eq!((answer.status, answer.text()), (400, ""));
    // The connection of the request is closed: `request` has read to its end. The session is over.
    assert_eq!(session.poll().await.status, 400);
    server.seen.wait_for("disconnect transport error").await;
}

/// `__proto__` as the id of a session found an object that is none.
#[tokio::test]
async fn cve_2026_59724_only_sessions_have_ids() {
    let server = Server::start(Config::default()).await;
    for sid in ["__proto__", "constructor", "hasOwnProperty", "toString", "____proto____proto__", "%5F%5Fproto%5F%5F"] {
        let unknown = r#"{"code":1,"message":"Session ID unknown"}"#;
        let path = format!("{POLLING}&sid={sid}");
        assert_eq!(get(server.port, &path).await.text(), unknown, "{sid}");
        assert_eq!(request(server.port, "POST", &path, "", "40").await.text(), unknown, "{sid}");
        let (_, head) = Ws::try_open(server.port, &format!("{WEBSOCKET}&sid={sid}"), "").await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{sid}: {head}");
    }
    serves(&server).await;
}

/// A session could move to a WebSocket of another version, or of none, whose heartbeat then ended the process.
#[tokio::test]
async fn cve_2026_102599_a_session_moves_in_its_own_version_only() {
    let server = Server::start(Config::default()).await;
    let path = Session::connect(server.port).await.path().replace("polling", "websocket");
    for version in ["EIO=3", "EIO=5", "EIO=", "EIO=04", "EIO", "eio=4", ""] {
        let (_, head) = Ws::try_open(server.port, &path.replace("EIO=4", version), "").await;
        assert!(head.starts_with("HTTP/1.1 400 "), "{version}: {head}");
    }
    // It is what it was before, and moves.
    let mut ws = Ws::open(server.port, &path).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    ws.send("5").await;
    ws.send("421[\"echo\",1]").await;
    assert_eq!(ws.text().await, "431[null,1]");
    serves(&server).await;
}

/// python-engineio began another heartbeat with every pong.
#[tokio::test(start_paused = true)]
async fn cve_2026_48802_a_session_has_one_heartbeat_whatever_comes() {
    let (door, ..) = start(Config::default());
    let mut ws = door.connect().await;
    ws.raw(&frame(0x81, b"3").repeat(1000)).await;
    for _ in 0..3 {
        let begun = tokio::time::Instant::now();
        assert_eq!(ws.text().await, "2");
        assert!(begun.elapsed() > Duration::from_secs(24), "{:?}", begun.elapsed());
        ws.send("3").await;
    }
}
