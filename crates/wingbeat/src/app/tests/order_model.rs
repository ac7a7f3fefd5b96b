//! Calls of all kinds on a few records at once, on eight threads: who applies the events in the order in which they come
//! ends with what is stored.

use crate::locked;
use crate::prelude::*;
use crate::test::Client;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// The records on which everybody works.
const RECORDS: u64 = 3;
const CALLS: u64 = 8;

/// How many rounds there are; the variable `ROUNDS` says otherwise.
fn rounds(usual: u64) -> u64 {
    std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

/// Chances that are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What somebody has who applies the events: the `n` of each record that there is.
type Known = BTreeMap<u64, Value>;

fn apply(known: &mut Known, event: &str, record: &Value) {
    let id = record["id"].as_u64().unwrap();
    match event {
        "removed" => known.remove(&id),
        _ => known.insert(id, record["n"].clone()),
    };
}

/// Does what `do` in the data says, after the write. Calls that end badly write only `x`: of these nobody hears, and
/// what everybody has to know is `n`.
async fn after(context: &mut Context) -> Result<()> {
    let data = context.data.as_ref().and_then(|data| data.to_value().ok()).unwrap_or_default();
    let n = if data["n"].is_null() { &data["x"] } else { &data["n"] };
    for step in data["do"].as_array().into_iter().flatten() {
        match step.as_str().unwrap() {
            "yield" => tokio::task::yield_now().await,
            "sleep" => tokio::time::sleep(Duration::from_millis(1)).await,
            "again" => {
                let (again, id, data) = (context.service("notes"), context.id.clone(), json!({"n": n}));
                let params = context.params.clone();
                // Beside the call, not to be cut off with it: of what is half done nobody hears. The record may be gone.
                let (done, is_done) = tokio::sync::oneshot::channel::<()>();
                App::of(context.services()).unwrap().0.background.spawn(async move {
                    again.patch(id, data, params).await.ok();
                    drop(done);
                });
                is_done.await.ok();
            }
            "hang" => std::future::pending().await,
            "panic" => panic!("on purpose"),
            _ => return Err(Error::conflict("on purpose")),
        }
    }
    Ok(())
}

/// What a call does after it has written, and how long its client waits for it.
fn fate(dice: &mut Dice) -> (Vec<&'static str>, bool) {
    let mut steps: Vec<_> = (0..dice.roll(4)).map(|_| "yield").collect();
    match dice.roll(12) {
        0 => steps.push("sleep"),
        1 | 2 => steps.push("again"),
        3 => steps.extend(["again", "fail"]),
        4 => steps.push("fail"),
        5 => steps.extend(["again", "hang"]),
        6 => steps.push("hang"),
        7 => steps.push("panic"),
        _ => return (steps, false),
    }
    let ends_badly = matches!(steps.last(), Some(&"fail" | &"hang" | &"panic"));
    (steps, ends_badly)
}

/// Those who call.
struct Callers {
    app: App,
    patient: Client,
    impatient: Client,
}

/// One call; its result is nobody's business.
async fn call(callers: Arc<Callers>, number: u64, mut dice: Dice) {
    let id = 1 + dice.roll(RECORDS);
    let written = json!({"n": number, "x": number});
    let (inside, service) = (callers.app.service("notes"), callers.patient.service("notes"));
    match dice.roll(10) {
        0 => drop(service.remove(id).await),
        1 => drop(service.create(json!({"id": id, "n": number})).await),
        2 => drop(service.update(id, written).await),
        3 => drop(service.query(json!({"id": {"$lte": 2}})).patch(Value::Null, written).await),
        4 => {
            let some = Params::new().with_query(json!({"id": {"$in": [1, id]}})).unwrap();
            drop(inside.remove(None, some).await);
            let records = [1, id].map(|id| json!({"id": id, "n": number}));
            drop(inside.create(json!(records), Params::new()).await);
        }
        5 => drop(inside.patch(id.to_string(), json!({"n": number}), Params::new()).await),
        _ => {
            let (steps, ends_badly) = fate(&mut dice);
            if !ends_badly {
                return drop(service.patch(id, json!({"n": number, "do": steps})).await);
            }
            let impatient = callers.impatient.service("notes");
            let patched = impatient.patch(id, json!({"x": number, "do": steps}));
            match dice.roll(2) {
                0 => drop(patched.await),
                _ => drop(tokio::time::timeout(Duration::from_millis(1), patched).await),
            }
        }
    }
}

async fn listeners_end_with_what_is_stored(notes: Mount, usual: u64) {
    let on_server = Arc::new(Mutex::new(Known::new()));
    let listen = |mount: Mount, event| {
        let known = on_server.clone();
        mount.on(event, move |publication| apply(&mut locked(&known), publication.event(), publication.data()))
    };
    let notes = ["created", "updated", "patched", "removed"].into_iter().fold(notes.after(Patch, after), listen);
    let app = App::builder()
        .mount("notes", notes)
        .on_connection(|app, connection| app.channel("everybody").join(connection))
        .build()
        .unwrap();
    let patient = Client::to(&app).patience(Duration::from_secs(60)).connect().await.unwrap();
    let impatient = Client::to(&app).patience(Duration::from_millis(2)).connect().await.unwrap();
    let callers = Arc::new(Callers { app: app.clone(), patient, impatient });
    let mut known = Known::new();
    for round in 0..rounds(usual) {
        let listener = Client::connect(&app).await.unwrap();
        let mut calls = JoinSet::new();
        for number in (round * CALLS..).take(CALLS as usize) {
            let dice = Dice((number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            calls.spawn(call(callers.clone(), number, dice));
        }
        calls.join_all().await;
        app.0.background.ended().await;
        app.delivered().await;
        let events = listener.heard();
        for heard in &events {
            apply(&mut known, heard.event.strip_prefix("notes ").unwrap(), &heard.data);
        }
        let stored = app.service("notes").find(Params::new()).await.unwrap().into_value().unwrap();
        let stored = stored.as_array().unwrap().iter();
        let stored: Known = stored.map(|record| (record["id"].as_u64().unwrap(), record["n"].clone())).collect();
        assert_eq!(known, stored, "what a client knows after round {round}: {events:#?}");
        assert_eq!(*locked(&on_server), stored, "what a listener on the server knows after round {round}");
    }
}

fn memory() -> Mount {
    Mount::new(crate::store::Memory::new().start(1).multi(true))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn who_applies_events_ends_with_what_is_in_memory() {
    listeners_end_with_what_is_stored(memory().publish(|_| channel("everybody")), 2000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn who_applies_events_of_publishers_that_wait_ends_with_what_is_in_memory() {
    let publish = |publication: Publication| async move {
        for _ in 0..publication.data()["n"].as_u64().unwrap_or(0) % 3 {
            tokio::task::yield_now().await;
        }
        channel("everybody")
    };
    listeners_end_with_what_is_stored(memory().publish_async(publish), 2000).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn who_applies_events_ends_with_what_is_in_sqlite() {
    let db = crate::store::Sqlite::memory().await.unwrap();
    let table = "CREATE TABLE notes (id INTEGER PRIMARY KEY, n INTEGER, x INTEGER, \"do\" JSON)";
    db.migrate(&[("notes", table)]).await.unwrap();
    let notes = Mount::new(db.table::<Value>("notes").multi(true)).publish(|_| channel("everybody"));
    listeners_end_with_what_is_stored(notes, 500).await;
}
