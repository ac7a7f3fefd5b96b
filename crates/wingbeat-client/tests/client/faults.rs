//! Servers that go, hang, or are slow: calls end, and the client comes back.

use crate::fixture::{Fixture, Target};
use crate::scripted::{Listener, OPEN};
use crate::soon;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wingbeat_client::{Client, ConnectionEvent, DeliveryStatus, Error, Reason, Reconnection, TransportKind};

const SHORT: Duration = Duration::from_millis(200);

pub(crate) fn quick(url: &str) -> wingbeat_client::Builder {
    let delay = Duration::from_millis(20);
    Client::builder(url).reconnection(Reconnection::default().delay(delay).max_delay(delay))
}

async fn restart(target: Target, transport: TransportKind) {
    let mut server = Fixture::start(target, "base");
    let client = server.client().transports([transport]).connect().await.unwrap();
    let mut events = client.connection_events();
    let messages = client.untyped("messages");
    let mut created = messages.on("created");
    server.restart();
    // Made while the server is away or on its way back: answered by the next one, or not sent and told so.
    let answer = messages.create(&json!({"text": "after"})).await;
    if let Err(error) = &answer {
        assert_eq!(error.delivery_status(), DeliveryStatus::Unknown, "{error:?}");
    }
    assert!(matches!(events.next().await, Some(ConnectionEvent::Disconnected { will_reconnect: true, .. })));
    while !matches!(events.next().await, Some(ConnectionEvent::Connected { .. })) {}
    messages.create(&json!({"text": "heard"})).await.unwrap();
    while created.next().await.unwrap().unwrap()["text"] != "heard" {}
}

#[tokio::test]
async fn a_restarted_server_is_found_again_and_listeners_stay() {
    for target in [Target::Node, Target::Wingbeat] {
        for transport in [TransportKind::WebSocket, TransportKind::Polling] {
            soon(restart(target, transport)).await;
        }
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_noticed_by_its_silence() {
    for target in [Target::Node, Target::Wingbeat] {
        let server = Fixture::start(target, "fast-ping");
        let client = server.client().timeout(SHORT).connect().await.unwrap();
        let mut events = client.connection_events();
        server.signal("STOP");
        let error = soon(async { client.untyped("messages").get(1).await }).await.unwrap_err();
        assert!(matches!(error, Error::Unanswered(_)), "{error:?}");
        let event = soon(events.next()).await;
        assert!(matches!(event, Some(ConnectionEvent::Disconnected { reason: Reason::PingTimeout, .. })), "{event:?}");
        server.signal("CONT");
        while !matches!(soon(events.next()).await, Some(ConnectionEvent::Connected { .. })) {}
    }
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_timeouts() {
    let listener = Listener::bind().await;
    // It accepts, and says nothing: neither HTTP nor anything else.
    let client = quick(&listener.url()).connect_timeout(SHORT).timeout(SHORT).build().unwrap();
    let error = soon(async { client.untyped("messages").get(1).await }).await.unwrap_err();
    assert_eq!((&*error.message(), error.delivery_status()), ("Not sent within 200ms", DeliveryStatus::NotSent));
    let error = soon(client.connect()).await.unwrap_err();
    assert!(error.message().contains("no connection within 200ms"), "{error}");
    soon(client.close()).await;
}

#[tokio::test]
async fn a_server_that_stops_at_any_point_of_the_handshake_is_left() {
    for silent_after in 0..3 {
        let listener = Listener::bind().await;
        let url = listener.url();
        let server = tokio::spawn(async move {
            let (mut peer, _) = listener.websocket().await;
            if silent_after > 0 {
                peer.send(OPEN).await;
            }
            if silent_after > 1 {
                peer.receive().await;
            }
            while peer.receive().await.is_some() {}
        });
        let builder = quick(&url).connect_timeout(SHORT).transports([TransportKind::WebSocket]);
        assert!(soon(builder.connect()).await.is_err(), "{silent_after}");
        soon(server).await.unwrap();
    }
}

#[tokio::test]
async fn answers_find_their_calls_in_any_order() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let server = tokio::spawn(async move {
        let mut peer = listener.joined().await;
        let asked: Vec<_> = [peer.receive().await, peer.receive().await].into_iter().flatten().collect();
        assert!(asked[0].starts_with("420") && asked[1].starts_with("421"));
        for frame in ["431[null,2]", "431[null,3]", "4399[null,0]", "430[null,1]"] {
            peer.send(frame).await;
        }
        peer
    });
    let numbers = client.service::<u32>("numbers");
    let (one, two) = soon(async { tokio::join!(async { numbers.get(1).await }, async { numbers.get(2).await }) }).await;
    assert_eq!((one.unwrap(), two.unwrap()), (1, 2));
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_whose_other_end_is_deaf_blocks_nobody() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).ping_timeout(SHORT).timeout(SHORT * 2).build().unwrap();
    let hold = tokio::spawn(async move {
        let peer = listener.joined().await;
        // Never read again: what the client writes fills the buffers of both kernels.
        std::future::pending::<()>().await;
        drop(peer);
    });
    let data = json!({ "text": "x".repeat(500_000) });
    let calls = (0..40).map(|_| {
        let (messages, data) = (client.untyped("messages"), data.clone());
        async move { messages.create(&data).await }
    });
    let outcomes = soon(futures_util::future::join_all(calls)).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Err(error) if error.delivery_status() != DeliveryStatus::Answered))
    );
    assert!(
        outcomes
            .iter()
            .any(|outcome| matches!(outcome, Err(error) if error.delivery_status() == DeliveryStatus::NotSent))
    );
    soon(client.close()).await;
    hold.abort();
}

