//! Erasure: one object-safe form for typed and raw services.
//!
//! A typed service's arguments are read before its future is made, so that the future holds the typed value and not
//! the text as well.

#[cfg(feature = "uploads")]
use super::FileAccess;
use super::custom::{Custom, CustomMethods};
use super::implemented::{implemented, implemented_raw};
use super::{ClientRules, Found, OneOrMany, Params, RawService, Schemas, Service, Services};
use crate::BoxFuture;
use serde::Serialize;
use std::borrow::Borrow;
use std::future::ready;
use std::ops::Deref;
use std::sync::Arc;
use wingbeat_core::{Error, IdArg, Method, Payload, RawJson, Result};

/// A service of any kind.
pub(crate) trait DynService: Send + Sync {
    /// The standard methods that it says it has.
    fn methods(&self) -> Vec<Method>;
    /// The standard methods that it has written.
    fn implemented(&self) -> Vec<Method>;
    /// Whether it reads data as types of its own.
    fn is_typed(&self) -> bool;
    /// Whether its options can be what they say.
    fn check(&self) -> Result<()>;
    /// What clients may not ask of it.
    fn rules(&self) -> ClientRules;
    /// What it takes and gives, as far as it says so.
    fn schemas(&self) -> Schemas;
    /// How it takes and gives files, if it does.
    #[cfg(feature = "uploads")]
    fn files(&self) -> Option<FileAccess>;
    /// The methods of its own, by name.
    fn custom(self: Arc<Self>) -> Vec<(Arc<str>, Custom)>;
    /// Runs a standard method; custom ones never get here.
    fn call(
        self: Arc<Self>,
        method: &Method,
        id: IdArg,
        data: Option<Payload>,
        params: Params,
    ) -> BoxFuture<'static, Result<Payload>>;
    /// Runs a standard method among hooks.
    fn call_hooked<'a>(&'a self, call: HookedCall<'a>) -> BoxFuture<'a, Result<()>>;
    fn setup<'a>(&'a self, services: &'a Services, path: &'a str) -> BoxFuture<'a, Result<()>>;
    fn teardown<'a>(&'a self, services: &'a Services, path: &'a str) -> BoxFuture<'a, Result<()>>;
}

/// A call among hooks: borrows what they see, and puts its result where they look for it.
// Copies of params and references that are counted were a fifth of what hooks cost.
pub(crate) struct HookedCall<'a> {
    pub(crate) method: &'a Method,
    pub(crate) id: &'a IdArg,
    pub(crate) data: Option<&'a Payload>,
    pub(crate) params: &'a Params,
    pub(crate) result: &'a mut Option<Payload>,
}

pub(super) struct DynTyped<S>(pub(super) S);

/// A call whose arguments have been read.
enum ParsedCall<S: Service> {
    Find,
    Get(wingbeat_core::Id),
    Create(OneOrMany<S::Data>),
    Update(Option<wingbeat_core::Id>, S::Data),
    Patch(Option<wingbeat_core::Id>, S::Patch),
    Remove(Option<wingbeat_core::Id>),
}

fn read<S: Service>(method: &Method, id: IdArg, data: Option<&Payload>) -> Result<ParsedCall<S>> {
    Ok(match method {
        Method::Find => ParsedCall::Find,
        Method::Get => match id {
            IdArg::Id(id) => ParsedCall::Get(id),
            none => return Err(Error::not_found(format!("No record found for id '{none}'"))),
        },
        Method::Create => {
            let data = required(data)?;
            ParsedCall::Create(if data.is_array() { OneOrMany::Many(data.to()?) } else { OneOrMany::One(data.to()?) })
        }
        Method::Update => ParsedCall::Update(selected(id)?, required(data)?.to()?),
        Method::Patch => ParsedCall::Patch(selected(id)?, required(data)?.to()?),
        Method::Remove => ParsedCall::Remove(selected(id)?),
        Method::Custom(name) => return Err(Error::method_not_allowed(format!("Method '{name}' is not implemented"))),
    })
}

fn required(data: Option<&Payload>) -> Result<&Payload> {
    data.ok_or_else(|| Error::bad_request("Data is required"))
}

