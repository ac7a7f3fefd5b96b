//! Which publisher names the audience of an event.

use crate::realtime::Publisher;
use std::collections::HashMap;
use std::sync::Arc;

/// Publishers by event, and one for all others.
#[derive(Clone, Default)]
pub(in crate::app) struct Publishers {
    by_event: HashMap<Box<str>, Arc<Publisher>>,
    all: Option<Arc<Publisher>>,
}

impl Publishers {
    pub(in crate::app) fn set(&mut self, event: Option<Box<str>>, publisher: Publisher) {
        let publisher = Arc::new(publisher);
        match event {
            Some(event) => drop(self.by_event.insert(event, publisher)),
            None => self.all = Some(publisher),
        }
    }

    /// The publisher for an event, with the words for it.
    pub(super) fn find(&self, event: &str, of: [&'static str; 2]) -> Option<ChosenPublisher> {
        let chosen = |whose| move |publisher: &Arc<Publisher>| ChosenPublisher { publisher: publisher.clone(), whose };
        let for_all = || self.all.as_ref().map(chosen(of[1]));
        self.by_event.get(event).map(chosen(of[0])).or_else(for_all)
    }

    /// The first event with a publisher that is not among those that exist.
    pub(in crate::app) fn unknown(&self, exists: impl Fn(&str) -> bool) -> Option<&str> {
        self.by_event.keys().map(|event| &**event).find(|event| !exists(event))
    }
}

/// A publisher, and whose it is.
pub(super) struct ChosenPublisher {
    pub(super) publisher: Arc<Publisher>,
    pub(super) whose: &'static str,
}

pub(super) const OF_SERVICE: [&str; 2] = ["the service's for this event", "the service's"];
pub(super) const OF_SUB_APP: [&str; 2] = ["the sub-application's for this event", "the sub-application's"];
pub(super) const OF_APP: [&str; 2] = ["the application's for this event", "the application's"];