#[tokio::test]
async fn a_server_that_sends_us_away_is_obeyed_or_not_as_told() {
    let listener = Listener::bind().await;
    let delay = Duration::from_millis(10);
    let back = Reconnection::default().delay(delay).after_server_disconnect(true);
    for reconnection in [Reconnection::default(), back] {
        let client = Client::builder(&listener.url()).reconnection(reconnection).build().unwrap();
        let mut events = client.connection_events();
        let mut peer = soon(listener.joined()).await;
        let call = tokio::spawn(async move { (client.untyped("messages").get(1).await, client) });
        soon(peer.receive()).await.unwrap();
        peer.send("41").await;
        let (outcome, client) = soon(call).await.unwrap();
        assert_eq!(outcome.unwrap_err().delivery_status(), DeliveryStatus::Unknown);
        let comes_back = loop {
            if let ConnectionEvent::Disconnected { reason, will_reconnect } = soon(events.next()).await.unwrap() {
                assert_eq!(reason, Reason::ServerDisconnect);
                break will_reconnect;
            }
        };
        if comes_back {
            soon(listener.joined()).await;
        } else {
            let error = soon(async { client.untyped("messages").get(1).await }).await.unwrap_err();
            assert_eq!(error.delivery_status(), DeliveryStatus::NotSent);
        }
    }
}

#[tokio::test]
async fn a_half_open_connection_is_noticed() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).ping_timeout(SHORT * 10).transports([TransportKind::Polling]).build().unwrap();
    let mut events = client.connection_events();
    // Answers the handshake and CONNECT by polling, and then nothing, with all connections left open.
    let mut open = Vec::new();
    let bodies = [OPEN, "ok", r#"40{"sid":"x"}"#];
    let server = async {
        let mut answered = 0;
        while answered < 3 {
            let mut tcp = listener.tcp().await;
            let mut request = [0; 2048];
            let read = tcp.read(&mut request).await.unwrap();
            let is_post = request[..read].starts_with(b"POST");
            let body = if is_post { bodies[1] } else { bodies[if answered == 0 { 0 } else { 2 }] };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close", body.len());
            tcp.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
            answered += 1;
            open.push(tcp);
        }
        std::future::pending::<()>().await
    };
    let noticed = async {
        loop {
            if let ConnectionEvent::Disconnected { reason, .. } = events.next().await.unwrap() {
                break reason;
            }
        }
    };
    let reason = soon(async {
        tokio::select! { () = server => unreachable!(), reason = noticed => reason }
    })
    .await;
    assert_eq!(reason, Reason::PingTimeout);
}

#[tokio::test]
async fn who_disconnects_and_connects_at_once_is_connected() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let _first = soon(listener.joined()).await;
    soon(client.connect()).await.unwrap();
    let server = tokio::spawn(async move {
        let mut peer = listener.joined().await;
        peer.send("42[\"x y\",1]").await;
        assert_eq!(peer.receive().await.unwrap(), r#"420["get","numbers",1,{}]"#);
        peer.send("430[null,1]").await;
        peer
    });
    let numbers = client.service::<u32>("numbers");
    // All of it before the connection's task has had a turn.
    let (gone, back, answer) =
        soon(async { tokio::join!(client.disconnect(), client.connect(), async { numbers.get(1).await }) }).await;
    gone.unwrap();
    back.unwrap();
    assert_eq!(answer.unwrap(), 1);
    soon(server).await.unwrap();
}

#[tokio::test]
async fn who_connects_and_disconnects_at_once_is_disconnected() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let _first = soon(listener.joined()).await;
    soon(client.connect()).await.unwrap();
    let mut events = client.connection_events();
    client.disconnect().await.unwrap();
    while !matches!(soon(events.next()).await, Some(ConnectionEvent::Disconnected { .. })) {}
    let (connected, left) = soon(async { tokio::join!(client.connect(), client.disconnect()) }).await;
    left.unwrap();
    assert_eq!(connected.unwrap_err().message(), "Disconnected");
    let error = soon(async { client.untyped("numbers").get(1).await }).await.unwrap_err();
    assert_eq!((&*error.message(), error.delivery_status()), ("Disconnected", DeliveryStatus::NotSent));
}

#[tokio::test]
async fn a_network_that_swallows_websockets_leaves_time_for_polling() {
    let server = Fixture::start(Target::Wingbeat, "base");
    let listener = Listener::bind().await;
    let url = listener.url();
    let port = server.port;
    tokio::spawn(async move {
        loop {
            let mut tcp = listener.tcp().await;
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let read = tcp.read(&mut head).await.unwrap();
                if head[..read].windows(9).any(|bytes| bytes.eq_ignore_ascii_case(b"websocket")) {
                    std::future::pending::<()>().await;
                }
                let mut upstream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                upstream.write_all(&head[..read]).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut tcp, &mut upstream).await;
            });
        }
    });
    let client = soon(quick(&url).connect_timeout(SHORT * 30).connect()).await.unwrap();
    assert_eq!(client.transport(), Some(TransportKind::Polling));
    assert_eq!(soon(async { client.untyped("messages").get(1).await }).await.unwrap()["text"], "one");
}
