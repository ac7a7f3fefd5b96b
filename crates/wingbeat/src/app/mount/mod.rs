//! A service with all that belongs to it, ready to be mounted.

mod connection_guard;
mod exposed;
mod parts;
mod sub_app;

pub(crate) use connection_guard::{ConnectionGuard, RegisteredGuard};
pub(super) use parts::CheckedMount;
pub(super) use sub_app::{SubApp, check_shared};

use super::events::{Listener, Publishers};
use crate::hooks::{Around, HookSet, Methods};
use crate::realtime::Publication;
use crate::service::{
    Custom, DynService, IntoService, MethodFunction, MethodSchemas, Schemas, Service, raw_function, typed_function,
};
use exposed::Exposed;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use wingbeat_core::{Definition, Error, Method, Payload};

/// A service with its methods, hooks, events and publishers, ready for [`Builder::mount`](super::Builder::mount).
///
/// The safe thing is the default: without a publisher nobody hears its events.
///
/// ```
/// use serde_json::{Value, json};
/// use wingbeat::{prelude::*, store::Memory};
///
/// let messages = Mount::new(Memory::new())
///     .expose((Find, Get, Create, "shout"))
///     .method("shout", async |text: String, _params: &Params| { Ok(text.to_uppercase()) })
///     .events(["typing"])
///     .publish(|message| message.id("roomId").map(|room| channel(("rooms", room))));
/// ```
#[derive(Default)]
#[must_use = "a mount does nothing until it is mounted"]
pub struct Mount {
    service: Option<Arc<dyn DynService>>,
    exposed: Exposed,
    custom: Vec<(Arc<str>, Custom)>,
    events: Vec<Box<str>>,
    pub(super) hooks: HookSet,
    pub(super) publishers: Publishers,
    listeners: Vec<(Box<str>, Listener)>,
    guard: Option<RegisteredGuard>,
    /// The applications that this is a part of, the outermost first.
    pub(super) within: Vec<Arc<SubApp>>,
    schemas: Option<Box<Schemas>>,
    described: Vec<(Box<str>, MethodSchemas)>,
    /// A field that an update would lose, because those who update do not write it.
    lost_by_update: Option<Box<str>>,
    /// Why this cannot be mounted.
    broken: Option<Error>,
}

/// What is mounted: a [`Mount`], and what becomes one, such as an authentication.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a `Mount`", label = "write `Mount::new(…)` around a service")]
pub trait IntoMount {
    /// The mount.
    fn into_mount(self) -> Mount;
}

#[diagnostic::do_not_recommend]
impl<M: Into<Mount>> IntoMount for M {
    fn into_mount(self) -> Mount {
        self.into()
    }
}

impl Mount {
    /// Mounts a [`Service`](crate::Service) or a [`RawService`](crate::service::RawService).
    pub fn new<Kind>(service: impl IntoService<Kind>) -> Mount {
        let service = service.erase();
        let (custom, broken) = (service.clone().custom(), service.check().err());
        Mount { custom, broken, service: Some(service), ..Mount::default() }
    }

    /// What could not be put together; mounting it fails.
    #[cfg(feature = "auth")]
    pub(crate) fn broken(error: Error) -> Mount {
        Mount { broken: Some(error), ..Mount::default() }
    }

    /// Has every connection asked about.
    #[cfg(feature = "auth")]
    pub(crate) fn guard<T: ConnectionGuard>(mut self, guard: Arc<T>) -> Mount {
        self.guard = Some(RegisteredGuard::new(guard));
        self
    }

    /// Mounts no service: only the custom methods and the events that are added with [`method`](Mount::method) and
    /// [`events`](Mount::events).
    pub fn empty() -> Mount {
        Mount::default()
    }

    /// Adds a custom method, an `async fn(D, &Params) -> Result<T>`: data and params in, any JSON out. Data that the caller
    /// leaves out is read as null. A method that needs the service itself is named in
    /// [`Service::custom`](crate::Service::custom).
    pub fn method<D, Kind>(mut self, name: &str, method: impl MethodFunction<D, Kind, Answer: Serialize>) -> Mount
    where
        D: DeserializeOwned + Send + 'static,
    {
        self.custom.push((name.into(), typed_function(method)));
        self
    }

