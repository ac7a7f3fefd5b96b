//! From a call's result, or from `emit`, to delivery: which events exist, who listens, who is the publisher.

use super::mount::Listener;
use super::sub_app::SubApp;
use super::{App, Inner, WeakApp};
use crate::BoxFuture;
use crate::realtime::{Audience, Connection, EventName, Publication, Publisher};
use crate::service::{Services, Surroundings};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wingbeat_core::{Error, Payload, RawJson, Result, Seldom};

/// The events that a method sends by itself.
pub(super) const STANDARD: [&str; 4] = ["created", "updated", "patched", "removed"];

/// Publishers by event, and one for all others.
#[derive(Clone, Default)]
pub(super) struct Publishers {
    by_event: HashMap<Box<str>, Arc<Publisher>>,
    all: Option<Arc<Publisher>>,
}

impl Publishers {
    pub(super) fn set(&mut self, event: Option<Box<str>>, publisher: Publisher) {
        let publisher = Arc::new(publisher);
        match event {
            Some(event) => drop(self.by_event.insert(event, publisher)),
            None => self.all = Some(publisher),
        }
    }

    /// The publisher for an event, with the words for it.
    fn find(&self, event: &str, of: [&'static str; 2]) -> Option<Chosen> {
        let chosen = |whose| move |publisher: &Arc<Publisher>| Chosen { publisher: publisher.clone(), whose };
        let for_all = || self.all.as_ref().map(chosen(of[1]));
        self.by_event.get(event).map(chosen(of[0])).or_else(for_all)
    }

    /// The first event with a publisher that is not among those that exist.
    pub(super) fn unknown(&self, exists: impl Fn(&str) -> bool) -> Option<&str> {
        self.by_event.keys().map(|event| &**event).find(|event| !exists(event))
    }
}

/// A publisher, and whose it is.
struct Chosen {
    publisher: Arc<Publisher>,
    whose: &'static str,
}

const OF_SERVICE: [&str; 2] = ["the service's for this event", "the service's"];
const OF_SUB_APP: [&str; 2] = ["the sub-application's for this event", "the sub-application's"];
const OF_APP: [&str; 2] = ["the application's for this event", "the application's"];

/// An event of a mounted service, with those who hear it.
pub(crate) struct EventSlot {
    name: EventName,
    publisher: Option<Chosen>,
    listeners: Vec<Listener>,
    /// Whether methods send it; else only the service itself does.
    automatic: bool,
}

impl EventSlot {
    /// Whether anybody could care. If not, results need not even be written.
    pub(super) fn is_heard(&self) -> bool {
        self.publisher.is_some() || !self.listeners.is_empty()
    }
}

/// All events of a mounted service.
pub(crate) struct Slots(Vec<Arc<EventSlot>>);

impl Slots {
    pub(super) fn new(
        path: &Arc<str>,
        own: &[Box<str>],
        service: Publishers,
        within: &[Arc<SubApp>],
        app: &Publishers,
        listeners: Vec<(Box<str>, Listener)>,
    ) -> Result<Slots> {
        let mut events: Vec<&str> = STANDARD.to_vec();
        // Listed twice, or a standard name: still one event.
        own.iter().for_each(|event| {
            if !events.contains(&&**event) {
                events.push(event)
            }
        });
        let unknown = |event: &str| {
            Err(Error::general(format!(
                "'{event}' is not a valid service event of '{path}': list it among the mount's `events`"
            )))
        };
        if let Some(event) = service.unknown(|event| events.contains(&event)) {
            return unknown(event);
        }
        if let Some((event, _)) = listeners.iter().find(|(event, _)| !events.contains(&&**event)) {
            return unknown(event);
        }
        // The nearest one names the audience.
        let of_sub_app = |event: &str| within.iter().rev().find_map(|sub| sub.publishers.find(event, OF_SUB_APP));
        let publisher = |event: &str| {
            service.find(event, OF_SERVICE).or_else(|| of_sub_app(event)).or_else(|| app.find(event, OF_APP))
        };
        let slot = |event: &str| EventSlot {
            name: EventName::new(path, event),
            publisher: publisher(event),
            listeners: listeners
                .iter()
                .filter(|(of, _)| **of == *event)
                .map(|(_, listener)| listener.clone())
                .collect(),
            automatic: !own.iter().any(|own| **own == *event),
        };
        Ok(Slots(events.into_iter().map(|event| Arc::new(slot(event))).collect()))
    }

    /// The event of this name that methods send.
    pub(super) fn automatic(&self, event: &str) -> Option<Arc<EventSlot>> {
        self.find(event).filter(|slot| slot.automatic)
    }

