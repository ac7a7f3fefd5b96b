//! Which events wait for which, and which never do.

use super::super::WeakApp;
use super::Heard;
use crate::hooks::{sync, with};
use crate::prelude::*;
use crate::store::{Memory, Records, Table};
use crate::test::Client;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::sync::watch;

pub(super) fn records() -> Table<Records> {
    Memory::new().multi(true).records([json!({"id": 1}), json!({"id": 2}), json!({"id": 3})])
}

pub(super) fn open(mount: Mount) -> (App, Heard) {
    let app = App::builder()
        .mount("notes", mount)
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .build()
        .unwrap();
    let (_, heard) = Heard::connect(&app);
    (app, heard)
}

pub(super) fn to_everybody(service: Table<Records>) -> Mount {
    Mount::new(service).publish(|_| channel("everybody"))
}

/// Holds calls up after they have written, if their data says so, until it is opened; and counts them.
#[derive(Clone)]
pub(super) struct Gate(watch::Sender<(u32, bool)>);

impl Gate {
    pub(super) fn new() -> Gate {
        Gate(watch::Sender::new((0, false)))
    }

    pub(super) fn hook(&self, word: &'static str) -> impl crate::hooks::Hook {
        with((self.clone(), word), async |(Gate(gate), word): (Gate, &'static str), context: &mut Context| {
            if context.data.as_ref().is_some_and(|data| data.to_value().unwrap()[word] == true) {
                gate.send_modify(|(waiting, _)| *waiting += 1);
                gate.subscribe().wait_for(|(_, open)| *open).await.ok();
            }
            Ok(())
        })
    }

    /// Waits until so many calls have been held up.
    pub(super) async fn holds(&self, calls: u32) {
        self.0.subscribe().wait_for(|(waiting, _)| *waiting >= calls).await.unwrap();
    }

    pub(super) fn open(&self) {
        self.0.send_modify(|(_, open)| *open = true);
    }
}

/// A service whose patches can be held up.
pub(super) fn gated() -> (App, Heard, Gate) {
    let gate = Gate::new();
    let (app, heard) = open(to_everybody(records()).after(Patch, gate.hook("wait")));
    (app, heard, gate)
}

pub(super) fn patch(app: &App, id: impl Into<IdArg>, data: Value) -> tokio::task::JoinHandle<Result<Payload>> {
    let (notes, id) = (app.service("notes"), id.into());
    tokio::spawn(async move { notes.patch(id, data, Params::new()).await })
}

/// What has been heard, once so much has: the event, the id and `n` of each.
pub(super) async fn heard_of(heard: &Heard, events: usize) -> Vec<String> {
    while heard.all().len() < events {
        tokio::task::yield_now().await;
    }
    let told = |(event, data): (String, Value)| {
        format!("{} {}:{}", event.trim_start_matches("notes "), data["id"].to_string().replace('"', ""), data["n"])
    };
    heard.all().into_iter().map(told).collect()
}

/// Lets everything happen that can.
pub(super) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_event_waits_for_that_of_the_earlier_write_and_its_call_does_not() {
    let (app, heard, gate) = gated();
    let earlier = patch(&app, 1, json!({"n": 1, "wait": true}));
    gate.holds(1).await;
    let notes = app.service("notes");
    // Answered at once: the first poll does it.
    let mut later = Box::pin(notes.patch("1", json!({"n": 2}), Params::new()));
    assert!((&mut later).now_or_never().expect("the call waits for nobody").is_ok());
    notes.remove(1, Params::new()).now_or_never().expect("the call waits for nobody").unwrap();
    notes.create(json!({"id": 1, "n": 3}), Params::new()).now_or_never().expect("nor does this one").unwrap();
    // Other records have nothing to do with it.
    notes.patch(2, json!({"n": 4}), Params::new()).await.unwrap();
    settle().await;
    assert_eq!(heard_of(&heard, 1).await, ["patched 2:4"]);
    gate.open();
    earlier.await.unwrap().unwrap();
    let expected = ["patched 2:4", "patched 1:1", "patched 1:2", "removed 1:2", "created 1:3"];
    assert_eq!(heard_of(&heard, 5).await, expected);
}

