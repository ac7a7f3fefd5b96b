//! The handle by which services and hooks make calls.

use super::invocation::{Arguments, Caller, Invocation};
use super::{ClientRules, Params};
use crate::BoxFuture;
use crate::realtime::{Channel, ChannelName, Connection};
use serde::Serialize;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::{Definition, Id, IdArg, Payload, RawJson, Result};

/// What services run in, and what runs their calls: the application.
pub(crate) trait Host: Any + Send + Sync {
    /// With `dispatched`, answers what a client would receive.
    fn call(self: Arc<Self>, invocation: Invocation<'_>, dispatched: bool) -> BoxFuture<'static, Result<Payload>>;
    fn emit(&self, path: &str, event: &str, data: RawJson) -> BoxFuture<'static, Result<()>>;
    fn channel(&self, names: Box<[Box<str>]>) -> Channel;
    fn channel_names(&self) -> Vec<String>;
    /// Whether a service is mounted at a path.
    fn has(&self, path: &str) -> bool;
}

/// Reaches the other services, and the channels, from inside hooks and services.
#[derive(Clone)]
pub struct Services(pub(crate) Arc<dyn Host>);

impl Services {
    /// A handle to the service at a path, which may also be one that will only be mounted later.
    pub fn service(&self, path: impl Into<Box<str>>) -> ServiceHandle {
        ServiceHandle { host: self.0.clone(), path: path.into(), dispatched: false }
    }

    /// A handle to the service of a definition.
    pub fn defined<D: Definition>(&self) -> ServiceHandle {
        self.service(D::PATH)
    }

    /// Whether a service is mounted at a path: one of which calls find, so placeholders may stand for any text.
    pub fn has(&self, path: &str) -> bool {
        self.0.has(path)
    }

    /// The channel of this name.
    pub fn channel(&self, name: impl Into<ChannelName>) -> Channel {
        self.0.channel([name.into().into_text()].into())
    }

    /// The names of the channels that someone is in, sorted.
    pub fn channel_names(&self) -> Vec<String> {
        self.0.channel_names()
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Services")
    }
}

/// A service, to be called from inside: all hooks run, events are sent, and the call counts as internal unless
/// `params` says otherwise.
///
/// Every call fails with what the service or its hooks fail with, and with NotFound where no service is mounted.
#[derive(Clone)]
pub struct ServiceHandle {
    host: Arc<dyn Host>,
    path: Box<str>,
    dispatched: bool,
}

impl ServiceHandle {
    /// The same service, but its answers are those that a client would get: what hooks have put into
    /// [`dispatch`](crate::Context::dispatch), for example without the password. The calls stay internal.
    ///
    /// What one service takes over from another into its own records is best asked for like this: nothing hidden there
    /// can then be seen here.
    pub fn dispatched(mut self) -> ServiceHandle {
        self.dispatched = true;
        self
    }

    /// All records that the query selects.
    pub async fn find(&self, params: Params) -> Result<Payload> {
        self.run("find", IdArg::Absent, None, params).await
    }

    /// One record.
    pub async fn get(&self, id: impl Into<IdArg>, params: Params) -> Result<Payload> {
        self.run("get", id.into(), None, params).await
    }

    /// A new record, or several.
    pub async fn create(&self, data: impl Into<Payload>, params: Params) -> Result<Payload> {
        self.run("create", IdArg::Absent, Some(data.into()), params).await
    }

    /// Replaces a record.
    pub async fn update(&self, id: impl Into<IdArg>, data: impl Into<Payload>, params: Params) -> Result<Payload> {
        self.run("update", id.into(), Some(data.into()), params).await
    }

    /// Merges into a record, or into all that the query selects (`None` as id).
    pub async fn patch(&self, id: impl Into<IdArg>, data: impl Into<Payload>, params: Params) -> Result<Payload> {
        self.run("patch", id.into(), Some(data.into()), params).await
    }

    /// Removes a record, or all that the query selects (`None` as id).
    pub async fn remove(&self, id: impl Into<IdArg>, params: Params) -> Result<Payload> {
        self.run("remove", id.into(), None, params).await
    }

    /// Calls a custom method.
    pub async fn call(&self, method: &str, data: impl Into<Payload>, params: Params) -> Result<Payload> {
        self.run(method, IdArg::Absent, Some(data.into()), params).await
    }

    /// Sends an event of this service: a standard one, or one that the mount lists among its
    /// [`events`](crate::Mount::events).
    ///
    /// # Errors
    /// If the service does not exist or does not list the event, or the data has no JSON form.
    pub async fn emit(&self, event: &str, data: &(impl Serialize + ?Sized)) -> Result<()> {
        let data = RawJson::new(data)?;
        self.host.emit(&self.path, event, data).await
    }

    async fn run(&self, method: &str, id: IdArg, data: Option<Payload>, params: Params) -> Result<Payload> {
        let arguments = Arguments { id, data, params };
        let invocation = Invocation::new(&*self.path, method, Caller::Internal, Ok(arguments));
        self.host.clone().call(invocation, self.dispatched).await.map(Payload::into_answer)
    }
}

impl fmt::Debug for ServiceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceHandle({})", self.path)
    }
}

/// Who sends an event from within a call, or from outside of all.
#[derive(Default)]
pub(crate) struct Emitter {
    /// Hears it before its call is answered.
    pub(crate) caller: Option<Connection>,
    /// Whether it is a client's call.
    pub(crate) is_client: bool,
}

/// What a running method can reach: its own service's events, and everything else that is mounted.
pub(crate) trait ServiceScope: Send + Sync {
    fn emit(&self, event: &str, data: RawJson, by: Emitter) -> BoxFuture<'static, Result<()>>;
    /// Absent once the application has gone.
    fn services(&self) -> Option<Services>;
    /// Who wants to know what is written; absent if no events follow.
    fn notes(&self) -> Option<&dyn Notes> {
        None
    }
    /// What clients may not ask of the service's find.
    fn rules(&self) -> &[ClientRules] {
        &[]
    }
    /// How long a client's call may take, if it has an end.
    fn time_limit(&self) -> Option<Duration> {
        None
    }
}

/// Receives what a call writes, in the order in which it is written.
pub(crate) trait Notes: Send + Sync {
    /// The record with this id has been written; its field of this name holds the id.
    fn wrote(&self, id: &Id, id_field: &str);
}
