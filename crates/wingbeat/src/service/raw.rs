//! Services that speak any JSON.

#[cfg(feature = "uploads")]
use super::FileAccess;
use super::implemented::missing;
use super::{ClientRules, CustomMethods, Params, Schemas, Services};
use std::future::{Future, ready};
use wingbeat_core::{IdArg, Method, Payload, Result};

/// A service that speaks any JSON: ids, data and results as they come, null and absent kept apart.
///
/// Stores are made of it, and services whose shape is not known in advance. Where the types are known,
/// [`Service`](super::Service) is shorter.
///
/// ```
/// use serde_json::json;
/// use wingbeat::{IdArg, Method, Params, Payload, Result, service::RawService};
///
/// struct Clock;
///
/// impl RawService for Clock {
///     fn methods(&self) -> Vec<Method> {
///         vec![Method::Get]
///     }
///     async fn get(&self, id: IdArg, _params: &Params) -> Result<Payload> {
///         Ok(json!({"zone": id.to_string(), "time": "noon"}).into())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service that speaks any JSON",
    note = "implement `wingbeat::service::RawService` for it"
)]
pub trait RawService: Send + Sync + 'static {
    /// The standard methods that this service implements.
    fn methods(&self) -> Vec<Method>;

    /// All records that the query selects.
    fn find(&self, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        let _ = params;
        missing("find")
    }

    /// One record.
    fn get(&self, id: IdArg, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        let _ = (id, params);
        missing("get")
    }

    /// A new record, or several.
    fn create(&self, data: Option<Payload>, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        let _ = (data, params);
        missing("create")
    }

    /// Replaces a record.
    fn update(
        &self,
        id: IdArg,
        data: Option<Payload>,
        params: &Params,
    ) -> impl Future<Output = Result<Payload>> + Send {
        let _ = (id, data, params);
        missing("update")
    }

    /// Merges into a record, or into all that the query selects.
    fn patch(&self, id: IdArg, data: Option<Payload>, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
        let _ = (id, data, params);
        missing("patch")
    }

    /// Removes a record, or all that the query selects.
    fn remove(&self, id: IdArg, params: &Params) -> impl Future<Output = Result<Payload>> + Send {
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

    /// Whether its options can be what they say; asked once, when it is mounted, and what it answers fails that. A service
    /// around another one passes on what that one says.
    ///
    /// # Errors
    /// Names the first option that cannot, and what to write instead.
    fn check(&self) -> Result<()> {
        Ok(())
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

    /// How it takes and gives files, if it does, as [`Uploads`](crate::store::Uploads) says it. A service around another one
    /// passes on what that one says.
    #[cfg(feature = "uploads")]
    fn files(&self) -> Option<FileAccess> {
        None
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
