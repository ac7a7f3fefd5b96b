//! From what is asked to the method that answers, for all callers alike.

use super::run::Completed;
use crate::BoxFuture;
use crate::app::{
    App,
    events::CallerKind,
    guard::catch_panic,
    registry::{Entry, Registry},
};
use crate::service::invocation::{Caller, Invocation};
use std::future::ready;
use std::sync::Arc;
use wingbeat_core::{Error, Payload, Result};

/// What a call names: the service, and which of its methods.
pub(super) struct Resolved<'r> {
    pub(super) entry: &'r Arc<Entry>,
    pub(super) index: usize,
    pub(super) by: CallerKind,
}

impl Registry {
    /// Finds what a call names, and completes its params. Refuses what the caller may not call, and may not ask of it.
    #[inline]
    pub(super) fn resolve(&self, invocation: &mut Invocation<'_>) -> Result<Resolved<'_>> {
        let Invocation { path, method, caller, arguments, unreadable } = invocation;
        let (entry, route) = self.find(path)?;
        let by = if caller.is_internal() { CallerKind::Server } else { CallerKind::Client };
        let index = match by {
            CallerKind::Client => entry.external(method),
            CallerKind::Server => entry.index_of(method),
        };
        let index = index.ok_or_else(|| not_allowed(method, path))?;
        if let Some(error) = unreadable.take() {
            return Err(error);
        }
        let params = &mut arguments.params;
        caller.introduce(params);
        if let Caller::Request { headers, .. } = caller
            && let Some(authentication) = catch_panic(|| self.authentication(headers))?
        {
            params.set("authentication", authentication);
        }
        params.route = route;
        params.scope = Some(entry.scope().clone());
        entry.at(index).check(arguments)?;
        Ok(Resolved { entry, index, by })
    }
}

impl App {
    /// A call from inside: no deadline, and a panic is the caller's.
    pub(super) fn call(
        self,
        mut invocation: Invocation<'_>,
        answer: fn(Completed) -> Result<Payload>,
    ) -> BoxFuture<'static, Result<Payload>> {
        let registry = self.0.registry.load();
        match registry.resolve(&mut invocation) {
            Ok(Resolved { entry, index, by }) => {
                let entry = entry.clone();
                drop(registry);
                self.run(entry, index, invocation.arguments, by, answer)
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    /// Runs a method without any hook or event, as `_patch` and the like do in Feathers.
    #[cfg(feature = "auth")]
    pub(crate) async fn bare(&self, mut invocation: Invocation<'_>) -> Result<Payload> {
        let called = {
            let registry = self.0.registry.load();
            let Resolved { entry, index, .. } = registry.resolve(&mut invocation)?;
            let (endpoint, arguments) = (entry.at(index), invocation.arguments);
            endpoint.chain.target().call(endpoint.method(), arguments.id, arguments.data, arguments.params)
        };
        called.await
    }
}

/// The error for a method that the service does not have, or that this caller may not call.
fn not_allowed(method: &str, path: &str) -> Error {
    Error::method_not_allowed(format!("Method '{method}' not allowed on service '{path}'"))
}
