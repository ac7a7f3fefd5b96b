//! Members of a channel who do not read, beside those who do.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::future::{Ready, ready};
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use wingbeat::engine::{Config, Listener, Peer};
use wingbeat::prelude::*;
use wingbeat::store::Memory;

const PATIENCE: Duration = Duration::from_secs(30);

/// Connections in memory: they hold what the test says, where the kernel would hold megabytes.
struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Opening = Ready<io::Result<DuplexStream>>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Opening, Peer)>> {
        let peer = Peer::new(([127, 0, 0, 1], 0).into());
        self.0.poll_recv(cx).map(|io| Ok((ready(Ok(io.ok_or(io::ErrorKind::BrokenPipe)?)), peer)))
    }
}

type Client = WebSocketStream<DuplexStream>;

async fn connect(door: &mpsc::UnboundedSender<DuplexStream>) -> Client {
    let (ours, theirs) = tokio::io::duplex(4096);
    door.send(theirs).unwrap();
    let mut client = client_async("ws://x/socket.io/?EIO=4&transport=websocket", ours).await.unwrap().0;
    assert!(read(&mut client).await.starts_with('0'));
    client.send(Message::text("40")).await.unwrap();
    assert!(read(&mut client).await.starts_with("40{"));
    client
}

async fn read(client: &mut Client) -> String {
    let message = timeout(PATIENCE, client.next()).await.expect("nothing comes");
    message.expect("the server closed the connection").unwrap().into_text().unwrap().to_string()
}

/// Reads events until the last one: the ids of their records.
async fn listen(mut client: Client, last: i64) -> Vec<i64> {
    let mut ids = Vec::new();
    while ids.last() != Some(&last) {
        let packet = read(&mut client).await;
        if let Some(event) = packet.strip_prefix("42") {
            let event: Value = serde_json::from_str(event).unwrap();
            assert_eq!(event[0], "messages created");
            ids.push(event[1]["id"].as_i64().unwrap());
        }
    }
    ids
}

#[tokio::test]
async fn members_who_do_not_read_leave_their_channels_and_the_others_hear_all_in_order() {
    const READERS: usize = 150;
    const STALLED: usize = 50;
    const LAST: i64 = 60;
    let (gone, mut told) = mpsc::unbounded_channel();
    let app = App::builder()
        .mount("messages", Mount::new(Memory::new()).publish(|_| channel("everybody")))
        .on_connection(|app, connection| app.channels(["everybody", "others"]).join(connection))
        .on_disconnect(move |app, connection| {
            let left = !app.channel("everybody").connections().contains(connection);
            gone.send((left, connection.channels(), connection.is_connected())).unwrap();
        })
        .configure(SocketIo::with_config(Config::default().outbox_total(64 * 1024)))
        .build()
        .unwrap();
    let (door, pipes) = mpsc::unbounded_channel();
    let (_end, ended) = oneshot::channel::<()>();
    let serving = wingbeat::serve(Pipes(pipes), app.clone()).until(async { drop(ended.await) });
    tokio::spawn(serving.into_future());

    let (mut stalled, mut readers) = (Vec::new(), Vec::new());
    for at in 0..READERS {
        // Among the others, in whatever part of a delivery.
        if at % (READERS / STALLED) == 0 {
            stalled.push(connect(&door).await);
        }
        readers.push(tokio::spawn(listen(connect(&door).await, LAST)));
    }
    let mut writer = connect(&door).await;
    let text = "x".repeat(2048);
    for id in 1..=LAST {
        // They have gone before all is said, and so before anybody else.
        for _ in 0..if id == LAST { STALLED } else { 0 } {
            let left = timeout(PATIENCE, told.recv()).await.expect("who does not read is still there").unwrap();
            assert_eq!(left, (true, Vec::new(), false));
        }
        let call = json!(["create", "messages", {"id": id, "text": text}]);
        writer.send(Message::text(format!("42{id}{call}"))).await.unwrap();
        while !read(&mut writer).await.starts_with(&format!("43{id}[null,")) {}
    }
    for reader in readers {
        assert!(reader.await.unwrap().into_iter().eq(1..=LAST));
    }
    // Those who have read until now have gone with their tasks; nobody else has, and nobody twice.
    drop((stalled, writer));
    for _ in 0..READERS + 1 {
        timeout(PATIENCE, told.recv()).await.expect("a client has gone").unwrap();
    }
    assert!(told.try_recv().is_err() && app.channel("everybody").is_empty());
}
