//! Events are held up for a time at most, and so many at most.

use super::Heard;
use super::order::{Gate, again, gated, heard_of, open, patch, records, settle, to_everybody};
use crate::hooks::sync;
use crate::prelude::*;
use crate::test::Client;
use futures_util::FutureExt as _;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn calls_that_end_without_an_event_hold_up_nobody() {
    let (app, heard) = open(to_everybody(records()).after(Patch, again));
    let client = Client::to(&app).patience(Duration::from_millis(1)).connect().await.unwrap();
    let notes = client.service("notes");
    for (at, then) in ["fail", "panic", "hang", "silent"].into_iter().enumerate() {
        let outcome = notes.patch(1, json!({"n": 0, "again": at + 1, "then": then})).await;
        assert_eq!(outcome.is_ok(), then == "silent", "{then}");
        // Nobody waits for it, and the write within it is heard of.
        assert_eq!(heard_of(&heard, at + 1).await[at], format!("patched 1:{}", at + 1), "{then}");
    }
    // One that is dropped.
    let service = app.service("notes");
    let mut dropped = Box::pin(service.patch(1, json!({"n": 0, "again": 7, "then": "hang"}), Params::new()));
    assert!((&mut dropped).now_or_never().is_none());
    settle().await;
    assert_eq!(heard.all().len(), 4);
    drop(dropped);
    assert_eq!(heard_of(&heard, 5).await[4], "patched 1:7");
}

#[tokio::test(start_paused = true)]
async fn a_call_from_inside_holds_up_nobody_for_longer_than_calls_may_take() {
    for limit in [None, Some(Duration::from_secs(5))] {
        let gate = Gate::new();
        let mut builder = App::builder()
            .mount("notes", to_everybody(records()).after(Patch, gate.hook("wait")))
            .on_connection(|app, connection| app.channel("everybody").join(connection));
        if let Some(limit) = limit {
            builder = builder.configure(SocketIo::new().call_timeout(limit));
        }
        let app = builder.build().unwrap();
        let (_, heard) = Heard::connect(&app);
        let stuck = patch(&app, 1, json!({"n": 1, "wait": true}));
        gate.holds(1).await;
        let began = tokio::time::Instant::now();
        for n in [2, 3] {
            app.service("notes").patch(1, json!({"n": n}), Params::new()).await.unwrap();
        }
        settle().await;
        assert_eq!(heard.all(), []);
        while heard.all().len() < 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let (waited, limit) = (began.elapsed(), limit.unwrap_or(Duration::from_secs(60)));
        assert!(waited >= limit && waited < limit + Duration::from_secs(1), "{waited:?}");
        assert_eq!(heard_of(&heard, 2).await, ["patched 1:2", "patched 1:3"]);
        // Its own event comes late, but comes.
        gate.open();
        stuck.await.unwrap().unwrap();
        assert_eq!(heard_of(&heard, 3).await[2], "patched 1:1");
    }
}

#[tokio::test]
async fn what_is_written_with_params_that_outlive_their_call_holds_up_nobody() {
    let table = records();
    let kept = table.clone();
    let mount = to_everybody(table).raw_method("keep", move |_, params| {
        let kept = kept.clone();
        async move {
            tokio::spawn(async move { kept.patch(1.into(), Some(json!({"n": 1}).into()), &params).await });
            Ok(Payload::NULL)
        }
    });
    let (app, heard) = open(mount.after("keep", sync(|_: &mut Context| Ok(()))));
    app.service("notes").call("keep", json!(null), Params::new()).await.unwrap();
    settle().await;
    app.service("notes").patch(1, json!({"n": 2}), Params::new()).await.unwrap();
    assert_eq!(heard_of(&heard, 1).await, ["patched 1:2"]);
}

/// As many of 1,024 places as one client may have.
const SHARE: usize = 342;

#[tokio::test]
async fn clients_wait_when_too_many_of_their_events_do_and_others_go_on() {
    let (app, heard, gate) = gated();
    let earlier = patch(&app, 1, json!({"n": 0, "wait": true}));
    gate.holds(1).await;
    let (client, other) = (Client::connect(&app).await.unwrap(), Client::connect(&app).await.unwrap());
    let notes = client.service("notes");
    let mut waiting: Vec<_> = (1..=1024).map(|n| Box::pin(notes.patch(1, json!({"n": n})))).collect();
    waiting.retain_mut(|call| call.now_or_never().is_none());
    assert_eq!(waiting.len(), 1024 - SHARE);
    let others = other.service("notes").patch(1, json!({"n": 1025})).now_or_never();
    assert!(others.is_some(), "it waits for another's");
    // Records of which no event waits are not concerned.
    notes.patch(2, json!({"n": 0})).await.unwrap();
    assert_eq!(heard_of(&heard, 1).await, ["patched 2:0"]);
    gate.open();
    earlier.await.unwrap().unwrap();
    futures_util::future::try_join_all(waiting).await.unwrap();
    let expected: Vec<_> = (0..=1025).map(|n| format!("patched 1:{n}")).collect();
    assert_eq!(heard_of(&heard, 1027).await[1..], expected);
}

#[tokio::test]
async fn a_call_whose_turn_comes_needs_no_place() {
    let (first, second) = (Gate::new(), Gate::new());
    let hooked = to_everybody(records()).after(Patch, first.hook("first")).after(Patch, second.hook("second"));
    let (app, heard) = open(hooked);
    let holding = [1, 2].map(|id| patch(&app, id, json!({"n": 0, "first": true})));
    first.holds(2).await;
    let client = Client::connect(&app).await.unwrap();
    let notes = client.service("notes");
    for n in 1..=SHARE {
        notes.patch(2, json!({"n": n})).await.unwrap();
    }
    // One waits for a place when its turn comes, another has had it come before.
    let mut waiting = Box::pin(notes.patch(1, json!({"n": 1})));
    assert!((&mut waiting).now_or_never().is_none());
    let mut under_way = Box::pin(notes.patch(1, json!({"n": 2, "second": true})));
    assert!((&mut under_way).now_or_never().is_none());
    holding[0].abort();
    waiting.await.unwrap();
    second.open();
    under_way.await.unwrap();
    assert_eq!(heard_of(&heard, 2).await, ["patched 1:1", "patched 1:2"]);
}

#[tokio::test]
async fn with_no_place_left_events_of_the_server_leave_the_call_behind_that_holds_them_up() {
    let (app, heard, gate) = gated();
    let earlier = patch(&app, 1, json!({"n": 0, "wait": true}));
    gate.holds(1).await;
    for n in 1..=1025 {
        app.service("notes").patch(1, json!({"n": n}), Params::new()).await.unwrap();
    }
    let expected: Vec<_> = (1..=1025).map(|n| format!("patched 1:{n}")).collect();
    assert_eq!(heard_of(&heard, 1025).await, expected);
    gate.open();
    earlier.await.unwrap().unwrap();
}

#[test]
fn without_a_runtime_events_leave_at_once() {
    let (app, heard) = open(to_everybody(records()).after(Patch, again));
    let notes = app.service("notes");
    notes.patch(1, json!({"n": 1, "again": 2}), Params::new()).now_or_never().unwrap().unwrap();
    assert_eq!(heard.all().len(), 2);
}