/// Null selects by the query. An id that was left out does not: a forgotten argument must not hit every record.
fn selected(id: IdArg) -> Result<Option<wingbeat_core::Id>> {
    match id {
        IdArg::Absent => Err(Error::not_found(format!("No record found for id '{id}'"))),
        IdArg::Null => Ok(None),
        IdArg::Id(id) => Ok(Some(id)),
    }
}

// Owns service and params, or borrows them; `keep` takes the result. One future does for both: one within another would be
// moved into it. No `async fn`, which keeps its arguments twice (a get: 4,216 instructions, now 4,195).
#[expect(clippy::manual_async_fn, reason = "see above")]
fn run<S: Service, T>(
    service: impl Deref<Target = DynTyped<S>> + Send,
    call: ParsedCall<S>,
    params: impl Borrow<Params> + Send,
    keep: impl FnOnce(Payload) -> T + Send,
) -> impl Future<Output = Result<T>> + Send {
    async move {
        let (service, params) = (&service.0, params.borrow());
        let result = match call {
            ParsedCall::Find => match service.find(params).await? {
                Found::List(items) => written(&items),
                Found::Page(page) => written(&page),
            },
            ParsedCall::Get(id) => written(&service.get(id, params).await?),
            ParsedCall::Create(data) => written(&service.create(data, params).await?),
            ParsedCall::Update(id, data) => written(&service.update(id, data, params).await?),
            ParsedCall::Patch(id, data) => written(&service.patch(id, data, params).await?),
            ParsedCall::Remove(id) => written(&service.remove(id, params).await?),
        };
        result.map(keep)
    }
}

pub(super) fn written(value: &impl Serialize) -> Result<Payload> {
    RawJson::new(value).map(Payload::from)
}

impl<S: Service> DynService for DynTyped<S> {
    fn methods(&self) -> Vec<Method> {
        S::METHODS.to_vec()
    }
    fn implemented(&self) -> Vec<Method> {
        implemented::<S>()
    }
    fn is_typed(&self) -> bool {
        true
    }
    fn custom(self: Arc<Self>) -> Vec<(Arc<str>, Custom)> {
        S::custom(CustomMethods::default()).bind(&self, |service| &service.0)
    }
    fn call(
        self: Arc<Self>,
        method: &Method,
        id: IdArg,
        data: Option<Payload>,
        params: Params,
    ) -> BoxFuture<'static, Result<Payload>> {
        match read(method, id, data.as_ref()) {
            Ok(call) => Box::pin(run(self, call, params, |result| result)),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
    fn call_hooked<'a>(&'a self, call: HookedCall<'a>) -> BoxFuture<'a, Result<()>> {
        let HookedCall { method, id, data, params, result } = call;
        match read(method, id.clone(), data) {
            Ok(call) => Box::pin(run(self, call, params, |made| *result = Some(made))),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
    fn check(&self) -> Result<()> {
        Ok(())
    }
    fn rules(&self) -> ClientRules {
        self.0.rules()
    }
    fn schemas(&self) -> Schemas {
        self.0.schemas()
    }
    #[cfg(feature = "uploads")]
    fn files(&self) -> Option<FileAccess> {
        None
    }
    fn setup<'a>(&'a self, services: &'a Services, path: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.setup(services, path))
    }
    fn teardown<'a>(&'a self, services: &'a Services, path: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.teardown(services, path))
    }
}

pub(super) struct DynRaw<S>(pub(super) S);

// As `run`.
async fn run_raw<S: RawService, T>(
    service: impl Deref<Target = DynRaw<S>>,
    method: Method,
    (id, data): (IdArg, Option<Payload>),
    params: impl Borrow<Params>,
    keep: impl FnOnce(Payload) -> T,
) -> Result<T> {
    let service = &service.0;
    let params = params.borrow();
    let result = match method {
        Method::Find => service.find(params).await,
        Method::Get => service.get(id, params).await,
        Method::Create => service.create(data, params).await,
        Method::Update => service.update(id, data, params).await,
        Method::Patch => service.patch(id, data, params).await,
        Method::Remove => service.remove(id, params).await,
        Method::Custom(name) => Err(Error::method_not_allowed(format!("Method '{name}' is not implemented"))),
    };
    result.map(keep)
}

impl<S: RawService> DynService for DynRaw<S> {
    fn methods(&self) -> Vec<Method> {
        self.0.methods()
    }
    fn implemented(&self) -> Vec<Method> {
        implemented_raw::<S>()
    }
    fn is_typed(&self) -> bool {
        false
    }
    fn custom(self: Arc<Self>) -> Vec<(Arc<str>, Custom)> {
        S::custom(CustomMethods::default()).bind(&self, |service| &service.0)
    }
    fn call(
        self: Arc<Self>,
        method: &Method,
        id: IdArg,
        data: Option<Payload>,
        params: Params,
    ) -> BoxFuture<'static, Result<Payload>> {
        Box::pin(run_raw(self, method.clone(), (id, data), params, |result| result))
    }
    fn call_hooked<'a>(&'a self, call: HookedCall<'a>) -> BoxFuture<'a, Result<()>> {
        let HookedCall { method, id, data, params, result } = call;
        let given = (id.clone(), data.cloned());
        Box::pin(run_raw(self, method.clone(), given, params, |made| *result = Some(made)))
    }
    fn check(&self) -> Result<()> {
        self.0.check()
    }
    fn rules(&self) -> ClientRules {
        self.0.rules()
    }
    fn schemas(&self) -> Schemas {
        self.0.schemas()
    }
    #[cfg(feature = "uploads")]
    fn files(&self) -> Option<FileAccess> {
        self.0.files()
    }
    fn setup<'a>(&'a self, services: &'a Services, path: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.setup(services, path))
    }
    fn teardown<'a>(&'a self, services: &'a Services, path: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.teardown(services, path))
    }
}

