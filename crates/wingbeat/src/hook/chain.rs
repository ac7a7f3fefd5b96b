//! The hooks of one method, compiled into one list when a service is mounted.

use super::{Around, Context, Hook, HookSet, HookType};
use crate::BoxFuture;
use crate::service::{Custom, Erased, Params, Within};
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
    Level(Level),
}

/// The before, after and error hooks of the application or of a service.
struct Level {
    before: Vec<Arc<dyn Hook>>,
    after: Vec<Arc<dyn Hook>>,
    error: Vec<Arc<dyn Hook>>,
}

/// The method at the end of the chain.
#[derive(Clone)]
pub(crate) enum Target {
    Standard(Arc<dyn Erased>),
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
    fn call_within<'c>(&'c self, context: &'c mut Context) -> BoxFuture<'c, Result<()>> {
        context.kind = HookType::Around;
        if context.result.is_some() {
            return Box::pin(ready(Ok(())));
        }
        let Context { method, id, data, params, result, .. } = context;
        match self {
            Target::Standard(service) => {
                service.call_within(Within { method, id, data: data.as_ref(), params, result })
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
    pub(crate) fn new(levels: &[&HookSet], method: &Method, target: Target) -> Chain {
        let mut steps = Vec::new();
        for hooks in levels {
            steps.extend(hooks.wrap.all_first(method).into_iter().map(Step::Around));
            steps.extend(hooks.around.all_first(method).into_iter().map(Step::Around));
            let before = hooks.before.all_first(method);
            let after = hooks.after.all_first(method);
            let error = hooks.error.all_last(method);
            if !(before.is_empty() && after.is_empty() && error.is_empty()) {
                steps.push(Step::Level(Level { before, after, error }));
            }
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
    /// use wingbeat::{Context, Next, Result};
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
            Some((Step::Level(level), steps)) => Box::pin(level.run(context, Next { steps, target: self.target })),
            None => self.target.call_within(context),
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

impl Level {
    async fn run(&self, context: &mut Context, next: Next<'_>) -> Result<()> {
        let outcome = self.within(context, next).await;
        match outcome {
            Err(error) if !self.error.is_empty() => self.recover(context, error).await,
            outcome => {
                context.kind = HookType::Around;
                outcome
            }
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
        Ok(())
    }

    /// Error hooks may replace the error, or set a result, which answers the call as if nothing had happened.
    async fn recover(&self, context: &mut Context, error: Error) -> Result<()> {
        context.keep_original();
        context.result = None;
        context.error = Some(error);
        for hook in &self.error {
            context.kind = HookType::Error;
            if let Err(error) = hook.call(context).await {
                context.error = Some(error);
            }
        }
        context.kind = HookType::Around;
        let error = context.error.take();
        match (&context.result, error) {
            (Some(_), _) => Ok(()),
            (None, Some(error)) => Err(error),
            // The hook took the error away and set nothing.
            (None, None) => {
                context.set_result(serde_json::Value::Null);
                Ok(())
            }
        }
    }
}
