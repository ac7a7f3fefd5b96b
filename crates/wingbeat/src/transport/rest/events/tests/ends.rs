//! How streams end, and what they may use up.

use super::*;
use std::time::Duration;
use tokio::sync::mpsc;
use wingbeat_engine::Peer;

/// An application that tells who has gone.
fn told(streams: impl Into<EventStreams>) -> (App, mpsc::UnboundedReceiver<u64>) {
    let (tell, gone) = mpsc::unbounded_channel();
    let builder = builder(streams).on_disconnect(move |_, connection| tell.send(connection.id()).unwrap());
    (builder.build().unwrap(), gone)
}

#[tokio::test]
async fn a_client_that_goes_leaves_its_channels() {
    let (app, mut gone) = told("sse");
    let reader = listen(&app, "/sse?room=7").await;
    assert_eq!(app.channel("rooms/7").len(), 1);
    drop(reader);
    gone.recv().await.unwrap();
    assert_eq!(app.channel("rooms/7").len(), 0);
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_ended_and_keeps_nothing() {
    let (app, mut gone) = told(EventStreams::at("sse").outbox_limit(10_000));
    let mut stuck = listen(&app, "/sse?room=7").await;
    let mut reads = listen(&app, "/sse?room=7").await;
    for _ in 0..30 {
        create(&app, json!({"room": "7", "text": "x".repeat(500)})).await;
        assert_eq!(reads.event().await["event"], "created");
    }
    gone.recv().await.unwrap();
    assert_eq!(app.channel("rooms/7").len(), 1);
    assert!(stuck.piece().await.is_none(), "nothing waits for it");
    assert!(gone.try_recv().is_err());
}

#[tokio::test]
async fn where_too_much_waits_for_all_those_behind_are_ended() {
    let streams = EventStreams::at("sse").outbox_total(20_000).max_streams(2);
    let (app, mut gone) = told(streams);
    let (mut stuck, mut reads) = (listen(&app, "/sse?room=7").await, listen(&app, "/sse?room=7").await);
    for _ in 0..60 {
        create(&app, json!({"room": "7", "text": "x".repeat(500)})).await;
        assert_eq!(reads.event().await["event"], "created");
    }
    gone.recv().await.unwrap();
    assert!(stuck.piece().await.is_none());
    assert_eq!(app.channel("rooms/7").len(), 1);
}

#[tokio::test]
async fn what_many_small_events_cost_each_stream_counts() {
    let (app, mut gone) = told(EventStreams::at("sse").outbox_total(20_000).max_streams(10));
    let (mut stuck, mut reads) = (listen(&app, "/sse?room=7").await, listen(&app, "/sse?room=7").await);
    for _ in 0..150 {
        create(&app, json!({"room": "7"})).await;
        assert_eq!(reads.event().await["event"], "created");
    }
    tokio::time::timeout(Duration::from_secs(30), gone.recv()).await.expect("it is still there").unwrap();
    assert!(stuck.piece().await.is_none());
}

#[tokio::test]
async fn one_large_event_waits_for_whoever_keeps_up() {
    let app = app(EventStreams::at("sse").outbox_limit(100));
    let mut reader = listen(&app, "/sse?room=7").await;
    create(&app, json!({"room": "7", "text": "x".repeat(5000)})).await;
    assert_eq!(reader.event().await["event"], "created");
}

#[tokio::test]
async fn there_are_as_many_streams_as_there_may_be() {
    let (app, mut gone) = told(EventStreams::at("sse").max_streams(2).max_streams_per_address(1));
    let from = |address: &str| {
        let peer = Peer::new(std::net::SocketAddr::new(address.parse().unwrap(), 1));
        request("GET", "/sse").extension(peer)
    };
    let first = open(&app, from("10.0.0.1")).await.ok().unwrap();
    let same = open(&app, from("10.0.0.1")).await.err().unwrap();
    assert_eq!((same.status, &same.body["name"]), (429, &json!("TooManyRequests")));
    let _second = open(&app, from("10.0.0.2")).await.ok().unwrap();
    assert_eq!(open(&app, from("10.0.0.3")).await.err().unwrap().status, 503);
    drop(first);
    gone.recv().await.unwrap();
    // Its place becomes free right behind that.
    let mut again = open(&app, from("10.0.0.1")).await;
    while again.is_err() {
        tokio::task::yield_now().await;
        again = open(&app, from("10.0.0.1")).await;
    }
}

#[tokio::test]
async fn who_is_disconnected_by_the_server_hears_what_was_before() {
    let (app, mut gone) = told("sse");
    let mut reader = listen(&app, "/sse?room=7").await;
    create(&app, json!({"room": "7"})).await;
    app.channel("rooms/7").connections().iter().for_each(Connection::disconnect);
    gone.recv().await.unwrap();
    create(&app, json!({"room": "7"})).await;
    assert_eq!(reader.event().await["data"]["id"], 1);
    assert!(reader.piece().await.is_none());
}

#[tokio::test]
async fn a_shutdown_ends_all_streams_and_opens_none() {
    let (app, mut gone) = told("sse");
    let mut reader = listen(&app, "/sse").await;
    let ends = async {
        assert!(reader.piece().await.is_none());
        drop(reader);
    };
    tokio::join!(app.shutdown(Duration::from_secs(600)), ends);
    gone.try_recv().expect("the shutdown has waited for it");
    assert_eq!(open(&app, request("GET", "/sse")).await.err().unwrap().status, 503);
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_comments() {
    let app = app(EventStreams::at("sse").heartbeat(Duration::from_secs(10)));
    let mut reader = listen(&app, "/sse?room=7").await;
    let begun = tokio::time::Instant::now();
    for n in 1..4 {
        assert_eq!(&*reader.piece().await.unwrap(), b": ping\n\n");
        assert_eq!(begun.elapsed().as_secs(), 10 * n);
    }
    // Who does not read has one waiting, and not one each time.
    tokio::time::sleep(Duration::from_secs(100)).await;
    reader.piece().await.unwrap();
    create(&app, json!({"room": "7"})).await;
    assert_eq!(reader.event().await["event"], "created");
}
