//! Several nodes with real clients, in one process, over each of the buses.

use super::recovery::{again, auth, builder, disconnects, event, first, login, note};
use super::sockets::{Client, Server};
use futures_util::StreamExt;
use serde_json::json;
use std::time::Duration;
use wingbeat::bus::{self, Bus};
use wingbeat::{Builder, Recovery, prelude::*};

async fn nodes(bus: impl Bus + Clone, build: impl Fn() -> Builder, transport: impl Fn() -> SocketIo) -> [Server; 2] {
    [node(build().bus(bus.clone()), transport()).await, node(build().bus(bus), transport()).await]
}

/// A server that has let a client in: it is set up.
async fn node(app: Builder, transport: SocketIo) -> Server {
    let server = Server::over(app, transport).await;
    Client::connect(&server).await;
    server
}

fn everybody() -> Builder {
    builder(auth())
}

fn recovering() -> SocketIo {
    SocketIo::new().recovery(Recovery::new())
}

async fn settled(server: &Server) {
    server.app.channel("everybody").subscribed().await.unwrap();
}

async fn what_was_published_on_another_node_is_missed_and_sent_again(bus: impl Bus + Clone) {
    let (app, mut noticed) = disconnects(everybody());
    let other = node(everybody().bus(bus.clone()), recovering()).await;
    let server = node(app.bus(bus.clone()), recovering()).await;
    noticed.recv().await.unwrap();
    let (mut client, mut was) = first(&server).await;
    settled(&server).await;
    note(&other, "heard").await;
    assert_eq!(event(&mut client, &mut was).await.1["text"], "heard");
    drop(client);
    noticed.recv().await.unwrap();
    note(&other, "missed").await;
    note(&server, "missed here").await;
    let (mut client, is_recovered) = again(&server, &was).await;
    assert!(is_recovered);
    let mut missed = Vec::new();
    for _ in 0..2 {
        missed.push(event(&mut client, &mut was).await.1["text"].as_str().unwrap().to_owned());
    }
    // Of two nodes there is no order between them.
    missed.sort();
    assert_eq!(missed, ["missed", "missed here"]);
    note(&other, "later").await;
    assert_eq!(event(&mut client, &mut was).await.1["text"], "later");
    // Another node does not know it.
    drop(client);
    noticed.recv().await.unwrap();
    assert!(!again(&other, &was).await.1);
}

async fn while_the_bus_was_away_nobody_is_told_that_nothing_was_missed(
    bus: impl Bus + Clone,
    cut: impl FnOnce(),
    restore: impl FnOnce(),
) {
    let (app, mut noticed) = disconnects(everybody());
    let other = node(everybody().bus(bus.clone()), recovering()).await;
    let server = node(app.bus(bus.clone()), recovering()).await;
    noticed.recv().await.unwrap();
    let (away, was_away) = first(&server).await;
    let (mut stays, was_there) = first(&server).await;
    settled(&server).await;
    drop(away);
    noticed.recv().await.unwrap();
    cut();
    note(&other, "missed").await;
    restore();
    // Its client comes again by itself.
    while stays.0.next().await.is_some_and(|packet| packet.is_ok()) {}
    assert!(!again(&server, &was_there).await.1);
    assert!(!again(&server, &was_away).await.1);
}

async fn a_user_is_logged_out_on_every_node(bus: impl Bus + Clone) {
    let [one, two] = nodes(bus, everybody, recovering).await;
    let (mut client, _) = first(&two).await;
    assert!(login(&mut client, "ann@example.com").await["accessToken"].is_string());
    assert_eq!(two.app.channel("members").len(), 1);
    one.app.logout_user(1);
    let left = async {
        while !two.app.channel("members").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), left).await.unwrap();
}

