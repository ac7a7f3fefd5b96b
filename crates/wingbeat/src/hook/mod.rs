//! Hooks: functions that run around, before and after service methods, and when one fails.

mod chain;
mod context;
mod description;
mod external;
mod function;
pub mod library;
mod limit;
mod registration;
mod with;
mod words;

pub use chain::Next;
pub(crate) use chain::{Chain, Target};
pub use context::{Context, HookType, Http, Original};
pub use description::HookDescription;
pub use function::{Around, Hook, sync};
pub(crate) use registration::HookSet;
pub use registration::{All, Methods};
pub use with::{With, with};
pub(crate) use words::ErrorWords;
