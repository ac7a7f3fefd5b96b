//! Ten thousand calls, and a server that dies among them: every call knows what became of it.

use crate::fixture::{Fixture, Target};
use crate::soon;
use serde_json::json;
use std::time::Duration;
use wingbeat_client::DeliveryStatus;

async fn every_call_is_accounted_for(target: Target) {
    let mut server = Fixture::start(target, "base");
    let client = server.client().timeout(Duration::from_secs(5)).connect().await.unwrap();
    let (told, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let calls: Vec<_> = (0..10_000)
        .map(|n| {
            let (messages, told) = (client.untyped("messages"), told.clone());
            tokio::spawn(async move {
                let outcome = messages.create(&json!({ "text": n })).await;
                let _ = told.send(());
                outcome
            })
        })
        .collect();
    // Somewhere in the middle: some are answered, most are not.
    for _ in 0..100 {
        soon(answers.recv()).await.unwrap();
    }
    server.kill();
    let (mut answered, mut not_sent, mut unknown) = (0, 0, 0);
    for call in calls {
        match tokio::time::timeout(Duration::from_secs(60), call).await.expect("no call hangs").unwrap() {
            Ok(_) => answered += 1,
            Err(error) => match error.delivery_status() {
                DeliveryStatus::Answered => panic!("nobody said {error:?}"),
                DeliveryStatus::NotSent => not_sent += 1,
                DeliveryStatus::Unknown => unknown += 1,
            },
        }
    }
    assert_eq!(answered + not_sent + unknown, 10_000);
    assert!(answered >= 100 && unknown > 0, "{answered} answered, {not_sent} not sent, {unknown} unknown");
    server.restart();
    // The attempt that is under way may still fail; the next does not.
    let _ = soon(client.connect()).await;
    assert_eq!(soon(async { client.untyped("messages").get(1).await }).await.unwrap()["text"], "one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_of_node_every_call_is_accounted_for() {
    every_call_is_accounted_for(Target::Node).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_of_wingbeat_every_call_is_accounted_for() {
    every_call_is_accounted_for(Target::Wingbeat).await;
}
