//! Clients that take less than they are sent, and send more than they may.

use crate::client::{Got, frame};
use crate::memory::{AGES, UNREAD, WEBSOCKET, head, start, start_with, text};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use wingbeat_engine::{Config, HttpLimits};

const UNKNOWN: &str = r#"{"code":1,"message":"Session ID unknown"}"#;

#[tokio::test(start_paused = true)]
async fn a_hundred_that_do_not_read_are_closed_and_others_are_served_meanwhile() {
    let (door, engine, seen) = start(Config::default().outbox_limit(1 << 20));
    let mut good = door.connect().await;
    let mut stalled = Vec::new();
    for i in 0..100 {
        let mut ws = door.connect().await;
        ws.send("42[\"flood\"]").await;
        stalled.push(ws);
        good.send(&format!("42{i}[\"echo\",{i}]")).await;
        assert_eq!(good.text().await, format!("43{i}[null,{i}]"));
    }
    seen.wait_for_many("disconnect outbox full", 100).await;
    assert_eq!((seen.count("disconnect outbox full"), engine.connections()), (100, 1));
    good.send("421[\"echo\",1]").await;
    assert_eq!(good.text().await, "431[null,1]");
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_is_delivered_or_the_connection_ends() {
    let (door, _engine, seen) = start(Config::default().outbox_limit(200_000));
    let mut ws = door.connect().await;
    let argument = "x".repeat(10_000);
    // Nothing is read until the server has had enough.
    for i in 0..100 {
        let call = text(&format!("42{i}[\"echo\",\"{argument}\"]"));
        if timeout(Duration::from_secs(1), ws.stream().write_all(&call)).await.is_err() {
            break;
        }
    }
    seen.wait_for("disconnect ping timeout").await;
    let mut answered = 0;
    let end = loop {
        match ws.next().await {
            Got::Text(ping) if ping == "2" => {}
            Got::Text(answer) => {
                assert!(answer.starts_with(&format!("43{answered}[null,")), "{answered}");
                answered += 1;
            }
            other => break other,
        }
    };
    assert!(matches!(end, Got::End | Got::Close(_)), "{end:?}");
    assert!((1..100).contains(&answered), "{answered}");
}

#[tokio::test(start_paused = true)]
async fn a_record_as_large_as_may_be_comes_back_as_event_and_as_answer() {
    let (door, _engine, seen) = start(Config::default().max_http_buffer_size(10 << 20));
    let mut ws = door.connect().await;
    let (small, large) = ("x".repeat(100_000), "x".repeat((10 << 20) - 100));
    for (i, record) in [&small, &large, &small].into_iter().enumerate() {
        ws.send(&format!("42{i}[\"tell\",\"{record}\"]")).await;
    }
    // Nothing is read before the large ones wait; the last call waits for them.
    sleep(Duration::from_secs(1)).await;
    assert_eq!(seen.count(&format!("event tell {:?}", format!("\"{large}\""))), 1);
    assert_eq!(seen.count(&format!("event tell {:?}", format!("\"{small}\""))), 1);
    for (i, record) in [&small, &large, &small].into_iter().enumerate() {
        assert!(ws.text().await == format!("42[\"told\",\"{record}\"]"), "event {i}");
        assert!(ws.text().await == format!("43{i}[null,\"{record}\"]"), "answer {i}");
    }
}

#[tokio::test(start_paused = true)]
async fn pings_whose_pongs_are_not_read_end_the_session() {
    let (door, _engine, seen) = start(Config::default().outbox_limit(100_000));
    let mut ws = door.connect().await;
    let pings = frame(0x89, &[b'*'; 125]).repeat(100);
    while timeout(Duration::from_secs(1), ws.stream().write_all(&pings)).await.is_ok_and(|sent| sent.is_ok()) {}
    seen.wait_for("disconnect outbox full").await;
}

#[tokio::test(start_paused = true)]
async fn pongs_of_an_offered_websocket_that_are_not_read_end_the_move() {
    let (door, _engine, _) = start(Config::default());
    let path = door.polling().await;
    let mut ws = door.open(&path.replace("polling", "websocket")).await;
    let pings = frame(0x89, &[b'*'; 125]).repeat(100);
    let mut sent = 0;
    while timeout(Duration::from_secs(1), ws.stream().write_all(&pings)).await.is_ok_and(|sent| sent.is_ok()) {
        sent += pings.len();
        assert!(sent < 1 << 20, "they are taken without end");
    }
    // The session is where it was.
    door.request("POST", &path, "", "421[\"echo\",1]").await;
    assert_eq!(door.request("GET", &path, "", "").await.text(), "431[null,1]");
}

#[tokio::test(start_paused = true)]
async fn pongs_of_an_offered_websocket_are_sent_when_it_takes_them() {
    let (door, engine, _) = start(Config::default());
    let path = door.polling().await;
    let mut ws = door.open(&path.replace("polling", "websocket")).await;
    // More than the pipe holds, less than may wait.
    ws.raw(&frame(0x89, &[b'*'; 125]).repeat(200)).await;
    sleep(Duration::from_secs(1)).await;
    for _ in 0..200 {
        assert_eq!(ws.next().await, Got::Pong(vec![b'*'; 125]));
    }
    assert_eq!(engine.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_is_given_up() {
    let limits = HttpLimits::default().write_timeout(Duration::from_secs(30));
    let (door, engine, seen) = start_with(Config::default(), limits);
    let path = door.polling().await;
    door.request("POST", &path, "", &format!("421[\"echo\",\"{}\"]", "x".repeat(500_000))).await;
    let mut poll = door.knock();
    poll.write_all(head("GET", &path, "", "").as_bytes()).await.unwrap();
    seen.wait_for("disconnect ping timeout").await;
    sleep(Duration::from_secs(1)).await;
    let mut rest = Vec::new();
    let _ = timeout(AGES, poll.read_to_end(&mut rest)).await.expect("the connection is closed");
    // As much as the pipe holds, and not all the rest when it is read at last.
    assert!(rest.len() < 100_000, "{}", rest.len());
    assert_eq!(engine.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_whose_answer_nobody_reads_is_given_up() {
    let (door, engine, _) = start(Config::default());
    let ask = |query: &str| format!("GET /socket.io/?{query} HTTP/1.1\r\nHost: x\r\n\r\n");
    // As many refusals of two lengths as leave no room for what begins a WebSocket.
    let asked = [ask("transport=nope"), ask("EIO=3&transport=polling")];
    let mut lengths = [0; 2];
    for (asked, length) in asked.iter().zip(&mut lengths) {
        let mut pipe = door.knock();
        pipe.write_all(asked.as_bytes()).await.unwrap();
        let mut answer = [0; 1024];
        *length = pipe.read(&mut answer).await.unwrap();
    }
    let fill = |second: usize| ((UNREAD - second * lengths[1]) / lengths[0], second);
    let left = |(first, second): (usize, usize)| UNREAD - first * lengths[0] - second * lengths[1];
    let (first, second) = (0..40).map(fill).min_by_key(|counts| left(*counts)).unwrap();
    assert!(left((first, second)) < 100, "{lengths:?}");
    let mut pipe = door.knock();
    pipe.write_all((asked[0].repeat(first) + &asked[1].repeat(second)).as_bytes()).await.unwrap();
    let head = format!(
        "GET {WEBSOCKET} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    pipe.write_all(head.as_bytes()).await.unwrap();
    while engine.connections() == 0 {
        tokio::task::yield_now().await;
    }
    sleep(Duration::from_secs(31)).await;
    assert_eq!(engine.connections(), 0);
    let mut rest = Vec::new();
    timeout(AGES, pipe.read_to_end(&mut rest)).await.expect("it is closed").unwrap();
    assert!(rest.len() <= UNREAD, "{}", rest.len());
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_reads_count_until_their_connections_take_them() {
    let (door, engine, seen) = start(Config::default().outbox_limit(250_000));
    let path = door.polling().await;
    let call = format!("421[\"echo\",\"{}\"]", "x".repeat(100_000));
    let mut unread = Vec::new();
    // Each answer leaves with a poll, on a connection that takes no more than a pipe holds. The third call waits for the
    // first answers: its poll brings a ping.
    for _ in 0..3 {
        door.request("POST", &path, "", &call).await;
        let mut poll = door.knock();
        poll.write_all(head("GET", &path, "", "").as_bytes()).await.unwrap();
        let mut first = [0; 1];
        poll.read_exact(&mut first).await.unwrap();
        unread.push(poll);
    }
    assert!((200_000..200_100).contains(&engine.outbox_bytes()), "{}", engine.outbox_bytes());
    assert_eq!(seen.count(&format!("event echo {:?}", format!("\"{}\"", "x".repeat(100_000)))), 2);
    seen.wait_for("disconnect ping timeout").await;
}

#[tokio::test(start_paused = true)]
async fn answers_that_were_read_no_longer_count() {
    let (door, engine, _) = start(Config::default().outbox_limit(250_000));
    let path = door.polling().await;
    let argument = "x".repeat(100_000);
    for i in 0..10 {
        door.request("POST", &path, "", &format!("42{i}[\"echo\",\"{argument}\"]")).await;
        assert_eq!(door.request("GET", &path, "", "").await.text(), format!("43{i}[null,\"{argument}\"]"));
    }
    assert_eq!(engine.outbox_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_never_polls_is_forgotten_with_all_that_waits() {
    let (door, engine, seen) = start(Config::default());
    let path = door.polling().await;
    door.request("POST", &path, "", "421[\"echo\",1]").await;
    seen.wait_for("disconnect ping timeout").await;
    assert_eq!(door.request("GET", &path, "", "").await.text(), UNKNOWN);
    assert_eq!(engine.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_never_polls_costs_the_budget_and_is_closed_beyond_it() {
    let (door, engine, seen) = start(Config::default().outbox_limit(200_000));
    let path = door.polling().await;
    let socket = seen.sockets.lock().unwrap()[0].clone();
    let text = wingbeat_core::RawJson::new(&"x".repeat(10_000)).unwrap();
    let mut most = 0;
    for _ in 0..100 {
        socket.emit("news", std::slice::from_ref(&text));
        tokio::task::yield_now().await;
        most = most.max(engine.outbox_bytes());
    }
    seen.wait_for("disconnect outbox full").await;
    assert!((180_000..=200_000).contains(&most), "{most}");
    assert_eq!((engine.outbox_bytes(), engine.connections()), (0, 0));
    assert_eq!(door.request("GET", &path, "", "").await.text(), UNKNOWN);
}

#[tokio::test(start_paused = true)]
async fn events_beyond_the_rate_wait() {
    let (door, _engine, seen) = start(Config::default().max_events_per_second(100));
    let mut ws = door.connect().await;
    let (mut reader, mut writer) = tokio::io::split(ws.stream());
    let calls: Vec<u8> = (0..1000).flat_map(|i| text(&format!("42{i}[\"echo\",0]"))).collect();
    let begun = tokio::time::Instant::now();
    let send = async { writer.write_all(&calls).await.unwrap() };
    let receive = async {
        let mut chunk = vec![0; 64 * 1024];
        while seen.count("event echo \"0\"") < 1000 {
            assert_ne!(reader.read(&mut chunk).await.unwrap(), 0);
        }
    };
    timeout(AGES, async { tokio::join!(send, receive) }).await.expect("all are answered");
    // A hundred at once, the others at their pace.
    let seconds = begun.elapsed().as_secs_f64();
    assert!((9.0..12.0).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn a_throttled_client_is_still_answered_pings_and_polls() {
    let (door, _engine, seen) = start(Config::default().max_events_per_second(10));
    let path = door.polling().await;
    let calls: Vec<String> = (0..40).map(|i| format!("42{i}[\"echo\",0]")).collect();
    let begun = tokio::time::Instant::now();
    assert_eq!(door.request("POST", &path, "", &calls.join("\u{1e}")).await.text(), "ok");
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    let mut answers = String::new();
    while answers.matches("43").count() < 40 {
        answers.push_str(door.request("GET", &path, "", "").await.text());
    }
    assert_eq!(seen.count("disconnect ping timeout"), 0);
    // A WebSocket's heartbeat goes on as well.
    let mut ws = door.open(WEBSOCKET).await;
    assert!(ws.text().await.starts_with('0'));
}

#[tokio::test(start_paused = true)]
async fn a_pong_behind_events_that_wait_is_waited_for() {
    let (door, _engine, seen) = start(Config::default().max_events_per_second(100));
    let mut ws = door.connect().await;
    let (mut reader, mut writer) = tokio::io::split(ws.stream());
    let calls: Vec<u8> = (0..10_000).flat_map(|i| text(&format!("42{i}[\"echo\",0]"))).collect();
    let send = async {
        writer.write_all(&calls).await.unwrap();
        writer.write_all(&text("3")).await.unwrap();
    };
    let receive = async {
        let mut chunk = vec![0; 64 * 1024];
        while seen.count("event echo \"0\"") < 10_000 {
            assert_ne!(reader.read(&mut chunk).await.unwrap(), 0);
        }
    };
    timeout(AGES, async { tokio::join!(send, receive) }).await.expect("all are answered");
    assert_eq!(seen.count("disconnect ping timeout"), 0);
}
