//! Functions with something of their own: a database, a client of another server, settings.

use super::{Around, Context, Hook, Next};
use crate::BoxFuture;
use crate::service::{MethodFunction, Params};
use std::sync::Arc;
use wingbeat_core::{AsyncFunction, Result};

/// A hook or a custom method with state: the function gets a clone of it with every call, ahead of its other arguments.
/// Share what is large by an `Arc`, as most database pools and clients of other servers do by themselves; for several
/// values take a tuple.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
/// use wingbeat::{hooks::with, prelude::*, store::Memory};
///
/// #[derive(Clone, Default)]
/// struct Mailer(Arc<AtomicU64>);
///
/// impl Mailer {
///     async fn send(&self, _to: String) -> Result<()> {
///         self.0.fetch_add(1, Ordering::Relaxed);
///         Ok(())
///     }
/// }
///
/// async fn welcome(mailer: Mailer, context: &mut Context) -> Result<()> {
///     let user = context.result_as::<serde_json::Value>()?;
///     mailer.send(user["email"].to_string()).await
/// }
///
/// let mailer = Mailer::default();
/// let users = Mount::new(Memory::new())
///     .after(Create, with(mailer.clone(), welcome))
///     .around(All, with(mailer, async |mailer: Mailer, context: &mut Context, next: Next<'_>| {
///         let outcome = next.run(context).await;
///         if outcome.is_err() {
///             mailer.send("admin@example.org".into()).await?;
///         }
///         outcome
///     }));
/// ```
pub fn with<S: Clone + Send + Sync + 'static, F>(state: S, hook: F) -> With<S, F> {
    With { state, hook }
}

/// What [`with`] makes: a [`Hook`], an [`Around`] or a [custom method](crate::Mount::method), as its function is.
#[derive(Clone, Debug)]
pub struct With<S, F> {
    pub(crate) state: S,
    pub(crate) hook: F,
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

#[doc(hidden)]
pub trait MethodWithFn<'a, S, D>: Fn(S, D, &'a Params) -> Self::Future {
    type Answer;
    type Future: Future<Output = Result<Self::Answer>> + 'a;
}

impl<'a, S, D, T, F, R> MethodWithFn<'a, S, D> for F
where
    F: Fn(S, D, &'a Params) -> R,
    R: Future<Output = Result<T>> + 'a,
{
    type Answer = T;
    type Future = R;
}

/// Marks functions with state in [`MethodFunction`].
pub struct Stateful(());

#[diagnostic::do_not_recommend]
impl<D, T, S, F> MethodFunction<D, Stateful> for With<S, F>
where
    D: Send + 'static,
    S: Clone + Send + Sync + 'static,
    F: for<'a> MethodWithFn<'a, S, D, Answer = T, Future: Send> + Send + Sync + 'static,
{
    type Answer = T;

    fn call(self: &Arc<Self>, data: D, params: Params) -> impl Future<Output = Result<T>> + Send + 'static {
        let with = self.clone();
        async move { (with.hook)(with.state.clone(), data, &params).await }
    }
}
