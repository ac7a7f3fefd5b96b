//! Connection state recovery: who comes back hears what it missed, once and in order, or is told that it does not.

use crate::faults::quick;
use crate::fixture::Fixture;
use crate::scripted::{Listener, OPEN, Peer};
use crate::soon;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use wingbeat_client::{Client, ConnectionEvent, ConnectionEvents, Event, Events, Reconnection, TransportKind};

/// As those of Wingbeat are: both lead to the session's place.
const SID: &str = "AAAAAsocketsocketsoc";
const PID: &str = "AAAAAprivateprivatep";

/// Accepts the client, and gives what it says with CONNECT.
async fn comes(listener: &Listener) -> (Peer, Value) {
    let (mut peer, _) = soon(listener.websocket()).await;
    peer.send(OPEN).await;
    let asked = soon(peer.receive()).await.unwrap();
    let said = asked.strip_prefix("40").unwrap();
    let said = if said.is_empty() { Value::Null } else { serde_json::from_str(said).unwrap() };
    (peer, said)
}

async fn told(events: &mut ConnectionEvents) -> bool {
    loop {
        if let ConnectionEvent::Connected { recovered, .. } = soon(events.next()).await.unwrap() {
            return recovered;
        }
    }
}

async fn next<T: wingbeat_client::FromEvent>(events: &mut Events<T>) -> T {
    soon(events.next()).await.unwrap().unwrap()
}

/// What a listener of raw events gets.
async fn arguments(events: &mut Events<Event>) -> Vec<Value> {
    let event = next(events).await;
    (0..event.len()).map(|at| event.argument_as(at).unwrap()).collect()
}

