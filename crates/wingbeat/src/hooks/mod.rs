//! Hooks: functions that run around, before and after service methods, and when one fails.

mod chain;
mod context;
mod description;
mod error_map;
mod external;
mod function;
mod library;
mod limit;
mod only;
#[cfg(feature = "auth")]
mod owned;
mod populate;
mod registration;
mod with;

pub use chain::Next;
pub(crate) use chain::{Chain, Target};
pub use context::{Context, HookType, Http, Original};
pub use description::HookDescription;
pub(crate) use error_map::ErrorMap;
pub use external::{External, external};
pub use function::{Around, Hook, sync};
pub use library::{created_at, disallow, parse, protect, updated_at};
pub use limit::{by_address, by_connection, limit};
pub use only::{Only, only};
#[cfg(feature = "auth")]
pub use owned::{OwnedBy, owned_by, stamp};
pub use populate::{Populate, populate};
pub(crate) use registration::HookSet;
pub use wingbeat_core::{All, Methods};
pub use with::{With, with};
