//! RFC 6455, frame by frame: the cases that the Autobahn testsuite is known for, by their chapters.

use crate::client::{Got, PATIENCE, Ws, frame};
use crate::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wingbeat_engine::Config;

const PING: &str = "421[\"echo\",1]";
const PONG: &str = "431[null,1]";

/// Sends bytes and expects these frames; then the session is over or answers a call.
async fn case(server: &Server, name: &str, bytes: &[u8], expected: &[Got]) {
    let mut ws = Ws::connect(server.port).await;
    ws.raw(bytes).await;
    for got in expected {
        assert_eq!(&ws.next().await, got, "{name}");
    }
    match expected.last() {
        // Nobody waits for the client's close frame (RFC 6455, 7.1.1).
        Some(Got::Close(_)) => assert_eq!(ws.next().await, Got::End, "{name}"),
        Some(Got::End) => {}
        _ => {
            ws.send(PING).await;
            assert_eq!(ws.text().await, PONG, "{name}");
        }
    }
}

fn echo(text: &str) -> Vec<u8> {
    format!("427[\"echo\",\"{text}\"]").into_bytes()
}

fn echoed(text: &str) -> Got {
    Got::Text(format!("437[null,\"{text}\"]"))
}

fn close(code: Option<u16>, reason: &[u8]) -> Vec<u8> {
    let mut payload = code.map_or(Vec::new(), |code| code.to_be_bytes().to_vec());
    payload.extend_from_slice(reason);
    frame(0x88, &payload)
}

#[tokio::test]
async fn messages_of_every_size_come_whole() {
    let server = Server::start(Config::default()).await;
    for len in
        [0, 1, 100, 108, 109, 110, 111, 112, 113, 114, 115, 125, 126, 127, 128, 65_520, 65_535, 65_536, 70_000, 900_000]
    {
        let text = "x".repeat(len);
        case(&server, "1.1", &frame(0x81, &echo(&text)), &[echoed(&text)]).await;
    }
}

#[tokio::test]
async fn pings_are_answered_with_their_payload() {
    let server = Server::start(Config::default()).await;
    case(&server, "2.1", &frame(0x89, b""), &[Got::Pong(vec![])]).await;
    case(&server, "2.3", &frame(0x89, b"\x00\xff\xfe"), &[Got::Pong(b"\x00\xff\xfe".into())]).await;
    case(&server, "2.4", &frame(0x89, &[b'*'; 125]), &[Got::Pong(vec![b'*'; 125])]).await;
    case(&server, "2.5", &frame(0x89, &[b'*'; 126]), &[Got::Close(Some(1002))]).await;
    case(&server, "2.7", &frame(0x8a, b"unasked"), &[]).await;
    let many: Vec<u8> = (0..10).flat_map(|i| frame(0x89, &[i])).collect();
    case(&server, "2.10", &many, &(0..10).map(|i| Got::Pong(vec![i])).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn reserved_bits_and_opcodes_are_refused() {
    let server = Server::start(Config::default()).await;
    for first in [0xc1, 0xa1, 0x91, 0xf1, 0xc9, 0xc8, 0x83, 0x84, 0x87, 0x8b, 0x8c, 0x8f] {
        case(&server, "3/4", &frame(first, b"x"), &[Got::Close(Some(1002))]).await;
    }
    case(&server, "5.1 unmasked", b"\x81\x01x", &[Got::Close(Some(1002))]).await;
}

#[tokio::test]
async fn fragments_are_put_together_around_control_frames() {
    let server = Server::start(Config::default()).await;
    let whole = echo("fragmented");
    let (a, b, c) = (&whole[..5], &whole[5..12], &whole[12..]);
    case(&server, "5.3", &[frame(0x01, a), frame(0x80, &whole[5..])].concat(), &[echoed("fragmented")]).await;
    let parts = [frame(0x01, a), frame(0x89, b"p"), frame(0x00, b), frame(0x89, b"q"), frame(0x80, c)].concat();
    case(&server, "5.6", &parts, &[Got::Pong(b"p".into()), Got::Pong(b"q".into()), echoed("fragmented")]).await;
    case(
        &server,
        "5.5 empty parts",
        &[frame(0x01, b""), frame(0x00, &whole), frame(0x80, b"")].concat(),
        &[echoed("fragmented")],
    )
    .await;
    case(&server, "5.1 ping in parts", &frame(0x09, b"x"), &[Got::Close(Some(1002))]).await;
    case(&server, "5.9 nothing to continue", &frame(0x80, b"x"), &[Got::Close(Some(1002))]).await;
    case(&server, "5.11 nothing to continue", &frame(0x00, b"x"), &[Got::Close(Some(1002))]).await;
    case(&server, "5.15 a new one inside", &[frame(0x01, a), frame(0x81, &whole)].concat(), &[Got::Close(Some(1002))])
        .await;
}

#[tokio::test]
async fn text_is_utf8_across_fragments() {
    let server = Server::start(Config::default()).await;
    let whole = echo("κόσμε €😀");
    case(&server, "6.2.1", &frame(0x81, &whole), &[echoed("κόσμε €😀")]).await;
    // One byte a fragment: every character is cut.
    let mut bytes = frame(0x01, b"");
    bytes.extend(whole.iter().flat_map(|&byte| frame(0x00, &[byte])));
    bytes.extend(frame(0x80, b""));
    case(&server, "6.2.3", &bytes, &[echoed("κόσμε €😀")]).await;
    for (name, bad) in [
        ("6.3 surrogate", &b"\xed\xa0\x80"[..]),
        ("6.4 beyond the last", b"\xf4\x90\x80\x80"),
        ("6.6 cut off", b"\xce"),
        ("6.10 overlong", b"\xc0\xaf"),
        ("6.14 lone continuation", b"\x80"),
        ("6.20 never valid", b"\xfe"),
    ] {
        case(&server, name, &frame(0x81, bad), &[Got::Close(Some(1007))]).await;
        case(&server, name, &[frame(0x01, bad), frame(0x80, b"")].concat(), &[Got::Close(Some(1007))]).await;
    }
    // Noticed in the fragment where it happens, without waiting for the end.
    case(&server, "6.4.1", &frame(0x01, b"4\xff"), &[Got::Close(Some(1007))]).await;
}

#[tokio::test]
async fn closing_is_answered_in_kind() {
    let server = Server::start(Config::default()).await;
    case(&server, "7.1.1", &close(None, b""), &[Got::Close(None), Got::End]).await;
    case(&server, "7.3.1", &close(Some(1000), b"bye"), &[Got::Close(Some(1000)), Got::End]).await;
    let after = [frame(0x81, PING.as_bytes()), close(Some(1001), b""), frame(0x81, PING.as_bytes())].concat();
    case(&server, "7.1.3 nothing after it", &after, &[Got::Text(PONG.into()), Got::Close(Some(1001)), Got::End]).await;
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        case(&server, "7.7", &close(Some(code), b""), &[Got::Close(Some(code)), Got::End]).await;
    }
    for code in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535] {
        case(&server, "7.9", &close(Some(code), b""), &[Got::Close(Some(1002))]).await;
    }
    case(&server, "7.3.2 half a code", &frame(0x88, b"\x03"), &[Got::Close(Some(1002))]).await;
    case(&server, "7.5.1 reason", &close(Some(1000), b"\xce\xba\xe1"), &[Got::Close(Some(1007))]).await;
    case(
        &server,
        "7.3.6 too long",
        &frame(0x88, &[3, 232].into_iter().chain([b'x'; 124]).collect::<Vec<_>>()),
        &[Got::Close(Some(1002))],
    )
    .await;
    server.seen.wait_for("disconnect transport close").await;
}

