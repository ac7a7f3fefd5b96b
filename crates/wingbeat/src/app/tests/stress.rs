//! Joining, leaving, publishing and disconnecting all at once: a checker says whether an event was lost or doubled.

use super::Echo;
use crate::prelude::*;
use crate::test::Client;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const SOURCES: u64 = 3;
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

/// Everybody hears the numbers of the sources; whoever sends a `ping` hears that as well.
fn app() -> App {
    App::builder().mount("echo", Mount::new(Echo).publish(|_| channel("room"))).build().unwrap()
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
/// hear.
async fn come_and_go(app: App, sources: Arc<Sources>, me: usize) -> usize {
    let client = Client::connect(&app).await.unwrap();
    // For each source the numbers that must have been heard, and those that can not have been.
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
        app.channel("room").join(client.connection());
        let from = Sources::snapshot(&sources.begun);
        for _ in 0..(me * 7 + round) % 9 {
            tokio::task::yield_now().await;
        }
        let to = Sources::snapshot(&sources.returned);
        // The caller's frame takes its turn: all that was published before has been delivered when this returns.
        client.service("echo").create(json!({"ping": round})).await.unwrap();
        (0..SOURCES as usize).for_each(|at| owed[at].extend(from[at] + 1..=to[at]));
        app.channel("room").leave(client.connection());
    }
    check(me, &numbers(&client), &owed, &barred);
    let own: Vec<Value> =
        client.heard().into_iter().map(|heard| heard.data).filter(|data| data["ping"].is_u64()).collect();
    assert!((0..ROUNDS).all(|round| own.contains(&json!({ "ping": round }))), "a caller has missed its own event");
    owed.iter().map(HashSet::len).sum()
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
    // A crowd that stays, so that the lane has more than it serves at once.
    let mut crowd = Vec::new();
    for _ in 0..80 {
        let client = Client::connect(&app).await.unwrap();
        app.channel("room").join(client.connection());
        crowd.push(client);
    }
    let publishing: Vec<_> =
        (0..SOURCES as usize).map(|source| tokio::spawn(publish(app.clone(), sources.clone(), source))).collect();
    let people: Vec<_> = (0..PEOPLE).map(|me| tokio::spawn(come_and_go(app.clone(), sources.clone(), me))).collect();
    let mut owed = 0;
    for person in people {
        owed += person.await.unwrap();
    }
    assert!(owed > 0, "nobody was in while something was published");
    for source in publishing {
        source.await.unwrap();
    }
    app.delivered().await;
    let all: Vec<HashSet<u64>> =
        Sources::snapshot(&sources.returned).iter().map(|last| (1..=*last).collect()).collect();
    let none = vec![HashSet::new(); SOURCES as usize];
    for (at, client) in crowd.iter().enumerate() {
        check(1000 + at, &numbers(client), &all, &none);
    }
    drop(crowd);
    assert!(app.channel_names().is_empty());
}
