//! Clients that come back to a Wingbeat server over a network that fails.

use crate::fixture::{Fixture, Target};
use crate::scripted::Listener;
use crate::soon;
use serde::Deserialize;
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use wingbeat_client::{Client, ConnectionEvent, Reconnection, TransportKind};

#[derive(Deserialize)]
struct Tick {
    n: u64,
}

/// A network before a server: it is down where this says so, and cuts connections after as many bytes as `cut` says.
async fn network(listener: &Listener, port: u16, up: watch::Receiver<bool>, cut: impl Fn() -> u64) {
    loop {
        let (mut tcp, mut up) = (listener.tcp().await, up.clone());
        let limit = cut();
        if !*up.borrow_and_update() {
            continue;
        }
        tokio::spawn(async move {
            let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
            let ((from, mut to), (mut ours, mut theirs)) = (server.split(), tcp.split());
            let mut down = from.take(limit);
            tokio::select! {
                _ = up.changed() => {}
                _ = tokio::io::copy(&mut down, &mut theirs) => {}
                _ = tokio::io::copy(&mut ours, &mut to) => {}
            }
        });
    }
}

fn client_of(listener: &Listener, transports: &[TransportKind]) -> Client {
    let at_once = Duration::from_millis(2);
    let back = Reconnection::default().delay(at_once).max_delay(at_once);
    let client = Client::builder(&listener.url()).reconnection(back);
    client.transports(transports.iter().copied()).build().unwrap()
}

#[tokio::test]
async fn cut_at_any_byte_nothing_of_wingbeats_is_lost_or_comes_twice() {
    const ALL: u64 = 300;
    let server = Fixture::start(Target::Recovery, "base");
    for transports in [
        &[TransportKind::WebSocket][..],
        &[TransportKind::Polling],
        &[TransportKind::Polling, TransportKind::WebSocket],
    ] {
        let (listener, (_network, up)) = (Listener::bind().await, watch::channel(true));
        let count = AtomicU64::new(0);
        // The first are left alone until the client has joined; the same cuts each time. Some are late, as a poll brings
        // all that was missed or nothing.
        let cut = || match count.fetch_add(1, Ordering::Relaxed) {
            0..4 => 1200,
            count if count % 16 == 0 && transports[0] == TransportKind::Polling => 10_000,
            count => count * 7919 % 1500,
        };
        let client = client_of(&listener, transports);
        let mut ticks = client.service::<Tick>("ticks").on("created");
        let events = async {
            client.connect().await.unwrap();
            let publisher = server.client().connect().await.unwrap();
            for first in (1..=ALL).step_by(3) {
                for n in first..first + 3 {
                    publisher.untyped("ticks").create(&json!({"n": n})).await.unwrap();
                }
                for n in first..first + 3 {
                    assert_eq!(soon(ticks.next()).await.unwrap().unwrap().n, n, "{transports:?}");
                }
            }
        };
        soon(async {
            tokio::select! {
                () = network(&listener, server.port, up, cut) => {}
                () = events => {}
            }
        })
        .await;
        assert!(count.into_inner() > 20, "{transports:?}");
    }
}

#[tokio::test]
async fn a_login_comes_back_with_what_was_missed_and_before_calls() {
    let server = Fixture::start(Target::Recovery, "base");
    let (listener, (up, is_up)) = (Listener::bind().await, watch::channel(true));
    let login = json!({"strategy": "local", "email": "ann@example.com", "password": "secret"});
    let story = async {
        let (client, other) = (client_of(&listener, &[TransportKind::WebSocket]), server.client().build().unwrap());
        client.authenticate(&login).await.unwrap();
        other.authenticate(&login).await.unwrap();
        let mut events = client.connection_events();
        let mut secrets = client.service::<Tick>("secrets").on("created");
        for n in 1..=3 {
            up.send_replace(false);
            while !matches!(events.next().await, Some(ConnectionEvent::Disconnected { .. })) {}
            other.untyped("secrets").create(&json!({"n": n})).await.unwrap();
            up.send_replace(true);
            let answer = client.untyped("secrets").find().await.unwrap();
            assert_eq!(answer.into_records().len() as u64, n);
            assert_eq!(secrets.next().await.unwrap().unwrap().n, n);
            while !matches!(events.next().await, Some(ConnectionEvent::Connected { recovered: true, .. })) {}
            assert!(client.recovered());
        }
    };
    soon(async {
        tokio::select! {
            () = network(&listener, server.port, is_up, || u64::MAX) => {}
            () = story => {}
        }
    })
    .await;
}

#[tokio::test]
async fn who_wants_no_recovery_is_given_none() {
    let server = Fixture::start(Target::Recovery, "base");
    let client = soon(server.client().recovery(false).connect()).await.unwrap();
    let mut all = client.io().on_any();
    soon(async { client.untyped("ticks").create(&json!({"n": 1})).await.unwrap() }).await;
    let event = soon(all.next()).await.unwrap().unwrap();
    assert_eq!((event.name(), event.len()), ("ticks created", 1));
    let client = soon(server.client().connect()).await.unwrap();
    let mut all = client.io().on_any();
    soon(async { client.io().emit_with_ack("echo", ("text", "more")).await.unwrap() }).await;
    let event = soon(all.next()).await.unwrap().unwrap();
    assert_eq!((event.name(), event.len()), ("x", 2), "the null behind it is not one of the arguments");
}
