//! Hooks around the application's own setup and teardown.

use crate::BoxFuture;
use crate::app::App;
use crate::hooks::With;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{AsyncFunction, Result};

/// A hook around the setup or the teardown of all services: every `async fn(&App, Phase<'_>) -> Result<()>`, closures as
/// for [`Around`](crate::hooks::Around), and functions [`with`](crate::hooks::with) state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a hook around setup or teardown",
    label = "expected `async fn(&App, Phase<'_>) -> Result<()>`",
    note = "write a closure as `async |app: &App, services: Phase<'_>| services.run().await`",
    note = "write one that uses variables of its surroundings as `with(db, async |db: Db, app: &App, services: Phase<'_>| …)`"
)]
pub trait PhaseHook: Send + Sync + 'static {
    /// Runs the hook; `services` is the rest of the phase.
    fn call<'a>(&'a self, app: &'a App, services: Phase<'a>) -> BoxFuture<'a, Result<()>>;
}

impl<F> PhaseHook for F
where
    F: for<'a> AsyncFunction<'a, (&'a App, Phase<'a>), Result<()>, Future: Send> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, app: &'a App, services: Phase<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.run((app, services)))
    }
}

impl<S, F> PhaseHook for With<S, F>
where
    S: Clone + Send + Sync + 'static,
    F: for<'a> AsyncFunction<'a, (S, &'a App, Phase<'a>), Result<()>, Future: Send> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, app: &'a App, services: Phase<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.hook.run((self.state.clone(), app, services)))
    }
}

/// The hooks of both phases, in the order of registration.
#[derive(Default)]
pub(in crate::app) struct Phases {
    pub(in crate::app) setup: Vec<Arc<dyn PhaseHook>>,
    pub(in crate::app) teardown: Vec<Arc<dyn PhaseHook>>,
}

impl Phases {
    pub(in crate::app) fn is_empty(&self) -> bool {
        self.setup.is_empty() && self.teardown.is_empty()
    }
}

/// What is left of a setup or teardown, for a hook to [`run`](Phase::run): further hooks, then all services.
#[must_use = "without `run` the services are not set up, or not torn down"]
pub struct Phase<'a> {
    app: &'a App,
    hooks: &'a [Arc<dyn PhaseHook>],
    services: BoxFuture<'a, Result<()>>,
}

impl<'a> Phase<'a> {
    pub(super) fn new(app: &'a App, hooks: &'a [Arc<dyn PhaseHook>], services: BoxFuture<'a, Result<()>>) -> Phase<'a> {
        Phase { app, hooks, services }
    }

    /// Goes on.
    ///
    /// # Errors
    /// What a later hook or a service has failed with.
    pub fn run(self) -> BoxFuture<'a, Result<()>> {
        match self.hooks.split_first() {
            Some((hook, hooks)) => hook.call(self.app, Phase { hooks, ..self }),
            None => self.services,
        }
    }
}

impl fmt::Debug for Phase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phase({} hooks left)", self.hooks.len())
    }
}
