//! Methods of a service beyond the standard six.

use super::Params;
use super::dyn_service::written;
use crate::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::future::{Future, ready};
use std::marker::PhantomData;
use std::sync::Arc;
use wingbeat_core::{Payload, Result};

/// A custom method: data and params in, any JSON out.
pub(crate) type Custom = Arc<dyn Fn(Option<Payload>, Params) -> BoxFuture<'static, Result<Payload>> + Send + Sync>;

/// The methods of a service beyond the standard six; [`Service::custom`](super::Service::custom) names them.
#[must_use = "the methods that are added are in what `add` returns"]
pub struct CustomMethods<S>(Vec<(Arc<str>, Arc<dyn DynCustomMethod<S>>)>);

impl<S: Send + Sync + 'static> CustomMethods<S> {
    /// Adds an `async fn(&self, data: D, params: &Params) -> Result<T>` under the name that clients call. Data that a
    /// caller leaves out is read as null, data that does not fit is a BadRequest.
    pub fn add<D>(mut self, name: &str, method: impl CustomMethod<S, D>) -> CustomMethods<S>
    where
        D: DeserializeOwned + Send + 'static,
    {
        self.0.push((name.into(), Arc::new(TypedCustomMethod(method, PhantomData))));
        self
    }

    /// The same methods of what holds such a service.
    pub(super) fn within<E: Send + Sync + 'static>(self, service: fn(&E) -> &S) -> CustomMethods<E> {
        let within =
            |(name, method)| (name, Arc::new(InnerCustomMethod { method, service }) as Arc<dyn DynCustomMethod<E>>);
        CustomMethods(self.0.into_iter().map(within).collect())
    }

    /// These methods, and of the others those that have other names.
    pub(super) fn or(mut self, others: CustomMethods<S>) -> CustomMethods<S> {
        let names: Vec<_> = self.0.iter().map(|(name, _)| name.clone()).collect();
        self.0.extend(others.0.into_iter().filter(|(name, _)| !names.contains(name)));
        self
    }

    /// Ties the methods to a service, which is found in what is shared.
    pub(super) fn bind<E: Send + Sync + 'static>(
        self,
        shared: &Arc<E>,
        service: fn(&E) -> &S,
    ) -> Vec<(Arc<str>, Custom)> {
        let bound = |(name, method): (Arc<str>, Arc<dyn DynCustomMethod<S>>)| {
            let shared = shared.clone();
            let run: Custom = Arc::new(move |data, params| {
                let (shared, method) = (shared.clone(), method.clone());
                Box::pin(async move { method.call(service(&shared), data, &params).await })
            });
            (name, run)
        };
        self.0.into_iter().map(bound).collect()
    }
}

impl<S> Default for CustomMethods<S> {
    fn default() -> CustomMethods<S> {
        CustomMethods(Vec::new())
    }
}

impl<S> fmt::Debug for CustomMethods<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// What can be a custom method of a service `S` that takes data of type `D`: every
/// `async fn(&S, D, &Params) -> Result<T>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a custom method of `{S}`",
    label = "expected `async fn(&self, data: {D}, params: &Params) -> Result<T>`",
    note = "what it takes implements `serde::Deserialize`, and what it answers `serde::Serialize`"
)]
pub trait CustomMethod<S, D>: Send + Sync + 'static {
    /// Runs the method.
    fn call<'a>(&'a self, service: &'a S, data: D, params: &'a Params) -> BoxFuture<'a, Result<Payload>>;
}

/// Ties an `async fn`'s future to the borrows of its arguments.
#[doc(hidden)]
pub trait CustomFn<'a, S: 'a, D>: Fn(&'a S, D, &'a Params) -> Self::Future {
    type Answer: Serialize;
    type Future: Future<Output = Result<Self::Answer>> + 'a;
}

#[diagnostic::do_not_recommend]
impl<'a, S, D, F, R, T> CustomFn<'a, S, D> for F
where
    S: 'a,
    F: Fn(&'a S, D, &'a Params) -> R,
    R: Future<Output = Result<T>> + 'a,
    T: Serialize,
{
    type Answer = T;
    type Future = R;
}

impl<S, D, F> CustomMethod<S, D> for F
where
    S: 'static,
    F: for<'a> CustomFn<'a, S, D, Future: Send> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, service: &'a S, data: D, params: &'a Params) -> BoxFuture<'a, Result<Payload>> {
        let running = self(service, data, params);
        Box::pin(async move { written(&running.await?) })
    }
}

/// A method that takes any JSON.
trait DynCustomMethod<S>: Send + Sync {
    fn call<'a>(&'a self, service: &'a S, data: Option<Payload>, params: &'a Params) -> BoxFuture<'a, Result<Payload>>;
}

struct TypedCustomMethod<M, D>(M, PhantomData<fn(D)>);

impl<S, D: DeserializeOwned, M: CustomMethod<S, D>> DynCustomMethod<S> for TypedCustomMethod<M, D> {
    fn call<'a>(&'a self, service: &'a S, data: Option<Payload>, params: &'a Params) -> BoxFuture<'a, Result<Payload>> {
        match data.unwrap_or(Payload::NULL).to() {
            Ok(data) => self.0.call(service, data, params),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

/// A method of a service that another one holds.
struct InnerCustomMethod<S, E> {
    method: Arc<dyn DynCustomMethod<S>>,
    service: fn(&E) -> &S,
}

impl<S: 'static, E: 'static> DynCustomMethod<E> for InnerCustomMethod<S, E> {
    fn call<'a>(&'a self, holder: &'a E, data: Option<Payload>, params: &'a Params) -> BoxFuture<'a, Result<Payload>> {
        self.method.call((self.service)(holder), data, params)
    }
}
