//! Servers and connections that fail.

use super::*;
use crate::bus::{Topic, contract};

#[tokio::test]
async fn a_server_that_has_crashed_is_told_and_comes_back() {
    let Some(broker) = brokers::redis(&[]) else { return };
    let bus = async || broker.redis();
    contract::check_loss(bus, async |_| broker.tell("halt"), async |_| broker.start()).await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_told_and_comes_back() {
    let Some(broker) = brokers::redis(&[]) else { return };
    let bus = async || broker.redis().silence(Duration::from_millis(300));
    contract::check_loss(bus, async |_| broker.tell("pause"), async |_| broker.tell("resume")).await;
}

/// Those that hear, and those that send.
#[tokio::test]
async fn a_connection_that_is_killed_is_told_and_comes_back() {
    let Some(broker) = brokers::redis(&[]) else { return };
    for kind in ["pubsub", "normal"] {
        let node = Node::listening(&broker.redis(), &[Topic::All]).await;
        broker.say(&format!("CLIENT KILL TYPE {kind}"));
        node.restored().await;
        assert!(node.was_lost());
        node.says(&Topic::All, kind);
        assert_eq!(node.hears(&Topic::All, 1).await, [kind]);
    }
}

/// It reads no more, so the server cuts it off, and that is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_follow_is_told_that_it_has_missed_something() {
    let Some(broker) = brokers::redis(&["--client-output-buffer-limit", "pubsub 1mb 1mb 1"]) else { return };
    let (speaker, node) = (Node::on(&broker.redis()).await, Node::listening(&broker.redis(), &[Topic::All]).await);
    let message = vec![b'x'; 1024 * 1024].into();
    let busy = node.is_busy().await;
    for _ in 0..60 {
        speaker.says_when_there_is_room(&Topic::All, &message).await;
    }
    speaker.connection.close(Duration::from_secs(10)).await;
    drop(busy);
    node.restored().await;
    assert!(node.was_lost() && node.messages() < 60);
    node.hears_itself_again().await;
}

/// A slow application is no silent server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_busy_does_not_take_the_server_for_lost() {
    let Some(broker) = brokers::redis(&["--client-output-buffer-limit", "pubsub 0 0 0"]) else { return };
    let quick = broker.redis().silence(Duration::from_millis(100));
    let (speaker, node) = (Node::on(&broker.redis()).await, Node::listening(&quick, &[Topic::All]).await);
    let message = vec![b'x'; 1024 * 1024].into();
    let busy = node.is_busy().await;
    for _ in 0..40 {
        speaker.says_when_there_is_room(&Topic::All, &message).await;
    }
    // As long as a silent server would be noticed, several times over.
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(busy);
    node.hears(&Topic::All, 40).await;
    assert!(!node.was_lost());
}
