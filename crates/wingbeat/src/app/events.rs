//! Which events exist, who listens, who is the publisher.

use super::held::Place;
use super::mount::Listener;
use super::publish::Whose;
use super::run::By;
use super::sub_app::SubApp;
use super::{App, WeakApp};
use crate::BoxFuture;
use crate::realtime::{Audience, Connection, EventName, Publication, Publisher};
use crate::service::{Emitter, ServiceScope, Services};
use std::collections::HashMap;
use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::{Error, RawJson, Result};
use wingbeat_protocol::LogThrottle;

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

/// Listeners and publishers that panicked: they do so for one event as for the next.
static PANICKED: LogThrottle = LogThrottle::new();

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

    pub(super) fn publication(&self, data: &RawJson, caller: Option<&Connection>) -> Publication {
        Publication::new(self.name.clone(), data.clone(), caller.cloned())
    }

    /// Tells the listeners, and asks the publisher for whom the event is. Nothing if it can be for nobody.
    pub(super) fn announce(&self, publication: &Publication) -> Option<Result<Audience, BoxFuture<'static, Audience>>> {
        for listener in &self.listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(publication))).is_err()
                && let Some(times) = PANICKED.happened_as(&self.name.wire)
            {
                tracing::error!(event = &*self.name.wire, times, "a listener panicked");
            }
        }
        let Some(Chosen { publisher, .. }) = &self.publisher else {
            self.is_heard_by_nobody(None);
            return None;
        };
        let asked = catch_unwind(AssertUnwindSafe(|| publisher.audience(publication)));
        if asked.is_err()
            && let Some(times) = PANICKED.happened_as(&self.name.wire)
        {
            tracing::error!(event = &*self.name.wire, times, "a publisher panicked, so nobody hears this event");
        }
        asked.ok()
    }

    /// Says in the log why nobody hears an event, for those who wonder.
    pub(super) fn is_heard_by_nobody(&self, audience: Option<&Audience>) {
        let reason = match audience {
            None => "it has no publisher",
            Some(audience) if audience.is_nobody() => "the publisher names nobody",
            Some(_) => "nobody is in the audience, or its filters let nobody pass",
        };
        let publisher = self.publisher.as_ref().map(|chosen| chosen.whose);
        tracing::debug!(
            event = &*self.name.wire,
            publisher,
            audience = audience.map(tracing::field::debug),
            reason,
            "nobody hears an event"
        );
    }

    pub(super) fn is_unsent(&self, error: &Error) {
        static UNSENT: LogThrottle = LogThrottle::new();
        if let Some(times) = UNSENT.happened_as(&self.name.wire) {
            tracing::error!(?error, event = &*self.name.wire, times, "an event could not be sent");
        }
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
        if let Some(event) = service.unknown(|event| events.contains(&event)) {
            return Err(unknown(event, path));
        }
        if let Some((event, _)) = listeners.iter().find(|(event, _)| !events.contains(&&**event)) {
            return Err(unknown(event, path));
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

    /// Whether anybody could care for any of them.
    pub(super) fn are_heard(&self) -> bool {
        self.0.iter().any(|slot| slot.is_heard())
    }

    /// The names of all, and whether methods send them.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|slot| (&*slot.name.event, slot.automatic))
    }

    pub(super) fn find(&self, event: &str) -> Option<Arc<EventSlot>> {
        self.0.iter().find(|slot| *slot.name.event == *event).cloned()
    }
}

/// What the methods of one service can reach.
pub(super) struct MountScope {
    // Weak: the application holds the service, which holds this.
    app: WeakApp,
    path: Arc<str>,
    slots: Arc<Slots>,
}

impl MountScope {
    pub(super) fn new(app: &App, path: Arc<str>, slots: Arc<Slots>) -> MountScope {
        MountScope { app: app.downgrade(), path, slots }
    }
}

fn unknown(event: &str, path: &str) -> Error {
    let text = format!(
        "'{event}' is not a valid service event of '{path}': list it among the mount's `events`, or name one that its \
         methods send: created, updated, patched, removed"
    );
    Error::general(text)
}

/// What a call fails with that sends an event which was never declared: nothing that clients could do something about.
pub(super) fn undeclared(event: &str, path: &str) -> Error {
    Error::internal(unknown(event, path).into_std())
}

impl ServiceScope for MountScope {
    fn emit(&self, event: &str, data: RawJson, by: Emitter) -> BoxFuture<'static, Result<()>> {
        let Some(slot) = self.slots.find(event) else {
            return Box::pin(ready(Err(undeclared(event, &self.path))));
        };
        let app = self.app.upgrade();
        Box::pin(async move {
            let Some(app) = app else { return Ok(()) };
            let Emitter { caller, is_client } = by;
            let by = if is_client { By::Client } else { By::Server };
            let whose = Whose { caller: caller.as_ref(), by };
            app.0.publish_in_turn(&slot, &data, &data, whose, &mut None, &mut Place::default()).await;
            Ok(())
        })
    }

    fn services(&self) -> Option<Services> {
        self.app.upgrade().map(|app| app.services())
    }

    fn time_limit(&self) -> Option<Duration> {
        self.app.upgrade()?.0.patience.said()
    }
}
