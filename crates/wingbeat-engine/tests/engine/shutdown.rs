//! The end of a server that is busy, with clients that do not take part in it.

use crate::client::Got;
use crate::memory::{POLLING, UNREAD, WEBSOCKET, head, start, text};
use crate::server::Test;
use std::future::Ready;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, timeout};
use wingbeat_engine::{Config, Engine, Listener, Peer};

#[tokio::test(start_paused = true)]
async fn stalled_peers_and_endless_calls_do_not_hold_it_up() {
    let (door, engine, seen) = start(Config::default());
    // Reads nothing: even the close frame finds no room.
    let mut stalled = door.connect().await;
    stalled.send("42[\"tell\",\"").await;
    seen.wait_for("disconnect forced close").await;
    let mut unread = door.connect().await;
    let call = text(&format!("421[\"echo\",\"{}\"]", "x".repeat(100_000)));
    unread.raw(&call).await;
    // Has a call that never ends.
    let mut endless = door.connect().await;
    endless.send("421[\"never\"]").await;
    seen.wait_for("event never \"null\"").await;
    // Does not answer the close frame.
    let _mute = door.connect().await;
    // Never polls.
    door.polling().await;
    let begun = Instant::now();
    engine.close(Duration::from_secs(5)).await;
    assert!(begun.elapsed() <= Duration::from_secs(7), "{:?}", begun.elapsed());
    assert_eq!(engine.connections(), 0);
    assert_eq!(seen.count("connected"), seen.count("disconnect server shutting down") + 1);
}

