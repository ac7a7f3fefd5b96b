//! The same as all buses do.

use super::*;
use crate::bus::contract;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_carries_as_all_buses_do() {
    let Some(broker) = brokers::nats("") else { return };
    let number = AtomicUsize::new(0);
    contract::check(async || broker.nats().prefix(&format!("test.{}", number.fetch_add(1, Ordering::Relaxed)))).await;
}

#[tokio::test]
async fn what_the_server_takes_is_carried_and_no_more() {
    let Some(broker) = brokers::nats("max_payload: 65536") else { return };
    let node = Node::listening(&broker.nats(), &[Topic::All]).await;
    assert_eq!(node.connection.largest(), 65_536);
    node.connection.publish(&[Topic::All], &vec![0; 65_537].into()).unwrap_err();
    node.says(&Topic::All, vec![0; 65_536]);
    assert_eq!(node.hears(&Topic::All, 1).await[0].len(), 65_536);
}

#[tokio::test]
async fn a_prefix_is_one_that_nats_knows() {
    let Some(broker) = brokers::nats("") else { return };
    for prefix in ["", "a b", "a.*", ">", ".a", "a..b", "ö", "\r\n"] {
        let error = refused(&broker.nats().prefix(prefix)).await;
        assert!(error.message().starts_with("The prefix '"), "{error}");
    }
    works(&broker.nats().prefix("notes.test-1_A")).await;
}
