//! What can be a hook.

use super::{Context, Next};
use crate::BoxFuture;
use std::future::{Future, ready};
use wingbeat_core::Result;

/// A before, after or error hook.
///
/// Every `async fn(&mut Context) -> Result<()>` is one. Closures need [`hook`] (asynchronous) or [`sync`]; a type that
/// holds settings implements the trait.
///
/// ```
/// use wingbeat::{Context, Error, Mount, Result, prelude::*, store::Memory};
///
/// async fn no_empty_text(context: &mut Context) -> Result<()> {
///     for item in context.items_mut()? {
///         if item.get("text").is_none_or(|text| text == "") {
///             return Err(Error::bad_request("Say something"));
///         }
///     }
///     Ok(())
/// }
///
/// let messages = Mount::new(Memory::new())
///     .before(Create, no_empty_text)
///     .after(All, sync(|context| {
///         tracing::info!(path = context.path(), "done");
///         Ok(())
///     }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a hook",
    label = "expected `async fn(&mut Context) -> Result<()>`",
    note = "wrap closures: `sync(|context| …)`, or `hook(|context| Box::pin(async move {{ … }}))`",
    note = "the future must be `Send`: no `Rc` or lock guard may live across an `.await`"
)]
pub trait Hook: Send + Sync + 'static {
    /// Runs the hook.
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>>;

    /// Asked once, when the hook is mounted: one that can never work says why, and the application is not built.
    ///
    /// # Errors
    /// Why the hook can never work.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A hook that runs around the rest of the chain: what it does before and after `next.run(context).await`.
///
/// Every `async fn(&mut Context, Next<'_>) -> Result<()>` is one; closures need [`around`].
///
/// ```
/// use wingbeat::{Context, Next, Result};
///
/// async fn measured(context: &mut Context, next: Next<'_>) -> Result<()> {
///     let start = std::time::Instant::now();
///     let outcome = next.run(context).await;
///     println!("{} {} took {:?}", context.method(), context.path(), start.elapsed());
///     outcome
/// }
/// # let _ = wingbeat::Mount::new(wingbeat::store::Memory::new()).around(wingbeat::All, measured);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an around hook",
    label = "expected `async fn(&mut Context, Next<'_>) -> Result<()>`",
    note = "wrap closures: `around(|context, next| Box::pin(async move {{ next.run(context).await }}))`"
)]
pub trait Around: Send + Sync + 'static {
    /// Runs the hook; `next` is the rest of the chain.
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>>;
}

/// Ties an `async fn`'s future to the borrow of its argument; a plain `AsyncFn` bound would lose that it is `Send`.
#[doc(hidden)]
pub trait HookFn<'a>: Fn(&'a mut Context) -> Self::Running {
    type Running: Future<Output = Result<()>> + Send + 'a;
}

impl<'a, F, R> HookFn<'a> for F
where
    F: Fn(&'a mut Context) -> R,
    R: Future<Output = Result<()>> + Send + 'a,
{
    type Running = R;
}

impl<F> Hook for F
where
    F: for<'a> HookFn<'a> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(self(context))
    }
}

#[doc(hidden)]
pub trait AroundFn<'a>: Fn(&'a mut Context, Next<'a>) -> Self::Running {
    type Running: Future<Output = Result<()>> + Send + 'a;
}

impl<'a, F, R> AroundFn<'a> for F
where
    F: Fn(&'a mut Context, Next<'a>) -> R,
    R: Future<Output = Result<()>> + Send + 'a,
{
    type Running = R;
}

impl<F> Around for F
where
    F: for<'a> AroundFn<'a> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self(context, next))
    }
}

struct Ready<F>(F);

impl<F> Hook for Ready<F>
where
    F: Fn(&mut Context) -> Result<()> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(self.0(context)))
    }
}

/// A hook from a closure that need not wait.
pub fn sync<F>(hook: F) -> impl Hook
where
    F: Fn(&mut Context) -> Result<()> + Send + Sync + 'static,
{
    Ready(hook)
}

struct Boxed<F>(F);

impl<F> Hook for Boxed<F>
where
    F: for<'a> Fn(&'a mut Context) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        self.0(context)
    }
}

/// A hook from a closure that waits: `hook(|context| Box::pin(async move { … }))`.
pub fn hook<F>(hook: F) -> impl Hook
where
    F: for<'a> Fn(&'a mut Context) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
{
    Boxed(hook)
}

struct BoxedAround<F>(F);

impl<F> Around for BoxedAround<F>
where
    F: for<'a> Fn(&'a mut Context, Next<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        self.0(context, next)
    }
}

/// An around hook from a closure: `around(|context, next| Box::pin(async move { next.run(context).await }))`.
pub fn around<F>(hook: F) -> impl Around
where
    F: for<'a> Fn(&'a mut Context, Next<'a>) -> BoxFuture<'a, Result<()>> + Send + Sync + 'static,
{
    BoxedAround(hook)
}