    pub(super) fn find(&self, event: &str) -> Option<Arc<EventSlot>> {
        self.0.iter().find(|slot| *slot.name.event == *event).cloned()
    }
}

impl Inner {
    /// Publishes what a call has done: one event for a record, one for each element of a list. `dispatch` is what is
    /// sent instead of the result; elements of two lists are paired by their place.
    pub(super) async fn publish_result(
        self: &Arc<Inner>,
        slot: &Arc<EventSlot>,
        result: &RawJson,
        dispatch: Option<&RawJson>,
        caller: Option<&Connection>,
    ) {
        let Some(items) = result.elements() else {
            return self.publish(slot, result, dispatch.unwrap_or(result), caller).await;
        };
        let sent = dispatch.and_then(RawJson::elements);
        let null = RawJson::NULL;
        for (at, item) in items.iter().enumerate() {
            let sent = match (&sent, dispatch) {
                (Some(sent), _) => sent.get(at).unwrap_or(&null),
                (None, Some(dispatch)) => dispatch,
                (None, None) => item,
            };
            self.publish(slot, item, sent, caller).await;
        }
    }

    /// Tells the listeners, asks the publisher, and hands over to delivery. A publisher that waits is waited for
    /// beside the call. What goes wrong is logged: the call has done what it should.
    async fn publish(
        self: &Arc<Inner>,
        slot: &Arc<EventSlot>,
        data: &RawJson,
        sent: &RawJson,
        caller: Option<&Connection>,
    ) {
        let publication = Publication::new(slot.name.clone(), data.clone(), caller.cloned());
        for listener in &slot.listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(&publication))).is_err()
                && let Some(times) = PANICKED.happened_as(&slot.name.wire)
            {
                tracing::error!(event = &*slot.name.wire, times, "a listener panicked");
            }
        }
        let Some(Chosen { publisher, .. }) = &slot.publisher else { return nobody_hears(slot, None) };
        match catch_unwind(AssertUnwindSafe(|| publisher.audience(&publication))) {
            Ok(Ok(audience)) => self.deliver(slot, &audience, &publication, sent).await,
            Ok(Err(waiting)) => {
                // The server's own calls wait for nobody: one may come from a publisher that has a place. On the heap, so
                // that the future of all other calls stays small.
                let place = if caller.is_some() { Box::pin(self.beside.place()).await } else { None };
                let (app, slot, sent) = (self.clone(), slot.clone(), sent.clone());
                self.beside.spawn(async move {
                    let _place = place;
                    let audience = waiting.await;
                    app.deliver(&slot, &audience, &publication, &sent).await;
                });
            }
            Err(_) => {
                if let Some(times) = PANICKED.happened_as(&slot.name.wire) {
                    tracing::error!(
                        event = &*slot.name.wire,
                        times,
                        "a publisher panicked, so nobody hears this event"
                    );
                }
            }
        }
    }

    async fn deliver(
        self: &Arc<Inner>,
        slot: &EventSlot,
        audience: &Audience,
        publication: &Publication,
        sent: &RawJson,
    ) {
        match self.delivery.send(audience, publication.name(), sent, publication.caller()).await {
            Ok(true) => {}
            Ok(false) => nobody_hears(slot, Some(audience)),
            Err(error) => unsent(&error, slot),
        }
    }
}

/// Listeners and publishers that panicked: they do so for one event as for the next.
static PANICKED: Seldom = Seldom::new();

fn unsent(error: &Error, slot: &EventSlot) {
    static UNSENT: Seldom = Seldom::new();
    if let Some(times) = UNSENT.happened_as(&slot.name.wire) {
        tracing::error!(?error, event = &*slot.name.wire, times, "an event could not be sent");
    }
}

/// Why nobody hears an event, for those who wonder.
fn nobody_hears(slot: &EventSlot, audience: Option<&Audience>) {
    let reason = match audience {
        None => "it has no publisher",
        Some(audience) if audience.is_nobody() => "the publisher names nobody",
        Some(_) => "nobody is in the audience, or its filters let nobody pass",
    };
    let publisher = slot.publisher.as_ref().map(|chosen| chosen.whose);
    tracing::debug!(
        event = &*slot.name.wire,
        publisher,
        audience = audience.map(tracing::field::debug),
        reason,
        "nobody hears an event"
    );
}

impl App {
    /// Waits until all that has been published is delivered.
    pub(crate) async fn delivered(&self) {
        while !self.0.delivery.is_idle() {
            tokio::task::yield_now().await;
        }
    }
}

/// What the methods of one service can reach.
pub(super) struct Around {
    // Weak: the application holds the service, which holds this.
    app: WeakApp,
    slots: Arc<Slots>,
}

impl Around {
    pub(super) fn new(app: &App, slots: Arc<Slots>) -> Around {
        Around { app: app.downgrade(), slots }
    }
}

impl Surroundings for Around {
    fn emit(&self, event: &str, data: Payload, caller: Option<Connection>) -> BoxFuture<'static, ()> {
        let found = self.app.upgrade().zip(self.slots.find(event));
        Box::pin(async move {
            let Some((app, slot)) = found else { return };
            match data.to_raw() {
                Ok(data) => app.0.publish(&slot, &data, &data, caller.as_ref()).await,
                Err(error) => unsent(&error, &slot),
            }
        })
    }

    fn services(&self) -> Option<Services> {
        self.app.upgrade().map(|app| app.services())
    }
}
