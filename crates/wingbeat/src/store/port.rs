//! The port: what a store must do.

use super::sort::is_behind;
use super::{Answer, Condition, Operation, Path, SortKey, matches};
use serde_json::{Map, Value};
use std::future::{Future, ready};
use wingbeat_core::{Error, Id, Result};

/// A record as it is kept: a JSON object.
pub type Record = Map<String, Value>;

/// What keeps records; [`Table`](super::Table) makes a service of it.
///
/// Queries arrive here already checked and parsed.
///
/// What changes records says which ones it has changed, through [`Operation::writes`], *where it changes them*: while
/// the lock is held, or before the transaction is committed. The events of a record then leave in the order in which it
/// was changed. Of a store that says nothing they leave when the calls are done, in any order.
///
/// A suite that holds stores to the answers of the others is `store::contract` (feature `contract`).
pub trait Store: Send + Sync + 'static {
    /// The name of the field that holds the id.
    fn id_field(&self) -> &str;

    /// Called once before the first request, to find out early what would fail later.
    fn check(&self) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// What a field holds, for what comes as text or in another form than the field has it. Unknown unless the store says
    /// so, as one without columns cannot.
    fn kind(&self, path: &Path) -> Option<Kind> {
        let _ = path;
        None
    }

    /// Whether [`find`](Store::find) looks at [`Find::after`]. Of a store that does not, nobody can ask for pages by
    /// `$cursor`, and nothing can be [streamed](super::Table::stream).
    fn has_cursors(&self) -> bool {
        false
    }

    /// The records asked for, in the order asked for; without one, always in the same order.
    fn find(&self, find: &Find, operation: Operation<'_>) -> impl Future<Output = Result<Rows>> + Send;

    /// Adds records, all or none, and answers them with their ids. Where the id is missing, the store makes one up.
    fn create(&self, records: Vec<Record>, operation: Operation<'_>) -> impl Future<Output = Result<Answer>> + Send;

    /// Changes the records of the target, all or none, and answers them as they are then. Ids never change.
    fn change(
        &self,
        target: &Target,
        change: Change,
        operation: Operation<'_>,
    ) -> impl Future<Output = Result<Answer>> + Send;

    /// Removes the records of the target, all or none, and answers them.
    fn remove(&self, target: &Target, operation: Operation<'_>) -> impl Future<Output = Result<Answer>> + Send;
}

/// Which records are meant: those that match, and only the one with this id if there is one.
///
/// Ids are compared by their text: `"7"` is the record 7.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Target {
    /// The id.
    pub id: Option<Id>,
    /// What else must hold.
    pub condition: Condition,
    /// How many records a change may hit. Where more match, nothing is written: see [`check`](Target::check).
    pub at_most: Option<usize>,
}

impl Target {
    /// Whether a record of a store that looks at each is meant.
    ///
    /// ```
    /// use serde_json::json;
    /// use wingbeat::store::{Record, Target};
    ///
    /// let mut target = Target::default();
    /// target.id = Some("7".into());
    /// let record = |id| Record::from_iter([("id".to_owned(), json!(id))]);
    /// assert!(target.matches(&record(7), "id") && !target.matches(&record(8), "id"));
    /// ```
    pub fn matches(&self, record: &Record, id_field: &str) -> bool {
        let own = || record.get(id_field).and_then(Id::from_value);
        let same = |id: &Id| own().is_some_and(|own| own.to_string() == id.to_string());
        self.id.as_ref().is_none_or(same) && matches(&self.condition, record)
    }

    /// Asked with how many records match, before anything is written; it is enough to count to one more than are allowed.
    ///
    /// # Errors
    /// BadRequest if there are more than [`at_most`](Target::at_most).
    pub fn check(&self, matching: usize) -> Result<()> {
        match self.at_most.filter(|most| matching > *most) {
            Some(most) => Err(Error::bad_request(format!("Can not change more than {most} entries in one call"))),
            None => Ok(()),
        }
    }
}

/// What a find asks for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Find {
    /// Which records.
    pub target: Target,
    /// In which order: the first key counts most.
    pub sort: Vec<SortKey>,
    /// Only records that stand behind these values of the sort keys, of which the id is the last: see
    /// [`is_behind`](Find::is_behind). Empty on the first page, whose order must be one that has such values.
    ///
    /// The limit is one more than is wanted then, which tells whether others follow. A store that answers text leaves that
    /// one out, and says where the one before stands: [`Rows::keys`].
    pub after: Option<Vec<Value>>,
    /// How many to leave out at the front.
    pub skip: u64,
    /// How many to answer at most.
    pub limit: Option<u64>,
    /// How far to count all that match, for [`Rows::total`]: to the end (`u64::MAX`), or to so many; absent where nobody
    /// wants to know. A store may count further: [`Table`](super::Table) says no more than was asked for.
    pub count: Option<u64>,
    /// The fields that are asked for, the id among them, in the order in which they are answered; without, all. Names
    /// that no record has are left out. A store that answers values need not look: [`Table`](super::Table) cuts them.
    pub select: Option<Vec<String>>,
}

