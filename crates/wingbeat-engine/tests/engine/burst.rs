//! Much at once, for clients that take all of it in their own time. A burst is not a slow client.

use crate::client::{Got, Ws};
use crate::memory::{Door, WEBSOCKET, start, text};
use crate::server::Seen;
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::time::sleep;
use wingbeat_engine::{Config, Frame, SharedFrame};

/// Sends events of so many bytes to all who are there, as one burst.
pub(crate) fn publish(seen: &Seen, events: std::ops::Range<usize>, bytes: usize) {
    let sockets = seen.sockets.lock().unwrap().clone();
    let text = "x".repeat(bytes);
    for i in events {
        let event = SharedFrame::new(Frame::event("/", "news", &[format!("\"{i} {text}\"").as_bytes()]));
        sockets.iter().for_each(|socket| socket.send_shared(&event));
    }
}

pub(crate) fn number(packet: &str) -> usize {
    let rest = packet.strip_prefix("42[\"news\",\"").unwrap_or_else(|| panic!("{}", &packet[..packet.len().min(60)]));
    rest.split(' ').next().unwrap().parse().unwrap()
}

/// Reads events until there are so many, answering pings.
async fn hear(ws: &mut Ws<DuplexStream>, count: usize) {
    let mut next = 0;
    while next < count {
        match ws.next().await {
            Got::Text(ping) if ping == "2" => ws.send("3").await,
            Got::Text(event) => {
                assert_eq!(number(&event), next);
                next += 1;
            }
            other => panic!("{other:?} after {next}"),
        }
    }
}

