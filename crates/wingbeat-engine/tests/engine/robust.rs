//! What must not hurt anybody else.

use crate::client::{Got, PATIENCE, Ws, frame};
use crate::memory::start;
use crate::server::Server;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wingbeat_engine::Config;

async fn serves(server: &Server) {
    let mut ws = Ws::connect(server.port).await;
    ws.send("421[\"echo\",1]").await;
    assert_eq!(ws.text().await, "431[null,1]");
}

#[tokio::test]
async fn two_thousand_that_say_nothing_and_a_megabyte_of_noise() {
    let server = Server::start(Config::default()).await;
    let mut silent = Vec::new();
    for _ in 0..2000 {
        silent.push(TcpStream::connect(("127.0.0.1", server.port)).await.unwrap());
    }
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let noise: Vec<u8> = (0..1 << 20)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect();
    for (i, chunk) in noise.chunks(64 * 1024).enumerate() {
        // Half of it as HTTP, half behind a handshake.
        if i % 2 == 0 {
            let mut raw = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
            let _ = raw.write_all(chunk).await;
        } else {
            let mut ws = Ws::connect(server.port).await;
            let _ = tokio::time::timeout(PATIENCE, ws.stream().write_all(chunk)).await;
        }
    }
    serves(&server).await;
    drop(silent);
}

#[tokio::test]
async fn who_does_not_read_is_closed_and_others_are_not() {
    let server = Server::start(Config::default().outbox_limit(1 << 20)).await;
    let mut slow = Ws::connect(server.port).await;
    slow.send("42[\"flood\"]").await;
    server.seen.wait_for("disconnect outbox full").await;
    assert_eq!(server.seen.count("disconnect outbox full"), 1);
    serves(&server).await;
}

fn calls(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|i| format!("42{i}[\"{name}\"]")).collect()
}

fn frames(calls: &[String]) -> Vec<u8> {
    calls.iter().flat_map(|call| frame(0x81, call.as_bytes())).collect()
}

/// As much as may wait at all while calls are begun, and the answer that was one too many: three of a megabyte.
const MOST: usize = (2 << 20) + 1_000_100;

/// Lets the server do all that it can without its client.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