#[tokio::test(start_paused = true)]
async fn what_has_begun_is_answered_and_what_comes_later_is_not() {
    let (door, engine, seen) = start(Config::default().max_running_calls(1));
    let mut busy = door.connect().await;
    busy.raw(&[text("421[\"gate\",1]"), text("422[\"gate\",2]")].concat()).await;
    seen.wait_for("event gate \"1\"").await;
    let closing = tokio::spawn(async move { engine.close(Duration::from_secs(60)).await });
    while !closing.is_finished() && door.request("GET", POLLING, "", "").await.status != 503 {}
    // Comes too late, and would keep the server up for as long as it liked.
    busy.send("423[\"gate\",3]").await;
    let (_, head) = door.try_open(WEBSOCKET, "127.0.0.1", "").await;
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    for answer in ["431[null,1]", "432[null,2]"] {
        seen.gate.notify_one();
        assert_eq!(busy.text().await, answer);
    }
    assert_eq!(busy.next().await, Got::Close(None));
    drop(busy);
    closing.await.unwrap();
    assert_eq!((seen.count("event gate \"3\""), seen.count("disconnect server shutting down")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_poll_and_a_half_sent_post_are_let_go() {
    let (door, engine, _) = start(Config::default());
    let path = door.polling().await;
    let poll = {
        let (door, path) = (door.clone(), path.clone());
        tokio::spawn(async move { door.request("GET", &path, "", "").await })
    };
    let mut post = door.knock();
    let head = head("POST", &path, "", "").replace("Content-Length: 0", "Content-Length: 100");
    post.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    let begun = Instant::now();
    engine.close(Duration::from_secs(30)).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // Not the close packet, after which some clients never come back: they see that the session is gone.
    assert_eq!(poll.await.unwrap().text(), "6");
    assert_eq!(door.request("GET", &path, "", "").await.status, 400);
    let answer = timeout(Duration::from_secs(1), post.read_u8()).await;
    assert!(answer.is_ok(), "the POST is still waited for");
}

#[tokio::test(start_paused = true)]
async fn answers_that_no_poll_has_fetched_can_be_fetched() {
    let (door, engine, seen) = start(Config::default());
    let (path, forgotten) = (door.polling().await, door.polling().await);
    door.request("POST", &path, "", "421[\"gate\",1]").await;
    door.request("POST", &forgotten, "", "422[\"echo\",2]").await;
    let begun = Instant::now();
    let closing = tokio::spawn(async move { engine.close(Duration::from_secs(60)).await });
    while !closing.is_finished() && door.request("GET", POLLING, "", "").await.status != 503 {}
    seen.gate.notify_one();
    seen.wait_for_many("disconnect server shutting down", 2).await;
    assert_eq!(door.request("GET", &path, "", "").await.text(), "431[null,1]");
    assert_eq!(door.request("GET", &path, "", "").await.text(), "6");
    assert_eq!(door.request("GET", &path, "", "").await.status, 400);
    // Who does not fetch them is not waited for until the end.
    closing.await.unwrap();
    assert!((9..12).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_but_who_is_owed_an_answer() {
    let (door, engine, seen) = start(Config::default());
    // Does not fetch what was published.
    door.polling().await;
    let publish = || {
        let large = wingbeat_core::RawJson::new(&"x".repeat(100_000)).unwrap();
        seen.sockets.lock().unwrap().last().unwrap().emit("news", &[large]);
    };
    publish();
    // Nor the answer to CONNECT.
    let answer = door.request("GET", POLLING, "", "").await;
    let path = format!("{POLLING}&sid={}", answer.text().split('"').nth(3).unwrap());
    assert_eq!(door.request("POST", &path, "", "40").await.text(), "ok");
    // Sends a body without end.
    let path = door.polling().await;
    let mut post = door.knock();
    let chunked = head("POST", &path, "", "").replace("Content-Length: 0", "Transfer-Encoding: chunked");
    post.write_all(format!("{chunked}1\r\n4\r\n").as_bytes()).await.unwrap();
    // Has a handshake under way whose answer does not fit behind what it does not read.
    let mut half = door.knock();
    let asked = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
    half.write_all(asked.as_bytes()).await.unwrap();
    let answer = half.read(&mut [0; 1024]).await.unwrap();
    let asked = asked.repeat(UNREAD / answer);
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let handshake = format!("GET {WEBSOCKET} HTTP/1.1\r\nHost: x\r\n{upgrade}{key}\r\n\r\n");
    half.write_all(format!("{asked}{handshake}").as_bytes()).await.unwrap();
    // Takes nothing of what was published.
    let _stalled = door.connect().await;
    publish();
    // Has done wrong, and does not read the close frame.
    let mut wrong = door.connect().await;
    publish();
    wrong.send("42[\"tell\",\"").await;
    seen.wait_for("disconnect forced close").await;
    // Do not answer theirs.
    let (_mute, _open) = (door.connect().await, door.open(WEBSOCKET).await);
    assert_eq!(engine.connections(), 8);
    let begun = Instant::now();
    engine.close(Duration::from_secs(60)).await;
    assert!(begun.elapsed() <= Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(engine.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_owed_an_answer_gets_it_however_slowly() {
    let (door, engine, seen) = start(Config::default());
    let mut slow = door.connect().await;
    slow.send("421[\"large\"]").await;
    seen.wait_for("event large \"null\"").await;
    let closing = tokio::spawn(async move { engine.close(Duration::from_secs(60)).await });
    seen.wait_for("disconnect server shutting down").await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(slow.text().await.len(), 1_000_000 + r#"431[null,""]"#.len());
    assert_eq!((slow.next().await, slow.next().await), (Got::Close(None), Got::End));
    drop(slow);
    closing.await.unwrap();
}

/// As one of a process that has no file descriptors left, while clients wait.
struct Exhausted;

impl Listener for Exhausted {
    type Io = DuplexStream;
    type Opening = Ready<io::Result<DuplexStream>>;

    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<(Self::Opening, Peer)>> {
        Poll::Ready(Err(io::Error::other("too many open files")))
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_can_accept_nobody_ends_when_it_is_told_to() {
    let engine = Engine::new(Config::default(), Test(Default::default())).unwrap();
    let end = tokio::time::sleep(Duration::from_secs(1));
    let serving = wingbeat_engine::serve_http(Exhausted, engine.service(), end);
    timeout(Duration::from_secs(5), serving).await.expect("it goes on").unwrap();
}
