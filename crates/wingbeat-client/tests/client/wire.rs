//! Servers that break WebSocket or Socket.IO itself: each is told clearly, nothing hangs, nothing grows.

use crate::scripted::{Listener, OPEN, once};
use crate::soon;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wingbeat_client::{ConnectionEvent, DeliveryStatus, Reason};

/// Reads the request, and gives what `Sec-WebSocket-Accept` has to be.
pub(crate) async fn request(tcp: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    wingbeat_protocol::ws::accept(key.as_bytes())
}

pub(crate) fn switched(accept: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    wingbeat_protocol::packet::write_header(&mut frame, wingbeat_protocol::packet::Opcode::Text, text.len());
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// A connection that has joined, by hand.
async fn joined(listener: &Listener) -> TcpStream {
    let mut tcp = listener.tcp().await;
    let accept = request(&mut tcp).await;
    tcp.write_all(switched(&accept).as_bytes()).await.unwrap();
    tcp.write_all(&[text(OPEN), text(r#"40{"sid":"x"}"#)].concat()).await.unwrap();
    tcp
}

/// Sends bytes to a client that has joined: why it leaves, and what it said to the server before.
async fn left_after(bytes: &[u8]) -> (Reason, Vec<u8>) {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).max_payload(100_000).build().unwrap();
    let mut events = client.connection_events();
    let mut tcp = soon(joined(&listener)).await;
    assert!(matches!(soon(events.next()).await, Some(ConnectionEvent::Connected { .. })));
    let call = tokio::spawn(async move { client.untyped("x").get(1).await });
    tcp.write_all(bytes).await.unwrap();
    let reason = loop {
        if let Some(ConnectionEvent::Disconnected { reason, .. }) = soon(events.next()).await {
            break reason;
        }
    };
    assert_ne!(soon(call).await.unwrap().unwrap_err().delivery_status(), DeliveryStatus::Answered);
    let mut said = Vec::new();
    soon(tcp.read_to_end(&mut said)).await.unwrap_or_default();
    (reason, said)
}

/// The code of the last frame, which has to be a masked close frame.
fn close_code(said: &[u8]) -> Option<u16> {
    let [.., 0x88, 0x82, a, b, _, _, high, low] = said else { return None };
    Some(u16::from_be_bytes([a ^ high, b ^ low]))
}

#[tokio::test]
async fn frames_that_break_the_protocol_end_the_connection_with_the_code_that_says_why() {
    for (bytes, code) in [
        (&b"\x81\x85\x01\x02\x03\x04hello"[..], 1002),
        (b"\xc1\x01a", 1002),
        (b"\x80\x01a", 1002),
        (b"\x83\x01a", 1002),
        (b"\x09\x01a", 1002),
        (b"\x88\x01\x03", 1002),
        (b"\x88\x02\x03\xed", 1002),
        (b"\x88\x02\x03\xee", 1002),
        (b"\x88\x02\xff\xff", 1002),
        (b"\x81\x02\xc3\x28", 1007),
        (b"\x81\x7f\0\0\0\x01\0\0\0\0", 1009),
        (b"\x81\x7f\0\0\0\0\0\x02\0\0", 1009),
    ] {
        let (reason, said) = left_after(bytes).await;
        assert_eq!((reason, close_code(&said)), (Reason::TransportError, Some(code)), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_server_that_closes_is_answered_with_its_code() {
    for code in [1000u16, 1001, 1002, 1011, 1012, 4000] {
        let [high, low] = code.to_be_bytes();
        let (reason, said) = left_after(&[0x88, 2, high, low]).await;
        assert_eq!((reason, close_code(&said)), (Reason::TransportClose, Some(code)));
    }
    let (reason, said) = left_after(&[0x88, 0]).await;
    assert!(reason == Reason::TransportClose && said[said.len() - 6..].starts_with(&[0x88, 0x80]));
}

#[tokio::test]
async fn half_a_frame_and_silence_is_noticed_by_the_heartbeat() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).ping_timeout(Duration::from_millis(100)).build().unwrap();
    let mut events = client.connection_events();
    let mut tcp = soon(joined(&listener)).await;
    assert!(matches!(soon(events.next()).await, Some(ConnectionEvent::Connected { .. })));
    tcp.write_all(b"\x81\x7e\x01\x00half").await.unwrap();
    let event = soon(events.next()).await;
    assert!(matches!(event, Some(ConnectionEvent::Disconnected { reason: Reason::PingTimeout, .. })), "{event:?}");
}

#[tokio::test]
async fn one_byte_at_a_time_is_slow_and_right() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let server = async {
        let mut tcp = listener.tcp().await;
        tcp.set_nodelay(true).unwrap();
        let accept = request(&mut tcp).await;
        let large = format!(r#"430[null,"{}"]"#, "y".repeat(300));
        let frames = [switched(&accept).into_bytes(), text(OPEN), text(r#"40{"sid":"x"}"#)].concat();
        for byte in frames {
            tcp.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        // CONNECT and the call have come: the answer goes the same way, in fragments.
        let mut seen = [0; 6 + 2];
        tcp.read_exact(&mut seen).await.unwrap();
        tcp.read_u8().await.unwrap();
        let (head, tail) = large.split_at(100);
        let fragments = [
            &[0x01, head.len() as u8],
            head.as_bytes(),
            &[0x89, 1, b'p', 0x80, 0x7e, 0],
            &[tail.len() as u8],
            tail.as_bytes(),
        ];
        for byte in fragments.concat() {
            tcp.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        tcp
    };
    let call = async { client.service::<String>("texts").get(1).await };
    let (answer, _tcp) = soon(async { tokio::join!(call, server) }).await;
    assert_eq!(answer.unwrap(), "y".repeat(300));
}

#[tokio::test]
async fn answers_that_come_twice_or_to_nobody_are_ignored() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let numbers = client.service::<i64>("numbers");
    let mut peer = soon(listener.joined()).await;
    for n in 0..3 {
        let call = tokio::spawn({
            let numbers = numbers.clone();
            async move { numbers.get(n).await }
        });
        soon(peer.receive()).await.unwrap();
        for odd in [
            "43999[null,9]".to_owned(),
            format!("43{n}[null,{n}]"),
            format!("43{n}[null,8]"),
            "4318446744073709551616[]".to_owned(),
        ] {
            peer.send(&odd).await;
        }
        assert_eq!(soon(call).await.unwrap().unwrap(), n);
    }
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_with_few_pongs_and_calls_go_on() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).build().unwrap();
    let mut tcp = soon(joined(&listener)).await;
    soon(client.connect()).await.unwrap();
    // Nobody reads the pongs meanwhile: they must not pile up.
    let pings = [&b"\x89\x04ping"[..], &text("2")].concat().repeat(200_000);
    soon(tcp.write_all(&pings)).await.unwrap();
    let call = tokio::spawn(async move { client.service::<u32>("numbers").get(1).await });
    // Everything the client says, until the call is there as well.
    let (mut read, mut said) = (vec![0; 1 << 16], 0);
    while !call.is_finished() {
        let n = soon(tcp.read(&mut read)).await.unwrap();
        said += n;
        tcp.write_all(&text("430[null,5]")).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(soon(call).await.unwrap().unwrap(), 5);
    assert!(said < pings.len() / 4, "{said} bytes of pongs");
}
