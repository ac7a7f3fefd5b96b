//! The events of a mounted service, with their listeners and publishers.

use super::publishers::{ChosenPublisher, OF_APP, OF_SERVICE, OF_SUB_APP, Publishers};
use crate::BoxFuture;
use crate::realtime::{Audience, Connection, EventName, Publication};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wingbeat_core::{Error, RawJson, Result};
use wingbeat_protocol::LogThrottle;

/// The events that a method sends by itself.
pub(in crate::app) const STANDARD: [&str; 4] = ["created", "updated", "patched", "removed"];

/// What listens on the server to an event.
pub(in crate::app) type Listener = Arc<dyn Fn(&Publication) + Send + Sync>;

/// Listeners and publishers that panicked: they do so for one event as for the next.
static PANICKED: LogThrottle = LogThrottle::new();

/// An event of a mounted service, with those who hear it.
pub(crate) struct EventSlot {
    name: EventName,
    publisher: Option<ChosenPublisher>,
    listeners: Vec<Listener>,
    /// Whether methods send it; else only the service itself does.
    automatic: bool,
}

impl EventSlot {
    /// Whether it has a publisher or a listener. If not, results need not even be written.
    pub(in crate::app) fn is_heard(&self) -> bool {
        self.publisher.is_some() || !self.listeners.is_empty()
    }

    pub(super) fn publication(&self, data: &RawJson, caller: Option<&Connection>) -> Publication {
        Publication::new(self.name.clone(), data.clone(), caller.map(Connection::now))
    }

    /// Tells the listeners, and asks the publisher for whom the event is. Nothing if it can be for nobody.
    pub(super) fn announce(&self, publication: &Publication) -> Option<Result<Audience, BoxFuture<'static, Audience>>> {
        self.tell_listeners(publication);
        self.ask_publisher(publication)
    }

    pub(super) fn has_publisher(&self) -> bool {
        self.publisher.is_some()
    }

    pub(super) fn tell_listeners(&self, publication: &Publication) {
        for listener in &self.listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(publication))).is_err()
                && let Some(times) = PANICKED.happened_as(&self.name.wire)
            {
                tracing::error!(event = &*self.name.wire, times, "a listener panicked");
            }
        }
    }

    fn ask_publisher(&self, publication: &Publication) -> Option<Result<Audience, BoxFuture<'static, Audience>>> {
        let Some(ChosenPublisher { publisher, .. }) = &self.publisher else {
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

    /// Whom the publisher names for an event that has happened on another node, without a caller. Nothing if there is no
    /// publisher, or one that waits. Listeners have heard of it there.
    pub(in crate::app) fn audience_of(&self, data: &RawJson) -> Option<Audience> {
        let ChosenPublisher { publisher, .. } = self.publisher.as_ref()?;
        publisher.audience(&self.publication(data, None)).ok()
    }

    /// Logs why nobody hears an event.
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
pub(crate) struct EventSlots(Vec<Arc<EventSlot>>);

impl EventSlots {
    pub(in crate::app) fn new(
        path: &Arc<str>,
        own: &[Box<str>],
        service: Publishers,
        within: &[&Publishers],
        app: &Publishers,
        listeners: Vec<(Box<str>, Listener)>,
    ) -> Result<EventSlots> {
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
        let of_sub_app = |event: &str| within.iter().rev().find_map(|sub| sub.find(event, OF_SUB_APP));
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
        Ok(EventSlots(events.into_iter().map(|event| Arc::new(slot(event))).collect()))
    }

    /// The event of this name that methods send.
    pub(in crate::app) fn automatic(&self, event: &str) -> Option<Arc<EventSlot>> {
        self.find(event).filter(|slot| slot.automatic)
    }

    /// Whether anybody could care for any of them.
    pub(in crate::app) fn are_heard(&self) -> bool {
        self.0.iter().any(|slot| slot.is_heard())
    }

    /// The names of all, and whether methods send them.
    pub(in crate::app) fn names(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|slot| (&*slot.name.event, slot.automatic))
    }

    pub(in crate::app) fn find(&self, event: &str) -> Option<Arc<EventSlot>> {
        self.0.iter().find(|slot| *slot.name.event == *event).cloned()
    }
}

fn unknown(event: &str, path: &str) -> Error {
    let text = format!(
        "'{event}' is not a valid service event of '{path}': list it among the mount's `events`, or name one that its \
         methods send: created, updated, patched, removed"
    );
    Error::general(text)
}

/// The error of a call that sends an undeclared event. It is internal: clients cannot do anything about it.
pub(in crate::app) fn undeclared(event: &str, path: &str) -> Error {
    Error::internal(unknown(event, path).into_std())
}
