//! Functions as custom methods.

use super::Params;
use super::custom::Custom;
use super::dyn_service::written;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::ready;
use std::sync::Arc;
use wingbeat_core::{Payload, Result};

/// What can be a custom method of a [`Mount`](crate::Mount): every `async fn(D, &Params) -> Result<T>`, and every closure
/// `async |data: D, params: &Params| …` that uses no variables of its surroundings; one that does is written
/// [`with`](crate::hooks::with) them, ahead of the data. `Params` in place of `&Params` will do as well.
///
/// `Kind` keeps these apart and is never written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a custom method",
    label = "expected `async fn(data: {D}, params: &Params) -> Result<T>`",
    note = "write a closure as `async |data: Data, params: &Params| {{ …; Ok(answer) }}`",
    note = "write one that uses variables of its surroundings as `with(db, async |db: Db, data: Data, params: &Params| …)`"
)]
pub trait MethodFunction<D, Kind>: Send + Sync + 'static {
    /// What it answers.
    type Answer;

    /// Runs it.
    fn call(self: &Arc<Self>, data: D, params: Params) -> impl Future<Output = Result<Self::Answer>> + Send + 'static;
}

/// Marks functions that borrow the params in [`MethodFunction`].
pub struct Borrowing(());
/// Marks functions that take the params in [`MethodFunction`].
pub struct Taking(());

/// Erases a function that takes data of its own type. Data that was left out is read as null.
pub(crate) fn typed_function<D, F, Kind>(function: F) -> Custom
where
    D: DeserializeOwned + Send + 'static,
    F: MethodFunction<D, Kind, Answer: Serialize>,
{
    let function = Arc::new(function);
    Arc::new(move |data, params| match data.unwrap_or(Payload::NULL).to::<D>() {
        Ok(data) => {
            let running = function.call(data, params);
            Box::pin(async move { written(&running.await?) })
        }
        Err(error) => Box::pin(ready(Err(error))),
    })
}

/// Erases a function that speaks any JSON.
pub(crate) fn raw_function<F, Kind>(function: F) -> Custom
where
    F: MethodFunction<Option<Payload>, Kind, Answer = Payload>,
{
    let function = Arc::new(function);
    Arc::new(move |data, params| Box::pin(function.call(data, params)))
}

#[diagnostic::do_not_recommend]
impl<D, T, F, R> MethodFunction<D, Taking> for F
where
    D: Send + 'static,
    F: Fn(D, Params) -> R + Send + Sync + 'static,
    R: Future<Output = Result<T>> + Send + 'static,
{
    type Answer = T;

    fn call(self: &Arc<Self>, data: D, params: Params) -> impl Future<Output = Result<T>> + Send + 'static {
        self(data, params)
    }
}

/// Ties an `async fn`'s future to the borrow of its argument.
#[doc(hidden)]
pub trait BorrowingFn<'a, D>: Fn(D, &'a Params) -> Self::Future {
    type Answer;
    type Future: Future<Output = Result<Self::Answer>> + 'a;
}

#[diagnostic::do_not_recommend]
impl<'a, D, T, F, R> BorrowingFn<'a, D> for F
where
    F: Fn(D, &'a Params) -> R,
    R: Future<Output = Result<T>> + 'a,
{
    type Answer = T;
    type Future = R;
}

#[diagnostic::do_not_recommend]
impl<D, T, F> MethodFunction<D, Borrowing> for F
where
    D: Send + 'static,
    F: for<'a> BorrowingFn<'a, D, Answer = T, Future: Send> + Send + Sync + 'static,
{
    type Answer = T;

    fn call(self: &Arc<Self>, data: D, params: Params) -> impl Future<Output = Result<T>> + Send + 'static {
        let function = self.clone();
        async move { function(data, &params).await }
    }
}
