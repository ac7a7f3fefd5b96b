//! What a table understands beyond Feathers' own query syntax.

use super::filter::{FILTERS, OPERATORS};
use super::{Limits, cursor, like};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{Error, Result};

/// What a query may say, and how much of it.
#[derive(Clone, Default)]
pub(super) struct Syntax {
    pub(super) limits: Limits,
    /// Whether there are patterns.
    like: bool,
    operators: Vec<Operator>,
    filters: Vec<Box<str>>,
}

#[derive(Clone)]
struct Operator {
    name: Arc<str>,
    read: Arc<Read>,
}

type Read = dyn Fn(&Value) -> Result<Arc<Holds>> + Send + Sync;
type Holds = dyn Fn(&Value) -> bool + Send + Sync;

impl Syntax {
    /// Feathers' own, within limits.
    pub(super) fn within(limits: Limits) -> Syntax {
        Syntax { limits, ..Syntax::default() }
    }

    /// Adds an operator; a second one of the same name replaces the first.
    pub(super) fn add_operator<T>(&mut self, name: &str, read: impl Fn(&Value) -> Result<T> + Send + Sync + 'static)
    where
        T: Fn(&Value) -> bool + Send + Sync + 'static,
    {
        self.operators.retain(|operator| *operator.name != *name);
        let read: Arc<Read> = Arc::new(move |operand| Ok(Arc::new(read(operand)?)));
        self.operators.push(Operator { name: name.into(), read });
    }

    pub(super) fn add_like(&mut self) {
        self.like = true;
    }

    /// Adds a filter that the store takes no notice of.
    pub(super) fn add_filter(&mut self, name: &str) {
        self.filters.push(name.into());
    }

    pub(super) fn has_operator(&self, name: &str) -> bool {
        self.is_own(name) || self.has_like(name)
    }

    /// Whether the name means a pattern.
    pub(super) fn has_like(&self, name: &str) -> bool {
        self.like && like::NAMES.contains(&name) && !self.is_own(name)
    }

    fn is_own(&self, name: &str) -> bool {
        self.operators.iter().any(|operator| *operator.name == *name)
    }

    pub(super) fn has_filter(&self, name: &str) -> bool {
        self.filters.iter().any(|filter| **filter == *name)
    }

    /// The test that an operator asks for, if there is such an operator.
    pub(super) fn test(&self, name: &str, operand: &Value) -> Option<Result<OwnTest>> {
        let operator = self.operators.iter().find(|operator| *operator.name == *name)?;
        let test = |holds| OwnTest { name: operator.name.clone(), operand: operand.clone(), holds };
        Some((operator.read)(operand).map(test))
    }
}

/// Whether an operator or filter of a table's own can have this name.
pub(super) fn check_name(option: &str, name: &str) -> Result<()> {
    let why = if name.len() < 2 || !name.starts_with('$') {
        "a name begins with `$`, such as `$search`"
    } else if OPERATORS.contains(&name) || FILTERS.contains(&name) || name == cursor::NAME {
        "this name has a meaning already; write another one"
    } else {
        return Ok(());
    };
    Err(Error::general(format!("Invalid option '{option}': {name:?}: {why}")))
}

impl fmt::Debug for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operators: Vec<_> = self.operators.iter().map(|operator| &operator.name).collect();
        let mut shown = f.debug_struct("Syntax");
        shown.field("limits", &self.limits).field("operators", &operators).field("filters", &self.filters).finish()
    }
}

/// A test by an operator of the table's own ([`Table::operator`](super::Table::operator)), with its operand read.
#[derive(Clone)]
pub struct OwnTest {
    name: Arc<str>,
    operand: Value,
    holds: Arc<Holds>,
}

impl OwnTest {
    /// The operator, for example `$startsWith`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands behind it in the query.
    pub fn operand(&self) -> &Value {
        &self.operand
    }

    /// Whether a value passes.
    pub fn holds(&self, value: &Value) -> bool {
        (self.holds)(value)
    }
}

impl PartialEq for OwnTest {
    fn eq(&self, other: &OwnTest) -> bool {
        self.name == other.name && self.operand == other.operand
    }
}

impl fmt::Debug for OwnTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.operand)
    }
}
