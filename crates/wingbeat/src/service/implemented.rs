//! Which methods a service has written, and which of them are still those that its trait provides.

use super::{Params, RawService, Service};
use std::any::type_name;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use wingbeat_core::{Error, Method, Result};

/// What the provided methods return: by it a service is seen not to have written them.
pub(super) struct Missing<T> {
    method: &'static str,
    answer: PhantomData<fn() -> T>,
}

pub(super) fn missing<T>(method: &'static str) -> Missing<T> {
    Missing { method, answer: PhantomData }
}

impl<T> Future for Missing<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<T>> {
        Poll::Ready(Err(Error::method_not_allowed(format!("Method '{}' is not implemented", self.method))))
    }
}

/// The standard methods that a typed service has written.
pub(super) fn implemented<S: Service>() -> Vec<Method> {
    type With<S, A> = (&'static S, A, &'static Params);
    having([
        is_own(|(service, (), params): With<S, _>| service.find(params)),
        is_own(|(service, id, params): With<S, _>| service.get(id, params)),
        is_own(|(service, data, params): With<S, _>| service.create(data, params)),
        is_own(|(service, (id, data), params): With<S, _>| service.update(id, data, params)),
        is_own(|(service, (id, data), params): With<S, _>| service.patch(id, data, params)),
        is_own(|(service, id, params): With<S, _>| service.remove(id, params)),
    ])
}

/// The standard methods that a raw service has written.
pub(super) fn implemented_raw<S: RawService>() -> Vec<Method> {
    type With<S, A> = (&'static S, A, &'static Params);
    having([
        is_own(|(service, (), params): With<S, _>| service.find(params)),
        is_own(|(service, id, params): With<S, _>| service.get(id, params)),
        is_own(|(service, data, params): With<S, _>| service.create(data, params)),
        is_own(|(service, (id, data), params): With<S, _>| service.update(id, data, params)),
        is_own(|(service, (id, data), params): With<S, _>| service.patch(id, data, params)),
        is_own(|(service, id, params): With<S, _>| service.remove(id, params)),
    ])
}

fn having(own: [bool; 6]) -> Vec<Method> {
    Method::STANDARD.into_iter().zip(own).filter_map(|(method, own)| own.then_some(method)).collect()
}

/// Whether a method returns another future than the provided one. It is not called.
// A future that borrows has no `TypeId`. That names of types can be told apart like this is held by the test below; with a
// compiler that names them in another way all methods count as written.
fn is_own<A, F>(_: impl FnOnce(A) -> F) -> bool {
    let missing = type_name::<Missing<()>>().split('<').next().unwrap_or_default();
    type_name::<F>().split('<').next() != Some(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use std::future::ready;

    struct Nothing;
    impl Service for Nothing {
        type Item = Vec<i64>;
        type Data = ();
        type Patch = ();
        const METHODS: &'static [Method] = &[];
    }

    struct Half<'a>(PhantomData<&'a ()>);
    impl Service for Half<'static> {
        type Item = i64;
        type Data = Option<Vec<i64>>;
        type Patch = ();
        const METHODS: &'static [Method] = &[];

        async fn find(&self, _: &Params) -> Result<Found<i64>> {
            Ok(vec![].into())
        }
        fn get(&self, _: Id, _: &Params) -> impl Future<Output = Result<i64>> + Send {
            ready(Ok(1))
        }
        async fn patch(&self, _: Option<Id>, (): (), _: &Params) -> Result<OneOrMany<i64>> {
            Ok(1.into())
        }
        // What another one has not written is not written here.
        fn remove(&self, id: Option<Id>, params: &Params) -> impl Future<Output = Result<OneOrMany<i64>>> + Send {
            let _ = (id, params);
            missing("remove")
        }
    }

    impl RawService for Half<'static> {
        fn methods(&self) -> Vec<Method> {
            Vec::new()
        }
        async fn create(&self, _: Option<Payload>, _: &Params) -> Result<Payload> {
            Ok(Payload::NULL)
        }
        fn update(&self, _: IdArg, _: Option<Payload>, _: &Params) -> impl Future<Output = Result<Payload>> + Send {
            Box::pin(ready(Ok(Payload::NULL)))
        }
    }

    #[test]
    fn what_a_service_has_written_is_told_from_what_the_trait_provides() {
        assert_eq!(implemented::<Nothing>(), []);
        assert_eq!(implemented::<Half<'static>>(), [Find, Get, Patch]);
        assert_eq!(implemented_raw::<Half<'static>>(), [Create, Update]);
        assert_eq!(implemented_raw::<crate::store::Memory>(), Method::STANDARD);
    }
}