impl Find {
    /// Whether a record stands behind where the page begins, for a store that looks at each.
    ///
    /// ```
    /// use serde_json::json;
    /// use wingbeat::store::{Find, Path, Record, SortKey};
    ///
    /// let mut find = Find::default();
    /// find.sort = vec![SortKey::descending(Path::new("n")), SortKey::ascending(Path::new("id"))];
    /// find.after = Some(vec![json!(7), json!(2)]);
    /// let record = |n, id| Record::from_iter([("n".to_owned(), json!(n)), ("id".to_owned(), json!(id))]);
    /// assert!(find.is_behind(&record(6, 1)) && find.is_behind(&record(7, 3)));
    /// assert!(!find.is_behind(&record(7, 2)) && !find.is_behind(&record(8, 3)));
    /// ```
    pub fn is_behind(&self, record: &Record) -> bool {
        match self.after.as_deref() {
            None | Some([]) => true,
            Some(values) => is_behind(record, &self.sort, values),
        }
    }
}

/// What a find answers.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Rows {
    /// The records.
    pub records: Answer,
    /// How many match in all; only needed where it was asked for.
    pub total: Option<u64>,
    /// The last record's values of the sort keys, as [`Find::after`] takes them, if others follow that were asked for;
    /// only needed of text.
    pub keys: Option<Vec<Value>>,
}

impl Rows {
    /// The records that were found, and not how many match in all.
    pub fn new(records: impl Into<Answer>) -> Rows {
        Rows { records: records.into(), total: None, keys: None }
    }

    /// Says how many match in all.
    #[must_use]
    pub fn total(mut self, total: u64) -> Rows {
        self.total = Some(total);
        self
    }

    /// Says where the last of them stands, if others follow.
    #[must_use]
    pub fn keys(mut self, keys: Option<Vec<Value>>) -> Rows {
        self.keys = keys;
        self
    }
}

/// How records change.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// All fields but the id are replaced.
    Replace(Record),
    /// These fields are replaced, the others stay.
    Merge(Record),
}

impl Change {
    /// Does this to a record, whose id stays.
    pub fn apply(&self, record: &mut Record, id_field: &str) {
        let id = record.get(id_field).cloned();
        match self {
            Change::Replace(data) => record.clone_from(data),
            Change::Merge(data) => record.extend(data.iter().map(|(name, value)| (name.clone(), value.clone()))),
        }
        match id {
            Some(id) => drop(record.insert(id_field.to_owned(), id)),
            None => drop(record.remove(id_field)),
        }
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// True or false.
    Boolean,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// Texts.
    Text,
    /// Bytes.
    Binary,
    /// Any JSON.
    Json,
}
