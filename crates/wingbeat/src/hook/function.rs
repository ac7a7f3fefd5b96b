//! What can be a hook.

use super::{Context, HookDescription, Next};
use crate::BoxFuture;
use crate::service::ClientRules;
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

    /// What clients may not ask of the services that the hook is registered for; asked once, when they are mounted. A hook
    /// that hides something says so here: otherwise queries tell what answers do not.
    fn rules(&self) -> ClientRules {
        ClientRules::default()
    }

    /// What the hook asks of calls, for [`App::describe`](crate::App::describe) to tell.
    fn description(&self) -> HookDescription {
        HookDescription::default()
    }
}

/// A hook that runs around the rest of the chain: what it does before and after `next.run(context).await`.
///
/// Every `async fn(&mut Context, Next<'_>) -> Result<()>` is one; closures need [`around`].
///
/// One that measures:
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
///
/// One that answers from a cache, without the method, and forgets what has changed:
///
/// ```
/// use std::{collections::HashMap, sync::Mutex};
/// use serde_json::json;
/// use wingbeat::{Around, BoxFuture, prelude::*, store::Memory};
///
/// #[derive(Default)]
/// struct Cache(Mutex<HashMap<String, Payload>>);
///
/// impl Around for Cache {
///     fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
///         Box::pin(async move {
///             let key = context.id.to_string();
///             if *context.method() == Get {
///                 let kept = self.0.lock().unwrap().get(&key).cloned();
///                 context.result = kept;
///             }
///             // Where there is a result already, the method does not run.
///             next.run(context).await?;
///             let mut kept = self.0.lock().unwrap();
///             match (context.method(), &context.result) {
///                 (Get, Some(result)) => drop(kept.insert(key, result.clone())),
///                 _ => drop(kept.remove(&key)),
///             }
///             Ok(())
///         })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let rates = Memory::new().records([json!({"id": "EUR", "rate": 1})]);
/// let app = App::builder()
///     .mount("rates", Mount::new(rates.clone()).around((Get, Patch, Remove), Cache::default()))
///     .build()?;
/// let service = app.service("rates");
/// service.get("EUR", Params::new()).await?;
/// // Nobody has told the cache of this.
/// rates.patch("EUR".into(), Some(json!({"rate": 2}).into()), &Params::new()).await?;
/// assert_eq!(service.get("EUR", Params::new()).await?.to_value()?["rate"], 1);
/// service.patch("EUR", json!({"rate": 3}), Params::new()).await?;
/// assert_eq!(service.get("EUR", Params::new()).await?.to_value()?["rate"], 3);
/// # Ok(())
/// # }
/// ```
///
/// One that tries again:
///
/// ```
/// use std::{sync::atomic::{AtomicU32, Ordering}, time::Duration};
/// use wingbeat::{ErrorKind, prelude::*};
///
/// async fn patient(context: &mut Context, next: Next<'_>) -> Result<()> {
///     for wait in [10, 100, 1000].map(Duration::from_millis) {
///         match next.attempt(context).await {
///             Err(error) if error.kind() == ErrorKind::Unavailable => tokio::time::sleep(wait).await,
///             outcome => return outcome,
///         }
///     }
///     next.run(context).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// static CALLS: AtomicU32 = AtomicU32::new(0);
/// let shaky = Mount::empty().method("ask", |question: String, _: Params| async move {
///     match CALLS.fetch_add(1, Ordering::Relaxed) {
///         0 => Err(Error::unavailable("Not now")),
///         _ => Ok(format!("{question} Yes.")),
///     }
/// });
/// let app = App::builder().mount("oracle", shaky.around(All, patient)).build()?;
/// let answer = app.service("oracle").call("ask", serde_json::json!("Well?"), Params::new()).await?;
/// assert_eq!(answer.to_value()?, "Well? Yes.");
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an around hook",
    label = "expected `async fn(&mut Context, Next<'_>) -> Result<()>`",
    note = "wrap closures: `around(|context, next| Box::pin(async move {{ next.run(context).await }}))`"
)]
pub trait Around: Send + Sync + 'static {
    /// Runs the hook; `next` is the rest of the chain.
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>>;

    /// As [`Hook::rules`].
    fn rules(&self) -> ClientRules {
        ClientRules::default()
    }

    /// What the hook asks of calls, for [`App::describe`](crate::App::describe) to tell.
    fn description(&self) -> HookDescription {
        HookDescription::default()
    }
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
