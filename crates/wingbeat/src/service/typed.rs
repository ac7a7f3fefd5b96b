//! Services with types of their own.

use super::implemented::missing;
use super::{ClientRules, CustomMethods, Params, Schemas, Services};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::{Future, ready};
use wingbeat_core::{Found, Id, Method, Result};

/// A service with types of its own: what goes out, what comes in.
///
/// Write the methods that the service has as plain `async fn`s, and list them in `METHODS`: one that is only written, or
/// only listed, is an error when the service is mounted. The others answer MethodNotAllowed. Data that does not fit the
/// type is a BadRequest before the method is reached. Methods beyond the six are named in [`custom`](Service::custom).
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wingbeat::{Method, Params, Result, Service, service::{CustomMethods, Found, OneOrMany}};
///
/// #[derive(Serialize)]
/// struct Todo { id: i64, text: String }
///
/// #[derive(Deserialize)]
/// struct NewTodo { text: String }
///
/// struct Todos;
///
/// impl Service for Todos {
///     type Item = Todo;
///     type Data = NewTodo;
///     type Patch = NewTodo;
///     const METHODS: &'static [Method] = &[Method::Find, Method::Create];
///
///     async fn find(&self, _params: &Params) -> Result<Found<Todo>> {
///         Ok(vec![Todo { id: 1, text: "Read the docs".into() }].into())
///     }
///     async fn create(&self, data: OneOrMany<NewTodo>, _params: &Params) -> Result<OneOrMany<Todo>> {
///         Ok(data.map(|new| Todo { id: 2, text: new.text }))
///     }
///     fn custom(methods: CustomMethods<Todos>) -> CustomMethods<Todos> {
///         methods.add("archive", Todos::archive)
///     }
/// }
///
/// impl Todos {
///     async fn archive(&self, year: u16, _params: &Params) -> Result<String> {
///         Ok(format!("All of {year} is archived"))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service with types of its own",
    note = "implement `wingbeat::Service` for it; a `RawService` is mounted by `Mount::new`"
)]
pub trait Service: Send + Sync + 'static {
    /// A record as it goes out.
    type Item: Serialize + Send;
    /// What create and update take, as it is after the hooks.
    type Data: DeserializeOwned + Send;
    /// What patch takes, as it is after the hooks.
    type Patch: DeserializeOwned + Send;
    /// The standard methods that this service implements. What is around any other service writes all six and lists those
    /// of that one.
    const METHODS: &'static [Method];

    /// All records that the query selects.
    fn find(&self, params: &Params) -> impl Future<Output = Result<Found<Self::Item>>> + Send {
        let _ = params;
        missing("find")
    }

    /// One record.
    fn get(&self, id: Id, params: &Params) -> impl Future<Output = Result<Self::Item>> + Send {
        let _ = (id, params);
        missing("get")
    }

    /// A new record, or several.
    fn create(
        &self,
        data: OneOrMany<Self::Data>,
        params: &Params,
    ) -> impl Future<Output = Result<OneOrMany<Self::Item>>> + Send {
        let _ = (data, params);
        missing("create")
    }

    /// Replaces a record; without id, all that the query selects.
    fn update(
        &self,
        id: Option<Id>,
        data: Self::Data,
        params: &Params,
    ) -> impl Future<Output = Result<OneOrMany<Self::Item>>> + Send {
        let _ = (id, data, params);
        missing("update")
    }

    /// Merges into a record; without id, into all that the query selects.
    fn patch(
        &self,
        id: Option<Id>,
        data: Self::Patch,
        params: &Params,
    ) -> impl Future<Output = Result<OneOrMany<Self::Item>>> + Send {
        let _ = (id, data, params);
        missing("patch")
    }

    /// Removes a record; without id, all that the query selects.
    fn remove(&self, id: Option<Id>, params: &Params) -> impl Future<Output = Result<OneOrMany<Self::Item>>> + Send {
        let _ = (id, params);
        missing("remove")
    }

    /// Names the methods beyond the standard six: `methods.add("archive", Self::archive)`. Clients may call them,
    /// unless the mount [exposes](crate::Mount::expose) others.
    fn custom(methods: CustomMethods<Self>) -> CustomMethods<Self>
    where
        Self: Sized,
    {
        methods
    }

    /// What clients may not ask of this service; asked once, when it is mounted. A service around another one passes on
    /// what that one says.
    fn rules(&self) -> ClientRules {
        ClientRules::default()
    }

    /// The JSON Schemas of what it takes and gives, for [`App::describe`](crate::App::describe). A service around another
    /// one passes on what that one says.
    fn schemas(&self) -> Schemas {
        Schemas::default()
    }

    /// Called once, when the application starts or when the service is mounted on a running one: there nobody finds the
    /// service before its setup is over, this one included.
    fn setup(&self, services: &Services, path: &str) -> impl Future<Output = Result<()>> + Send {
        let _ = (services, path);
        ready(Ok(()))
    }

    /// Called once, when the service is unmounted or the application shuts down. A setup that is running then is waited
    /// for; one that never ran, or has failed, keeps this from nothing.
    fn teardown(&self, services: &Services, path: &str) -> impl Future<Output = Result<()>> + Send {
        let _ = (services, path);
        ready(Ok(()))
    }
}

/// One record or a list of them, in and out alike.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the two that its name says")]
pub enum OneOrMany<T> {
    /// A single record.
    One(T),
    /// A list, which may be empty.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// Turns each record into another.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> OneOrMany<U> {
        match self {
            OneOrMany::One(item) => OneOrMany::One(f(item)),
            OneOrMany::Many(items) => OneOrMany::Many(items.into_iter().map(f).collect()),
        }
    }

    /// The single record.
    ///
    /// # Errors
    /// BadRequest for a list.
    pub fn one(self) -> Result<T> {
        match self {
            OneOrMany::One(item) => Ok(item),
            OneOrMany::Many(_) => Err(wingbeat_core::Error::bad_request("One record is expected, not a list")),
        }
    }
}

impl<T> From<T> for OneOrMany<T> {
    fn from(item: T) -> OneOrMany<T> {
        OneOrMany::One(item)
    }
}

impl<T: Serialize> Serialize for OneOrMany<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            OneOrMany::One(item) => item.serialize(serializer),
            OneOrMany::Many(items) => items.serialize(serializer),
        }
    }
}