async fn raw_events_and_orders_reach_the_sockets_of_every_node(bus: impl Bus + Clone) {
    let raw = || {
        SocketIo::new().with(|io| {
            io.on_connection(|socket| socket.join("room"));
            io.of("/other").on_connection(|socket| socket.join("room"));
        })
    };
    let [one, two] = nodes(bus, everybody, raw).await;
    let (mut here, mut there) = (Client::connect(&one).await, Client::connect(&two).await);
    settled(&two).await;
    let io = one.app.io().unwrap();
    let args = |value: serde_json::Value| [wingbeat::RawJson::new(&value).unwrap()];
    io.to("room").local().emit("said", &args(json!("here")));
    io.of("/other").to("room").emit("said", &args(json!("elsewhere")));
    io.to("room").emit("said", &args(json!("to the room")));
    assert_eq!(here.read().await, r#"42["said","here"]"#);
    for client in [&mut here, &mut there] {
        assert_eq!(client.read().await, r#"42["said","to the room"]"#);
    }
    let id = two.app.io().unwrap().of("/").fetch_sockets()[0].id().to_owned();
    io.to(&id).emit("said", &args(json!("to you")));
    io.emit("said", &args(json!("to everybody")));
    io.to(&id).emit("said", &args(json!({"file": wingbeat::Binary::from(vec![7])})));
    assert_eq!(there.read().await, r#"42["said","to you"]"#);
    assert_eq!(there.read().await, r#"42["said","to everybody"]"#);
    assert_eq!(there.read().await, r#"451-["said",{"file":{"_placeholder":true,"num":0}}]"#);
    assert_eq!(there.read().await, "\u{7}");
    io.to("room").sockets_join("hall");
    let joined = async {
        while two.app.io().unwrap().to("hall").fetch_sockets().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), joined).await.unwrap();
    settled(&two).await;
    io.to("hall").except(&id).disconnect_sockets(false);
    io.to("hall").emit("said", &args(json!("to the hall")));
    assert_eq!(here.read().await, r#"42["said","to everybody"]"#);
    assert_eq!(here.read().await, "41");
    assert_eq!(there.read().await, r#"42["said","to the hall"]"#);
}

/// The scenarios, each on a bus of its own. `$bus` is absent where its broker is not installed.
macro_rules! on {
    ($bus:expr) => {
        on! { $bus;
            what_was_published_on_another_node_is_missed_and_sent_again
            a_user_is_logged_out_on_every_node
            raw_events_and_orders_reach_the_sockets_of_every_node
        }
    };
    ($bus:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let Some((_broker, bus)) = $bus else { return };
                super::$name(bus).await;
            }
        )*
    };
}

/// The same on a broker that can be halted.
#[cfg(any(feature = "redis", feature = "nats"))]
macro_rules! on_broker {
    ($bus:expr) => {
        on!($bus);

        #[tokio::test]
        async fn while_the_bus_was_away_nobody_is_told_that_nothing_was_missed() {
            let Some((broker, bus)) = $bus else { return };
            let (cut, restore) = (|| broker.tell("halt"), || broker.start());
            super::while_the_bus_was_away_nobody_is_told_that_nothing_was_missed(bus, cut, restore).await;
        }
    };
}

mod memory {
    use super::bus::Memory;

    on!(Some(((), Memory::new())));

    #[tokio::test]
    async fn while_the_bus_was_away_nobody_is_told_that_nothing_was_missed() {
        let bus = Memory::new();
        let (cut, restore) = (|| bus.cut(1), || bus.restore(1));
        super::while_the_bus_was_away_nobody_is_told_that_nothing_was_missed(bus.clone(), cut, restore).await;
    }
}

#[cfg(feature = "redis")]
mod redis {
    use super::bus::Redis;
    use crate::brokers::{self, Broker};

    fn broker() -> Option<(Broker, Redis)> {
        let broker = brokers::redis(&[])?;
        let bus = Redis::new(&broker.url("redis")).unwrap();
        Some((broker, bus))
    }

    on_broker!(broker());
}

#[cfg(feature = "nats")]
mod nats {
    use super::bus::Nats;
    use crate::brokers::{self, Broker};

    fn broker() -> Option<(Broker, Nats)> {
        let broker = brokers::nats("")?;
        let bus = Nats::new(&broker.url("nats")).unwrap();
        Some((broker, bus))
    }

    on_broker!(broker());
}
