//! Servers and connections that fail.

use super::*;
use crate::bus::contract;

#[tokio::test]
async fn a_server_that_has_crashed_is_told_and_comes_back() {
    let Some(broker) = brokers::nats("") else { return };
    let bus = async || broker.nats();
    contract::check_loss(bus, async |_| broker.tell("halt"), async |_| broker.start()).await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_told_and_comes_back() {
    let Some(broker) = brokers::nats("") else { return };
    let bus = async || broker.nats().silence(Duration::from_millis(300));
    contract::check_loss(bus, async |_| broker.tell("pause"), async |_| broker.tell("resume")).await;
}

#[tokio::test]
async fn another_server_is_found_after_one_has_crashed() {
    let (Some(one), Some(two)) = (brokers::nats(""), brokers::nats("")) else { return };
    one.tell("halt");
    let nats = Nats::new(&format!("{},{}", one.url("nats"), two.url("nats"))).unwrap();
    let node = Node::listening(&nats, &[Topic::All]).await;
    one.start();
    two.tell("halt");
    node.restored().await;
    node.says(&Topic::All, "over the other");
    assert_eq!(node.hears(&Topic::All, 1).await, ["over the other"]);
}

/// The driver throws away what is too much, and that is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_follow_is_told_that_it_has_missed_something() {
    let Some(broker) = brokers::nats("") else { return };
    let (speaker, node) = (Node::on(&broker.nats()).await, Node::listening(&broker.nats(), &[Topic::All]).await);
    let message = vec![b'x'; 1024].into();
    let busy = node.is_busy().await;
    for _ in 0..60_000 {
        speaker.says_when_there_is_room(&Topic::All, &message).await;
    }
    speaker.connection.close(Duration::from_secs(10)).await;
    // What the server answers comes behind all of it.
    node.asks(&[Topic::Node(1)]).await;
    drop(busy);
    node.restored().await;
    assert!(node.was_lost() && node.messages() < 60_000);
    node.hears_itself_again().await;
}