async fn answers_come(ws: &mut Ws<tokio::io::DuplexStream>, count: usize) {
    let mut ids = Vec::new();
    for _ in 0..count {
        let answer = ws.text().await;
        assert_eq!(answer.len(), "43[null,\"\"]".len() + 1_000_000 + ids.len().to_string().len());
        ids.push(answer[2..].split('[').next().unwrap().parse::<usize>().unwrap());
    }
    assert!(ids.into_iter().eq(0..count), "in order, each once");
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_a_client_that_reads_slowly() {
    let (door, engine, seen) = start(Config::default());
    let mut ws = door.connect().await;
    ws.raw(&frames(&calls("large", 64))).await;
    settle().await;
    assert_eq!(seen.count("event large \"null\""), 3);
    assert!(engine.outbox_bytes() <= MOST, "{}", engine.outbox_bytes());
    answers_come(&mut ws, 64).await;
    settle().await;
    assert_eq!((engine.outbox_bytes(), seen.count("disconnect outbox full")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_a_client_that_polls_slowly() {
    let (door, engine, seen) = start(Config::default());
    let path = door.polling().await;
    door.request("POST", &path, "", &calls("large", 64).join("\u{1e}")).await;
    settle().await;
    assert_eq!(seen.count("event large \"null\""), 3);
    assert!(engine.outbox_bytes() <= MOST, "{}", engine.outbox_bytes());
    let mut ids = Vec::new();
    while ids.len() < 64 {
        let body = door.request("GET", &path, "", "").await;
        let id = |answer: &str| answer[2..].split('[').next().unwrap().parse::<usize>().unwrap();
        ids.extend(body.text().split('\u{1e}').map(id));
    }
    assert!(ids.into_iter().eq(0..64), "in order, each once");
    settle().await;
    assert_eq!(engine.outbox_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_under_way_goes_on_though_its_client_reads_nothing() {
    let (door, engine, seen) = start(Config::default());
    let mut ws = door.connect().await;
    ws.send("429[\"gate\"]").await;
    ws.raw(&frames(&calls("large", 9))).await;
    settle().await;
    assert!((2 << 20..MOST).contains(&engine.outbox_bytes()), "{}", engine.outbox_bytes());
    seen.gate.notify_waiters();
    seen.wait_for("through").await;
    // Its answer comes behind those that wait, and before those of the calls that are begun later.
    for id in [0, 1, 2, 9, 3, 4, 5, 6, 7, 8] {
        assert!(ws.text().await.starts_with(&format!("43{id}[")), "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_calls_and_never_reads_is_closed_in_time() {
    let (door, engine, seen) = start(Config::default());
    let mut ws = door.connect().await;
    let call = frame(0x81, format!("421[\"echo\",\"{}\"]", "x".repeat(100_000)).as_bytes());
    let mut sent = 0;
    while tokio::time::timeout(Duration::from_secs(1), ws.stream().write_all(&call))
        .await
        .is_ok_and(|sent| sent.is_ok())
    {
        sent += 1;
        assert!(sent < 100, "it is read on and on");
    }
    assert!(engine.outbox_bytes() <= MOST, "{}", engine.outbox_bytes());
    seen.wait_for("disconnect ping timeout").await;
    // Who is told to go has ten seconds for what was sent before.
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!((engine.outbox_bytes(), engine.connections()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_reads_gets_as_much_as_may_wait_again_and_again() {
    let (door, ..) = start(Config::default());
    let mut ws = door.connect().await;
    for round in 0..8 {
        ws.raw(&frames(&calls("large", 4))).await;
        for i in 0..4 {
            assert!(ws.text().await.starts_with(&format!("43{i}[null,\"x")), "{round} {i}");
        }
    }
}

#[tokio::test]
async fn an_outbox_that_nobody_polls_is_limited_too() {
    let server = Server::start(Config::default().outbox_limit(1 << 20)).await;
    let session = crate::http_client::Session::connect(server.port).await;
    session.post("42[\"flood\"]").await;
    server.seen.wait_for("disconnect outbox full").await;
    assert_eq!(session.poll().await.text(), r#"{"code":1,"message":"Session ID unknown"}"#);
}

#[tokio::test]
async fn running_calls_finish_after_their_client_has_gone() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    ws.send("421[\"gate\",1]").await;
    server.seen.wait_for("event gate \"1\"").await;
    drop(ws);
    server.seen.wait_for("disconnect transport close").await;
    server.seen.gate.notify_one();
    server.seen.wait_for("through").await;
}

#[tokio::test]
async fn calls_beyond_the_limit_wait_and_pings_do_not() {
    let server = Server::start(Config::default().max_running_calls(2)).await;
    let mut ws = Ws::connect(server.port).await;
    for i in 0..5 {
        ws.send(&format!("42{i}[\"gate\",{i}]")).await;
    }
    ws.frame(0x89, b"p").await;
    assert_eq!(ws.next().await, Got::Pong(b"p".into()));
    assert_eq!((server.seen.count("event gate \"1\""), server.seen.count("event gate \"2\"")), (1, 0));
    for i in 0..5 {
        server.seen.gate.notify_one();
        assert_eq!(ws.text().await, format!("43{i}[null,{i}]"));
    }
}

#[tokio::test]
async fn reading_stops_when_too_much_waits_and_silence_is_then_no_fault() {
    let config = Config::default().max_running_calls(1).max_http_buffer_size(10_000);
    let config = config.ping_interval(Duration::from_millis(50)).ping_timeout(Duration::from_millis(50));
    let server = Server::start(config).await;
    let mut ws = Ws::connect(server.port).await;
    let calls: Vec<u8> = (0..2000).flat_map(|i| frame(0x81, format!("42{i}[\"gate\",{i}]").as_bytes())).collect();
    ws.raw(&calls).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.seen.count("disconnect ping timeout"), 0);
    let mut next = 0;
    while next < 2000 {
        server.seen.gate.notify_one();
        match ws.text().await.as_str() {
            "2" => ws.send("3").await,
            answer => {
                assert_eq!(answer, format!("43{next}[null,{next}]"));
                next += 1;
            }
        }
    }
}

#[tokio::test]
async fn closing_the_server_waits_for_calls_and_tells_everybody() {
    let server = Server::start(Config::default()).await;
    let mut busy = Ws::connect(server.port).await;
    let mut idle = Ws::connect(server.port).await;
    busy.send("421[\"gate\",1]").await;
    server.seen.wait_for("event gate \"1\"").await;
    let engine = server.engine.clone();
    let closing = tokio::spawn(async move { engine.close(Duration::from_secs(5)).await });
    assert_eq!(idle.next().await, Got::Close(None));
    let (_, head) = Ws::try_open(server.port, "/socket.io/?EIO=4&transport=websocket", "").await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    server.seen.gate.notify_one();
    assert_eq!(busy.text().await, "431[null,1]");
    assert_eq!(busy.next().await, Got::Close(None));
    drop((busy, idle));
    closing.await.unwrap();
    assert_eq!((server.engine.connections(), server.seen.count("disconnect server shutting down")), (0, 2));
}

#[tokio::test]
async fn many_calls_of_one_read_keep_their_order() {
    let server = Server::start(Config::default()).await;
    let mut ws = Ws::connect(server.port).await;
    let calls: Vec<u8> = (0..1000).flat_map(|i| frame(0x81, format!("42{i}[\"tell\",{i}]").as_bytes())).collect();
    ws.raw(&calls).await;
    for i in 0..1000 {
        assert_eq!(ws.text().await, format!("42[\"told\",{i}]"));
        assert_eq!(ws.text().await, format!("43{i}[null,{i}]"));
    }
}

#[tokio::test]
async fn sessions_are_limited() {
    let server = Server::start(Config::default().max_connections(1)).await;
    let first = Ws::connect(server.port).await;
    let (_, head) = Ws::try_open(server.port, "/socket.io/?EIO=4&transport=websocket", "").await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    drop(first);
    server.seen.wait_for("disconnect transport close").await;
    serves(&server).await;
}
