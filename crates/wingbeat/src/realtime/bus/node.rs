//! This node of the application, among the others.

use super::message::{Event, Message, NotUnderstood, Whom};
use super::orders::SentOrders;
use super::others::{Ordered, Others};
use super::port::{Bus, BusConnection, Inbox, Incoming, Topic};
use super::raw::{self, SOCKETS};
use super::subscriptions::Subscriptions;
use super::travel::Outgoing;
use crate::realtime::audience::{Audience, channel};
use crate::realtime::channel::{Channels, Leave};
use crate::realtime::delivery::Delivery;
use crate::realtime::publication::EventName;
use crate::{BoxFuture, locked};
use bytes::Bytes;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wingbeat_core::{Error, RawJson, Result};
use wingbeat_engine::io::{Action, Selection};
use wingbeat_protocol::LogThrottle;

/// How often a node looks after itself.
const TICK: Duration = Duration::from_secs(1);
/// How often a node says that it is there; with many of them less often, so that all of it stays little.
const BEAT: Duration = Duration::from_secs(5);
const BEAT_FOR_EACH: Duration = Duration::from_millis(25);
/// After how many beats that did not come a node has gone, or this one hears nothing.
const BEATS: u32 = 3;
/// How long an event waits for room. After that others do not get it, and are told that something is missing.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the time of an order may be off, as those who ask and answer see it.
const SLACK: Duration = Duration::from_secs(2);

/// The order to leave channels.
const LEAVE: &str = "leave";

/// What of the application itself other nodes reach.
pub(crate) trait Here: Send + Sync + 'static {
    /// Whom this node's own publisher names for an event, if it has one that answers at once.
    fn audience(&self, path: &str, event: &str, data: &RawJson) -> Option<Audience>;
    /// Does to raw sockets of one of the transports what another node does to its own.
    fn act_on_sockets(&self, at: usize, to: &Selection, action: &Action);
    /// Does what another node has ordered.
    fn order(&self, name: &str, data: &RawJson);
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
    number: u64,
    channels: Arc<Channels>,
    delivery: Arc<Delivery>,
    here: Box<dyn Here>,
    bus: OnceLock<Arc<dyn BusConnection>>,
    subscriptions: OnceLock<Subscriptions>,
    /// How many events it has sent.
    events: AtomicU64,
    /// Whether some of them did not leave, and nobody was told.
    owes_gap: AtomicBool,
    is_lost: AtomicBool,
    state: Mutex<State>,
}

struct State {
    others: Others,
    orders: SentOrders,
    /// When it began to listen.
    since: Instant,
    beats: u64,
    last_beat: Instant,
    /// The last of its own beats that has come back, when, and how many events it had sent before that one.
    heard: u64,
    heard_at: Instant,
    events_heard: u64,
    events_at_beat: u64,
}

struct Receiver(Weak<Node>);

