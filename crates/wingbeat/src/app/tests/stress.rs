//! Joining, leaving, publishing and disconnecting all at once: a checker says whether an event was lost or doubled.

use super::Echo;
use crate::prelude::*;
use crate::test::Client;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const SOURCES: u64 = 3;
const SMALL: usize = 2;
const PEOPLE: usize = 24;
const ROUNDS: usize = 12;
const EVENTS: u64 = 400;

/// What the publishers are doing: the numbers of events that have begun, and of those that have returned.
#[derive(Default)]
struct Sources {
    begun: [AtomicU64; SOURCES as usize],
    returned: [AtomicU64; SOURCES as usize],
}

impl Sources {
    fn snapshot(of: &[AtomicU64; SOURCES as usize]) -> [u64; SOURCES as usize] {
        std::array::from_fn(|at| of[at].load(Ordering::SeqCst))
    }
}

/// Everybody in the room hears the numbers of the sources, but those of [`SMALL`] go to a channel of those who come and
/// go, which is served at once. Whoever sends a `ping` hears that as well.
fn app() -> App {
    let publisher = |publication: &Publication| match publication.data()["source"].as_u64() {
        Some(source) if source == SMALL as u64 => channel("people"),
        Some(0) => channel("room").filter(|connection| connection.is_connected()),
        _ => channel("room"),
    };
    App::builder().mount("echo", Mount::new(Echo).publish(publisher)).build().unwrap()
}

async fn publish(app: App, sources: Arc<Sources>, source: usize) {
    for number in 1..=EVENTS {
        sources.begun[source].store(number, Ordering::SeqCst);
        app.service("echo").create(json!({"source": source, "number": number}), Params::new()).await.unwrap();
        sources.returned[source].store(number, Ordering::SeqCst);
        for _ in 0..number % 20 {
            tokio::task::yield_now().await;
        }
    }
}

/// The numbers that were heard of each source, in the order in which they came.
fn numbers(client: &Client) -> Vec<Vec<u64>> {
    let mut heard = vec![Vec::new(); SOURCES as usize];
    for event in client.heard() {
        if let Some(source) = event.data["source"].as_u64() {
            heard[usize::try_from(source).unwrap()].push(event.data["number"].as_u64().unwrap());
        }
    }
    heard
}

/// Comes, stays for a while, and goes, again and again; in the end the client leaves for good. How many events it had to
/// hear, and all that it has heard.
async fn come_and_go(app: App, sources: Arc<Sources>, me: usize) -> (usize, Vec<Value>) {
    let client = Client::connect(&app).await.unwrap();
    // For each source the numbers that must have been heard, and those that cannot have been.
    let (mut owed, mut barred) = (vec![HashSet::new(); SOURCES as usize], vec![HashSet::new(); SOURCES as usize]);
    for round in 0..ROUNDS {
        let away_from = Sources::snapshot(&sources.begun);
        for _ in 0..(me + round) % 5 {
            tokio::task::yield_now().await;
        }
        // What has returned before anybody could join was for others.
        let away_to = Sources::snapshot(&sources.returned);
        if round > 0 {
            (0..SOURCES as usize).for_each(|at| barred[at].extend(away_from[at] + 1..=away_to[at]));
        }
        app.channels(["room", "people"]).join(client.connection());
        let from = Sources::snapshot(&sources.begun);
        for _ in 0..(me * 7 + round) % 9 {
            tokio::task::yield_now().await;
        }
        let to = Sources::snapshot(&sources.returned);
        // The caller is given all that was published before its own event when this returns.
        client.service("echo").create(json!({"ping": round, "me": me})).await.unwrap();
        (0..SOURCES as usize).for_each(|at| owed[at].extend(from[at] + 1..=to[at]));
        app.channels(["room", "people"]).leave(client.connection());
    }
    check(me, &numbers(&client), &owed, &barred);
    let heard = all_heard(&client);
    let own = |round: usize| heard.contains(&json!({"ping": round, "me": me}));
    assert!((0..ROUNDS).all(own), "a caller has missed its own event");
    (owed.iter().map(HashSet::len).sum(), heard)
}

fn all_heard(client: &Client) -> Vec<Value> {
    client.heard().into_iter().map(|heard| heard.data).collect()
}

/// Those who have heard the same events have heard them in the same order.
fn check_order(all: &[Vec<Value>]) {
    let (mut before, mut after) = (HashMap::<String, usize>::new(), HashMap::<String, HashSet<String>>::new());
    for heard in all {
        for event in heard {
            before.entry(event.to_string()).or_default();
        }
        for pair in heard.windows(2) {
            if after.entry(pair[0].to_string()).or_default().insert(pair[1].to_string()) {
                *before.entry(pair[1].to_string()).or_default() += 1;
            }
        }
    }
    let mut free: Vec<String> =
        before.iter().filter(|(_, count)| **count == 0).map(|(event, _)| event.clone()).collect();
    let mut ordered = 0;
    while let Some(event) = free.pop() {
        ordered += 1;
        for next in after.remove(&event).into_iter().flatten() {
            let count = before.get_mut(&next).unwrap();
            *count -= 1;
            if *count == 0 {
                free.push(next);
            }
        }
    }
    assert_eq!(ordered, before.len(), "no order fits what all have heard");
}

fn check(me: usize, heard: &[Vec<u64>], owed: &[HashSet<u64>], barred: &[HashSet<u64>]) {
    for (at, heard) in heard.iter().enumerate() {
        assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{me} heard {at} doubled or out of order: {heard:?}");
        let heard: HashSet<u64> = heard.iter().copied().collect();
        let lost: Vec<_> = owed[at].difference(&heard).collect();
        assert!(lost.is_empty(), "{me} has missed {lost:?} of {at}");
        let overheard: Vec<_> = barred[at].intersection(&heard).collect();
        assert!(overheard.is_empty(), "{me} was away and has heard {overheard:?} of {at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_while_people_join_leave_and_go() {
    let (app, sources) = (app(), Arc::new(Sources::default()));
    // A crowd that stays, so that the queue has more than it serves at once.
    let mut crowd = Vec::new();
    for _ in 0..80 {
        let client = Client::connect(&app).await.unwrap();
        app.channel("room").join(client.connection());
        crowd.push(client);
    }
    let publishing: Vec<_> =
        (0..SOURCES as usize).map(|source| tokio::spawn(publish(app.clone(), sources.clone(), source))).collect();
    let people: Vec<_> = (0..PEOPLE).map(|me| tokio::spawn(come_and_go(app.clone(), sources.clone(), me))).collect();
    let (mut owed, mut heard) = (0, Vec::new());
    for person in people {
        let (of_person, by_person) = person.await.unwrap();
        owed += of_person;
        heard.push(by_person);
    }
    assert!(owed > 0, "nobody was in while something was published");
    for source in publishing {
        source.await.unwrap();
    }
    app.delivered().await;
    let mut all: Vec<HashSet<u64>> =
        Sources::snapshot(&sources.returned).iter().map(|last| (1..=*last).collect()).collect();
    all[SMALL].clear();
    let none = vec![HashSet::new(); SOURCES as usize];
    for (at, client) in crowd.iter().enumerate() {
        check(1000 + at, &numbers(client), &all, &none);
        heard.push(all_heard(client));
    }
    check_order(&heard);
    drop(crowd);
    assert!(app.channel_names().is_empty());
}
