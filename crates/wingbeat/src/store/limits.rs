//! How large a query may be, and how much a client may have with one call.

/// How large a query may be, and how much a client may have with one call; what is more is a BadRequest.
///
/// The first three protect the store from whoever calls: one that writes SQL adds limits of its database's own, which these
/// defaults stay well below. The others are about clients alone: the server's own calls may skip and write what they like.
///
/// ```
/// use wingbeat::store::{Limits, Memory};
///
/// let messages = Memory::new().multi(true).limits(Limits::default().skip(10_000).records(100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How deep `$or` and `$and` may be nested: 8.
    pub depth: usize,
    /// How many tests of fields, sort keys, and members of `$or` and `$and` that test nothing there may be: 200.
    pub conditions: usize,
    /// How many values there may be in the lists of `$in` and `$nin`, and names in `$select`: 2000.
    pub values: usize,
    /// How many records a client's `$skip` may leave out: any number. A store reads what it leaves out.
    pub skip: u64,
    /// How many records one call of a client may write, in a list to create or by a patch or remove of all that a query
    /// selects: 10,000. More are refused before any is written.
    pub records: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { depth: 8, conditions: 200, values: 2000, skip: u64::MAX, records: 10_000 }
    }
}

impl Limits {
    /// Sets [`depth`](Limits::depth).
    #[must_use]
    pub fn depth(mut self, depth: usize) -> Limits {
        self.depth = depth;
        self
    }

    /// Sets [`conditions`](Limits::conditions).
    #[must_use]
    pub fn conditions(mut self, conditions: usize) -> Limits {
        self.conditions = conditions;
        self
    }

    /// Sets [`values`](Limits::values).
    #[must_use]
    pub fn values(mut self, values: usize) -> Limits {
        self.values = values;
        self
    }

    /// Sets [`skip`](Limits::skip).
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Limits {
        self.skip = skip;
        self
    }

    /// Sets [`records`](Limits::records).
    #[must_use]
    pub fn records(mut self, records: usize) -> Limits {
        self.records = records;
        self
    }
}
