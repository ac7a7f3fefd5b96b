//! Services on top of another one.

#[cfg(feature = "uploads")]
use super::FileAccess;
use super::{ClientRules, CustomMethods, Params, RawService, Schemas, Services};
use wingbeat_core::{IdArg, Method, Payload, Result};

/// A service that is another one but for some methods, as `class Notes extends MemoryService` is in JavaScript: what it does
/// not write is the base's, methods, `$select`, what clients may not ask, setup and teardown included.
///
/// For what happens before or after a method a hook is shorter. Replace a method where it does something else, or needs
/// what the service holds.
///
/// ```
/// use serde_json::json;
/// use wingbeat::{prelude::*, service::Extends, store::Memory, test::Client};
///
/// /// Notes that are archived, not removed.
/// struct Notes {
///     table: Memory,
/// }
///
/// impl Extends for Notes {
///     type Base = Memory;
///
///     fn base(&self) -> &Memory {
///         &self.table
///     }
///
///     async fn remove(&self, id: IdArg, params: &Params) -> Result<Payload> {
///         self.base().patch(id, Some(json!({"archived": true}).into()), params).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let table = Memory::new().records([json!({"id": 1, "text": "Buy milk", "author": "Ann"})]);
/// let app = App::builder().mount("notes", Mount::new(Notes { table })).build()?;
/// let client = Client::connect(&app).await?;
/// let notes = client.service("notes").query(json!({"$select": ["archived"]}));
/// assert_eq!(notes.remove(1).await?, json!({"archived": true, "id": 1}));
/// assert_eq!(notes.find().await?, json!([{"archived": true, "id": 1}]));
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which service it extends",
    note = "implement `wingbeat::service::Extends` for it, with `type Base` and `fn base`"
)]
pub trait Extends: Send + Sync + 'static {
    /// The service below.
    type Base: RawService;

    /// The service below, which answers what this one leaves to it.
    fn base(&self) -> &Self::Base;

    /// The standard methods; those of the base. A method that the base does not have is added here.
    fn methods(&self) -> Vec<Method> {
        self.base().methods()
    }

    /// All records that the query selects.
    fn find(&self, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        self.base().find(params)
    }

    /// One record.
    fn get(&self, id: IdArg, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        self.base().get(id, params)
    }

    /// A new record, or several.
    fn create(&self, data: Option<Payload>, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        self.base().create(data, params)
    }

    /// Replaces a record.
    fn update(
        &self,
        id: IdArg,
        data: Option<Payload>,
        params: &Params,
    ) -> impl Future<Output = Result<Payload>> + Send {
        self.base().update(id, data, params)
    }

    /// Merges into a record, or into all that the query selects.
    fn patch(&self, id: IdArg, data: Option<Payload>, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        self.base().patch(id, data, params)
    }

    /// Removes a record, or all that the query selects.
    fn remove(&self, id: IdArg, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        self.base().remove(id, params)
    }

    /// Names further methods: `methods.add("archive", Self::archive)`. Those of the base stay, unless one has the same name.
    fn custom(methods: CustomMethods<Self>) -> CustomMethods<Self>
    where
        Self: Sized,
    {
        methods
    }

    /// Whether its options can be what they say, as [`RawService::check`].
    ///
    /// # Errors
    /// Names the first option that cannot, and what to write instead.
    fn check(&self) -> Result<()> {
        self.base().check()
    }

    /// What clients may not ask.
    fn rules(&self) -> ClientRules {
        self.base().rules()
    }

    /// The JSON Schemas of what it takes and gives, for [`App::describe`](crate::App::describe).
    fn schemas(&self) -> Schemas {
        self.base().schemas()
    }

    /// How it takes and gives files, if it does.
    #[cfg(feature = "uploads")]
    fn files(&self) -> Option<FileAccess> {
        self.base().files()
    }

    /// As [`RawService::setup`]. One that is written here calls that of the base.
    fn setup(&self, services: &Services, path: &str) -> impl Future<Output = Result<()>> + Send {
        self.base().setup(services, path)
    }

    /// As [`RawService::teardown`]. One that is written here calls that of the base.
    fn teardown(&self, services: &Services, path: &str) -> impl Future<Output = Result<()>> + Send {
        self.base().teardown(services, path)
    }
}

/// Such a service as the raw one that it is.
pub(super) struct Extended<E>(pub(super) E);

// No `async fn`s: a method that the base has not written is seen to be missing here as well.
impl<E: Extends> RawService for Extended<E> {
    fn methods(&self) -> Vec<Method> {
        self.0.methods()
    }
    fn find(&self, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        self.0.find(params)
    }
    fn get(&self, id: IdArg, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        self.0.get(id, params)
    }
    fn create(&self, data: Option<Payload>, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        self.0.create(data, params)
    }
    fn update(
        &self,
        id: IdArg,
        data: Option<Payload>,
        params: &Params,
    ) -> impl Future<Output = Result<Payload>> + Send {
        self.0.update(id, data, params)
    }
    fn patch(&self, id: IdArg, data: Option<Payload>, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        self.0.patch(id, data, params)
    }
    fn remove(&self, id: IdArg, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        self.0.remove(id, params)
    }
    fn custom(_: CustomMethods<Extended<E>>) -> CustomMethods<Extended<E>> {
        let own = E::custom(CustomMethods::default()).within(|extended: &Extended<E>| &extended.0);
        own.or(E::Base::custom(CustomMethods::default()).within(|extended: &Extended<E>| extended.0.base()))
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
    fn setup(&self, services: &Services, path: &str) -> impl Future<Output = Result<()>> + Send {
        self.0.setup(services, path)
    }
    fn teardown(&self, services: &Services, path: &str) -> impl Future<Output = Result<()>> + Send {
        self.0.teardown(services, path)
    }
}