/// The same over polling; each answer comes after a moment. The size of the largest.
pub(crate) async fn poll(door: &Door, path: &str, count: usize, moment: Duration) -> usize {
    let (mut next, mut largest) = (0, 0);
    while next < count {
        let answer = door.request("GET", path, "", "").await;
        sleep(moment).await;
        largest = largest.max(answer.text().len());
        for packet in answer.text().split('\u{1e}') {
            if packet == "2" {
                assert_eq!(door.request("POST", path, "", "3").await.text(), "ok");
            } else {
                assert_eq!(number(packet), next);
                next += 1;
            }
        }
    }
    largest
}
pub(crate) fn nobody_has_gone(seen: &Seen) {
    let log = seen.log.lock().unwrap();
    assert!(!log.iter().any(|line| line.starts_with("disconnect")), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn thousands_of_events_at_once_are_heard_by_all_in_order() {
    for (count, bytes) in [(2500, 2000), (100, 60_000), (4, 3_000_000)] {
        let (door, engine, seen) = start(Config::default());
        let (mut one, mut other, path) = (door.connect().await, door.connect().await, door.polling().await);
        publish(&seen, 0..count, bytes);
        let polls = poll(&door, &path, count, Duration::ZERO);
        let (largest, ..) = tokio::join!(polls, hear(&mut one, count), hear(&mut other, count));
        assert!(largest <= bytes.max(1_000_000) + 100, "{largest}");
        nobody_has_gone(&seen);
        assert_eq!(engine.outbox_bytes(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_heard_in_message_pack() {
    let (door, engine, seen) = start(Config::default().msgpack(true));
    let mut ws = door.open(WEBSOCKET).await;
    assert!(ws.text().await.starts_with('0'));
    ws.send_binary(b"\x82\xa4type\x00\xa3nsp\xa1/").await;
    assert!(matches!(ws.next().await, Got::Binary(_)));
    publish(&seen, 0..2500, 2000);
    for next in 0..2500 {
        let Got::Binary(packet) = ws.next().await else { panic!("no packet {next}") };
        let text = String::from_utf8_lossy(&packet);
        assert!(text.contains("news") && text.contains(&format!("{next} xxx")), "{}", &text[..60]);
    }
    nobody_has_gone(&seen);
    assert_eq!(engine.outbox_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_burst_amid_a_move_to_a_websocket_is_heard_in_order() {
    let (door, _engine, seen) = start(Config::default());
    let path = door.polling().await;
    publish(&seen, 0..1000, 2000);
    let mut ws = door.open(&path.replace("polling", "websocket")).await;
    ws.send("2probe").await;
    assert_eq!(ws.text().await, "3probe");
    let first = door.request("GET", &path, "", "").await;
    let polled = first.text().split('\u{1e}').filter(|packet| *packet != "6").count();
    ws.send("5").await;
    publish(&seen, 1000..2000, 2000);
    for next in polled..2000 {
        assert_eq!(number(&ws.text().await), next);
    }
    nobody_has_gone(&seen);
}

#[tokio::test(start_paused = true)]
async fn answers_of_calls_under_way_are_all_delivered() {
    let (door, engine, seen) = start(Config::default());
    let (mut ws, path) = (door.connect().await, door.polling().await);
    let calls: Vec<String> = (0..20).map(|i| format!("42{i}[\"late large\"]")).collect();
    ws.raw(&calls.iter().flat_map(|call| text(call)).collect::<Vec<u8>>()).await;
    assert_eq!(door.request("POST", &path, "", &calls.join("\u{1e}")).await.text(), "ok");
    seen.wait_for_many("event late large \"null\"", 40).await;
    seen.gate.notify_waiters();
    for i in 0..20 {
        assert!(ws.text().await.starts_with(&format!("43{i}[null,\"x")), "{i}");
    }
    let mut next = 0;
    while next < 20 {
        for packet in door.request("GET", &path, "", "").await.text().split('\u{1e}') {
            assert!(packet.starts_with(&format!("43{next}[null,\"x")), "{next}");
            next += 1;
        }
    }
    nobody_has_gone(&seen);
    assert_eq!(engine.outbox_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_behind_the_events_that_were_sent_before_it() {
    let (door, _engine, seen) = start(Config::default());
    let mut ws = door.connect().await;
    ws.send("427[\"gate\"]").await;
    seen.wait_for("event gate \"null\"").await;
    publish(&seen, 0..500, 2000);
    sleep(Duration::from_secs(1)).await;
    seen.gate.notify_waiters();
    seen.wait_for("through").await;
    publish(&seen, 500..600, 2000);
    hear(&mut ws, 500).await;
    assert_eq!(ws.text().await, "437[null,null]");
    for next in 500..600 {
        assert_eq!(number(&ws.text().await), next);
    }
}
#[tokio::test(start_paused = true)]
async fn where_too_much_waits_for_all_the_slowest_go_first() {
    let (door, engine, seen) = start(Config::default().outbox_total(4 << 20));
    let (mut reader, mut slow) = (door.connect().await, door.connect().await);
    let _stalled = (door.connect().await, door.polling().await);
    for round in 0..30 {
        publish(&seen, 100 * round..100 * (round + 1), 2000);
        for i in 0..100 {
            assert_eq!(number(&reader.text().await), 100 * round + i);
        }
        // Is behind, and goes on.
        for i in 0..50 {
            assert_eq!(number(&slow.text().await), 50 * round + i);
        }
    }
    assert_eq!((seen.count("disconnect outbox full"), engine.connections()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_one_client_is_answered_is_a_part_of_what_waits_for_all() {
    let (door, engine, seen) = start(Config::default().outbox_total(8 << 20));
    let (mut greedy, mut other) = (door.connect().await, door.connect().await);
    greedy.raw(&(0..20).flat_map(|i| text(&format!("42{i}[\"late large\"]"))).collect::<Vec<u8>>()).await;
    seen.wait_for_many("event late large \"null\"", 20).await;
    seen.gate.notify_waiters();
    seen.wait_for("disconnect outbox full").await;
    assert_eq!((engine.connections(), engine.outbox_bytes()), (1, 0));
    other.send("421[\"echo\",1]").await;
    assert_eq!(other.text().await, "431[null,1]");
}
#[cfg(feature = "tls")]
#[tokio::test]
async fn a_burst_is_heard_through_tls() {
    let seen = std::sync::Arc::new(Seen::default());
    let (port, roots) = crate::tls::start(seen.clone()).await;
    let stream = crate::tls::connect(port, roots, b"http/1.1").await;
    let (mut ws, _) = Ws::over(stream, WEBSOCKET, "", crate::client::PATIENCE).await;
    assert!(ws.text().await.starts_with('0'));
    ws.send("40").await;
    assert!(ws.text().await.starts_with("40{"));
    publish(&seen, 0..2500, 2000);
    for next in 0..2500 {
        assert_eq!(number(&ws.text().await), next);
    }
    nobody_has_gone(&seen);
}
