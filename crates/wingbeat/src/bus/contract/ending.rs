//! How a connection ends.

use super::facts;
use super::node::{Node, channel};
use crate::bus::{Bus, Topic};
use std::time::Duration;

facts! {
    what_is_queued_is_sent_before_the_end
    after_the_end_nothing_is_taken_and_nobody_waits
    a_connection_ends_when_it_is_dropped
}

const PATIENCE: Duration = Duration::from_secs(10);

async fn what_is_queued_is_sent_before_the_end([bus, _]: [impl Bus; 2]) {
    let room = channel("room");
    let (speaker, node) = (Node::on(&bus).await, Node::listening(&bus, std::slice::from_ref(&room)).await);
    for n in 0..1_000 {
        speaker.says(&room, n.to_string());
    }
    speaker.connection.close(PATIENCE).await;
    let expected: Vec<_> = (0..1_000).map(|n| n.to_string()).collect();
    assert_eq!(node.hears(&room, 1_000).await, expected);
}

async fn after_the_end_nothing_is_taken_and_nobody_waits([bus, _]: [impl Bus; 2]) {
    let room = channel("room");
    let other = Node::listening(&bus, std::slice::from_ref(&room)).await;
    let node = Node::listening(&bus, std::slice::from_ref(&room)).await;
    node.connection.close(PATIENCE).await;
    node.connection.publish(std::slice::from_ref(&room), &"not sent".into()).unwrap_err();
    tokio::time::timeout(PATIENCE, async {
        node.connection.has_room().await;
        node.connection.subscribe(&Topic::All);
        let _ = node.connection.subscribed().await;
        node.connection.unsubscribe(&room);
        node.connection.close(PATIENCE).await;
    })
    .await
    .expect("who has closed waits for nothing");
    other.says(&room, "not for it");
    other.says(&Topic::All, "not for it");
    other.asks(&[Topic::All]).await;
    other.says(&Topic::All, "the end");
    other.hears(&Topic::All, 1).await;
    assert_eq!((node.messages(), other.of(&room).len()), (0, 1));
    assert!(!node.was_lost());
}

async fn a_connection_ends_when_it_is_dropped([bus, _]: [impl Bus; 2]) {
    let room = channel("room");
    let other = Node::listening(&bus, std::slice::from_ref(&room)).await;
    for _ in 0..3 {
        let Node { connection, .. } = Node::listening(&bus, std::slice::from_ref(&room)).await;
        drop(connection);
    }
    other.says(&room, "the end");
    assert_eq!(other.hears(&room, 1).await, ["the end"]);
}
