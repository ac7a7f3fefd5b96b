//! Hooks for clients' calls alone.

use super::{Around, Context, Hook, HookDescription, Next};
use crate::BoxFuture;
use crate::service::{ClientRules, Services};
use std::future::ready;
use wingbeat_core::Result;

/// Runs a hook for the calls of clients only: those that the server makes itself pass by it.
///
/// ```
/// use wingbeat::{hooks::external, prelude::*, store::Memory};
///
/// /// Clients see what is public; the server sees everything.
/// async fn only_public(context: &mut Context) -> Result<()> {
///     context.params.query.set("public", true);
///     Ok(())
/// }
///
/// let pages = Mount::new(Memory::new()).before([Find, Get], external(only_public));
/// ```
pub fn external<H>(hook: H) -> External<H> {
    External(hook)
}

/// The hook that [`external`] makes: a [`Hook`] or an [`Around`], as the one inside is.
#[derive(Clone, Debug)]
pub struct External<H>(H);

impl<H: Hook> Hook for External<H> {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        match context.params.is_internal() {
            true => Box::pin(ready(Ok(()))),
            false => self.0.call(context),
        }
    }

    fn check(&self) -> Result<()> {
        self.0.check()
    }

    fn check_mounted(&self, services: &Services, path: &str) -> Result<()> {
        self.0.check_mounted(services, path)
    }

    fn rules(&self) -> ClientRules {
        self.0.rules()
    }

    fn description(&self) -> HookDescription {
        self.0.description()
    }
}

impl<H: Around> Around for External<H> {
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        match context.params.is_internal() {
            true => next.run(context),
            false => self.0.call(context, next),
        }
    }

    fn check(&self) -> Result<()> {
        self.0.check()
    }

    fn check_mounted(&self, services: &Services, path: &str) -> Result<()> {
        self.0.check_mounted(services, path)
    }

    fn rules(&self) -> ClientRules {
        self.0.rules()
    }

    fn description(&self) -> HookDescription {
        self.0.description()
    }
}
