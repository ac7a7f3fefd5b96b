//! Clients that begin something and do not go on with it.

use crate::client::{Got, frame};
use crate::memory::{AGES, POLLING, WEBSOCKET, head, start};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, timeout};
use wingbeat_engine::Config;

/// How many seconds pass until the server closes the connection.
async fn closed_after(pipe: &mut DuplexStream) -> u64 {
    let begun = Instant::now();
    let mut rest = Vec::new();
    let _ = timeout(AGES, pipe.read_to_end(&mut rest)).await.expect("it is closed");
    begun.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed() {
    let (door, ..) = start(Config::default());
    assert_eq!(closed_after(&mut door.knock()).await, 10);
}

#[tokio::test(start_paused = true)]
async fn headers_that_come_byte_by_byte_are_not_waited_for() {
    let (door, ..) = start(Config::default());
    let mut pipe = door.knock();
    let begun = Instant::now();
    let endless = format!("GET {POLLING} HTTP/1.1\r\nHost: x\r\nX: {}", "x".repeat(3600));
    for byte in endless.bytes() {
        if pipe.write_all(&[byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    assert!(begun.elapsed().as_secs() <= 12, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_kept_and_not_used_is_closed() {
    let (door, ..) = start(Config::default());
    let mut pipe = door.knock();
    pipe.write_all(format!("GET {POLLING} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    assert_eq!(closed_after(&mut pipe).await, 75);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_whole_ends_with_its_session() {
    let (door, engine, seen) = start(Config::default());
    let path = door.polling().await;
    let mut post = door.knock();
    let head = head("POST", &path, "", "").replace("Content-Length: 0", "Content-Length: 100");
    post.write_all(head.as_bytes()).await.unwrap();
    let dribble = async {
        while post.write_all(b"4").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    };
    timeout(Duration::from_secs(60), dribble).await.expect("it is closed");
    assert_eq!((seen.count("disconnect ping timeout"), engine.connections()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn who_has_sent_more_than_is_read_and_then_goes_is_noticed() {
    // Calls that never end stand before more than may wait: nothing is read, so no pong can be seen, and no end either.
    let (door, engine, seen) = start(Config::default().max_running_calls(2).max_http_buffer_size(2048));
    let calls = ["42[\"never\"]"; 100];
    let mut ws = door.connect().await;
    for call in calls {
        ws.send(call).await;
    }
    let path = door.polling().await;
    let mut post = door.knock();
    post.write_all(head("POST", &path, "", &calls.join("\u{1e}")).as_bytes()).await.unwrap();
    let begun = Instant::now();
    timeout(AGES, seen.wait_for_many("disconnect ping timeout", 2)).await.expect("both are noticed");
    // Calls may take a minute, and a client that waits for them lives.
    assert!((120..300).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    sleep(Duration::from_secs(11)).await;
    assert_eq!(engine.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_joins_nothing_is_closed() {
    let (door, engine, _) = start(Config::default());
    let mut ws = door.open(WEBSOCKET).await;
    let begun = Instant::now();
    loop {
        match ws.next().await {
            Got::Text(text) if text == "2" => ws.send("3").await,
            Got::Text(_) => {}
            other => break assert_eq!(other, Got::Close(None)),
        }
    }
    assert_eq!(begun.elapsed().as_secs(), 45);
    // Nor does it have to answer the close frame.
    sleep(Duration::from_secs(11)).await;
    assert_eq!(engine.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_is_offered_and_silent_is_closed_and_the_session_stays() {
    let (door, engine, _) = start(Config::default());
    let path = door.polling().await;
    let mut ws = door.open(&path.replace("polling", "websocket")).await;
    assert_eq!(closed_after(ws.stream()).await, 10);
    assert_eq!(engine.connections(), 1);
    door.request("POST", &path, "", "421[\"echo\",1]").await;
    assert_eq!(door.request("GET", &path, "", "").await.text(), "431[null,1]");
}

#[tokio::test(start_paused = true)]
async fn many_websockets_for_one_session_are_refused_in_bounded_number() {
    let (door, ..) = start(Config::default());
    let path = door.polling().await.replace("polling", "websocket");
    let mut all = Vec::new();
    for _ in 0..1100 {
        all.push(door.open(&path).await);
    }
    // The first is the candidate, 1,024 are told, the others are only closed.
    let mut told = 0;
    for ws in &mut all {
        told += usize::from(ws.next().await == Got::Close(None));
    }
    assert_eq!(told, 1025);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_endless_empty_fragments_does_not_keep_a_session() {
    let (door, _engine, seen) = start(Config::default());
    let mut ws = door.connect().await;
    ws.frame(0x01, b"4").await;
    let begun = Instant::now();
    let fragments = frame(0x00, b"").repeat(1000);
    while ws.stream().write_all(&fragments).await.is_ok() {
        sleep(Duration::from_secs(1)).await;
        assert!(begun.elapsed() < Duration::from_secs(60), "it is kept");
    }
    assert_eq!(seen.count("disconnect ping timeout"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_stops_in_a_frame_is_closed() {
    let (door, _engine, seen) = start(Config::default());
    let mut ws = door.connect().await;
    ws.raw(&frame(0x81, &[b'4'; 1000])[..500]).await;
    seen.wait_for("disconnect ping timeout").await;
}

#[cfg(feature = "tls")]
#[tokio::test(start_paused = true)]
async fn a_tls_handshake_that_never_finishes_expires() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (door, pipes) = crate::memory::Door::new();
    let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let tls = wingbeat_engine::Tls::from_pem(pipes, chain.as_bytes(), key.as_bytes()).unwrap();
    let engine = wingbeat_engine::Engine::new(Config::default(), crate::server::Test(Default::default())).unwrap();
    tokio::spawn(wingbeat_engine::serve_http(tls, engine.service(), std::future::pending()));
    let mut silent = door.knock();
    assert_eq!(closed_after(&mut silent).await, 10);
    let mut half = door.knock();
    // The header of a ClientHello, and a part of it.
    half.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).await.unwrap();
    assert_eq!(closed_after(&mut half).await, 10);
}

#[tokio::test(start_paused = true)]
async fn who_is_not_listened_to_is_known_all_the_time() {
    let (door, _engine, seen) = start(Config::default().max_running_calls(1).max_http_buffer_size(2048));
    // Between two turns of the wheel, so that it comes late to all that is due.
    sleep(Duration::from_millis(7)).await;
    let path = door.polling().await;
    // More calls than may wait: the POST is not answered, and no pong can be sent.
    let calls = ["421[\"gate\"]"; 100].join("\u{1e}");
    let mut post = door.knock();
    post.write_all(head("POST", &path, "", &calls).as_bytes()).await.unwrap();
    assert_eq!(door.request("GET", &path, "", "").await.text(), "2");
    sleep(Duration::from_millis(19_980)).await;
    for _ in 0..100 {
        sleep(Duration::from_millis(1)).await;
        // No method of a session, which only those get to know that have one.
        assert_eq!(door.request("PUT", &path, "", "").await.status, 500);
    }
    seen.gate.notify_one();
    assert_eq!(door.request("GET", &path, "", "").await.text(), "431[null,null]");
}

#[tokio::test(start_paused = true)]
async fn who_is_listened_to_and_silent_gains_nothing_by_asking() {
    let (door, _engine, seen) = start(Config::default());
    sleep(Duration::from_millis(7)).await;
    let path = door.polling().await;
    assert_eq!(door.request("GET", &path, "", "").await.text(), "2");
    sleep(Duration::from_millis(19_980)).await;
    for _ in 0..100 {
        sleep(Duration::from_millis(1)).await;
        door.request("PUT", &path, "", "").await;
    }
    assert_eq!((door.request("PUT", &path, "", "").await.status, seen.count("disconnect ping timeout")), (400, 1));
}
