//! This node of the application, among the others.

use super::heartbeat::look_after;
use super::message::Message;
use super::orders::SentOrders;
use super::others::Others;
use super::port::{Bus, BusConnection, Topic};
use super::questions::Questions;
use super::receiving::{LEAVE, Receiver};
use super::subscriptions::Subscriptions;
use super::travel::Outgoing;
use crate::realtime::audience::Audience;
use crate::realtime::channel::{Channels, Leave};
use crate::realtime::delivery::Delivery;
use crate::realtime::publication::EventName;
use crate::{BoxFuture, locked};
use bytes::Bytes;
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use wingbeat_core::{Error, RawJson, Result};
use wingbeat_engine::io::{Action, Selection};
use wingbeat_protocol::LogThrottle;

/// How long an event waits for room. After that others do not get it, and are told that something is missing.
const PATIENCE: Duration = Duration::from_secs(5);
/// What of the application itself other nodes reach.
pub(crate) trait Here: Send + Sync + 'static {
    /// Whom this node's own publisher names for an event, if it has one that answers at once.
    fn audience(&self, path: &str, event: &str, data: &RawJson) -> Option<Audience>;
    /// Does to raw sockets of one of the transports what another node does to its own.
    fn act_on_sockets(&self, at: usize, to: &Selection, action: &Action);
    /// Does what another node has ordered.
    fn order(&self, name: &str, data: &RawJson);
    /// What this node says to a question; nothing if it knows of none of that name.
    fn asked(&self, name: Box<str>, data: RawJson) -> Option<BoxFuture<'static, Option<RawJson>>>;
    /// Events of other nodes may be missing; whether what they send arrives again.
    fn missed(&self, arrives_again: bool);
    /// Orders of other nodes may be missing, and cannot be known any more.
    fn missed_orders(&self);
}

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// All whom it is for are connected to this node.
    Nowhere,
    ToOthers,
    /// Its audience is code that other nodes cannot ask, so none of theirs hear it.
    Stays,
}

pub(crate) struct Node {
    pub(super) number: u64,
    pub(super) channels: Arc<Channels>,
    pub(super) delivery: Arc<Delivery>,
    here: Box<dyn Here>,
    bus: OnceLock<Arc<dyn BusConnection>>,
    pub(super) subscriptions: OnceLock<Subscriptions>,
    /// How many events it has sent.
    pub(super) events: AtomicU64,
    /// Whether some of them did not leave, and nobody was told.
    pub(super) owes_gap: AtomicBool,
    pub(super) is_lost: AtomicBool,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    pub(super) others: Others,
    pub(super) orders: SentOrders,
    pub(super) questions: Questions,
    /// When it began to listen.
    pub(super) since: Instant,
    pub(super) beats: u64,
    pub(super) last_beat: Instant,
    /// The last of its own beats that has come back, when, and how many events it had sent before that one.
    pub(super) heard: u64,
    pub(super) heard_at: Instant,
    pub(super) events_heard: u64,
    pub(super) events_at_beat: u64,
}

impl Node {
    /// Connects, and asks for the events of all channels that somebody is in. Ready when they arrive.
    ///
    /// # Errors
    /// Why the bus cannot be used.
    pub(crate) async fn connect(
        bus: &dyn Bus,
        channels: Arc<Channels>,
        delivery: Arc<Delivery>,
        here: Box<dyn Here>,
    ) -> Result<Arc<Node>> {
        let mut number = [0; 8];
        getrandom::fill(&mut number)
            .map_err(|error| Error::general("The system has no random numbers").with_source(error))?;
        let now = Instant::now();
        let state = State {
            others: Others::default(),
            orders: SentOrders::default(),
            questions: Questions::default(),
            since: now,
            beats: 0,
            last_beat: now,
            heard: 0,
            heard_at: now,
            events_heard: 0,
            events_at_beat: 0,
        };
        let node = Arc::new(Node {
            number: u64::from_be_bytes(number),
            channels,
            delivery,
            here,
            bus: OnceLock::new(),
            subscriptions: OnceLock::new(),
            events: AtomicU64::new(0),
            owes_gap: AtomicBool::new(false),
            is_lost: AtomicBool::new(false),
            state: Mutex::new(state),
        });
        let connection = bus.connect(Arc::new(Receiver(Arc::downgrade(&node)))).await?;
        let connection = node.bus.get_or_init(|| connection);
        connection.subscribe(&Topic::All);
        connection.subscribe(&Topic::Node(node.number));
        connection.subscribed().await?;
        node.subscriptions.get_or_init(|| Subscriptions::new(connection.clone()));
        node.channels.set_node(&node);
        // If the connection is lost meanwhile, that is told as at any other time.
        connection.subscribed().await.ok();
        node.beat();
        tokio::spawn(look_after(Arc::downgrade(&node)));
        Ok(node)
    }

    /// How many nodes there are, this one included, as far as it knows.
    pub(crate) fn nodes(&self) -> usize {
        locked(&self.state).others.len() + 1
    }

    /// Sends an event to those nodes that have somebody whom it is for. `data` is what clients are to be sent, and
    /// `may_ask` says whether other nodes may ask their own publisher.
    ///
    /// # Errors
    /// If the audience has no JSON form.
    pub(crate) async fn publish(
        &self,
        audience: &Audience,
        name: &EventName,
        data: &RawJson,
        may_ask: impl FnOnce() -> bool,
    ) -> Result<Sent> {
        let number = self.events.fetch_add(1, Ordering::Relaxed);
        match Outgoing::new(audience, (&name.path, &name.event), data, || number, may_ask)? {
            Outgoing::Nowhere => Ok(Sent::Nowhere),
            Outgoing::Stays => Ok(Sent::Stays),
            Outgoing::To(topics, message) => {
                self.send(&topics, &message.encode(self.number)).await;
                Ok(Sent::ToOthers)
            }
        }
    }

