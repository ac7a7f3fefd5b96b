//! A service of the server, as an object here.

use super::call::Request;
use super::{Call, Client};
use crate::connection::Events;
use crate::error::{Error, Result};
use serde::Serialize;
use serde_json::Value;
use std::marker::PhantomData;
use std::sync::Arc;
use wingbeat_core::{Found, IdArg, Method, RawJson};

/// A service of the server whose records are `T`s.
///
/// Every method gives a [`Call`]: add a [query](Call::query), a [timeout](Call::timeout) or a [route](Call::route), and
/// await it.
pub struct Service<T = Value> {
    client: Client,
    service: Arc<str>,
    path: Result<Arc<str>, String>,
    record: PhantomData<fn() -> T>,
}

impl<T> Clone for Service<T> {
    fn clone(&self) -> Self {
        let (client, service, path) = (self.client.clone(), self.service.clone(), self.path.clone());
        Service { client, service, path, record: PhantomData }
    }
}

impl<T> Service<T> {
    pub(crate) fn new(client: Client, path: &str) -> Service<T> {
        let service: Arc<str> = path.trim_matches('/').into();
        Service { client, path: Ok(service.clone()), service, record: PhantomData }
    }

    /// The path as it was given.
    pub fn path(&self) -> &str {
        &self.service
    }

    /// The same service with a placeholder of its path filled: `userId` that of `users/:userId/messages`. A value with
    /// a slash, or an empty one, makes every call [`Invalid`](Error::Invalid). Events come under the unfilled path, whoever they are of.
    pub fn route(mut self, name: &str, value: impl ToString) -> Service<T> {
        if let Ok(path) = &self.path {
            let filled = self.client.fill(path, name, &value.to_string());
            self.path = filled.map(Into::into).map_err(|error| error.message().into_owned());
        }
        self
    }

    /// The records that match the query; all of them, or a page.
    pub fn find(&self) -> Call<Found<T>> {
        self.call(Method::Find, IdArg::Absent, None::<&()>)
    }

    /// One record.
    pub fn get(&self, id: impl Into<IdArg>) -> Call<T> {
        self.call(Method::Get, id.into(), None::<&()>)
    }

    /// Makes a record.
    pub fn create(&self, data: &(impl Serialize + ?Sized)) -> Call<T> {
        self.call(Method::Create, IdArg::Absent, Some(data))
    }

    /// Makes several records with one call.
    pub fn create_many<D: Serialize>(&self, data: &[D]) -> Call<Vec<T>> {
        self.call(Method::Create, IdArg::Absent, Some(data))
    }

    /// Replaces a record.
    pub fn update(&self, id: impl Into<IdArg>, data: &(impl Serialize + ?Sized)) -> Call<T> {
        self.call(Method::Update, id.into(), Some(data))
    }

    /// Replaces all records that match the query, where a service allows that.
    pub fn update_many(&self, data: &(impl Serialize + ?Sized)) -> Call<Vec<T>> {
        self.call(Method::Update, IdArg::Null, Some(data))
    }

    /// Merges into a record.
    pub fn patch(&self, id: impl Into<IdArg>, data: &(impl Serialize + ?Sized)) -> Call<T> {
        self.call(Method::Patch, id.into(), Some(data))
    }

    /// Merges into all records that match the query.
    pub fn patch_many(&self, data: &(impl Serialize + ?Sized)) -> Call<Vec<T>> {
        self.call(Method::Patch, IdArg::Null, Some(data))
    }

    /// Removes a record.
    pub fn remove(&self, id: impl Into<IdArg>) -> Call<T> {
        self.call(Method::Remove, id.into(), None::<&()>)
    }

    /// Removes all records that match the query.
    pub fn remove_many(&self) -> Call<Vec<T>> {
        self.call(Method::Remove, IdArg::Null, None::<&()>)
    }

    /// Calls a method of the service's own, with its result as an `R`.
    pub fn method<R>(&self, name: &str, data: &(impl Serialize + ?Sized)) -> Call<R> {
        self.call(Method::named(name), IdArg::Null, Some(data))
    }

    /// Any call, with its result as an `R`: what the other methods are short for. Id and data are sent for methods
    /// that take them; data that is not there is null.
    pub fn call<R>(&self, method: Method, id: IdArg, data: Option<&(impl Serialize + ?Sized)>) -> Call<R> {
        let request = self.request(method, id, data);
        Call::new(self.client.clone(), request)
    }

    fn request(&self, method: Method, id: IdArg, data: Option<&(impl Serialize + ?Sized)>) -> Result<Request> {
        let path = self.path.as_ref().map_err(|message| Error::invalid(message.clone()))?;
        let data = data.map(RawJson::new).transpose().map_err(Error::unwritable)?;
        let filled = (!Arc::ptr_eq(path, &self.service)).then(|| path.clone());
        Ok(Request { service: self.service.clone(), filled, method, id, data, query: None, timeout: None })
    }

    /// The events of this name, such as `created`: a stream that goes on across reconnections. Over REST there are none: the
    /// stream says so and ends.
    pub fn on(&self, event: &str) -> Events<T> {
        self.on_event(event)
    }

    /// The events of this name, read as `E`s: for events whose data is not a record.
    pub fn on_event<E>(&self, event: &str) -> Events<E> {
        let name = format!("{} {event}", self.service);
        match self.client.connection() {
            Ok(connection) => Events::new(connection, &self.client.shared().options.namespace, Some(&name)),
            Err(error) => Events::refused(error),
        }
    }
}