#[cfg(test)]
mod tests {
    use super::super::into_service::{Typed, sealed};
    use super::*;
    use serde_json::json;
    use wingbeat_core::Id;

    struct Todos;
    impl Service for Todos {
        type Item = serde_json::Value;
        type Data = std::collections::BTreeMap<String, i64>;
        type Patch = serde_json::Value;
        const METHODS: &'static [Method] = &[Method::Get, Method::Create, Method::Remove];
        async fn get(&self, id: Id, _: &Params) -> Result<Self::Item> {
            Ok(json!({ "id": id }))
        }
        async fn create(&self, data: OneOrMany<Self::Data>, _: &Params) -> Result<OneOrMany<Self::Item>> {
            Ok(data.map(|data| json!(data)))
        }
        async fn remove(&self, id: Option<Id>, _: &Params) -> Result<OneOrMany<Self::Item>> {
            Ok(json!({ "id": id }).into())
        }
    }

    async fn call(method: Method, id: IdArg, data: Option<serde_json::Value>) -> Result<serde_json::Value> {
        let service = sealed::Sealed::<Typed>::erase(Todos);
        service.call(&method, id, data.map(Payload::from), Params::new()).await?.into_value()
    }

    #[tokio::test]
    async fn a_list_of_data_makes_a_list_of_records() {
        let created = call(Method::Create, IdArg::Absent, Some(json!([{"a": 1}, {"b": 2}]))).await.unwrap();
        assert_eq!(created, json!([{"a": 1}, {"b": 2}]));
    }

    #[tokio::test]
    async fn data_of_another_type_is_a_bad_request() {
        assert_eq!(call(Method::Create, IdArg::Absent, Some(json!({"a": "x"}))).await.unwrap_err().code(), 400);
        assert_eq!(call(Method::Create, IdArg::Absent, None).await.unwrap_err().code(), 400);
    }

    #[tokio::test]
    async fn a_forgotten_id_selects_nothing() {
        assert_eq!(call(Method::Get, IdArg::Null, None).await.unwrap_err().message(), "No record found for id 'null'");
        assert_eq!(call(Method::Remove, IdArg::Absent, None).await.unwrap_err().code(), 404);
        assert_eq!(call(Method::Remove, IdArg::Null, None).await.unwrap(), json!({"id": null}));
    }
}
