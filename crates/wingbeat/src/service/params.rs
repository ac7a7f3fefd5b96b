//! What a service method and its hooks know about a call besides id and data.

use super::named::NamedValues;
use super::{Emitter, Notes, Query, Route, ServiceHandle, ServiceScope, Services};
use crate::fair::Source;
use crate::realtime::{Channel, ChannelName, Connection, Extensions, Headers, named_as};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::any::Any;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use wingbeat_core::{Error, Id, RawJson, Result};

/// What a service method and its hooks know about a call besides id and data.
///
/// From a client only [`query`](Params::query) travels; all else is set by the server. Values that middleware has
/// attached to the connection show up under their names ([`get`](Params::get)); the transport's own names (`query`,
/// `route`, `provider`, `connection`, `headers`) always win over them.
///
/// ```
/// use wingbeat::{Params, service::Query};
/// use serde_json::json;
///
/// let mut params = Params::new().with_query(json!({"room": 7}))?;
/// params.set("tenant", "acme");
/// assert_eq!(params.query.get("room"), Some(&json!(7)));
/// assert_eq!(params.get("tenant"), Some(json!("acme")));
/// assert!(params.is_internal());
/// # Ok::<(), wingbeat::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Params {
    /// What the client asks for.
    pub query: Query,
    /// Values of the placeholders in the service's path.
    pub route: Route,
    /// The transport that the call came through (`"socketio"`, `"rest"`); absent for internal calls.
    pub provider: Option<&'static str>,
    /// The connection of the caller, if it has one.
    pub connection: Option<Connection>,
    pub(crate) scope: Option<Arc<dyn ServiceScope>>,
    pub(super) own: Option<Arc<CallValues>>,
}

/// What few calls have, out of the way of those that do not. Shared by the copies of the params that hooks take.
#[derive(Clone, Default)]
pub(super) struct CallValues {
    pub(super) values: NamedValues,
    /// The name under which they hold the record of a caller whom authentication knows.
    #[cfg(feature = "auth")]
    pub(super) known_caller: Option<Option<Arc<str>>>,
    extensions: Extensions,
    headers: Option<Headers>,
    address: Option<IpAddr>,
}

impl Params {
    /// Params of an internal call with an empty query.
    pub fn new() -> Params {
        Params::default()
    }

    /// Params of an internal call with this query.
    ///
    /// ```
    /// use wingbeat::{Id, Params};
    /// use serde_json::json;
    ///
    /// let owner = Id::from(7);
    /// let params = Params::query([("userId", json!(owner)), ("$limit", 10.into())]);
    /// assert_eq!(params.query.get("userId"), Some(&json!(7)));
    /// assert_eq!(Params::query([("userId", owner)]).query.get("userId"), Some(&json!(7)));
    /// ```
    pub fn query<K: Into<String>, V: Into<Value>>(members: impl IntoIterator<Item = (K, V)>) -> Params {
        let mut params = Params::new();
        members.into_iter().for_each(|(key, value)| params.query.set(key, value));
        params
    }

    /// Sets the query; one that is written as [`Query`] does becomes params with `Params::from`.
    ///
    /// # Errors
    /// BadRequest if it is not an object.
    pub fn with_query(mut self, query: Value) -> Result<Params> {
        self.query = Query::from_value(query)?;
        Ok(self)
    }

    /// Whether the call was made by the server itself, not through a transport.
    pub fn is_internal(&self) -> bool {
        self.provider.is_none()
    }

    /// A named value: one that was [`set`](Params::set) for this call, else one of the connection.
    pub fn get(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.own.as_ref().and_then(|own| own.values.get(name)) {
            return value.value();
        }
        self.connection.as_ref()?.get(name)
    }

