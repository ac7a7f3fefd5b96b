//! Channels and delivery without an application: connections that write down what they hear.

mod delivery_queue;
mod model;
mod recovery;

use super::connection::{Connection, Peer};
use super::publication::{EventName, Message};
use super::{Audience, Channels, Delivery, Headers};
use crate::locked;
use futures_util::FutureExt;
use std::sync::{Arc, Mutex};
use tokio::task::yield_now;
use wingbeat_core::RawJson;

/// A number that no connection takes: its delivery panics.
const POISON: u32 = u32::MAX;

/// One application's channels, and connections to be in them.
struct World {
    channels: Arc<Channels>,
    delivery: Arc<Delivery>,
    people: Vec<Person>,
}

struct Person {
    connection: Connection,
    ears: Ears,
}

/// What a connection has heard.
#[derive(Clone, Default)]
struct Ears(Arc<Mutex<Vec<u32>>>);

impl Peer for Ears {
    fn deliver(&self, message: &Message) {
        let number = message.data().to().unwrap();
        assert_ne!(number, POISON, "on purpose");
        locked(&self.0).push(number);
    }
    fn disconnect(&self, _: &Connection) {}
    fn headers(&self) -> Option<&Headers> {
        None
    }
}

impl World {
    fn new(people: usize) -> World {
        let channels = Arc::new(Channels::default());
        let people = (0..people).map(|_| {
            let ears = Ears::default();
            Person { connection: Connection::new("test", ears.clone()), ears }
        });
        World { people: people.collect(), delivery: Delivery::new(channels.clone()), channels }
    }

    fn join(&self, room: &str, people: impl IntoIterator<Item = usize>) {
        people.into_iter().for_each(|who| self.channels.join(room, &self.people[who].connection));
    }

    fn heard(&self, who: usize) -> Vec<u32> {
        locked(&self.people[who].ears.0).clone()
    }

    async fn send(&self, audience: impl Into<Audience>, number: u32, caller: Option<usize>) {
        let name = EventName::new(&"numbers".into(), "created");
        let caller = caller.map(|who| &self.people[who].connection);
        let data = RawJson::new(&number).unwrap();
        let audience = audience.into();
        let sending = self.delivery.send(&audience, &name, &data, caller);
        match caller {
            Some(caller) => caller.origin().polling(sending).await.unwrap(),
            None => sending.await.unwrap(),
        };
    }

    /// Publishes where nothing has to be waited for.
    fn publish(&self, audience: impl Into<Audience>, number: u32, caller: Option<usize>) {
        self.send(audience, number, caller).now_or_never().expect("there are places");
    }

    async fn delivered(&self) {
        while !self.delivery.is_idle() {
            yield_now().await;
        }
    }
}
