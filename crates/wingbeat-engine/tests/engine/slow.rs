//! Clients that are slow, or made slow, and those that are not there any more.

use crate::burst::{nobody_has_gone, number, poll, publish};
use crate::client::{Got, Ws, frame};
use crate::memory::{AGES, start, text};
use crate::server::{Seen, Server};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, timeout};
use wingbeat_engine::Config;

/// When the last ping came. Clients go if there is none for 45 s.
struct Pings(Instant);

impl Pings {
    fn now() -> Pings {
        Pings(Instant::now())
    }

    fn another(&mut self) {
        self.nothing();
        *self = Pings::now();
    }

    fn nothing(&self) {
        assert!(self.0.elapsed() < Duration::from_secs(45), "no ping for {:?}", self.0.elapsed());
    }
}
/// Reads 50 kB a second and answers pings when it comes to them: until all events are heard, or for so long.
async fn dribble(ws: &mut Ws<DuplexStream>, seen: &Seen, events: usize, time: Duration) {
    let (mut reader, mut writer) = tokio::io::split(ws.stream());
    let (begun, last) = (Instant::now(), format!("\"{} ", events - 1));
    let (mut chunk, mut tail, mut pings) = (vec![0; 5000], Vec::new(), Pings::now());
    while begun.elapsed() < time {
        sleep(Duration::from_millis(100)).await;
        let read = reader.read(&mut chunk).await.unwrap();
        assert_ne!(read, 0, "{:?}", seen.log.lock().unwrap());
        tail.extend_from_slice(&chunk[..read]);
        if tail.windows(3).any(|bytes| bytes == [0x81, 1, b'2']) {
            pings.another();
            writer.write_all(&text("3")).await.unwrap();
        }
        pings.nothing();
        if tail.windows(last.len()).any(|bytes| bytes == last.as_bytes()) {
            return;
        }
        tail.drain(..tail.len().saturating_sub(20));
    }
    nobody_has_gone(seen);
}

#[tokio::test(start_paused = true)]
async fn who_reads_slowly_hears_all_of_it() {
    let (door, _engine, seen) = start(Config::default());
    let (mut ws, path) = (door.connect().await, door.polling().await);
    publish(&seen, 0..5000, 2000);
    let begun = Instant::now();
    let slow = dribble(&mut ws, &seen, 5000, AGES);
    // Each answer, of up to a megabyte, takes as long as it does at this rate.
    let polls = poll(&door, &path, 5000, Duration::from_secs(19));
    timeout(AGES, async { tokio::join!(slow, polls) }).await.expect("they hear it");
    assert!(begun.elapsed() > Duration::from_secs(190), "{:?}", begun.elapsed());
    nobody_has_gone(&seen);
}

#[tokio::test(start_paused = true)]
async fn who_stops_reading_is_closed_within_the_heartbeat() {
    let (door, engine, seen) = start(Config::default());
    let (mut ws, mut other, path) = (door.connect().await, door.connect().await, door.polling().await);
    publish(&seen, 0..5000, 2000);
    // One reads for a while, one does not, and one polls once.
    let first = door.request("GET", &path, "", "").await;
    assert_eq!(number(first.text().split('\u{1e}').next().unwrap()), 0);
    dribble(&mut ws, &seen, 5000, Duration::from_secs(40)).await;
    let begun = Instant::now();
    timeout(AGES, seen.wait_for_many("disconnect ping timeout", 3)).await.expect("all are noticed");
    assert!(begun.elapsed() <= Duration::from_secs(46), "{:?}", begun.elapsed());
    sleep(Duration::from_secs(11)).await;
    assert_eq!((engine.connections(), engine.outbox_bytes()), (0, 0));
    assert!(other.rest().await.len() < 100_000);
}

