//! In which order records are written, as stores say it.

use super::Record;
use crate::service::{Notes, Params, ServiceScope};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::Id;

/// Where a [`Store`](super::Store) says what it has written, so that events leave in the order of the writes.
///
/// The order in which it is said counts, of all calls of the store: say it where no other call can write the same record
/// before it is said. A record that a call removes, or leaves as it is, counts as well: events follow of these, too.
///
/// It costs nothing where nobody hears the events. [`Operation::writes`](super::Operation::writes) has it.
#[derive(Clone, Copy)]
pub struct Writes<'a> {
    params: Option<&'a Params>,
    id_field: &'a str,
}

impl<'a> Writes<'a> {
    pub(super) fn of(params: Option<&'a Params>, id_field: &'a str) -> Writes<'a> {
        Writes { params, id_field }
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

    /// Whether somebody hears the events.
    #[cfg(any(feature = "postgres", feature = "mariadb"))]
    pub(super) fn are_heard(&self) -> bool {
        self.notes().is_some()
    }

    /// The same, for a store that writes on a thread of its own; absent if nobody hears the events.
    pub fn owned(&self) -> Option<OwnedWrites> {
        self.notes()?;
        Some(OwnedWrites { scope: self.params?.scope.clone()?, id_field: self.id_field.into() })
    }

    fn notes(&self) -> Option<&dyn Notes> {
        self.params?.notes()
    }
}

/// [`Writes`] that can be taken to another thread.
pub struct OwnedWrites {
    scope: Arc<dyn ServiceScope>,
    id_field: Box<str>,
}

impl OwnedWrites {
    /// The records with these ids were written, in this order.
    pub fn note<'a>(&self, ids: impl IntoIterator<Item = &'a Id>) {
        if let Some(notes) = self.scope.notes() {
            ids.into_iter().for_each(|id| notes.wrote(id, &self.id_field));
        }
    }
}

impl fmt::Debug for OwnedWrites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedWrites").finish_non_exhaustive()
    }
}

impl fmt::Debug for Writes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writes").field("heard", &self.notes().is_some()).finish()
    }
}