#[tokio::test]
async fn a_client_is_answered_before_its_event_if_that_has_to_wait() {
    let (app, heard, gate) = gated();
    let earlier = patch(&app, 1, json!({"n": 1, "wait": true}));
    gate.holds(1).await;
    let client = Client::connect(&app).await.unwrap();
    assert_eq!(client.service("notes").patch(1, json!({"n": 2})).await.unwrap()["n"], 2);
    assert!(client.heard().is_empty());
    gate.open();
    earlier.await.unwrap().unwrap();
    assert_eq!(client.hears("notes patched").await["n"], 1);
    assert_eq!(client.hears("notes patched").await["n"], 2);
    assert_eq!(heard_of(&heard, 2).await.len(), 2);
}

#[tokio::test]
async fn of_several_records_only_those_wait_that_have_to() {
    let (app, heard, gate) = gated();
    let earlier = patch(&app, 2, json!({"n": 1, "wait": true}));
    gate.holds(1).await;
    app.service("notes").patch(None, json!({"n": 2}), Params::new()).await.unwrap();
    settle().await;
    assert_eq!(heard_of(&heard, 2).await, ["patched 1:2", "patched 3:2"]);
    app.service("notes").remove(None, Params::new()).await.unwrap();
    gate.open();
    earlier.await.unwrap().unwrap();
    let expected =
        ["patched 1:2", "patched 3:2", "removed 1:2", "removed 3:2", "patched 2:1", "patched 2:2", "removed 2:2"];
    assert_eq!(heard_of(&heard, 7).await, expected);
}

#[tokio::test]
async fn records_are_found_by_their_ids_whatever_hooks_make_of_the_list() {
    let gate = Gate::new();
    let turn_around = sync(|context: &mut Context| {
        if let Some(Value::Array(records)) = context.result.as_mut().map(|result| result.value_mut()).transpose()? {
            records.reverse();
            records.retain(|record| record["id"] != 3);
        }
        Ok(())
    });
    let (app, heard) = open(to_everybody(records()).after(Patch, gate.hook("wait")).after(Patch, turn_around));
    let earlier = patch(&app, 1, json!({"n": 1, "wait": true}));
    gate.holds(1).await;
    app.service("notes").patch(None, json!({"n": 2}), Params::new()).await.unwrap();
    app.service("notes").patch(3, json!({"n": 3}), Params::new()).await.unwrap();
    settle().await;
    assert_eq!(heard_of(&heard, 2).await, ["patched 2:2", "patched 3:3"]);
    gate.open();
    earlier.await.unwrap().unwrap();
    assert_eq!(heard_of(&heard, 4).await[2..], ["patched 1:1", "patched 1:2"]);
}

#[tokio::test]
async fn a_record_that_is_created_twice_in_one_list_is_heard_of_in_that_order() {
    let (app, heard, gate) = gated();
    let earlier = patch(&app, 1, json!({"n": 1, "wait": true}));
    gate.holds(1).await;
    let twice = json!([{"id": 1, "n": 2}, {"id": 1, "n": 3}]);
    app.service("notes").create(twice, Params::new()).await.unwrap();
    let third = patch(&app, 1, json!({"n": 4}));
    third.await.unwrap().unwrap();
    gate.open();
    earlier.await.unwrap().unwrap();
    assert_eq!(heard_of(&heard, 4).await, ["patched 1:1", "created 1:2", "created 1:3", "patched 1:4"]);
}

/// Writes the record once more from inside, and then does what the data says.
pub(super) async fn again(context: &mut Context) -> Result<()> {
    let data: Value = context.data_as()?;
    if let Some(n) = data["again"].as_i64() {
        // With the params of the call: it is still another call.
        context.service("notes").patch(context.id.clone(), json!({"n": n}), context.params.clone()).await?;
    }
    match data["then"].as_str() {
        Some("fail") => Err(Error::conflict("on purpose")),
        Some("panic") => panic!("on purpose"),
        Some("hang") => std::future::pending().await,
        Some("silent") => {
            context.set_event(None);
            Ok(())
        }
        _ => Ok(()),
    }
}

#[tokio::test]
async fn a_hook_that_writes_the_record_again_is_heard_of_after_the_call_it_is_in() {
    let (app, heard) = open(to_everybody(records()).after(Patch, again));
    let client = Client::connect(&app).await.unwrap();
    client.service("notes").patch(1, json!({"n": 1, "again": 2})).await.unwrap();
    assert_eq!(heard_of(&heard, 2).await, ["patched 1:1", "patched 1:2"]);
    app.service("notes").patch(2, json!({"n": 3, "again": 4}), Params::new()).await.unwrap();
    assert_eq!(heard_of(&heard, 4).await[2..], ["patched 2:3", "patched 2:4"]);
}

