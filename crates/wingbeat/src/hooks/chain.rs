//! The hooks of one method, compiled into one list when a service is mounted.

use super::{Around, Context, ErrorMap, Hook, HookDescription, HookSet, HookType};
use crate::BoxFuture;
use crate::service::{Custom, DynService, HookedCall, Params, Services};
use std::future::ready;
use std::sync::Arc;
use wingbeat_core::{Error, IdArg, Method, Payload, Result};

/// What a method's hooks come to, in Feathers' order: the application's around hooks (all, then method), its before,
/// after and error hooks, then the same of the sub-applications that the service is a part of, then of the service, then
/// the method itself.
///
/// Before and after hooks are run as loops; only around hooks nest.
pub(crate) struct Chain {
    steps: Box<[Step]>,
    target: Target,
}

enum Step {
    Around(Arc<dyn Around>),
    Layer(HookLayer),
}

/// Before, after and error hooks of the application or of a service: the error hooks hear of what fails inside of them.
struct HookLayer {
    before: Vec<Arc<dyn Hook>>,
    after: Vec<Arc<dyn Hook>>,
    error: Vec<Arc<dyn Hook>>,
    error_map: ErrorMap,
}

/// The method at the end of the chain.
#[derive(Clone)]
pub(crate) enum Target {
    Standard(Arc<dyn DynService>),
    Custom(Custom),
}

impl Target {
    pub(crate) fn call(
        &self,
        method: &Method,
        id: IdArg,
        data: Option<Payload>,
        params: Params,
    ) -> BoxFuture<'static, Result<Payload>> {
        match self {
            Target::Standard(service) => service.clone().call(method, id, data, params),
            Target::Custom(run) => run(data, params),
        }
    }

    /// Runs the method among its hooks, unless one of them has set the result.
    fn call_hooked<'c>(&'c self, context: &'c mut Context) -> BoxFuture<'c, Result<()>> {
        context.kind = HookType::Around;
        if context.result.is_some() {
            return Box::pin(ready(Ok(())));
        }
        let Context { method, id, data, params, result, .. } = context;
        match self {
            Target::Standard(service) => {
                service.call_hooked(HookedCall { method, id, data: data.as_ref(), params, result })
            }
            Target::Custom(run) => {
                let running = run(data.clone(), params.clone());
                Box::pin(async move {
                    *result = Some(running.await?);
                    Ok(())
                })
            }
        }
    }
}

impl Chain {
    pub(crate) fn new(layers: &[&HookSet], method: &Method, target: Target) -> Chain {
        let mut steps = Vec::new();
        let error_map = ErrorMap::of(layers.iter().map(|hooks| &hooks.error_map));
        for hooks in layers {
            steps.extend(hooks.wrap.all_first(method).into_iter().map(Step::Around));
            steps.extend(hooks.around.all_first(method).into_iter().map(Step::Around));
            steps.extend(
                HookLayer::of(hooks, method, &error_map).into_iter().filter(|layer| !layer.is_empty()).map(Step::Layer),
            );
        }
        Chain { steps: steps.into(), target }
    }

    /// The method itself, if no hook is registered for it.
    pub(crate) fn direct(&self) -> Option<&Target> {
        self.steps.is_empty().then_some(&self.target)
    }

    /// The method itself, whatever hooks there are.
    #[cfg(feature = "auth")]
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// What the hooks ask of calls. Error hooks have no say: they see what the others have refused.
    pub(crate) fn describe(&self) -> HookDescription {
        let said = self.steps.iter().flat_map(|step| match step {
            Step::Around(hook) => vec![hook.description()],
            Step::Layer(layer) => layer.before.iter().chain(&layer.after).map(|hook| hook.description()).collect(),
        });
        said.fold(HookDescription::default(), HookDescription::and)
    }

    /// Asks every hook whether it finds what it needs among what is mounted.
    pub(crate) fn check_mounted(&self, services: &Services, path: &str) -> Result<()> {
        self.steps.iter().try_for_each(|step| match step {
            Step::Around(hook) => hook.check_mounted(services, path),
            Step::Layer(layer) => {
                let mut hooks = layer.before.iter().chain(&layer.after).chain(&layer.error);
                hooks.try_for_each(|hook| hook.check_mounted(services, path))
            }
        })
    }

    pub(crate) fn run<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Next { steps: &self.steps, target: &self.target }.run(context)
    }
}

