//! A call that may write: it notes what it has written, and its events find their turns again.

use super::order::{EventOrder, Turn};
use crate::realtime::Connection;
use crate::service::{ClientRules, Emitter, Notes, Params, ServiceScope, Services};
use crate::{BoxFuture, locked};
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wingbeat_core::{Id, RawJson, Result};

/// A call that may write, and whose event somebody hears. When it ends, in whatever way, its turns are over.
pub(in crate::app) struct Writer(Arc<WriteScope>);

/// What its methods can reach.
struct WriteScope {
    outer: Arc<dyn ServiceScope>,
    order: Arc<EventOrder>,
    /// Whose call it is.
    caller: Option<Connection>,
    noted: Mutex<Turns>,
    /// Services can keep params: writes with them after the call have no events. Changes under the lock.
    is_over: AtomicBool,
}

/// The turns of what a call has written, in order.
#[derive(Default)]
pub(super) struct Turns {
    // Apart, because nearly all calls write one record.
    first: Option<Turn>,
    more: Option<Box<MoreTurns>>,
}

struct MoreTurns {
    turns: Vec<Turn>,
    /// The field that holds the id. Where there is one record, nobody asks.
    id_field: Box<str>,
}

impl Writer {
    /// Begins to note what is written by these params.
    pub(in crate::app) fn new(scope: &Arc<dyn ServiceScope>, order: &Arc<EventOrder>, params: &mut Params) -> Writer {
        let outer = params.scope.take().unwrap_or_else(|| scope.clone());
        let (order, caller) = (order.clone(), params.connection.clone());
        let writing =
            Arc::new(WriteScope { outer, order, caller, noted: Mutex::default(), is_over: AtomicBool::new(false) });
        params.scope = Some(writing.clone());
        Writer(writing)
    }

    /// Whose call it is.
    pub(in crate::app) fn caller(&self) -> Option<&Connection> {
        self.0.caller.as_ref()
    }

    /// What the call has written, now that it is done.
    pub(super) fn turns(&self) -> Turns {
        let mut noted = locked(&self.0.noted);
        self.0.is_over.store(true, Ordering::Relaxed);
        mem::take(&mut noted)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.0.is_over.load(Ordering::Relaxed) {
            drop(self.turns());
        }
    }
}

impl ServiceScope for WriteScope {
    fn emit(&self, event: &str, data: RawJson, by: Emitter) -> BoxFuture<'static, Result<()>> {
        self.outer.emit(event, data, by)
    }

    fn services(&self) -> Option<Services> {
        self.outer.services()
    }

    fn notes(&self) -> Option<&dyn Notes> {
        Some(self)
    }

    fn rules(&self) -> &[ClientRules] {
        self.outer.rules()
    }

    fn time_limit(&self) -> Option<Duration> {
        self.outer.time_limit()
    }
}

impl Notes for WriteScope {
    fn wrote(&self, id: &Id, id_field: &str) {
        let mut noted = locked(&self.noted);
        if self.is_over.load(Ordering::Relaxed) {
            return;
        }
        let turn = self.order.take(id);
        match noted.first {
            None => noted.first = Some(turn),
            Some(_) => {
                let none = || Box::new(MoreTurns { turns: Vec::new(), id_field: id_field.into() });
                noted.more.get_or_insert_with(none).turns.push(turn);
            }
        }
    }
}

impl Turns {
    /// The turn of the one record that a call answers.
    pub(super) fn of_one(mut self, record: &RawJson) -> Option<Turn> {
        if self.more.is_none() {
            return self.first.take();
        }
        self.of_each(std::slice::from_ref(record)).pop().flatten()
    }

    /// The turns of the records that a call answers. They are found by their ids, because hooks may have sorted or left
    /// out some; those whose ids hooks have taken away by their place. The last event of a record has the turn of its last
    /// write; turns that belong to no event are over.
    pub(super) fn of_each(self, records: &[RawJson]) -> Vec<Option<Turn>> {
        let (more, id_field) = self.more.map(|more| (more.turns, more.id_field)).unwrap_or_default();
        let mut turns: Vec<Option<Turn>> = self.first.into_iter().chain(more).map(Some).collect();
        let as_many = turns.len() == records.len();
        let mut places: HashMap<u64, Vec<usize>> = HashMap::with_capacity(turns.len());
        for (at, turn) in turns.iter().enumerate() {
            if let Some(turn) = turn {
                places.entry(turn.record()).or_default().push(at);
            }
        }
        let Some(order) = turns.first().and_then(Option::as_ref).map(|turn| turn.order().clone()) else {
            return records.iter().map(|_| None).collect();
        };
        let mut found: Vec<Option<Turn>> = Vec::with_capacity(records.len());
        for (at, record) in records.iter().enumerate().rev() {
            let by_id = id_in(record, &id_field).and_then(|id| places.get_mut(&order.record(&id))?.pop());
            let place = by_id.or(as_many.then_some(at));
            found.push(place.and_then(|place| turns[place].take()));
        }
        found.reverse();
        found
    }
}

/// The id of a record, without reading the rest.
fn id_in(record: &RawJson, field: &str) -> Option<Id> {
    let mut reader = serde_json::Deserializer::from_slice(record.as_bytes());
    // It has been written, or looked at, before.
    reader.disable_recursion_limit();
    let text = reader.deserialize_map(Member(field)).ok()??;
    serde_json::from_str(text.get()).ok()
}

/// The value of one member of an object, where it stands.
struct Member<'f>(&'f str);

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Self::Value, M::Error> {
        let mut found = None;
        while let Some(is_it) = members.next_key_seed(IsName(self.0))? {
            if is_it {
                found = Some(members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a name is this one.
struct IsName<'f>(&'f str);

impl<'de> DeserializeSeed<'de> for IsName<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, name: D) -> Result<bool, D::Error> {
        name.deserialize_identifier(self)
    }
}

impl Visitor<'_> for IsName<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}