    /// Somebody is in a channel or a room now.
    pub(in crate::realtime) fn subscribe(&self, topic: Topic) {
        if let Some(subscriptions) = self.subscriptions.get() {
            subscriptions.begin(topic);
        }
    }

    /// Nobody is in it any more.
    pub(in crate::realtime) fn unsubscribe(&self, topic: Topic) {
        if let Some(subscriptions) = self.subscriptions.get() {
            subscriptions.end(topic);
        }
    }

    /// Sends an event for raw sockets. It does not wait: what finds no room is lost, as raw events may be.
    pub(super) fn send_raw(&self, topics: &[Topic], written: RawJson, args: RawJson) {
        let number = self.events.fetch_add(1, Ordering::Relaxed);
        let message = Message::Raw { written, args, several: (topics.len() > 1).then_some(number) };
        let message = message.encode(self.number);
        let Some(bus) = self.bus.get() else { return };
        if !self.is_too_large(&**bus, &message) && bus.publish(topics, &message).is_err() {
            dropped();
        }
    }

    /// Waits until all subscriptions are in force.
    pub(in crate::realtime) async fn subscribed(&self) -> Result<()> {
        match self.bus.get() {
            Some(bus) => bus.subscribed().await,
            None => Ok(()),
        }
    }

    /// Has the connections of other nodes leave channels.
    pub(in crate::realtime) fn order_to_leave(&self, leave: &Leave) {
        match RawJson::new(leave) {
            Ok(leave) => self.order(LEAVE, leave),
            Err(error) => tracing::error!(?error, "other nodes could not be told who leaves a channel"),
        }
    }

    /// Has every other node do something. It does not wait: an order that cannot leave now is asked for by the others.
    pub(crate) fn order(&self, name: &str, data: RawJson) {
        let message = |number| Message::Order { number, name: name.into(), data };
        let bytes = locked(&self.state).orders.add(message, self.number);
        self.send_now(&Topic::All, &bytes);
    }

    /// Tells the counterparts of a part of the application, on one other node or on all. It does not wait: what cannot leave
    /// now is lost, as what is sent over the bus may be.
    pub(in crate::realtime) fn tell(&self, whom: Option<u64>, name: &str, data: &impl Serialize) {
        let topic = whom.map_or(Topic::All, Topic::Node);
        match RawJson::new(data) {
            Ok(data) => {
                let message = Message::Told { name: name.into(), data };
                if !self.send_now(&topic, &message.encode(self.number)) {
                    dropped();
                }
            }
            Err(error) => tracing::error!(?error, name, "other nodes could not be told something"),
        }
    }

    /// Ends it: others are told.
    pub(crate) async fn close(&self, patience: Duration) {
        if let Some(bus) = self.bus.get() {
            self.send_now(&Topic::All, &Message::Bye.encode(self.number));
            // Who would wait for room need not.
            self.is_lost.store(true, Ordering::Release);
            bus.close(patience).await;
        }
    }

    /// Waits for room, unless the connection is lost.
    async fn send(&self, topics: &[Topic], message: &Bytes) {
        let Some(bus) = self.bus.get() else { return };
        if self.is_too_large(&**bus, message) {
            return;
        }
        let sending = async {
            while bus.publish(topics, message).is_err() {
                if self.is_lost.load(Ordering::Acquire) {
                    return false;
                }
                bus.has_room().await;
            }
            true
        };
        // Nearly always there is room, and no timer is needed.
        if bus.publish(topics, message).is_ok() || timeout(PATIENCE, sending).await == Ok(true) {
            #[cfg(feature = "metrics")]
            metrics::counter!("wingbeat_bus_published_total").increment(1);
            return;
        }
        self.owes_gap.store(true, Ordering::Release);
        dropped();
    }

    /// Whether the bus carries nothing of that size; then that is told.
    fn is_too_large(&self, bus: &dyn BusConnection, message: &Bytes) -> bool {
        static TOO_LARGE: LogThrottle = LogThrottle::new();
        let (bytes, largest) = (message.len(), bus.largest());
        if bytes <= largest {
            return false;
        }
        self.owes_gap.store(true, Ordering::Release);
        #[cfg(feature = "metrics")]
        metrics::counter!("wingbeat_bus_dropped_total").increment(1);
        if let Some(times) = TOO_LARGE.happened() {
            tracing::error!(
                bytes,
                largest,
                times,
                "an event is too large for the bus, so clients of other nodes do not hear it: publish less of the record                  (`Audience::send`), or let the broker carry more (`max_payload` of NATS)"
            );
        }
        true
    }

    pub(super) fn send_now(&self, topic: &Topic, message: &Bytes) -> bool {
        self.bus.get().is_some_and(|bus| bus.publish(std::slice::from_ref(topic), message).is_ok())
    }

    /// The application's own code must not end what the bus is read by.
    pub(super) fn contained(&self, work: impl FnOnce(&dyn Here)) {
        if catch_unwind(AssertUnwindSafe(|| work(&*self.here))).is_err() {
            tracing::error!("what another node has sent made the application panic");
        }
    }
}

fn dropped() {
    static DROPPED: LogThrottle = LogThrottle::new();
    #[cfg(feature = "metrics")]
    metrics::counter!("wingbeat_bus_dropped_total").increment(1);
    if let Some(times) = DROPPED.happened() {
        tracing::error!(times, "an event could not be sent to other nodes: too much waits for the bus");
    }
}
