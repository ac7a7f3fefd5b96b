//! One call that changes many records: everybody hears of each.

use crate::memory::{AGES, Door, Socket};
use serde_json::json;
use tokio::time::timeout;
use wingbeat::engine::Config;
use wingbeat::prelude::*;
use wingbeat::store::Memory;

/// Everybody hears of everything in `notes`, of which there are so many with a text of so many bytes.
async fn start(config: Config, count: usize, bytes: usize) -> (App, Door) {
    let app = App::builder()
        .mount("notes", Mount::new(Memory::new().multi(true)).publish(|_| channel("everybody")))
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .configure(SocketIo::with_config(config))
        .build()
        .unwrap();
    let notes: Vec<_> = (0..count).map(|n| json!({"n": n, "text": "x".repeat(bytes)})).collect();
    app.service("notes").create(serde_json::Value::from(notes), Params::new()).await.unwrap();
    let (door, pipes) = Door::new();
    tokio::spawn(wingbeat::serve(pipes, app.clone()).until(std::future::pending()).into_future());
    (app, door)
}

/// Hears of every note once, in order, until the last.
async fn hear(mut client: Socket, count: usize) -> Socket {
    for n in 0..count {
        let packet = client.read().await.expect("it stays connected");
        assert!(packet.starts_with(&format!(r#"42["notes patched",{{"n":{n},"#)), "{}", &packet[..60]);
    }
    client
}

async fn poll(door: &Door, path: &str, count: usize) {
    let mut heard = 0;
    while heard < count {
        for packet in door.request("GET", path, "").await.split('\u{1e}') {
            assert!(packet.starts_with(&format!(r#"42["notes patched",{{"n":{heard},"#)), "{}", &packet[..60]);
            heard += 1;
        }
    }
}

async fn all_hear_of_all(count: usize, bytes: usize) {
    let (_app, door) = start(Config::default(), count, bytes).await;
    let mut caller = door.connect().await.unwrap();
    let (listener, path) = (door.connect().await.unwrap(), door.poll().await);
    let listener = tokio::spawn(hear(listener, count));
    assert!(caller.send(r#"427["patch","notes",null,{"seen":true},{}]"#).await);
    let polled = poll(&door, &path, count);
    let called = async {
        let answer = hear(caller, count).await.read().await.expect("it is answered");
        assert!(answer.starts_with("437[null,[{") && answer.len() > count * bytes);
    };
    timeout(AGES, async { tokio::join!(polled, called) }).await.expect("the caller hears of all, and is answered");
    timeout(AGES, listener).await.expect("the listener hears of all").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_that_changes_thousands_closes_nobody() {
    all_hear_of_all(2500, 2000).await;
    all_hear_of_all(100, 60_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_does_it_on_several_threads() {
    all_hear_of_all(2500, 2000).await;
    all_hear_of_all(100, 60_000).await;
}

#[tokio::test(start_paused = true)]
async fn who_takes_what_is_published_has_the_time_to_do_so() {
    // All of it would be more than may wait.
    let (app, door) = start(Config::default().outbox_total(4 << 20), 200, 60_000).await;
    let listeners = [door.connect().await.unwrap(), door.connect().await.unwrap()];
    let listeners = listeners.map(|listener| tokio::spawn(hear(listener, 200)));
    app.service("notes").patch(None, json!({"seen": true}), Params::new()).await.unwrap();
    for listener in listeners {
        timeout(AGES, listener).await.expect("it hears of all").unwrap();
    }
}
