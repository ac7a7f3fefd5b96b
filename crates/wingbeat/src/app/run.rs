//! How a call runs.

use super::external::not_allowed;
use super::measure::span;
use super::{App, Endpoint, Entry};
use crate::BoxFuture;
use crate::hook::{Context, Http};
use crate::realtime::Channel;
use crate::service::{Call, Caller, Params, Route};
use std::sync::Arc;
use tracing::Instrument;
use wingbeat_core::{Error, IdArg, Payload, Result};

/// What a call has come to.
pub(crate) struct Outcome {
    /// For those inside.
    pub(crate) result: Payload,
    /// For those outside, where hooks have made a difference.
    pub(crate) dispatch: Option<Payload>,
    /// For REST.
    #[cfg_attr(not(test), expect(dead_code, reason = "the REST transport will read it"))]
    pub(crate) http: Option<Box<Http>>,
}

impl Outcome {
    /// What a client is told.
    pub(crate) fn for_client(self) -> Payload {
        self.dispatch.unwrap_or(self.result)
    }
}

impl App {
    /// The service at a path, and the values of the path's placeholders.
    pub(crate) fn find(&self, path: &str) -> Result<(Arc<Entry>, Route)> {
        let registry = self.0.registry.load();
        let (entry, route) = registry.find(path)?;
        Ok((entry.clone(), route))
    }

    /// Runs a method with its hooks, and publishes what it has done. `params` have route and surroundings already.
    pub(crate) fn run<'a>(
        &'a self,
        entry: &'a Arc<Entry>,
        endpoint: &'a Endpoint,
        arguments: (IdArg, Option<Payload>, Params),
    ) -> impl Future<Output = Result<Outcome>> + Send + 'a {
        let span = span(entry.path(), &endpoint.method, &arguments.2);
        endpoint.meter.measure(self.run_endpoint(entry, endpoint, arguments)).instrument(span)
    }

    async fn run_endpoint(
        &self,
        entry: &Arc<Entry>,
        endpoint: &Endpoint,
        (id, data, params): (IdArg, Option<Payload>, Params),
    ) -> Result<Outcome> {
        let Some(target) = endpoint.chain.direct() else {
            // On the heap, as below: most calls have no hooks and no hearers, and their future stays small.
            return Box::pin(self.run_hooked(entry, endpoint, (id, data, params))).await;
        };
        let event = endpoint.event.as_ref().filter(|event| event.is_heard());
        let caller = event.and_then(|_| params.connection.clone());
        let mut result = target.call(&endpoint.method, id, data, params).await?;
        if let Some(event) = event {
            let raw = result.to_raw()?;
            Box::pin(self.0.publish_result(event, &raw, None, caller.as_ref())).await?;
            result = raw.into();
        }
        Ok(Outcome { result, dispatch: None, http: None })
    }

    async fn run_hooked(
        &self,
        entry: &Arc<Entry>,
        endpoint: &Endpoint,
        arguments: (IdArg, Option<Payload>, Params),
    ) -> Result<Outcome> {
        let event = endpoint.event.as_ref().and_then(|_| endpoint.method.event()).map(Arc::from);
        let (path, services) = (entry.shared_path().clone(), self.services());
        let caller = arguments.2.connection.clone();
        let mut context = Context::new(path, endpoint.method.clone(), event, services, arguments);
        endpoint.chain.run(&mut context).await?;
        let mut result = context.result.take().unwrap_or(Payload::NULL);
        let slot = context.event().and_then(|event| entry.slots.find(event)).filter(|slot| slot.is_heard());
        if let Some(slot) = slot {
            let raw = result.to_raw()?;
            let dispatch = context.dispatch.as_ref().map(Payload::to_raw).transpose()?;
            Box::pin(self.0.publish_result(&slot, &raw, dispatch.as_ref(), caller.as_ref())).await?;
            result = raw.into();
            context.dispatch = dispatch.map(Payload::Raw);
        }
        Ok(Outcome { result, dispatch: context.dispatch, http: Some(Box::new(context.http)) })
    }

    async fn call(self, call: Call, dispatched: bool) -> Result<Payload> {
        let Outcome { result, dispatch, .. } = self.resolve(call).await?;
        Ok(dispatch.filter(|_| dispatched).unwrap_or(result))
    }

    /// Finds the service of a call from inside, and runs it.
    async fn resolve(&self, call: Call) -> Result<Outcome> {
        let Call { path, method, id, data, mut params } = call;
        let (entry, route) = self.find(&path)?;
        params.route = route;
        params.surroundings = Some(entry.surroundings().clone());
        let endpoint = entry.endpoint(method.as_str()).ok_or_else(|| not_allowed(method.as_str(), entry.path()))?;
        self.run(&entry, endpoint, (id, data, params)).await
    }
}

impl Caller for App {
    fn call(&self, call: Call, dispatched: bool) -> BoxFuture<'static, Result<Payload>> {
        Box::pin(self.clone().call(call, dispatched))
    }

    fn emit(&self, path: &str, event: &str, data: Payload) -> BoxFuture<'static, Result<()>> {
        match self.0.registry.load().entry(path) {
            Some(entry) => {
                let sent = entry.surroundings().emit(event, data, None);
                Box::pin(async move {
                    sent.await;
                    Ok(())
                })
            }
            None => {
                let error = Error::not_found(format!("Can not find service '{path}'"));
                Box::pin(std::future::ready(Err(error)))
            }
        }
    }

    fn channel(&self, names: Box<[Box<str>]>) -> Channel {
        App::channels(self, names)
    }

    fn channel_names(&self) -> Vec<String> {
        App::channel_names(self)
    }
}