#[tokio::test]
async fn who_is_given_no_pid_asks_for_nothing_and_takes_nothing_for_an_offset() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).auth(&json!({"t": 1})).build().unwrap();
    let (mut events, mut raw) = (client.connection_events(), client.io().on::<Event>("x"));
    for _ in 0..2 {
        let (mut peer, said) = comes(&listener).await;
        assert_eq!(said, json!({"t": 1}));
        peer.send(r#"40{"sid":"s"}"#).await;
        assert!(!told(&mut events).await && !client.recovered());
        peer.send(r#"42["x","1k3k3k3k3k3k3-1"]"#).await;
        assert_eq!(arguments(&mut raw).await, ["1k3k3k3k3k3k3-1"]);
    }
}

#[tokio::test]
async fn who_comes_back_says_its_pid_and_the_last_offset_beside_its_own_data() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).auth(&json!({"t": 1})).build().unwrap();
    let (mut events, mut raw) = (client.connection_events(), client.io().on::<Event>("x"));
    let mut texts = client.service::<String>("notes").on("said");
    let (mut peer, said) = comes(&listener).await;
    assert_eq!(said, json!({"t": 1}));
    peer.send(&format!(r#"40{{"sid":"{SID}","pid":"{PID}"}}"#)).await;
    assert!(!told(&mut events).await);
    drop(peer);
    // Nothing was heard yet.
    let (mut peer, said) = comes(&listener).await;
    assert_eq!(said, json!({"t": 1, "pid": PID}));
    peer.send(&format!(r#"40{{"sid":"{SID}","pid":"{PID}"}}"#)).await;
    assert!(told(&mut events).await && client.recovered());
    for (frame, heard) in [
        (r#"42["x",{"a":1},"1k3k3k3k3k3k3-1"]"#, vec![json!({"a": 1})]),
        (r#"42["x","a text","1k3k3k3k3k3k3-2"]"#, vec![json!("a text")]),
        (r#"42["x","1k3k3k3k3k3k3-3"]"#, vec![]),
        (r#"42["x","not numbered",null]"#, vec![json!("not numbered")]),
    ] {
        peer.send(frame).await;
        assert_eq!(arguments(&mut raw).await, heard, "{frame}");
    }
    // Nobody listens to this one, and this one asks for an answer.
    peer.send(r#"42["y","1k3k3k3k3k3k3-4"]"#).await;
    peer.send(r#"427["x","1k3k3k3k3k3k3-9"]"#).await;
    assert_eq!(arguments(&mut raw).await, ["1k3k3k3k3k3k3-9"]);
    peer.send(r#"42["notes said","1k3k3k3k3k3k3-8","1k3k3k3k3k3k3-5"]"#).await;
    assert_eq!(next(&mut texts).await, "1k3k3k3k3k3k3-8");
    drop(peer);
    let (_, said) = comes(&listener).await;
    assert_eq!(said, json!({"t": 1, "pid": PID, "offset": "1k3k3k3k3k3k3-5"}));
    assert!(!client.recovered(), "it is not connected");
}

#[tokio::test]
async fn who_is_given_another_pid_is_told_and_forgets_the_old_offset() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let (mut events, mut raw) = (client.connection_events(), client.io().on::<Event>("x"));
    let (mut peer, _) = comes(&listener).await;
    peer.send(&format!(r#"40{{"sid":"{SID}","pid":"{PID}"}}"#)).await;
    peer.send(r#"42["x","1k3k3k3k3k3k3-1"]"#).await;
    assert!(!told(&mut events).await);
    arguments(&mut raw).await;
    drop(peer);
    let (mut peer, said) = comes(&listener).await;
    assert_eq!(said["offset"], "1k3k3k3k3k3k3-1");
    let other = PID.replace("private", "another");
    peer.send(&format!(r#"40{{"sid":"{SID}","pid":"{other}"}}"#)).await;
    assert!(!told(&mut events).await && !client.recovered());
    drop(peer);
    let (mut peer, said) = comes(&listener).await;
    assert_eq!(said, json!({"pid": other}));
    // A server that offers it no longer.
    peer.send(r#"40{"sid":"s"}"#).await;
    assert!(!told(&mut events).await);
    drop(peer);
    assert_eq!(comes(&listener).await.1, Value::Null);
}

#[tokio::test]
async fn a_loss_in_the_middle_of_a_replay_repeats_nothing_that_was_heard() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let (mut events, mut raw) = (client.connection_events(), client.io().on::<u32>("x"));
    let (mut peer, _) = comes(&listener).await;
    peer.send(&format!(r#"40{{"sid":"{SID}","pid":"{PID}"}}"#)).await;
    peer.send(r#"42["x",1,"1k3k3k3k3k3k3-1"]"#).await;
    assert!(!told(&mut events).await);
    assert_eq!(next(&mut raw).await, 1);
    drop(peer);
    // Node sends what was missed before its answer to CONNECT.
    let (mut peer, said) = comes(&listener).await;
    assert_eq!(said["offset"], "1k3k3k3k3k3k3-1");
    peer.send(r#"42["x",2,"1k3k3k3k3k3k3-2"]"#).await;
    assert_eq!(next(&mut raw).await, 2);
    assert!(!client.recovered());
    drop(peer);
    let (mut peer, said) = comes(&listener).await;
    assert_eq!(said["offset"], "1k3k3k3k3k3k3-2");
    peer.send(&format!(r#"40{{"sid":"{SID}","pid":"{PID}"}}"#)).await;
    assert!(told(&mut events).await);
    peer.send(r#"42["x",3,"1k3k3k3k3k3k3-3"]"#).await;
    assert_eq!(next(&mut raw).await, 3);
    drop(peer);
    assert_eq!(comes(&listener).await.1["offset"], "1k3k3k3k3k3k3-3");
}

#[tokio::test]
async fn each_namespace_has_its_own_pid_and_offset() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let mut events = client.connection_events();
    let other = client.io().of("other").await.unwrap();
    let (mut here, mut there) = (client.io().on::<u32>("x"), other.on::<u32>("x"));
    let (mut peer, _) = comes(&listener).await;
    assert_eq!(soon(peer.receive()).await.unwrap(), "40/other,");
    peer.send(&format!(r#"40{{"sid":"{SID}","pid":"{PID}"}}"#)).await;
    peer.send(r#"40/other,{"sid":"t","pid":"q"}"#).await;
    peer.send(r#"42["x",1,"1k3k3k3k3k3k3-1"]"#).await;
    peer.send(r#"42/other,["x",2,"17"]"#).await;
    assert_eq!((next(&mut here).await, next(&mut there).await), (1, 2));
    assert!(!told(&mut events).await);
    drop(peer);
    let (mut peer, said) = comes(&listener).await;
    assert_eq!(said, json!({"pid": PID, "offset": "1k3k3k3k3k3k3-1"}));
    let said = soon(peer.receive()).await.unwrap();
    let said: Value = serde_json::from_str(said.strip_prefix("40/other,").unwrap()).unwrap();
    assert_eq!(said, json!({"pid": "q", "offset": "17"}));
    peer.send(&format!(r#"40{{"sid":"{SID}","pid":"{PID}"}}"#)).await;
    peer.send(r#"40/other,{"sid":"t","pid":"r"}"#).await;
    assert!(told(&mut events).await);
    match soon(events.next()).await.unwrap() {
        ConnectionEvent::Joined { namespace, recovered } => assert_eq!((&*namespace, recovered), ("/other", false)),
        event => panic!("{event:?}"),
    }
}

#[tokio::test]
async fn who_says_goodbye_or_is_sent_away_begins_anew() {
    for sent_away in [false, true] {
        let listener = Listener::bind().await;
        let client = quick(&listener.url()).build().unwrap();
        let mut events = client.connection_events();
        let (mut peer, _) = comes(&listener).await;
        peer.send(&format!(r#"40{{"sid":"{SID}","pid":"{PID}"}}"#)).await;
        assert!(!told(&mut events).await);
        if sent_away {
            peer.send("41").await;
        } else {
            client.disconnect().await.unwrap();
        }
        while !matches!(soon(events.next()).await, Some(ConnectionEvent::Disconnected { .. })) {}
        drop(peer);
        let connect = tokio::spawn(async move { client.connect().await });
        assert_eq!(comes(&listener).await.1, Value::Null);
        connect.abort();
    }
}

#[tokio::test]
async fn who_wants_no_recovery_says_so_in_the_handshake_and_asks_for_none() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).query("a", "1").recovery(false).build().unwrap();
    let mut events = client.connection_events();
    for _ in 0..2 {
        let (mut peer, asked) = soon(listener.websocket()).await;
        assert!(asked.ends_with("&a=1&recovery=0"), "{asked}");
        peer.send(OPEN).await;
        assert_eq!(soon(peer.receive()).await.unwrap(), "40");
        // A server that does not understand it.
        peer.send(&format!(r#"40{{"sid":"{SID}","pid":"{PID}"}}"#)).await;
        told(&mut events).await;
    }
}

/// How many events that server has for us, and how many are new at each connection.
const ALL: u64 = 400;
const NEW: u64 = 4;

/// One connection of a server that sends again what comes behind the offset: before its answer, as Node, or behind it;
/// and leaves.
async fn replay(mut peer: Peer, first: bool, head: u64) {
    peer.send(OPEN).await;
    let Some(asked) = peer.receive().await else { return };
    let said: Value = serde_json::from_str(asked.strip_prefix("40").unwrap()).unwrap_or_default();
    let offset = said["offset"].as_str().and_then(|offset| offset.strip_prefix("1k3k3k3k3k3k3-"));
    let heard = offset.map_or(0, |number| number.parse().unwrap());
    let joined = format!(r#"40{{"sid":"{SID}","pid":"{PID}"}}"#);
    // Who has no pid yet does not know what an offset is.
    let first = first && said["pid"] == PID;
    if !first {
        peer.send(&joined).await;
    }
    for number in heard + 1..=head {
        peer.send(&format!(r#"42["x",{number},"1k3k3k3k3k3k3-{number}"]"#)).await;
    }
    if first {
        peer.send(&joined).await;
    }
}

#[tokio::test]
async fn cut_at_any_byte_each_event_comes_once_and_in_order() {
    let (server, network) = (Listener::bind().await, Listener::bind().await);
    let client = quick(&network.url()).transports([TransportKind::WebSocket]);
    let at_once = Reconnection::default().delay(Duration::from_millis(1)).max_delay(Duration::from_millis(1));
    let client = client.reconnection(at_once).build().unwrap();
    let mut heard = client.io().on::<u64>("x");
    let port = server.port();
    let connections = async {
        for count in 1_u64.. {
            let mut tcp = network.tcp().await;
            let upstream = async {
                let mut upstream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                // From within the handshake to the middle of what comes then; the same ones each time.
                let cut = count * 7919 % 1000;
                let (mut from, mut to) = upstream.split();
                let (mut ours, mut theirs) = tcp.split();
                let down = async { tokio::io::copy(&mut (&mut from).take(cut), &mut theirs).await };
                tokio::select! {
                    _ = down => {}
                    _ = tokio::io::copy(&mut ours, &mut to) => {}
                }
            };
            let answers = async {
                if let Some(peer) = server.peer().await {
                    replay(peer, count % 2 == 0, (count * NEW).min(ALL)).await;
                }
            };
            tokio::join!(upstream, answers);
        }
    };
    let all = async {
        for number in 1..=ALL {
            assert_eq!(next(&mut heard).await, number);
        }
    };
    soon(async {
        tokio::select! { () = connections => {}, () = all => {} }
    })
    .await;
}

/// A client of Node's own server, which has an offset, and what it hears.
async fn of_node(server: &Fixture) -> (Client, ConnectionEvents, Events<Event>) {
    let client = server.client().connect().await.unwrap();
    let events = client.connection_events();
    let mut heard = client.io().on::<Event>("x");
    client.io().emit_with_ack("tell", ("x", [0])).await.unwrap();
    assert_eq!(arguments(&mut heard).await, [0]);
    (client, events, heard)
}

#[tokio::test]
async fn node_sends_what_was_missed_once_and_in_order() {
    let server = Fixture::bare("base");
    let (client, mut events, mut heard) = of_node(&server).await;
    let id = client.id();
    for round in 0..3 {
        // A volatile event has no offset: its text is none.
        client.io().emit("volatile", ("x", ["room-1"])).await.unwrap();
        assert_eq!(arguments(&mut heard).await, ["room-1"]);
        let missed = json!([["x", round], ["x", "a text"], ["x"], ["x", {"a": null}]]);
        client.io().emit("drop", (missed,)).await.unwrap();
        for expected in [vec![json!(round)], vec!["a text".into()], vec![], vec![json!({"a": null})]] {
            assert_eq!(arguments(&mut heard).await, expected);
        }
        assert!(told(&mut events).await && client.recovered());
        assert_eq!(client.id(), id);
        // What comes next is the next event.
        client.io().emit_with_ack("tell", ("x", ["live"])).await.unwrap();
        assert_eq!(arguments(&mut heard).await, ["live"]);
    }
}

#[tokio::test]
async fn who_comes_back_to_node_too_late_is_told() {
    let server = Fixture::bare("short");
    let client = server.client().reconnection(Reconnection::default().delay(LATE).max_delay(LATE));
    let client = client.connect().await.unwrap();
    let (mut events, mut heard) = (client.connection_events(), client.io().on::<Event>("x"));
    client.io().emit_with_ack("tell", ("x", [0])).await.unwrap();
    arguments(&mut heard).await;
    client.io().emit("drop", (json!([["x", 1]]),)).await.unwrap();
    assert!(!told(&mut events).await && !client.recovered());
    client.io().emit_with_ack("tell", ("x", [2])).await.unwrap();
    assert_eq!(arguments(&mut heard).await, [2]);
}

/// Half of it at least, as delays vary: longer than that server keeps a session.
const LATE: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_node_that_was_restarted_recovers_nothing() {
    let mut server = Fixture::bare("base");
    let (client, mut events, mut heard) = of_node(&server).await;
    server.restart();
    assert!(!told(&mut events).await && !client.recovered());
    client.io().emit_with_ack("tell", ("x", [1])).await.unwrap();
    assert_eq!(arguments(&mut heard).await, [1]);
    client.io().emit("drop", (json!([["x", 2]]),)).await.unwrap();
    assert_eq!(arguments(&mut heard).await, [2]);
    assert!(told(&mut events).await);
}
