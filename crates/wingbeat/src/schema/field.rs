//! What the functions of a resolver may look at.

use super::original::Original;
use crate::hooks::Context;
use crate::service::{Params, ServiceHandle, Services};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{Error, Method, Result};

/// A field that is being resolved, with all that its function may look at.
#[derive(Clone)]
pub struct Field {
    pub(super) name: Arc<str>,
    pub(super) record: Original,
    pub(super) scope: Scope,
}

impl Field {
    /// The name of the field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the field is so far.
    pub fn value(&self) -> Option<&Value> {
        self.record.members().get(&*self.name)
    }

    /// The record, as it was before any of its fields was resolved.
    pub fn record(&self) -> &Map<String, Value> {
        self.record.members()
    }

    /// A field of the record as a `T`; a missing one is read as null.
    ///
    /// # Errors
    /// BadRequest if it does not fit, and in a result a general error that keeps the value from clients.
    pub fn get_as<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.record.read(name).map_err(|error| self.scope.unfit(name, &error))
    }

    /// The call that this happens in.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The params of the call.
    pub fn params(&self) -> &Params {
        self.scope.params()
    }

    /// Another service.
    pub fn service(&self, path: impl Into<Box<str>>) -> ServiceHandle {
        self.scope.services().service(path)
    }
}

/// Without the record.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field").field("name", &self.name).field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// The call in which something is resolved.
#[derive(Clone, Debug)]
pub struct Scope(Arc<Call>);

#[derive(Debug)]
struct Call {
    path: Box<str>,
    method: Method,
    params: Params,
    services: Services,
    of_result: bool,
}

impl Scope {
    /// For the data and the query of a call.
    pub(super) fn of(context: &Context) -> Scope {
        Scope::new(context, false)
    }

    /// For the result of a call.
    pub(super) fn of_result(context: &Context) -> Scope {
        Scope::new(context, true)
    }

    fn new(context: &Context, of_result: bool) -> Scope {
        Scope(Arc::new(Call {
            path: context.path().into(),
            method: context.method().clone(),
            params: context.params.clone(),
            services: context.services().clone(),
            of_result,
        }))
    }

    /// The error for a value that is not of its type. What clients have sent they may read again, what is stored not.
    pub(super) fn unfit(&self, what: &str, error: &Error) -> Error {
        let why = error.message().strip_prefix("Invalid data: ").unwrap_or(error.message());
        match self.0.of_result {
            true => Error::internal(format!("Invalid {what} in a result: {why}")),
            false => Error::bad_request(format!("Invalid {what}: {why}")),
        }
    }

    /// The path of the service.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The method that is called.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The params of the call.
    pub fn params(&self) -> &Params {
        &self.0.params
    }

    /// The way to all services and channels.
    pub fn services(&self) -> &Services {
        &self.0.services
    }
}
