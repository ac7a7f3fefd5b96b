//! What a hook sees of a call and may change.

use crate::service::{Params, ServiceHandle, Services, invocation::Arguments};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{Definition, Error, ErrorKind, IdArg, Method, Payload, Result};

/// What a hook sees of a call and may change.
///
/// Path and method are fixed; everything else is the hook's to read and to set:
///
/// - `params`, `id` and `data` are what the method will be called with;
/// - `result`, set before the method runs, is answered instead of running it; set afterwards, it replaces what the
///   method said;
/// - `dispatch`, if set, is what clients and channels receive instead of the result, even if it is null;
/// - in an error hook `error` is what went wrong: replace it, or set `result` to answer that instead.
pub struct Context {
    pub(super) path: Arc<str>,
    pub(super) method: Method,
    pub(super) kind: HookType,
    pub(super) services: Services,
    pub(super) event: Option<Cow<'static, str>>,
    original: Option<Box<Original>>,
    /// Query, route, caller and whatever hooks have added.
    pub params: Params,
    /// The id; absent for find, create and custom methods.
    pub id: IdArg,
    /// The data; absent for find, get and remove.
    pub data: Option<Payload>,
    /// The answer.
    pub result: Option<Payload>,
    /// What clients get instead of the result.
    pub dispatch: Option<Payload>,
    /// What went wrong, in error hooks.
    pub error: Option<Error>,
    pub(crate) http: Option<Box<Http>>,
}

/// What REST answers besides the body; sockets have no use for it.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http {
    /// The status code, for example 202.
    pub status: Option<u16>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Where to redirect to.
    pub location: Option<String>,
}

/// What a call looked like when it failed.
#[derive(Clone)]
#[non_exhaustive]
pub struct Original {
    /// The kind of hook that failed; `Around` if it was the method.
    pub hook_type: HookType,
    /// The params.
    pub params: Params,
    /// The id.
    pub id: IdArg,
    /// The data.
    pub data: Option<Payload>,
    /// The result, if there was one already.
    pub result: Option<Payload>,
}

/// What hooks can change of a call, to be put back.
pub(crate) struct Snapshot {
    params: Params,
    id: IdArg,
    data: Option<Payload>,
    result: Option<Payload>,
    dispatch: Option<Payload>,
    event: Option<Cow<'static, str>>,
    http: Option<Box<Http>>,
}

/// In which kind of hook the context is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the four of Feathers")]
pub enum HookType {
    /// Runs around the rest of the chain.
    Around,
    /// Runs before the method.
    Before,
    /// Runs after the method has succeeded.
    After,
    /// Runs when something has failed.
    Error,
}

impl Context {
    pub(crate) fn new(
        path: Arc<str>,
        method: Method,
        event: Option<&'static str>,
        services: Services,
        Arguments { id, data, params }: Arguments,
    ) -> Context {
        Context {
            path,
            event: event.map(Cow::Borrowed),
            method,
            kind: HookType::Around,
            services,
            original: None,
            params,
            id,
            data,
            result: None,
            dispatch: None,
            error: None,
            http: None,
        }
    }

    /// The path of the service.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The method that is called.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// In which kind of hook the context is at the moment. To an around hook whose `next` has failed: in which it failed.
    pub fn hook_type(&self) -> HookType {
        self.kind
    }

    /// The event that success will send: `created`, `updated`, `patched`, `removed`, or what a hook has set.
    pub fn event(&self) -> Option<&str> {
        self.event.as_deref()
    }