    /// Adds a custom method that speaks any JSON and tells absent data from null.
    pub fn raw_method<Kind>(
        mut self,
        name: &str,
        method: impl MethodFunction<Option<Payload>, Kind, Answer = Payload>,
    ) -> Mount {
        self.custom.push((name.into(), raw_function(method)));
        self
    }

    /// Further events that the service sends by itself ([`Params::emit`](crate::Params::emit), [`ServiceHandle::emit`]). A standard name in
    /// this list is no longer sent automatically.
    ///
    /// [`ServiceHandle::emit`]: crate::service::ServiceHandle::emit
    pub fn events<E: Into<Box<str>>>(mut self, events: impl IntoIterator<Item = E>) -> Mount {
        self.events.extend(events.into_iter().map(Into::into));
        self
    }

    /// Runs a hook around the methods, outside of all other hooks of this service, in the order of registration for all
    /// methods and then for single ones. Feathers registers plain lists of hooks this way.
    pub fn wrap(mut self, methods: impl Into<Methods>, hook: impl Around) -> Mount {
        self.hooks.wrap.add(methods.into(), Arc::new(hook));
        self
    }

    /// Listens on the server to an event of this service. A listener must not block; a panic in one affects nothing else.
    pub fn on(mut self, event: impl Into<Box<str>>, listener: impl Fn(&Publication) + Send + Sync + 'static) -> Mount {
        self.listeners.push((event.into(), Arc::new(listener)));
        self
    }

    /// Mounts a service with the types of a definition, which clients share: what these do not agree about does not
    /// compile. Clients may call the definition's methods, and its events are those of the service.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use wingbeat::{Definition, prelude::*};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Todo { id: i64, text: String }
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct NewTodo { text: String }
    ///
    /// // In a crate that server and client share.
    /// struct Todos;
    ///
    /// impl Definition for Todos {
    ///     type Item = Todo;
    ///     type Data = NewTodo;
    ///     type Patch = NewTodo;
    ///     type Query = Todo;
    ///     const PATH: &'static str = "todos";
    ///     const METHODS: &'static [&'static str] = &["get"];
    /// }
    ///
    /// struct InMemory;
    ///
    /// impl Service for InMemory {
    ///     type Item = Todo;
    ///     type Data = NewTodo;
    ///     type Patch = NewTodo;
    ///     const METHODS: &'static [Method] = &[Get];
    ///
    ///     async fn get(&self, _id: Id, _params: &Params) -> Result<Todo> {
    ///         Ok(Todo { id: 1, text: "Read the docs".into() })
    ///     }
    /// }
    ///
    /// let app = App::builder().mount(Todos::PATH, Mount::defined::<Todos>(InMemory)).build()?;
    /// # Ok::<(), wingbeat::Error>(())
    /// ```
    pub fn defined<D: Definition>(service: impl Service<Item = D::Item, Data = D::Data, Patch = D::Patch>) -> Mount {
        Mount::new(service).define::<D>()
    }

    /// As [`defined`](Mount::defined), for services without types of their own: stores, and what speaks any JSON. A method
    /// of the definition that the service does not have is an error when it is mounted.
    pub fn define<D: Definition>(self) -> Mount {
        let methods: Vec<_> = D::METHODS.iter().map(|name| Method::named(name)).collect();
        self.expose(&*methods).events(D::EVENTS.iter().copied())
    }

    /// Says what the service takes and gives.
    pub(crate) fn schemas(mut self, schemas: Schemas) -> Mount {
        self.schemas = Some(Box::new(schemas));
        self
    }

    /// Which of these standard methods the service has.
    pub(crate) fn has(&self, methods: &[Method]) -> Vec<Method> {
        let has = self.service.as_ref().map(|service| service.methods()).unwrap_or_default();
        methods.iter().filter(|method| has.contains(method)).cloned().collect()
    }

    /// Whether the service reads data as types of its own.
    pub(crate) fn is_typed(&self) -> bool {
        self.service.as_ref().is_some_and(|service| service.is_typed())
    }

    /// Keeps clients from replacing records: the new one would be without this field.
    pub(crate) fn lost_by_update(mut self, field: &str) -> Mount {
        self.lost_by_update = Some(field.into());
        self
    }

    /// Says what a custom method takes and gives.
    #[cfg(feature = "schema")]
    pub(crate) fn method_schemas(mut self, name: &str, schemas: MethodSchemas) -> Mount {
        self.described.push((name.into(), schemas));
        self
    }
}
