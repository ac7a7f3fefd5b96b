//! What can be a hook.

use super::{Context, HookDescription, Next};
use crate::BoxFuture;
use crate::service::{ClientRules, Services};
use std::future::ready;
use wingbeat_core::{AsyncFunction, Result};

/// A before, after or error hook.
///
/// Every `async fn(&mut Context) -> Result<()>` is one, and so is every closure `async |context: &mut Context| …` that
/// uses no variables of its surroundings; one that does is written [`with`](super::with) them. [`sync`] makes a hook of
/// code without `await`. A type that holds settings implements the trait.
///
/// ```
/// use wingbeat::{prelude::*, store::Memory};
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
///     .after(Create, async |context: &mut Context| {
///         let message = context.result_as::<serde_json::Value>()?;
///         context.service("log").create(message, Params::new()).await?;
///         Ok(())
///     });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a hook",
    label = "expected `async fn(&mut Context) -> Result<()>`",
    note = "write a closure as `async |context: &mut Context| {{ …; Ok(()) }}`",
    note = "write one that uses variables of its surroundings as `with(db, async |db: Db, context: &mut Context| …)`",
    note = "write one without `await` as `sync(|context| {{ …; Ok(()) }})`"
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

    /// Asked for each method that the hook runs for, when all services of the application are mounted: one that needs
    /// another service says which is missing ([`Services::has`]), and the application is not built. For a service that is
    /// mounted later it is asked then. `path` is that of the service that the hook runs for.
    ///
    /// # Errors
    /// What the hook misses.
    fn check_mounted(&self, services: &Services, path: &str) -> Result<()> {
        let _ = (services, path);
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
/// Every `async fn(&mut Context, Next<'_>) -> Result<()>` is one, and every closure
/// `async |context: &mut Context, next: Next<'_>| …`; one that uses variables of its surroundings is written
/// [`with`](super::with) them.
///
/// One that measures:
///
/// ```
/// use wingbeat::{Context, Result, hooks::Next};
///
/// async fn measured(context: &mut Context, next: Next<'_>) -> Result<()> {
///     let start = std::time::Instant::now();
///     let outcome = next.run(context).await;
///     println!("{} {} took {:?}", context.method(), context.path(), start.elapsed());
///     outcome
/// }
/// # let _ = wingbeat::Mount::new(wingbeat::store::Memory::new()).around(wingbeat::hooks::All, measured);
/// ```
///
/// One that answers from a cache, without the method, and forgets what has changed:
///
/// ```
/// use std::{collections::HashMap, sync::Mutex};
/// use serde_json::json;
/// use wingbeat::{BoxFuture, hooks::Around, prelude::*, store::Memory};
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
/// // The cache does not know of this.
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
/// let shaky = Mount::empty().method("ask", async |question: String, _: &Params| {
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
    note = "write a closure as `async |context: &mut Context, next: Next<'_>| next.run(context).await`",
    note = "write one that uses variables of its surroundings as `with(db, async |db: Db, context: &mut Context, next: Next<'_>| …)`"
)]
pub trait Around: Send + Sync + 'static {
    /// Runs the hook; `next` is the rest of the chain.
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>>;

    /// As [`Hook::check`].
    ///
    /// # Errors
    /// Why the hook can never work.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// As [`Hook::check_mounted`].
    ///
    /// # Errors
    /// What the hook misses.
    fn check_mounted(&self, services: &Services, path: &str) -> Result<()> {
        let _ = (services, path);
        Ok(())
    }

    /// As [`Hook::rules`].
    fn rules(&self) -> ClientRules {
        ClientRules::default()
    }

    /// What the hook asks of calls, for [`App::describe`](crate::App::describe) to tell.
    fn description(&self) -> HookDescription {
        HookDescription::default()
    }
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

struct Ready<F>(F);

impl<F> Hook for Ready<F>
where
    F: Fn(&mut Context) -> Result<()> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(self.0(context)))
    }
}

/// A hook from a function without `await`, for example a closure that uses variables of its surroundings.
pub fn sync<F>(hook: F) -> impl Hook
where
    F: Fn(&mut Context) -> Result<()> + Send + Sync + 'static,
{
    Ready(hook)
}
