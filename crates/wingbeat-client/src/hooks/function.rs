//! What can be a hook: written like the server's hooks.

use super::{BoxFuture, Context, Next};
use crate::error::Result;
use wingbeat_core::AsyncFunction;

/// A before, after or error hook: every `async fn(&mut Context) -> Result<()>`, and every closure
/// `async |context: &mut Context| …` that uses no variables of its surroundings; one that does is written [`with`] them.
/// A type that holds settings implements the trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a hook",
    label = "expected `async fn(&mut Context) -> Result<()>`",
    note = "write a closure as `async |context: &mut Context| {{ …; Ok(()) }}`",
    note = "write one that uses variables of its surroundings as `with(log, async |log: Log, context: &mut Context| …)`"
)]
pub trait Hook: Send + Sync + 'static {
    /// Runs the hook.
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>>;
}

/// A hook around the rest of the way: every `async fn(&mut Context, Next<'_>) -> Result<()>`, and closures as for
/// [`Hook`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an around hook",
    label = "expected `async fn(&mut Context, Next<'_>) -> Result<()>`",
    note = "write a closure as `async |context: &mut Context, next: Next<'_>| next.run(context).await`",
    note = "write one that uses variables of its surroundings as `with(log, async |log: Log, context: &mut Context, next: Next<'_>| …)`"
)]
pub trait Around: Send + Sync + 'static {
    /// Runs the hook; `next` is the rest of the way.
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>>;
}

impl<F> Hook for F
where
    F: for<'a> AsyncFunction<'a, (&'a mut Context,), Result<()>, Future: Send> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.run((context,)))
    }
}

impl<F> Around for F
where
    F: for<'a> AsyncFunction<'a, (&'a mut Context, Next<'a>), Result<()>, Future: Send> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.run((context, next)))
    }
}

/// A hook with state: the function gets a clone of it with every call, ahead of the context.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// use wingbeat_client::{All, Context, Hooks, with};
///
/// let calls = Arc::new(AtomicU64::new(0));
/// let hooks = Hooks::new().before(All, with(calls.clone(), async |calls: Arc<AtomicU64>, _: &mut Context| {
///     calls.fetch_add(1, Ordering::Relaxed);
///     Ok(())
/// }));
/// ```
pub fn with<S: Clone + Send + Sync + 'static, F>(state: S, hook: F) -> With<S, F> {
    With { state, hook }
}

/// The hook that [`with`] makes: a [`Hook`] or an [`Around`], as its function is.
#[derive(Clone, Debug)]
pub struct With<S, F> {
    state: S,
    hook: F,
}

impl<S, F> Hook for With<S, F>
where
    S: Clone + Send + Sync + 'static,
    F: for<'a> AsyncFunction<'a, (S, &'a mut Context), Result<()>, Future: Send> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.hook.run((self.state.clone(), context)))
    }
}

impl<S, F> Around for With<S, F>
where
    S: Clone + Send + Sync + 'static,
    F: for<'a> AsyncFunction<'a, (S, &'a mut Context, Next<'a>), Result<()>, Future: Send> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.hook.run((self.state.clone(), context, next)))
    }
}
