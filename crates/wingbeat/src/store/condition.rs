//! What must hold for a record.

use super::{Like, OwnTest};
use serde_json::Value;
use std::fmt;

/// What must hold for a record.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Condition {
    /// All of these; none of them is always true.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
    /// A test of one field.
    Field(Path, Test),
}

impl Default for Condition {
    fn default() -> Condition {
        Condition::All(Vec::new())
    }
}

impl Condition {
    /// Whether every record fulfils this because nothing is asked.
    pub fn is_empty(&self) -> bool {
        matches!(self, Condition::All(conditions) if conditions.is_empty())
    }
}

/// A test of one value. A list passes where it or one of its elements would, except that negative tests want
/// neither. Null and absent are the same.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Test {
    /// Equal, type and all.
    Is(Value),
    /// `$ne`: not equal.
    IsNot(Value),
    /// `$in`: equal to one of these.
    In(Vec<Value>),
    /// `$nin`: equal to none of these.
    NotIn(Vec<Value>),
    /// `$lt`, `$lte`, `$gt`, `$gte`: only values of the same type compare.
    Compare(Comparison, Value),
    /// `$like`, `$notlike`, `$ilike`: texts of a pattern. That of `$notlike` is a negative test as well.
    Like(Like),
    /// An operator of the table's own.
    Own(OwnTest),
}

/// The operators that compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the four of Feathers")]
pub enum Comparison {
    /// `$lt`
    Less,
    /// `$lte`
    LessOrEqual,
    /// `$gt`
    Greater,
    /// `$gte`
    GreaterOrEqual,
}

/// The name of a field, or the way into nested ones: `author.name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(Box<[Box<str>]>);

impl Path {
    /// Reads a path with dots.
    pub fn new(text: &str) -> Path {
        Path(text.split('.').map(Box::from).collect())
    }

    /// The field of the record, and the way on inside it.
    pub fn split(&self) -> (&str, &[Box<str>]) {
        self.0.split_first().map_or(("", &[]), |(field, inner)| (field, inner))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}