/// The rest of a chain, as an around hook gets it: to [`run`](Next::run) once, or to [`attempt`](Next::attempt) until it
/// succeeds.
#[must_use = "what is not run is skipped, and the call has no result"]
pub struct Next<'a> {
    steps: &'a [Step],
    target: &'a Target,
}

impl<'a> Next<'a> {
    /// Runs the rest of the chain, the method included. That happens once: whoever wants to try again, attempts.
    ///
    /// ```compile_fail,E0382
    /// use wingbeat::{Context, Result, hooks::Next};
    ///
    /// async fn twice(context: &mut Context, next: Next<'_>) -> Result<()> {
    ///     next.run(context).await?;
    ///     next.run(context).await
    /// }
    /// ```
    ///
    /// # Errors
    /// What the method or a hook on the way failed with, after the error hooks had their say.
    pub fn run<'c>(self, context: &'c mut Context) -> BoxFuture<'c, Result<()>>
    where
        'a: 'c,
    {
        match self.steps.split_first() {
            Some((Step::Around(around), steps)) => {
                context.kind = HookType::Around;
                around.call(context, Next { steps, target: self.target })
            }
            Some((Step::Layer(layer), steps)) => Box::pin(layer.run(context, Next { steps, target: self.target })),
            None => self.target.call_hooked(context),
        }
    }

    /// As [`run`](Next::run), but can be repeated: where it fails, the context becomes again what it was, whatever hooks
    /// on the way have made of data, params and result. So hooks that have run are run again on the same data.
    ///
    /// Each attempt copies the data. What the method or its hooks have done to the world stays done: try again only what
    /// may happen twice.
    ///
    /// # Errors
    /// As [`run`](Next::run).
    pub fn attempt<'c>(&self, context: &'c mut Context) -> BoxFuture<'c, Result<()>>
    where
        'a: 'c,
    {
        let next = Next { steps: self.steps, target: self.target };
        Box::pin(async move {
            let before = context.snapshot();
            let outcome = next.run(context).await;
            if outcome.is_err() {
                context.restore(before);
            }
            outcome
        })
    }
}

impl HookLayer {
    /// In Feathers those for all methods are around those for one: what fails in a before hook for all, or in an error hook
    /// of the method, does not reach the method's error hooks. Where it makes no difference, one level does for both.
    fn of(hooks: &HookSet, method: &Method, error_map: &ErrorMap) -> Vec<HookLayer> {
        let error_map = error_map.clone();
        let after = hooks.after.all_first(method);
        let error: Vec<_> = hooks.error.for_method(method).collect();
        if error.is_empty() {
            return vec![HookLayer {
                before: hooks.before.all_first(method),
                after,
                error: hooks.error.for_all().collect(),
                error_map,
            }];
        }
        let (before, around) = (hooks.before.for_all().collect(), hooks.error.for_all().collect());
        vec![
            HookLayer { before, after: Vec::new(), error: around, error_map: error_map.clone() },
            HookLayer { before: hooks.before.for_method(method).collect(), after, error, error_map },
        ]
    }

    fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty() && self.error.is_empty()
    }

    async fn run(&self, context: &mut Context, next: Next<'_>) -> Result<()> {
        match self.within(context, next).await {
            Err(error) if !self.error.is_empty() => self.recover(context, self.error_map.apply(error)).await,
            outcome => outcome,
        }
    }

    async fn within(&self, context: &mut Context, next: Next<'_>) -> Result<()> {
        for hook in &self.before {
            context.kind = HookType::Before;
            hook.call(context).await?;
        }
        next.run(context).await?;
        for hook in &self.after {
            context.kind = HookType::After;
            hook.call(context).await?;
        }
        context.kind = HookType::Around;
        Ok(())
    }

    /// Error hooks may replace the error, or set a result, which answers the call as if nothing had happened.
    async fn recover(&self, context: &mut Context, error: Error) -> Result<()> {
        context.keep_original();
        context.error = Some(error);
        let failed_in = std::mem::replace(&mut context.kind, HookType::Error);
        let mut outcome = Ok(());
        for hook in &self.error {
            outcome = hook.call(context).await;
            if outcome.is_err() {
                break;
            }
        }
        context.kind = failed_in;
        let error = context.error.take();
        outcome?;
        if let Some(error) = error.filter(|_| context.result.is_none()) {
            return Err(error);
        }
        context.kind = HookType::Around;
        // A hook may also have taken the error away and set nothing.
        context.result.get_or_insert_with(|| serde_json::Value::Null.into());
        Ok(())
    }
}
