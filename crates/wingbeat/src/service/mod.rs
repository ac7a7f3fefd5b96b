//! Services: the objects that clients call.

mod call;
mod caller;
mod custom;
mod description;
mod dyn_service;
mod extends;
#[cfg(feature = "uploads")]
mod file;
mod function;
mod implemented;
mod into_service;
pub(crate) mod invocation;
#[cfg_attr(not(feature = "auth"), allow(dead_code, reason = "authentication alone has such values"))]
mod named;
mod params;
mod query_paths;
mod raw;
mod route;
mod rules;
mod typed;

pub(crate) use call::{Emitter, Host, Notes, ServiceScope};
pub use call::{ServiceHandle, Services};
pub(crate) use custom::Custom;
pub use custom::{CustomMethod, CustomMethods};
pub(crate) use description::MethodSchemas;
pub use description::{Description, MethodDescription, ServiceDescription};
pub(crate) use dyn_service::{DynService, HookedCall};
pub use extends::Extends;
#[cfg(feature = "uploads")]
pub use file::FileAccess;
#[cfg(feature = "uploads")]
pub(crate) use file::{Arrival, Blob, FileStream, Files, Incoming, Redeemed, Wanted};
pub use function::MethodFunction;
pub(crate) use function::{raw_function, typed_function};
pub use into_service::IntoService;
#[cfg(feature = "auth")]
pub(crate) use named::{KeepsValue, NamedValue};
pub use params::Params;
pub use raw::RawService;
pub use route::Route;
pub use rules::ClientRules;
pub(crate) use rules::too_many;
pub use typed::{OneOrMany, Service};
pub use wingbeat_core::{Found, Order, Page, Query, Schemas};
