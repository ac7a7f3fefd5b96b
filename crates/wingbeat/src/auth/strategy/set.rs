//! The strategies of an authentication service.

use super::{Attempts, CountedAttempt, DynStrategy};
use serde_json::{Map, Value};
use std::sync::Arc;
use wingbeat_core::Headers;

/// All strategies, and what each is for.
pub(in crate::auth) struct StrategySet {
    all: Vec<(Box<str>, Arc<dyn DynStrategy>)>,
    /// Those that may log in.
    pub(in crate::auth) allowed: Vec<Box<str>>,
    /// Those that look at the headers of requests.
    parsing: Vec<Box<str>>,
    pub(in crate::auth) attempts: Option<Attempts>,
}

impl StrategySet {
    pub(in crate::auth) fn new(
        all: Vec<(Box<str>, Arc<dyn DynStrategy>)>,
        allowed: Vec<Box<str>>,
        parsing: Vec<Box<str>>,
        attempts: Option<Attempts>,
    ) -> StrategySet {
        StrategySet { all, allowed, parsing, attempts }
    }

    pub(in crate::auth) fn get(&self, name: &str) -> Option<&Arc<dyn DynStrategy>> {
        self.all.iter().find_map(|(own, strategy)| (**own == *name).then_some(strategy))
    }

    /// What the headers of a request say, if any strategy reads them.
    pub(in crate::auth) fn parse(&self, headers: &Headers) -> Option<Value> {
        let parsing = self.parsing.iter().filter_map(|name| self.get(name));
        parsing.map(|strategy| strategy.parse(headers)).find_map(|data: Option<Map<_, _>>| data).map(Value::Object)
    }

    /// Those that look at headers.
    #[cfg(feature = "axum")]
    pub(in crate::auth) fn parsing(&self) -> &[Box<str>] {
        &self.parsing
    }

    /// What these attempts were for has succeeded.
    pub(in crate::auth) fn forgive(&self, counted: Vec<CountedAttempt>) {
        if let Some(attempts) = &self.attempts {
            attempts.forgive(counted);
        }
    }
}