    /// A named value as a `T`; a missing one is read as null, so an `Option` takes it.
    ///
    /// # Errors
    /// A general error if it does not fit: the value is the server's own.
    pub fn get_as<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        named_as(name, self.get(name))
    }

    /// Sets a named value for the rest of this call.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.own_mut().values.set(name.into(), value.into().into());
    }

    /// A typed value: one that was [set](Params::set_extension) for this call, else one of the connection.
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let own = self.own.as_ref().and_then(|own| own.extensions.get());
        own.or_else(|| self.connection.as_ref()?.extension())
    }

    /// Adds a typed value for the rest of this call.
    pub fn set_extension<T: Any + Send + Sync>(&mut self, value: T) {
        self.own_mut().extensions.insert(value);
    }

    /// The request's headers: those of the handshake for sockets, those of the request for REST.
    pub fn headers(&self) -> Option<&Headers> {
        let own = self.own.as_ref().and_then(|own| own.headers.as_ref());
        own.or_else(|| self.connection.as_ref().and_then(Connection::headers))
    }

    /// Gives the call headers of its own; a transport without connections uses this.
    ///
    /// ```
    /// use wingbeat::Params;
    ///
    /// # let request = http::Request::get("/").header("X-Tenant", "acme").body(()).unwrap();
    /// let params = Params::new().with_headers(request.headers().into());
    /// assert_eq!(params.headers().and_then(|headers| headers.get("x-tenant")), Some("acme"));
    /// ```
    pub fn with_headers(mut self, headers: Headers) -> Params {
        self.own_mut().headers = Some(headers);
        self
    }

    /// The client's address, where the transport knows it: behind a proxy only if that is trusted.
    pub fn address(&self) -> Option<IpAddr> {
        let own = self.own.as_ref().and_then(|own| own.address);
        own.or_else(|| self.connection.as_ref().and_then(Connection::address))
    }

    /// Says where the call comes from; a transport without connections uses this.
    pub fn with_address(mut self, address: IpAddr) -> Params {
        self.own_mut().address = Some(address);
        self
    }

    /// The values of the call, to change: copied if others have them too.
    pub(super) fn own_mut(&mut self) -> &mut CallValues {
        Arc::make_mut(self.own.get_or_insert_default())
    }

    /// The client whose call it is; nobody in particular if the server makes it.
    pub(crate) fn source(&self) -> Option<Source> {
        let connection = self.connection.as_ref().map(Connection::id);
        (!self.is_internal()).then(|| Source::client(self.address(), connection))
    }

    /// Says that the call comes from a request of which nothing lasts.
    pub(crate) fn set_request(&mut self, provider: &'static str, headers: Headers, address: Option<IpAddr>) {
        self.provider = Some(provider);
        let own = self.own_mut();
        own.headers = Some(headers);
        own.address = address.or(own.address);
    }

    /// The names of all that is set, sorted: what `Object.keys(params)` would be in Feathers.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = vec!["query".into(), "route".into()];
        if self.provider.is_some() {
            keys.push("provider".into());
        }
        if self.headers().is_some() {
            keys.push("headers".into());
        }
        if let Some(connection) = &self.connection {
            keys.push("connection".into());
            keys.extend(connection.names());
        }
        if let Some(own) = &self.own {
            keys.extend(own.values.names().map(str::to_owned));
        }
        keys.sort();
        keys.dedup();
        keys
    }

    /// Sends an event of the service that this call runs in. What a method emits reaches the caller before the answer.
    ///
    /// Calls outside a mounted service send nothing.
    ///
    /// # Errors
    /// If the event is neither a standard one nor one that the mount lists among its [`events`](crate::Mount::events), or
    /// the data has no JSON form.
    pub async fn emit(&self, event: &str, data: &(impl Serialize + ?Sized)) -> Result<()> {
        let data = RawJson::new(data)?;
        match &self.scope {
            Some(scope) => {
                let by = Emitter { caller: self.connection.clone(), is_client: !self.is_internal() };
                scope.emit(event, data, by).await
            }
            None => Ok(()),
        }
    }

    /// Says that the record with this id was written, or removed, just now: its events then leave in the order in which
    /// it was written, however long the calls take afterwards. Say it where nobody else can write the record meanwhile:
    /// while the lock is held, or before the transaction is committed.
    ///
    /// [Stores](crate::store) do so for the params that they are called with. Events of calls that say nothing leave when
    /// the call is done, in any order. Where a call answers a list, its records are told apart by their member `id`.
    ///
    /// ```
    /// use serde_json::json;
    /// use std::sync::Mutex;
    /// use wingbeat::{IdArg, Method, Params, Payload, Result, service::RawService};
    ///
    /// struct Counter(Mutex<u64>);
    ///
    /// impl RawService for Counter {
    ///     fn methods(&self) -> Vec<Method> {
    ///         vec![Method::Patch]
    ///     }
    ///     async fn patch(&self, _id: IdArg, _data: Option<Payload>, params: &Params) -> Result<Payload> {
    ///         let mut count = self.0.lock().unwrap();
    ///         *count += 1;
    ///         params.wrote("count");
    ///         Ok(json!({"id": "count", "is": *count}).into())
    ///     }
    /// }
    /// ```
    pub fn wrote(&self, id: impl Into<Id>) {
        if let Some(notes) = self.notes() {
            notes.wrote(&id.into(), "id");
        }
    }

    /// Receives what is written.
    pub(crate) fn notes(&self) -> Option<&dyn Notes> {
        self.scope.as_ref()?.notes()
    }

    /// The way to all services and channels of the application that this call runs in.
    ///
    /// # Errors
    /// If these params do not belong to a running call.
    pub fn services(&self) -> Result<Services> {
        let found = self.scope.as_ref().and_then(|scope| scope.services());
        found.ok_or_else(|| Error::general("These params do not belong to a running call"))
    }

    /// Another service. Its params are new ones: pass on what it should know of the caller.
    ///
    /// # Errors
    /// As [`services`](Params::services).
    pub fn service(&self, path: impl Into<Box<str>>) -> Result<ServiceHandle> {
        Ok(self.services()?.service(path))
    }

    /// The channel of this name.
    ///
    /// # Errors
    /// As [`services`](Params::services).
    pub fn channel(&self, name: impl Into<ChannelName>) -> Result<Channel> {
        Ok(self.services()?.channel(name))
    }
}

/// Of the query only the names, and nothing of values and headers: they may be tokens and hashes.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Params { query, route, provider, connection, .. } = self;
        let query: Vec<_> = query.iter().map(|(name, _)| name).collect();
        let mut shown = f.debug_struct("Params");
        shown.field("query", &query).field("route", route).field("provider", provider).field("connection", connection);
        shown.finish_non_exhaustive()
    }
}

/// Params of an internal call with this query.
///
/// ```
/// use wingbeat::{Params, service::{Order, Query}};
///
/// let newest = Params::from(Query::new().eq("roomId", 7).sort("createdAt", Order::Descending).limit(10));
/// assert_eq!(newest.query.get("$limit"), Some(&10.into()));
/// ```
impl From<Query> for Params {
    fn from(query: Query) -> Params {
        let mut params = Params::new();
        params.query = query;
        params
    }
}
