//! What one address may have.

use crate::client::Got;
use crate::memory::{Door, POLLING, WEBSOCKET, start, start_with};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use wingbeat_engine::{Config, HttpLimits};

async fn status(door: &Door, address: &str, headers: &str) -> (crate::client::Ws<tokio::io::DuplexStream>, u16) {
    let (ws, head) = door.try_open(WEBSOCKET, address, headers).await;
    (ws, head[9..12].parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn one_address_has_a_number_of_sessions_and_others_have_theirs() {
    let (door, engine, seen) = start(Config::default().max_connections_per_address(2));
    let (first, code) = status(&door, "203.0.113.1", "").await;
    assert_eq!(code, 101);
    let (_second, code) = status(&door, "203.0.113.1", "").await;
    assert_eq!(code, 101);
    assert_eq!(status(&door, "203.0.113.1", "").await.1, 429);
    let (_other, code) = status(&door, "203.0.113.2", "").await;
    assert_eq!((code, engine.connections()), (101, 3));
    // Polling is counted as well; this request is from 127.0.0.1.
    assert_eq!(door.request("GET", POLLING, "", "").await.status, 200);
    drop(first);
    while engine.connections() > 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(status(&door, "203.0.113.1", "").await.1, 101);
    drop(seen);
}

#[tokio::test(start_paused = true)]
async fn behind_a_trusted_proxy_it_is_the_clients_address_that_counts() {
    let config = Config::default().max_connections_per_address(1).trusted_proxies(["10.0.0.1".parse().unwrap()]);
    let (door, ..) = start(config);
    let (_first, code) = status(&door, "10.0.0.1", "X-Forwarded-For: 203.0.113.1\r\n").await;
    assert_eq!(code, 101);
    assert_eq!(status(&door, "10.0.0.1", "X-Forwarded-For: 6.6.6.6, 203.0.113.1\r\n").await.1, 429);
    let (_second, code) = status(&door, "10.0.0.1", "X-Forwarded-For: 203.0.113.2\r\n").await;
    assert_eq!(code, 101);
    // Anybody can send the header: who is not a proxy counts as himself.
    let (_third, code) = status(&door, "203.0.113.9", "X-Forwarded-For: 8.8.8.8\r\n").await;
    assert_eq!(code, 101);
    assert_eq!(status(&door, "203.0.113.9", "X-Forwarded-For: 9.9.9.9\r\n").await.1, 429);
}

#[tokio::test(start_paused = true)]
async fn handshakes_of_one_address_have_a_rate() {
    let (door, ..) = start(Config::default().max_handshakes_per_second(2));
    let mut codes = Vec::new();
    for _ in 0..25 {
        codes.push(status(&door, "203.0.113.1", "").await.1);
    }
    assert_eq!((codes.iter().filter(|code| **code == 101).count(), codes[24]), (20, 429));
    assert_eq!(status(&door, "203.0.113.2", "").await.1, 101);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(status(&door, "203.0.113.1", "").await.1, 101);
}

#[tokio::test(start_paused = true)]
async fn by_default_the_internet_is_limited_and_the_own_network_is_not() {
    let (door, ..) = start(Config::default());
    let mut last = 0;
    for _ in 0..1001 {
        last = status(&door, "203.0.113.1", "").await.1;
    }
    assert_eq!(last, 429);
    for _ in 0..1001 {
        assert_eq!(status(&door, "10.1.2.3", "").await.1, 101);
    }
}

#[tokio::test(start_paused = true)]
async fn connections_of_one_address_are_limited_before_they_say_anything() {
    let (door, ..) = start_with(Config::default(), HttpLimits::default().max_connections_per_address(2));
    let (_first, _second) = (door.knock_from("203.0.113.1"), door.knock_from("203.0.113.1"));
    let (mut third, mut bytes) = (door.knock_from("203.0.113.1"), Vec::new());
    let read = tokio::time::timeout(Duration::from_secs(1), third.read_to_end(&mut bytes));
    assert_eq!(read.await.expect("it is closed at once").unwrap(), 0);
    assert_eq!(status(&door, "203.0.113.2", "").await.1, 101);
    // Those that said nothing have made room.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let (ws, code) = status(&door, "203.0.113.1", "").await;
    assert_eq!(code, 101);
    // WebSockets are counted elsewhere.
    let (_ws, _other) = (ws, status(&door, "203.0.113.1", "").await);
    assert_eq!(status(&door, "203.0.113.1", "").await.1, 101);
}

#[tokio::test(start_paused = true)]
async fn a_span_without_end_is_a_long_one() {
    let ever = Duration::MAX;
    let config = Config::default().ping_interval(ever).ping_timeout(ever).upgrade_timeout(ever).connect_timeout(ever);
    let (door, engine, _seen) = start_with(config, HttpLimits::default().header_timeout(ever).write_timeout(ever));
    let path = door.polling().await;
    let mut ws = door.connect().await;
    let mut probe = door.open(&path.replace("polling", "websocket")).await;
    probe.send("2probe").await;
    assert_eq!(probe.text().await, "3probe");
    tokio::time::sleep(Duration::from_secs(120)).await;
    ws.send("421[\"echo\",1]").await;
    assert_eq!((ws.text().await, engine.connections()), ("431[null,1]".into(), 2));
}

#[tokio::test(start_paused = true)]
async fn numbers_without_end_are_no_limits() {
    let most = usize::MAX;
    let config = Config::default().outbox_limit(most).max_http_buffer_size(most).max_running_calls(most);
    let config = config.max_orphaned_calls(most).max_args(most).max_attachments(most).max_namespaces(most);
    let config = config.max_connections(most).max_connections_per_address(most).max_handshakes_per_second(u32::MAX);
    let config = config.max_events_per_second(u32::MAX).http_compression(Some(most));
    let limits = HttpLimits::default().max_connections(most).max_header_bytes(most).max_connections_per_address(most);
    let (door, engine, _seen) = start_with(config, limits);
    let (mut ws, code) = status(&door, "203.0.113.1", "").await;
    assert_eq!(code, 101);
    assert!(ws.text().await.starts_with('0'));
    ws.send("40").await;
    assert!(ws.text().await.starts_with("40{"));
    for i in 0..1000 {
        ws.send(&format!("42{i}[\"echo\",1]")).await;
        assert_eq!(ws.text().await, format!("43{i}[null,1]"));
    }
    door.polling().await;
    assert_eq!(engine.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_smallest_values_are_limits_and_break_nothing() {
    let (none, at_once) = (0, Duration::ZERO);
    let config = Config::default().ping_interval(at_once).ping_timeout(at_once).upgrade_timeout(at_once);
    let config = config.outbox_limit(none).max_http_buffer_size(none).max_running_calls(none).max_orphaned_calls(none);
    let config = config.max_args(none).max_attachments(none).max_namespaces(none).connect_timeout(at_once);
    let config = config.max_connections_per_address(none).max_handshakes_per_second(0);
    let config = config.max_events_per_second(0).http_compression(Some(none));
    let limits = HttpLimits::default().max_header_bytes(none).max_connections_per_address(none).write_timeout(at_once);
    let (door, engine, _seen) = start_with(config, limits);
    let mut ws = door.open(WEBSOCKET).await;
    assert!(ws.text().await.starts_with('0'));
    while !matches!(ws.next().await, Got::Close(_) | Got::End) {}
    drop(ws);
    while engine.connections() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (door, ..) = start_with(Config::default().max_connections(none), HttpLimits::default());
    assert_eq!(status(&door, "203.0.113.1", "").await.1, 503);
}