/// Tries a second time, and in between somebody else writes the record.
async fn retry(context: &mut Context, next: Next<'_>) -> Result<()> {
    if next.attempt(context).await.is_ok() {
        return Ok(());
    }
    context.service("notes").update(context.id.clone(), json!({"n": 2}), Params::new()).await?;
    next.run(context).await
}

#[tokio::test]
async fn a_call_that_writes_a_record_twice_is_heard_of_after_what_came_between() {
    let is_second = AtomicBool::new(false);
    let fail_once = sync(move |_| match is_second.swap(true, Ordering::Relaxed) {
        true => Ok(()),
        false => Err(Error::conflict("on purpose")),
    });
    let (app, heard) = open(to_everybody(records()).around(Patch, retry).after(Patch, fail_once));
    app.service("notes").patch(1, json!({"n": 3}), Params::new()).await.unwrap();
    assert_eq!(heard_of(&heard, 2).await, ["updated 1:2", "patched 1:3"]);
}

#[tokio::test]
async fn publishers_that_wait_are_asked_one_after_the_other_about_one_record() {
    let gate = Gate::new();
    let publish = {
        let gate = gate.0.clone();
        move |publication: Publication| {
            let gate = gate.clone();
            async move {
                if publication.data()["n"] == 1 {
                    gate.subscribe().wait_for(|(_, open)| *open).await.ok();
                }
                channel("everybody")
            }
        }
    };
    let (app, heard) = open(Mount::new(records()).publish_async(publish));
    for (id, n) in [(1, 1), (1, 2), (2, 3), (1, 4)] {
        let patched = app.service("notes").patch(id, json!({"n": n}), Params::new()).await;
        assert_eq!(patched.unwrap().to_value().unwrap()["n"], n);
    }
    settle().await;
    assert_eq!(heard_of(&heard, 1).await, ["patched 2:3"]);
    gate.open();
    assert_eq!(heard_of(&heard, 4).await[1..], ["patched 1:1", "patched 1:2", "patched 1:4"]);
}

#[tokio::test]
async fn a_publisher_may_write_the_record_that_it_is_asked_about() {
    let known: Arc<OnceLock<WeakApp>> = Arc::default();
    let app_of = known.clone();
    let publish = move |publication: Publication| {
        let app = app_of.get().and_then(WeakApp::upgrade).unwrap();
        async move {
            if publication.data()["n"] == 1 {
                app.service("notes").patch(1, json!({"n": 2}), Params::new()).await.unwrap();
            }
            channel("everybody")
        }
    };
    let (app, heard) = open(Mount::new(records()).publish_async(publish));
    known.set(app.downgrade()).ok().unwrap();
    app.service("notes").patch(1, json!({"n": 1}), Params::new()).await.unwrap();
    assert_eq!(heard_of(&heard, 2).await, ["patched 1:1", "patched 1:2"]);
}

/// Counts, and says where it does.
struct Counter(Mutex<u64>);

impl RawService for Counter {
    fn methods(&self) -> Vec<Method> {
        vec![Patch]
    }

    async fn patch(&self, _: IdArg, _: Option<Payload>, params: &Params) -> Result<Payload> {
        let mut count = crate::locked(&self.0);
        *count += 1;
        if params.get("silent").is_none() {
            params.wrote("count");
        }
        Ok(json!({"id": "count", "n": *count}).into())
    }
}

#[tokio::test]
async fn a_service_of_ones_own_says_what_it_writes_by_its_params() {
    let gate = Gate::new();
    let (app, heard) =
        open(Mount::new(Counter(Default::default())).publish(|_| channel("everybody")).after(Patch, gate.hook("wait")));
    let earlier = patch(&app, "count", json!({"wait": true}));
    gate.holds(1).await;
    patch(&app, "count", json!({})).await.unwrap().unwrap();
    let mut silent = Params::new();
    silent.set("silent", true);
    app.service("notes").patch("count", json!({}), silent).await.unwrap();
    // Who says nothing does not wait.
    assert_eq!(heard_of(&heard, 1).await, ["patched count:3"]);
    gate.open();
    earlier.await.unwrap().unwrap();
    assert_eq!(heard_of(&heard, 3).await[1..], ["patched count:1", "patched count:2"]);
}
