//! What arrives from other nodes.

use super::fields::NotUnderstood;
use super::message::{Event, Message, Whom};
use super::node::Node;
use super::others::Ordered;
use super::port::{Inbox, Incoming, Topic};
use super::raw::{self, SOCKETS};
use crate::realtime::audience::{Audience, channel};
use crate::realtime::channel::Leave;
use crate::realtime::publication::EventName;
use crate::{BoxFuture, locked};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wingbeat_core::{Error, RawJson};
use wingbeat_protocol::LogThrottle;

/// What the time of an order may be off, as those who ask and answer see it.
const SLACK: Duration = Duration::from_secs(2);

/// The order to leave channels.
pub(super) const LEAVE: &str = "leave";

/// Takes what arrives for a node, as long as it is there.
pub(super) struct Receiver(pub(super) Weak<Node>);

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
    pub(super) async fn receive(self: &Arc<Node>, what: Incoming) {
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
                // And what this node has told meanwhile has not left: the others ask it as it asks them.
                self.channels.presences.each(|presence| presence.restored(self));
                self.beat();
            }
        }
    }

    /// One of its own messages has come back.
    async fn heard(self: &Arc<Node>, topic: Topic, sender: u64, message: Message) {
        let since = locked(&self.state).since;
        match message {
            Message::Event(event) => self.deliver(topic, sender, event).await,
            Message::Raw { written, args, several } => {
                if several.is_none_or(|number| locked(&self.state).others.is_first(sender, number)) {
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
            Message::Told { name, data } => {
                self.channels.presences.named(&name, |presence| presence.heard(self, sender, &data));
            }
            Message::Asked { number, name, data } => self.asked(sender, number, name, data),
            Message::Answer { number, data } => self.has_answered(sender, number, data),
            Message::Heartbeat { orders, .. } => {
                let (is_known, missing) = {
                    let mut state = locked(&self.state);
                    (state.others.is_known(sender), state.others.heartbeat(sender, orders, since))
                };
                if !is_known {
                    // It learns at once who is there.
                    let beat = self.heartbeat(|state| state.beats);
                    self.send_now(&Topic::Node(sender), &beat);
                    self.channels.presences.each(|presence| presence.missed(self, Some(sender)));
                }
                if let Some((after, within)) = missing {
                    self.ask(sender, after, within);
                }
            }
            Message::Bye => {
                let doubt = locked(&self.state).others.bye(sender);
                self.has_gone(sender);
                if doubt {
                    self.contained(|here| here.missed_orders());
                }
            }
            Message::Gap => {
                tracing::warn!("events of another node were lost on their way");
                self.channels.presences.each(|presence| presence.missed(self, Some(sender)));
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

    /// What is known of another node counts no longer.
    pub(super) fn has_gone(&self, other: u64) {
        locked(&self.state).questions.gone(other);
        self.channels.presences.each(|presence| presence.gone(other));
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

    async fn deliver(&self, topic: Topic, sender: u64, event: Event) {
        static FAILED: LogThrottle = LogThrottle::new();
        let Event { path, event, data, to, several } = event;
        if several.is_some_and(|number| !locked(&self.state).others.is_first(sender, number)) {
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
}

fn not_understood(why: NotUnderstood) {
    static REFUSED: LogThrottle = LogThrottle::new();
    #[cfg(feature = "metrics")]
    metrics::counter!("wingbeat_bus_refused_total").increment(1);
    if let Some(times) = REFUSED.happened() {
        tracing::warn!(%why, times, "a message over the bus is not understood");
    }
}