#[tokio::test(start_paused = true)]
async fn who_takes_next_to_nothing_is_closed_though_it_answers_pings() {
    let (door, _engine, seen) = start(Config::default());
    let mut ws = door.connect().await;
    publish(&seen, 0..5000, 2000);
    let (mut reader, mut writer) = tokio::io::split(ws.stream());
    let begun = Instant::now();
    let mut some = [0; 500];
    // A pong each second, whether it has seen a ping or not.
    while seen.count("disconnect ping timeout") == 0 {
        sleep(Duration::from_secs(1)).await;
        let _ = reader.read_exact(&mut some).await;
        let _ = writer.write_all(&text("3")).await;
        assert!(begun.elapsed() < Duration::from_secs(120), "it is kept");
    }
}
#[tokio::test(start_paused = true)]
async fn calls_beyond_the_rate_are_slowed_and_nobody_is_dropped() {
    let (door, _engine, seen) = start(Config::default().max_events_per_second(10));
    let (mut ws, path) = (door.connect().await, door.polling().await);
    let calls: Vec<String> = (0..900).map(|i| format!("42{i}[\"echo\",0]")).collect();
    let websocket = async {
        ws.raw(&calls.iter().flat_map(|call| frame(0x81, call.as_bytes())).collect::<Vec<u8>>()).await;
        let (mut answered, mut pings) = (0, Pings::now());
        while answered < 900 {
            pings.nothing();
            match ws.text().await.as_str() {
                "2" => {
                    pings.another();
                    ws.send("3").await;
                }
                answer => {
                    assert_eq!(answer, format!("43{answered}[null,0]"));
                    answered += 1;
                }
            }
        }
    };
    let polling = async {
        let body = calls.join("\u{1e}");
        let post = door.request("POST", &path, "", &body);
        let polls = async {
            let (mut answered, mut pings) = (0, Pings::now());
            while answered < 900 {
                // The pong would have to wait for the answer to the POST.
                for packet in door.request("GET", &path, "", "").await.text().split('\u{1e}') {
                    pings.nothing();
                    if packet == "2" {
                        pings.another();
                    } else {
                        assert_eq!(packet, format!("43{answered}[null,0]"));
                        answered += 1;
                    }
                }
            }
        };
        tokio::join!(post, polls);
    };
    timeout(AGES, async { tokio::join!(websocket, polling) }).await.expect("all are answered");
    nobody_has_gone(&seen);
}

#[tokio::test(start_paused = true)]
async fn a_pong_that_has_come_counts_however_late_it_is_read() {
    let (door, _engine, seen) = start(Config::default().max_running_calls(1).max_http_buffer_size(2048));
    let mut ws = door.connect().await;
    // More than may wait: each call takes 15 s, so there is a read in between, but not to the end.
    ws.raw(&(0..100).flat_map(|i| text(&format!("42{i}[\"gate\"]"))).collect::<Vec<u8>>()).await;
    let (mut answered, mut pings) = (0, Pings::now());
    while answered < 100 {
        pings.nothing();
        match timeout(Duration::from_secs(15), ws.next()).await {
            Ok(Got::Text(ping)) if ping == "2" => {
                pings.another();
                ws.send("3").await;
            }
            Ok(Got::Text(answer)) => {
                assert_eq!(answer, format!("43{answered}[null,null]"));
                answered += 1;
            }
            Ok(other) => panic!("{other:?} after {answered}: {:?}", seen.log.lock().unwrap().last()),
            Err(_) => seen.gate.notify_one(),
        }
    }
    nobody_has_gone(&seen);
}
/// Over the system's TCP, which takes megabytes by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_slowly_from_a_real_connection_sees_its_pings_in_time() {
    let second = Duration::from_secs(1);
    let config = Config::default().ping_interval(second).ping_timeout(2 * second);
    let server = Server::start(config).await;
    let mut ws = Ws::connect(server.port).await;
    publish(&server.seen, 0..5000, 2000);
    let (mut reader, mut writer) = tokio::io::split(ws.stream());
    let (mut chunk, mut tail, mut pinged) = (vec![0; 40_000], Vec::new(), 0);
    let reading = async {
        // A megabyte in a second: behind what the system would take, a ping would stand for four.
        while pinged < 3 {
            sleep(Duration::from_millis(40)).await;
            let read = reader.read(&mut chunk).await.unwrap();
            assert_ne!(read, 0, "{:?}", server.seen.log.lock().unwrap());
            tail.extend_from_slice(&chunk[..read]);
            if tail.windows(3).any(|bytes| bytes == [0x81, 1, b'2']) {
                pinged += 1;
                writer.write_all(&text("3")).await.unwrap();
            }
            tail.drain(..tail.len().saturating_sub(2));
        }
    };
    timeout(8 * second, reading).await.expect("pings come in time");
    nobody_has_gone(&server.seen);
}
