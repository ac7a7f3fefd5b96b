//! Hooks around the application's own setup and teardown.

use super::App;
use crate::BoxFuture;
use std::fmt;
use wingbeat_core::Result;

pub(super) type PhaseHook = Box<dyn for<'a> Fn(&'a App, Phase<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync>;

/// The hooks of both phases, in the order of registration.
#[derive(Default)]
pub(super) struct Phases {
    pub(super) setup: Vec<PhaseHook>,
    pub(super) teardown: Vec<PhaseHook>,
}

impl Phases {
    pub(super) fn is_empty(&self) -> bool {
        self.setup.is_empty() && self.teardown.is_empty()
    }
}

/// What is left of a setup or teardown, for a hook to [`run`](Phase::run): further hooks, then all services.
#[must_use = "without `run` the services are not set up, or not torn down"]
pub struct Phase<'a> {
    app: &'a App,
    hooks: &'a [PhaseHook],
    services: BoxFuture<'a, Result<()>>,
}

impl<'a> Phase<'a> {
    pub(super) fn new(app: &'a App, hooks: &'a [PhaseHook], services: BoxFuture<'a, Result<()>>) -> Phase<'a> {
        Phase { app, hooks, services }
    }

    /// Goes on.
    ///
    /// # Errors
    /// What a later hook or a service has failed with.
    pub fn run(self) -> BoxFuture<'a, Result<()>> {
        match self.hooks.split_first() {
            Some((hook, hooks)) => hook(self.app, Phase { hooks, ..self }),
            None => self.services,
        }
    }
}

impl fmt::Debug for Phase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phase({} hooks left)", self.hooks.len())
    }
}
