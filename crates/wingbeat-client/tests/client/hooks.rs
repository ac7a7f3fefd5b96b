//! Hooks of the client's own: what they say instead of a server leaves what has become of the call.

use crate::faults::quick;
use crate::scripted::{Listener, once};
use crate::soon;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use wingbeat_client::{All, Client, Context, DeliveryStatus, Error, Hooks, Next, Result, with};

/// The same error, whatever happens.
fn mine() -> Hooks {
    Hooks::new().error(All, async |_: &mut Context| Err(Error::other("mine")))
}

fn outcome_of(outcome: Result<u32>) -> (String, DeliveryStatus) {
    let error = outcome.unwrap_err();
    (error.message().into_owned(), error.delivery_status())
}

#[tokio::test]
async fn a_hook_that_says_no_before_the_call_has_sent_nothing() {
    let hooks = Hooks::new().before(All, async |_: &mut Context| Err(Error::other("no")));
    let client = Client::builder("http://127.0.0.1:1").hooks(hooks).build().unwrap();
    let error = soon(client.untyped("messages").get(1).into_future()).await.unwrap_err();
    assert_eq!((&*error.message(), error.delivery_status()), ("no", DeliveryStatus::NotSent));
}

#[tokio::test]
async fn an_error_that_takes_anothers_place_keeps_its_fate() {
    let listener = Listener::bind().await;
    let client = once(&listener.url()).hooks(mine()).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    let call = |n| {
        let call = tokio::spawn(client.service::<u32>("numbers").get(n).into_future());
        async { soon(call).await.unwrap() }
    };
    let answered = call(1);
    soon(peer.receive()).await.unwrap();
    peer.send(r#"430[{"name":"Gone","code":410,"message":"gone"}]"#).await;
    assert_eq!(outcome_of(answered.await), ("mine".to_owned(), DeliveryStatus::Answered));
    let lost = call(2);
    soon(peer.receive()).await.unwrap();
    drop(peer);
    assert_eq!(outcome_of(lost.await), ("mine".to_owned(), DeliveryStatus::Unknown));
    // There will be no other connection.
    assert_eq!(outcome_of(call(3).await), ("mine".to_owned(), DeliveryStatus::NotSent));
}

#[tokio::test]
async fn a_hook_that_waits_no_longer_leaves_a_call_that_may_be_executed() {
    let listener = Listener::bind().await;
    let enough = Arc::new(Notify::new());
    async fn impatient(enough: Arc<Notify>, context: &mut Context, next: Next<'_>) -> Result<()> {
        tokio::select! {
            done = next.run(context) => done,
            () = enough.notified() => Err(Error::other("mine")),
        }
    }
    let hooks = Hooks::new().around(All, with(enough.clone(), impatient));
    let client = quick(&listener.url()).hooks(hooks).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    let call = tokio::spawn(client.service::<u32>("numbers").get(1).into_future());
    soon(peer.receive()).await.unwrap();
    enough.notify_one();
    assert_eq!(outcome_of(soon(call).await.unwrap()), ("mine".to_owned(), DeliveryStatus::Unknown));
}

#[tokio::test]
async fn a_call_that_a_hook_makes_besides_does_not_unsend_the_one_it_is_for() {
    let listener = Listener::bind().await;
    let closed = Client::builder("http://127.0.0.1:1").timeout(Duration::from_secs(5)).build().unwrap();
    closed.close().await;
    let besides = async |closed: Client, _: &mut Context| closed.untyped("log").create(&1).await.map(drop);
    let hooks = Hooks::new().after(All, with(closed, besides));
    let client = once(&listener.url()).hooks(hooks).build().unwrap();
    let mut peer = soon(listener.joined()).await;
    let call = tokio::spawn(client.service::<u32>("numbers").get(1).into_future());
    soon(peer.receive()).await.unwrap();
    peer.send("430[null,1]").await;
    assert_eq!(outcome_of(soon(call).await.unwrap()), ("The client is closed".to_owned(), DeliveryStatus::Answered));
}
