//! Services: the objects that clients call.

mod call;
mod erased;
mod params;
mod query;
mod raw;
mod typed;

pub use call::{Call, Emitter, Services, ServiceHandle};
pub(crate) use call::{Caller, Emit};
pub(crate) use erased::{Custom, Erased, custom};
pub use erased::IntoService;
pub use params::{Params, Route};
pub use query::Query;
pub use raw::RawService;
pub use typed::{Found, OneOrMany, Page, Service};