    /// The event, to keep.
    pub(crate) fn take_event(&mut self) -> Option<Cow<'static, str>> {
        self.event.take()
    }

    /// Sends another event in place of this one, or none with `None`. It is a standard one, or one that the mount lists
    /// among its [`events`](crate::Mount::events); with any other the call fails.
    pub fn set_event<'a>(&mut self, event: impl Into<Option<&'a str>>) {
        self.event = event.into().map(|event| Cow::Owned(event.to_owned()));
    }

    /// What REST answers besides the body.
    pub fn http(&mut self) -> &mut Http {
        self.http.get_or_insert_default()
    }

    /// In error hooks: what the call looked like when it failed.
    pub fn original(&self) -> Option<&Original> {
        self.original.as_deref()
    }

    /// In error hooks: the class of the error.
    pub fn error_kind(&self) -> Option<ErrorKind> {
        self.error.as_ref().map(Error::kind)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            params: self.params.clone(),
            id: self.id.clone(),
            data: self.data.clone(),
            result: self.result.clone(),
            dispatch: self.dispatch.clone(),
            event: self.event.clone(),
            http: self.http.clone(),
        }
    }

    pub(crate) fn restore(&mut self, to: Snapshot) {
        self.kind = HookType::Around;
        self.original = None;
        self.params = to.params;
        self.id = to.id;
        self.data = to.data;
        self.result = to.result;
        self.dispatch = to.dispatch;
        self.event = to.event;
        self.http = to.http;
    }

    /// Notes what the call looks like, now that it has failed, and forgets its result. Where error hooks further in have
    /// heard of it, it has been noted already.
    pub(super) fn keep_original(&mut self) {
        if self.original.is_some() && self.result.is_none() {
            return;
        }
        self.original = Some(Box::new(Original {
            hook_type: self.kind,
            params: self.params.clone(),
            id: self.id.clone(),
            data: self.data.clone(),
            result: self.result.take(),
        }));
    }

    /// Calls another service. Its params are new ones: pass on what it should know of the caller.
    pub fn service(&self, path: impl Into<Box<str>>) -> ServiceHandle {
        self.services.service(path)
    }

    /// Calls the service of a definition, as [`service`](Context::service) does.
    pub fn defined<D: Definition>(&self) -> ServiceHandle {
        self.services.defined::<D>()
    }

    /// The way to all services and channels.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The data as a `T`.
    ///
    /// # Errors
    /// BadRequest if there is none or it does not fit.
    pub fn data_as<T: DeserializeOwned>(&self) -> Result<T> {
        self.data.as_ref().ok_or_else(|| Error::bad_request("Data is required"))?.to()
    }

    /// The result as a `T`.
    ///
    /// # Errors
    /// A general error if there is none yet or it does not fit: clients must not read in an error what it says.
    pub fn result_as<T: DeserializeOwned>(&self) -> Result<T> {
        let result =
            self.result.as_ref().ok_or_else(|| Error::general("Missing result: the method has not run yet"))?;
        result.to().map_err(|error| Error::internal(error.message().to_owned()))
    }

    /// Sets the result.
    pub fn set_result(&mut self, result: impl Into<Payload>) {
        self.result = Some(result.into());
    }

    /// The records among the data to change, one or many: the object itself, or the elements of the list.
    ///
    /// # Errors
    /// BadRequest if there is no data, or some of it is not an object.
    pub fn items_mut(&mut self) -> Result<Vec<&mut Map<String, Value>>> {
        let data = self.data.as_mut().ok_or_else(|| Error::bad_request("Data is required"))?;
        objects(data.value_mut()?)
    }

    /// The records among the result to change: the object, the elements of the list, or those of the page.
    ///
    /// # Errors
    /// If some of the result is not an object. No result has no records.
    pub fn result_items_mut(&mut self) -> Result<Vec<&mut Map<String, Value>>> {
        let Some(result) = &mut self.result else { return Ok(Vec::new()) };
        let is_find = self.method == Method::Find;
        let mut value = result.value_mut()?;
        if is_find && value.get("data").is_some_and(Value::is_array) {
            value = &mut value["data"];
        }
        objects(value)
    }
}

fn objects(value: &mut Value) -> Result<Vec<&mut Map<String, Value>>> {
    let wrong = || Error::bad_request("Every record must be an object");
    match value {
        Value::Object(item) => Ok(vec![item]),
        Value::Array(items) => items.iter_mut().map(|item| item.as_object_mut().ok_or_else(wrong)).collect(),
        _ => Err(wrong()),
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({} {} {:?})", self.path, self.method, self.kind)
    }
}

/// Of the headers only the names: one may set a cookie.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Http { status, headers, location } = self;
        let headers: Vec<_> = headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Http").field("status", status).field("headers", &headers).field("location", location).finish()
    }
}

/// Without data and result, which may be a password and a token.
impl fmt::Debug for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Original { hook_type, params, id, .. } = self;
        let mut shown = f.debug_struct("Original");
        shown.field("hook_type", hook_type).field("params", params).field("id", id).finish_non_exhaustive()
    }
}
