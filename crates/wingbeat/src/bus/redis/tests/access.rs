//! Who may do what, and what is said to who may not.

use super::*;
use crate::bus::Topic;

/// What the documentation says that a user needs.
const NEEDED: &str = "resetchannels &notes:* +publish +subscribe +unsubscribe +ping +info";

fn user(broker: &Broker, rules: &str) -> Redis {
    assert_eq!(broker.say(&format!("ACL SETUSER wingbeat reset on >sec:ret@ {rules}")), "+OK");
    let url = format!("redis://wingbeat:sec%3Aret%40@127.0.0.1:{}", broker.port);
    Redis::new(&url).unwrap().prefix("notes").silence(Duration::from_secs(2))
}

#[tokio::test]
async fn a_user_needs_what_the_documentation_says() {
    let Some(broker) = brokers::redis(&[]) else { return };
    let redis = user(&broker, NEEDED);
    let topics = [Topic::All, Topic::Channel("room".into())];
    let node = Node::listening(&redis, &topics).await;
    node.says(&topics[1], "allowed");
    assert_eq!(node.hears(&topics[1], 1).await, ["allowed"]);
    node.asks_no_more(&topics).await;
    node.connection.close(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn who_may_not_do_something_is_told_what_it_is() {
    let Some(broker) = brokers::redis(&[]) else { return };
    for missing in ["+publish", "+ping"] {
        let error = refused(&user(&broker, &NEEDED.replace(missing, ""))).await;
        let command = missing.trim_start_matches('+');
        assert!(error.message().contains(&format!("no permissions to run the '{command}' command")), "{error}");
    }
    let error = refused(&user(&broker, NEEDED).prefix("others")).await;
    assert!(error.message().contains("refuses this program") && error.message().contains("channel"), "{error}");

    let redis = user(&broker, &NEEDED.replace("+subscribe", ""));
    let connection = redis.connect(Arc::new(Deaf)).await.unwrap();
    connection.subscribe(&Topic::All);
    let error = connection.subscribed().await.unwrap_err();
    assert!(error.message().contains("does not let this program subscribe to names like 'notes:c:…'"), "{error}");
}

#[tokio::test]
async fn who_is_not_let_in_or_finds_nobody_is_told() {
    let Some(broker) = brokers::redis(&["--requirepass", "secret"]) else { return };
    let redis = |login: &str| Redis::new(&format!("redis://{login}127.0.0.1:{}", broker.port)).unwrap();
    for login in ["", ":wrong-secret@", "nobody:wrong-secret@"] {
        let error = refused(&redis(login)).await;
        assert!(error.message().contains("refuses this program"), "{error}");
        assert!(!format!("{error:?}").contains("wrong-secret"), "{error:?}");
    }
    drop(Node::on(&redis(":secret@")).await);
    broker.tell("halt");
    let error = refused(&redis(":secret@")).await;
    assert!(error.message().contains(&format!("Redis at 127.0.0.1:{} cannot be reached", broker.port)), "{error}");
}

#[tokio::test]
async fn a_server_that_says_nothing_to_begin_with_is_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let error = refused(&Redis::new(&url).unwrap().silence(Duration::from_millis(100))).await;
    assert_eq!(error.message(), "Redis does not answer within 100ms");
}

#[tokio::test]
async fn a_replica_is_refused() {
    let Some(broker) = brokers::redis(&["--replicaof", "127.0.0.1 1"]) else { return };
    let error = refused(&broker.redis()).await;
    assert!(error.message().contains("is a replica"), "{error}");
}

#[tokio::test]
async fn a_socket_is_connected_to() {
    let Some(broker) = brokers::redis(&["--unixsocket", "socket"]) else { return };
    let redis = Redis::new(&format!("unix:{}", broker.folder.join("socket").display())).unwrap();
    // It makes that after it has its port.
    while redis.connect(Arc::new(Deaf)).await.is_err() {
        tokio::task::yield_now().await;
    }
    let node = Node::listening(&redis, &[Topic::All]).await;
    node.says(&Topic::All, "through a socket");
    assert_eq!(node.hears(&Topic::All, 1).await, ["through a socket"]);
}
