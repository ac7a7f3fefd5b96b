//! In which order records are written, as stores say it.

use super::Record;
use crate::service::{Notes, Params};
use serde_json::Value;
use std::fmt;
use wingbeat_core::Id;

/// Where a [`Store`](super::Store) says what it has written, so that events leave in the order of the writes.
///
/// The order in which it is said counts, of all calls of the store: say it where no other call can write the same record
/// before it is said. A record that a call removes, or leaves as it is, counts as well: events follow of these, too.
///
/// It costs nothing where nobody hears the events.
#[derive(Clone, Copy)]
pub struct Writes<'a> {
    params: Option<&'a Params>,
    id_field: &'a str,
}

impl<'a> Writes<'a> {
    pub(super) fn of(params: &'a Params, id_field: &'a str) -> Writes<'a> {
        Writes { params: Some(params), id_field }
    }

    /// For a store that is called without a service: no events follow.
    pub fn unheard() -> Writes<'static> {
        Writes { params: None, id_field: "" }
    }

    /// The record with this id was written.
    pub fn note(&self, id: &Id) {
        if let Some(notes) = self.notes() {
            notes.wrote(id, self.id_field);
        }
    }

    /// These records were written, in this order.
    pub fn note_all(&self, records: &[Record]) {
        let Some(notes) = self.notes() else { return };
        for id in records.iter().filter_map(|record| record.get(self.id_field).and_then(Id::from_value)) {
            notes.wrote(&id, self.id_field);
        }
    }

    /// The record whose id field has this value was written.
    pub(super) fn note_value(&self, id: &Value) {
        if let Some(notes) = self.notes()
            && let Some(id) = Id::from_value(id)
        {
            notes.wrote(&id, self.id_field);
        }
    }

    fn notes(&self) -> Option<&dyn Notes> {
        self.params?.notes()
    }
}

impl fmt::Debug for Writes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writes").field("heard", &self.notes().is_some()).finish()
    }
}
