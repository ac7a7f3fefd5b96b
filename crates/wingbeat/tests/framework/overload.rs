//! Clients that do not take what they are sent, and what that costs others: nothing.

use crate::memory::{AGES, Door, Socket};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use wingbeat::engine::Config;
use wingbeat::prelude::*;
use wingbeat::store::Memory;

/// Everybody hears of everything in `notes`. A call of `gate` is answered when the gate opens, one of `never` never.
struct Server {
    app: App,
    door: Door,
    gate: Arc<Notify>,
    /// The channels that each connection was in when its end was told.
    gone: UnboundedReceiver<Vec<String>>,
    end: oneshot::Sender<()>,
    serving: JoinHandle<Result<()>>,
}

const PATIENCE: Duration = Duration::from_secs(5);

fn start(config: Config) -> Server {
    let (told, gone) = unbounded_channel();
    let gate = Arc::new(Notify::new());
    let opens = gate.clone();
    let slow = Mount::empty()
        .method("gate", move |_: serde_json::Value, _| {
            let opens = opens.clone();
            async move {
                opens.notified().await;
                Ok(true)
            }
        })
        .method("never", |_: serde_json::Value, _: Params| std::future::pending::<Result<()>>());
    let app = App::builder()
        .mount("notes", Mount::new(Memory::new()).publish(|_| channel("everybody")))
        .mount("slow", slow)
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .on_disconnect(move |_, connection| drop(told.send(connection.channels())))
        .configure(SocketIo::with_config(config))
        .build()
        .unwrap();
    let (door, pipes) = Door::new();
    let (end, ended) = oneshot::channel::<()>();
    let serving = wingbeat::serve(pipes, app.clone()).patience(PATIENCE).until(async { drop(ended.await) });
    Server { app, door, gate, gone, end, serving: tokio::spawn(serving.into_future()) }
}

impl Server {
    async fn create(&self, n: usize) {
        let note = json!({"n": n, "text": "x".repeat(10_000)});
        self.app.service("notes").create(note, Params::new()).await.unwrap();
    }

    /// Waits until a connection has gone; it was in no channel any more.
    async fn one_gone(&mut self) {
        let channels = timeout(AGES, self.gone.recv()).await.expect("nobody goes").unwrap();
        assert!(channels.is_empty(), "{channels:?}");
    }
}

/// The number in an event of `notes`.
fn number(packet: &str) -> usize {
    let n = packet.strip_prefix(r#"42["notes created",{"n":"#).and_then(|rest| rest.split(',').next());
    n.unwrap_or_else(|| panic!("no event: {}", &packet[..packet.len().min(80)])).parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_takes_no_events_is_out_at_once_and_the_others_hear_all_in_order() {
    let mut server = start(Config::default().outbox_total(200_000));
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(server.door.connect().await.unwrap());
    }
    let (poller, _stalled) = (server.door.poll().await, server.door.connect().await.unwrap());
    let everybody = server.app.channel("everybody");
    let mut most = everybody.len();
    assert_eq!(most, 5);
    for n in 0..50 {
        server.create(n).await;
        for member in &mut members {
            assert_eq!(number(&member.read().await.unwrap()), n);
        }
        // 200,000 bytes are 19 notes; the WebSocket has some more on their way.
        most = if n < 22 { most } else { everybody.len() };
    }
    assert_eq!(most, 3);
    server.one_gone().await;
    server.one_gone().await;
    assert_eq!(server.door.request("GET", &poller, "").await, r#"{"code":1,"message":"Session ID unknown"}"#);
    server.create(50).await;
    for member in &mut members {
        assert_eq!(number(&member.read().await.unwrap()), 50);
    }
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_is_delivered_or_the_connection_ends() {
    let mut server = start(Config::default().outbox_limit(200_000));
    let mut client = server.door.connect().await.unwrap();
    let text = "x".repeat(10_000);
    let mut sent = 0;
    // Nothing is read until the server has had enough.
    while client.send(&format!(r#"42{sent}["create","notes",{{"n":{sent},"text":"{text}"}}]"#)).await {
        sent += 1;
        assert!(sent < 1000, "what waits is not bounded");
    }
    server.one_gone().await;
    let mut answered = 0;
    while let Some(event) = client.read().await {
        assert_eq!(number(&event), answered);
        let Some(answer) = client.read().await else { break };
        assert!(answer.starts_with(&format!(r#"43{answered}[null,{{"n":{answered},"#)), "{}", &answer[..80]);
        answered += 1;
    }
    // What was done is done, and whoever was not told so knows that the connection has ended.
    let done = server.app.service("notes").find(Params::new()).await.unwrap().to::<Vec<serde_json::Value>>().unwrap();
    assert!(answered <= done.len() && done.len() <= sent + 1 && answered < sent, "{answered} {} {sent}", done.len());
}

async fn answers(mut client: Socket) -> Vec<String> {
    let mut packets = Vec::new();
    while let Some(packet) = client.read().await {
        packets.push(packet);
    }
    packets.retain(|packet| packet.starts_with("43"));
    packets
}

#[tokio::test(start_paused = true)]
async fn an_end_amid_calls_and_deliveries_answers_refuses_closes_and_is_in_time() {
    let mut server = start(Config::default());
    // Has a call that is answered while the server ends, and one that never is.
    let mut busy = server.door.connect().await.unwrap();
    for call in [r#"421["gate","slow",null]"#, r#"422["never","slow",null]"#, r#"423["find","notes"]"#] {
        assert!(busy.send(call).await);
    }
    assert!(busy.read().await.is_some_and(|answer| answer.starts_with("433[null,")));
    // Read nothing of what they are sent, one of them over polling.
    let _stalled = (server.door.connect().await.unwrap(), server.door.poll().await);
    let crowd: Vec<_> = futures_util::future::join_all((0..100).map(|_| server.door.connect())).await;
    assert_eq!(server.app.channel("everybody").len(), 103);
    let crowd: Vec<_> = crowd.into_iter().map(|client| tokio::spawn(answers(client.unwrap()))).collect();
    for n in 0..10 {
        server.create(n).await;
    }
    let begun = Instant::now();
    server.end.send(()).unwrap();
    while server.door.connect().await.is_some() {}
    server.gate.notify_one();
    assert_eq!(answers(busy).await, ["431[null,true]"]);
    timeout(AGES, server.serving).await.expect("it ends").unwrap().unwrap();
    assert!(begun.elapsed() <= PATIENCE + Duration::from_secs(2), "{:?}", begun.elapsed());
    for client in crowd {
        assert!(client.await.unwrap().is_empty());
    }
    for _ in 0..103 {
        assert!(server.gone.try_recv().is_ok_and(|channels| channels.is_empty()));
    }
    assert!(server.app.channel_names().is_empty());
}
