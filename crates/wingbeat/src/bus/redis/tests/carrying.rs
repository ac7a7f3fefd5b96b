//! The same as all buses do.

use super::*;
use crate::bus::contract;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_carries_as_all_buses_do() {
    let Some(broker) = brokers::redis(&[]) else { return };
    let number = AtomicUsize::new(0);
    contract::check(async || broker.redis().prefix(&format!("test-{}", number.fetch_add(1, Ordering::Relaxed)))).await;
}

#[tokio::test]
async fn a_node_that_has_ended_leaves_no_connection_behind() {
    let Some(broker) = brokers::redis(&[]) else { return };
    let one = Node::on(&broker.redis()).await;
    one.connection.close(Duration::from_secs(5)).await;
    drop(Node::on(&broker.redis()).await);
    let only_the_asking_one = async {
        while broker.say("CLIENT LIST").lines().count() > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), only_the_asking_one).await.unwrap();
}

#[tokio::test]
async fn two_prefixes_of_which_one_begins_with_the_other_are_apart() {
    let Some(broker) = brokers::redis(&[]) else { return };
    let topic = crate::bus::Topic::Channel("x".into());
    let (long, short) = (broker.redis().prefix("notes.c"), broker.redis().prefix("notes"));
    let (one, two) = (
        Node::listening(&long, std::slice::from_ref(&topic)).await,
        Node::listening(&short, std::slice::from_ref(&topic)).await,
    );
    one.says(&topic, "one");
    two.says(&topic, "two");
    assert_eq!(one.hears(&topic, 1).await, ["one"]);
    assert_eq!(two.hears(&topic, 1).await, ["two"]);
    for prefix in ["", "a:b", "a b", "a*", ".a", "a..b", "ö", "\r\n"] {
        let error = refused(&broker.redis().prefix(prefix)).await;
        assert!(error.message().starts_with("The prefix '"), "{error}");
    }
}
