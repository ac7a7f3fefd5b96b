//! A node as the facts see it: what it has heard, and what it waits for.

use crate::bus::{Bus, BusConnection, Full, Inbox, Incoming, Topic};
use crate::{BoxFuture, locked};
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

/// How long something that has to happen is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

pub(in crate::bus) struct Node {
    pub(in crate::bus) connection: Arc<dyn BusConnection>,
    ear: Arc<Ear>,
}

struct Ear {
    heard: Mutex<Vec<Incoming>>,
    more: Notify,
    /// Whoever is held up waits for a place here.
    busy: Semaphore,
}

impl Inbox for Ear {
    fn arrived(&self, what: Incoming) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            locked(&self.heard).push(what);
            self.more.notify_waiters();
            drop(self.busy.acquire().await);
        })
    }
}

impl Node {
    pub(in crate::bus) async fn on(bus: &impl Bus) -> Node {
        let ear = Arc::new(Ear { heard: Mutex::default(), more: Notify::new(), busy: Semaphore::new(1) });
        Node { connection: bus.connect(ear.clone()).await.expect("the bus can be reached"), ear }
    }

    /// One that is subscribed to these topics.
    pub(in crate::bus) async fn listening(bus: &impl Bus, topics: &[Topic]) -> Node {
        let node = Node::on(bus).await;
        node.asks(topics).await;
        node
    }

    pub(in crate::bus) async fn asks(&self, topics: &[Topic]) {
        topics.iter().for_each(|topic| self.connection.subscribe(topic));
        self.connection.subscribed().await.expect("the connection is there");
    }

    pub(in crate::bus) async fn asks_no_more(&self, topics: &[Topic]) {
        topics.iter().for_each(|topic| self.connection.unsubscribe(topic));
        self.connection.subscribed().await.expect("the connection is there");
    }

    pub(in crate::bus) fn says(&self, topic: &Topic, message: impl Into<Bytes>) {
        self.connection.publish(std::slice::from_ref(topic), &message.into()).expect("there is room");
    }

    /// Waits for room as the framework does, unless the connection is lost.
    pub(in crate::bus) async fn says_when_there_is_room(&self, topic: &Topic, message: &Bytes) {
        while let Err(Full) = self.connection.publish(std::slice::from_ref(topic), message) {
            self.connection.has_room().await;
        }
    }

    /// What it has heard of a topic.
    pub(in crate::bus) fn of(&self, topic: &Topic) -> Vec<Bytes> {
        let heard = locked(&self.ear.heard);
        let message = |incoming: &Incoming| match incoming {
            Incoming::Message { topic: of, message } if of == topic => Some(message.clone()),
            _ => None,
        };
        heard.iter().filter_map(message).collect()
    }

    /// All messages.
    pub(in crate::bus) fn messages(&self) -> usize {
        locked(&self.ear.heard).iter().filter(|incoming| matches!(incoming, Incoming::Message { .. })).count()
    }

    pub(in crate::bus) fn was_lost(&self) -> bool {
        locked(&self.ear.heard).iter().any(|incoming| matches!(incoming, Incoming::Lost))
    }

    pub(in crate::bus) async fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let waiting = async {
            loop {
                let more = self.ear.more.notified();
                if done() {
                    return;
                }
                more.await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("it never happens: {what}"));
    }

    /// Waits until it has heard so many messages of a topic.
    pub(in crate::bus) async fn hears(&self, topic: &Topic, messages: usize) -> Vec<Bytes> {
        self.until(&format!("{messages} messages of {topic:?}"), || self.of(topic).len() >= messages).await;
        self.of(topic)
    }

    pub(in crate::bus) async fn lost(&self) {
        let is_last = |what: Option<&Incoming>| matches!(what, Some(Incoming::Lost));
        self.until("the connection is lost", || is_last(locked(&self.ear.heard).last())).await;
    }

    pub(in crate::bus) async fn restored(&self) {
        let is_it = |what: &Incoming| matches!(what, Incoming::Restored);
        self.until("the connection is there again", || locked(&self.ear.heard).iter().any(is_it)).await;
    }

    /// Says something to all until it hears that: it may be lost once more meanwhile.
    #[cfg(test)]
    #[cfg_attr(not(any(feature = "nats", feature = "redis")), expect(dead_code, reason = "nothing is lost in memory"))]
    pub(in crate::bus) async fn hears_itself_again(&self) {
        let is_end = |message: &Bytes| message == "the end";
        let speaking = async {
            while !self.of(&Topic::All).iter().any(is_end) {
                self.connection.publish(&[Topic::All], &"the end".into()).ok();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, speaking).await.expect("it never hears itself again");
    }

    /// Keeps its inbox from taking more than one, until the answer is dropped.
    pub(in crate::bus) async fn is_busy(&self) -> impl Drop {
        self.ear.busy.acquire().await.expect("nobody closes it")
    }
}

pub(in crate::bus) fn channel(name: &str) -> Topic {
    Topic::Channel(name.into())
}