impl Inbox for Receiver {
    fn arrived(&self, what: Incoming) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Some(node) = self.0.upgrade() {
                node.receive(what).await;
            }
        })
    }
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

    /// Whether what this node sends to itself arrives: then so does what others send.
    pub(crate) fn is_well(&self) -> bool {
        let (interval, state) = (self.interval(), locked(&self.state));
        !self.is_lost.load(Ordering::Acquire) && state.heard_at.elapsed() < interval * BEATS
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
        if self.bus.get().is_none_or(|bus| bus.publish(topics, &message).is_err()) {
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

    /// Ends it: others are told.
    pub(crate) async fn close(&self, patience: Duration) {
        if let Some(bus) = self.bus.get() {
            self.send_now(&Topic::All, &Message::Bye.encode(self.number));
            bus.close(patience).await;
        }
    }

    /// Waits for room, unless the connection is lost.
    async fn send(&self, topics: &[Topic], message: &Bytes) {
        let Some(bus) = self.bus.get() else { return };
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

    fn send_now(&self, topic: &Topic, message: &Bytes) -> bool {
        self.bus.get().is_some_and(|bus| bus.publish(std::slice::from_ref(topic), message).is_ok())
    }

    async fn receive(&self, what: Incoming) {
        match what {
            Incoming::Message { topic, message } => match Message::sender(&message) {
                Some(sender) if sender == self.number => self.heard_itself(&message),
                Some(sender) => match Message::decode(&message) {
                    Ok(message) => self.heard(topic, sender, message).await,
                    Err(why) => not_understood(why),
                },
                None => not_understood(NotUnderstood::CUT_OFF),
            },
            Incoming::Lost => {
                tracing::warn!("the connection to the bus is lost; clients of this node are served on");
                self.is_lost.store(true, Ordering::Release);
                {
                    let mut state = locked(&self.state);
                    // All was well when it heard itself the last time.
                    let since = state.heard_at;
                    state.others.lost(since);
                }
                self.contained(|here| here.missed(false));
            }
            Incoming::Restored => {
                tracing::info!("the connection to the bus is there again");
                let lost_some = {
                    let mut state = locked(&self.state);
                    state.others.heard_again();
                    // Those that are on their way come back.
                    state.heard = state.beats;
                    self.events.load(Ordering::Relaxed) > state.events_heard
                };
                self.owes_gap.fetch_or(lost_some, Ordering::AcqRel);
                self.is_lost.store(false, Ordering::Release);
                self.contained(|here| here.missed(true));
                self.beat();
            }
        }
    }

    /// One of its own messages has come back.
    fn heard_itself(&self, message: &Bytes) {
        if !Message::is_heartbeat(message) {
            return;
        }
        let Ok(Message::Heartbeat { beat, .. }) = Message::decode(message) else { return };
        let missed = {
            let mut state = locked(&self.state);
            let (missed, since) = (beat > state.heard + 1, state.heard_at);
            if missed {
                state.others.lost(since);
            }
            if beat > state.heard {
                (state.heard, state.heard_at) = (beat, Instant::now());
            }
            if beat == state.beats {
                state.events_heard = state.events_at_beat;
            }
            missed
        };
        if missed {
            tracing::warn!("messages over the bus were lost");
            self.contained(|here| here.missed(true));
        }
    }

    async fn heard(&self, topic: Topic, sender: u64, message: Message) {
        let since = locked(&self.state).since;
        match message {
            Message::Event(event) => self.deliver(topic, sender, event, since).await,
            Message::Raw { written, args, several } => {
                if several.is_none_or(|number| locked(&self.state).others.is_first(sender, number, since)) {
                    self.act_on_sockets(&written, Some(&args));
                }
            }
            Message::Order { number, name, data } => {
                let outcome = locked(&self.state).others.order(sender, number, since);
                if outcome != Ordered::Done {
                    self.obey(&name, &data);
                }
                if let Ordered::ToDoAndAsk(after, within) = outcome {
                    self.ask(sender, after, within);
                }
            }
            Message::Heartbeat { orders, .. } => {
                let missing = locked(&self.state).others.heartbeat(sender, orders, since);
                if let Some((after, within)) = missing {
                    self.ask(sender, after, within);
                }
            }
            Message::Bye => locked(&self.state).others.bye(sender),
            Message::Gap => {
                tracing::warn!("events of another node were lost on their way");
                self.contained(|here| here.missed(true));
            }
            Message::OrdersAfter { number, within } => self.answer(sender, number, within),
            Message::OrdersSent { number } => locked(&self.state).others.caught_up(sender, number, since),
            Message::OrdersGone { number } => {
                locked(&self.state).others.caught_up(sender, number, since);
                self.contained(|here| here.missed_orders());
            }
        }
    }

    fn obey(&self, name: &str, data: &RawJson) {
        match (name, data.to::<Leave>()) {
            (LEAVE, Ok(leave)) => leave.run(&self.channels),
            (SOCKETS, _) => self.act_on_sockets(data, None),
            (LEAVE, Err(error)) => tracing::error!(?error, "another node has not said who leaves which channels"),
            _ => self.contained(|here| here.order(name, data)),
        }
    }

    fn act_on_sockets(&self, written: &RawJson, args: Option<&RawJson>) {
        match raw::read(written, args) {
            Ok((at, to, action)) => self.contained(|here| here.act_on_sockets(at, &to, &action)),
            Err(error) => tracing::error!(?error, "another node has not said what is done to which sockets"),
        }
    }

    async fn deliver(&self, topic: Topic, sender: u64, event: Event, since: Instant) {
        static FAILED: LogThrottle = LogThrottle::new();
        let Event { path, event, data, to, several } = event;
        if several.is_some_and(|number| !locked(&self.state).others.is_first(sender, number, since)) {
            return;
        }
        #[cfg(feature = "metrics")]
        metrics::counter!("wingbeat_bus_received_total").increment(1);
        let audience = match (to, topic) {
            (Whom::Members, Topic::Channel(name)) => Ok(channel(&*name)),
            (Whom::Members, _) => Err(Error::general("It is for the members of a channel, and names none")),
            (Whom::Selectors(selectors), _) => Audience::from_beyond(&selectors),
            (Whom::Publishers, _) => {
                let mut audience = None;
                self.contained(|here| audience = here.audience(&path, &event, &data));
                audience.ok_or_else(|| Error::general("This node has no publisher for it, or one that waits"))
            }
        };
        let name = EventName::new(&Arc::from(path), &event);
        let sent = match audience {
            Ok(audience) => self.delivery.send(&audience, &name, &data, None).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = sent
            && let Some(times) = FAILED.happened_as(&name.wire)
        {
            tracing::error!(?error, event = &*name.wire, times, "an event of another node could not be delivered");
        }
    }

    fn ask(&self, of: u64, number: u64, within: Duration) {
        let within = u64::try_from((within + SLACK).as_millis()).unwrap_or(u64::MAX);
        self.send_now(&Topic::Node(of), &Message::OrdersAfter { number, within }.encode(self.number));
    }

    fn answer(&self, to: u64, number: u64, within: u64) {
        let (missing, last) = {
            let state = locked(&self.state);
            (state.orders.after(number, Duration::from_millis(within)), state.orders.last())
        };
        let end = match &missing {
            Some(_) => Message::OrdersSent { number: last },
            None => Message::OrdersGone { number: last },
        };
        let topic = Topic::Node(to);
        // What does not leave is asked for again.
        let sent = missing.iter().flatten().all(|order| self.send_now(&topic, order));
        if sent {
            self.send_now(&topic, &end.encode(self.number));
        }
    }

    fn interval(&self) -> Duration {
        let nodes = u32::try_from(self.nodes()).unwrap_or(u32::MAX);
        BEAT.max(BEAT_FOR_EACH.saturating_mul(nodes))
    }

    fn beat(&self) {
        let message = {
            let mut state = locked(&self.state);
            state.beats += 1;
            state.last_beat = Instant::now();
            state.events_at_beat = self.events.load(Ordering::Relaxed);
            Message::Heartbeat { orders: state.orders.last(), beat: state.beats }
        };
        self.send_now(&Topic::All, &message.encode(self.number));
    }

    fn tick(&self) {
        if let Some(subscriptions) = self.subscriptions.get() {
            subscriptions.forget_left();
        }
        if self.is_lost.load(Ordering::Acquire) {
            return;
        }
        if self.owes_gap.swap(false, Ordering::AcqRel) && !self.send_now(&Topic::All, &Message::Gap.encode(self.number))
        {
            self.owes_gap.store(true, Ordering::Release);
        }
        let interval = self.interval();
        let (is_due, doubt) = {
            let mut state = locked(&self.state);
            (state.last_beat.elapsed() >= interval, state.others.forget_silent(interval * BEATS))
        };
        if is_due {
            self.beat();
        }
        if doubt {
            self.contained(|here| here.missed_orders());
        }
        #[cfg(feature = "metrics")]
        {
            metrics::gauge!("wingbeat_bus_connected").set(if self.is_well() { 1.0 } else { 0.0 });
            metrics::gauge!("wingbeat_bus_nodes").set(self.nodes() as f64);
        }
    }

    /// The application's own code must not end what the bus is read by.
    fn contained(&self, work: impl FnOnce(&dyn Here)) {
        if catch_unwind(AssertUnwindSafe(|| work(&*self.here))).is_err() {
            tracing::error!("what another node has sent made the application panic");
        }
    }
}

async fn look_after(node: Weak<Node>) {
    loop {
        sleep(TICK).await;
        match node.upgrade() {
            Some(node) => node.tick(),
            None => return,
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

fn not_understood(why: NotUnderstood) {
    static REFUSED: LogThrottle = LogThrottle::new();
    #[cfg(feature = "metrics")]
    metrics::counter!("wingbeat_bus_refused_total").increment(1);
    if let Some(times) = REFUSED.happened() {
        tracing::warn!(%why, times, "a message over the bus is not understood");
    }
}