#[tokio::test]
async fn too_much_is_refused_before_it_is_read() {
    let server = Server::start(Config::default().max_http_buffer_size(1000)).await;
    case(&server, "at the limit", &frame(0x81, &echo(&"x".repeat(1000 - 14))), &[echoed(&"x".repeat(986))]).await;
    // Only the header is sent.
    case(&server, "1009", &[0x81, 0xfe, 0x03, 0xe9, 0, 0, 0, 0], &[Got::Close(Some(1009))]).await;
    case(
        &server,
        "1009",
        &[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
        &[Got::Close(Some(1009))],
    )
    .await;
    let parts = [frame(0x01, &[b'4'; 600]), frame(0x00, &[b'4'; 401])].concat();
    case(&server, "1009 in parts", &parts, &[Got::Close(Some(1009))]).await;
}

#[tokio::test]
async fn frames_may_arrive_byte_by_byte() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.stream().set_nodelay(true).unwrap();
    for byte in [frame(0x89, b"p"), frame(0x81, PING.as_bytes())].concat() {
        ws.raw(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(ws.next().await, Got::Pong(b"p".into()));
    assert_eq!(ws.text().await, PONG);
}

#[tokio::test]
async fn what_comes_with_the_handshake_is_read_and_the_open_packet_leaves_with_its_answer() {
    let server = Server::start(Config::default()).await;
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    let mut hello = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        .to_vec();
    hello.extend(frame(0x81, b"40"));
    stream.write_all(&hello).await.unwrap();
    let mut read = Vec::with_capacity(4096);
    timeout(PATIENCE, stream.read_buf(&mut read)).await.unwrap().unwrap();
    let first = String::from_utf8_lossy(&read).into_owned();
    assert!(first.starts_with("HTTP/1.1 101 ") && first.contains(r#"0{"sid":""#), "{first}");
    while !String::from_utf8_lossy(&read).contains(r#"40{"sid":""#) {
        assert_ne!(timeout(PATIENCE, stream.read_buf(&mut read)).await.unwrap().unwrap(), 0);
    }
}
