//! Calls whose callers have gone.

use crate::faults::quick;
use crate::scripted::Listener;
use crate::soon;
use std::future::{IntoFuture, poll_fn};
use std::pin::pin;
use std::task::Poll;
use wingbeat_client::{Call, DeliveryStatus};

/// Begins a call, and drops it.
async fn begun_and_dropped(call: Call<u32>) {
    let mut call = pin!(call.into_future());
    poll_fn(|cx| {
        assert!(call.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn what_was_not_sent_never_is_and_its_place_is_free() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).buffer_limits(2, 10_000).build().unwrap();
    let numbers = client.service::<u32>("numbers");
    for n in 0..50 {
        begun_and_dropped(numbers.get(n)).await;
        // The task has had its turn, and the buffer has room for the next.
        tokio::task::yield_now().await;
    }
    let server = async {
        let mut peer = listener.joined().await;
        assert_eq!(peer.receive().await.unwrap(), r#"420["get","numbers",77,{}]"#);
        peer.send("430[null,7]").await;
        peer
    };
    let (answer, _peer) = soon(async { tokio::join!(numbers.get(77).into_future(), server) }).await;
    assert_eq!(answer.unwrap(), 7);
}

#[tokio::test]
async fn who_is_sent_and_dropped_holds_nobody_back_and_its_answer_is_nobodys() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).in_flight_limit(1).build().unwrap();
    let numbers = client.service::<u32>("numbers");
    let mut peer = soon(listener.joined()).await;
    soon(client.connect()).await.unwrap();
    let first = tokio::spawn(numbers.get(1).into_future());
    assert_eq!(soon(peer.receive()).await.unwrap(), r#"420["get","numbers",1,{}]"#);
    let second = tokio::spawn(numbers.get(2).into_future());
    first.abort();
    // The first was never answered: without its place the second would wait for the deadline.
    assert_eq!(soon(peer.receive()).await.unwrap(), r#"421["get","numbers",2,{}]"#);
    peer.send("430[null,1]").await;
    peer.send("431[null,2]").await;
    assert_eq!(soon(second).await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn a_stream_that_is_asked_for_after_the_end_is_over() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    client.close().await;
    assert!(soon(client.untyped("numbers").on("created").next()).await.is_none());
    assert!(soon(client.io().on_any().next()).await.is_none());
    assert!(soon(client.connection_events().next()).await.is_none());
}

#[test]
fn when_the_runtime_ends_calls_tell_whether_they_were_sent() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, mut calls) = runtime.block_on(async {
        let listener = Listener::bind().await;
        let client = quick(&listener.url()).in_flight_limit(1).build().unwrap();
        let numbers = client.service::<u32>("numbers");
        let mut calls: Vec<_> = [1, 2].map(|n| Box::pin(numbers.get(n).into_future())).into();
        let both_wait = poll_fn(|cx| Poll::Ready(calls.iter_mut().all(|call| call.as_mut().poll(cx).is_pending())));
        assert!(both_wait.await);
        let mut peer = soon(listener.joined()).await;
        assert_eq!(soon(peer.receive()).await.unwrap(), r#"420["get","numbers",1,{}]"#);
        (client, calls)
    });
    drop(runtime);
    let another = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    another.block_on(async {
        for status in [DeliveryStatus::Unknown, DeliveryStatus::NotSent] {
            assert_eq!(soon(calls.remove(0)).await.unwrap_err().delivery_status(), status);
        }
        assert_eq!(
            soon(client.untyped("x").get(1).into_future()).await.unwrap_err().delivery_status(),
            DeliveryStatus::NotSent
        );
        assert!(soon(client.io().on_any().next()).await.is_none());
    });
}

#[tokio::test]
async fn a_client_that_is_closed_has_calls_that_say_so_and_drop_quietly() {
    let listener = Listener::bind().await;
    let client = quick(&listener.url()).build().unwrap();
    let numbers = client.service::<u32>("numbers");
    let mut waiting = pin!(numbers.get(1).into_future());
    let mut dropped = Box::pin(numbers.get(2).into_future());
    poll_fn(|cx| {
        assert!(waiting.as_mut().poll(cx).is_pending() && dropped.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    soon(client.close()).await;
    drop(dropped);
    assert_eq!(soon(waiting).await.unwrap_err().delivery_status(), DeliveryStatus::NotSent);
    assert_eq!(soon(numbers.get(3).into_future()).await.unwrap_err().delivery_status(), DeliveryStatus::NotSent);
}

#[test]
fn a_runtime_that_ends_takes_no_answer_with_it_in_silence() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (listener, call) = runtime.block_on(soon(async {
        let listener = Listener::bind().await;
        let client = quick(&listener.url()).build().unwrap();
        let mut call = Box::pin(client.service::<u32>("numbers").get(1).into_future());
        let mut peer = listener.joined().await;
        let sent = poll_fn(|cx| {
            assert!(call.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        });
        sent.await;
        peer.receive().await.unwrap();
        (listener, call)
    }));
    drop((runtime, listener));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(soon(call)).unwrap_err().delivery_status(), DeliveryStatus::Unknown);
}
