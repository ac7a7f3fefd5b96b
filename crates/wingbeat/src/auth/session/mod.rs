//! Connections that are logged in: which they are, logins under way, and when tokens end.

mod expiry;
mod login;
mod logins;
mod registry;
mod sessions;

pub use expiry::Expiry;
pub(super) use login::Session;
pub(super) use logins::{LoginUnderWay, Logins};
pub(super) use registry::{Pending, SessionRegistry};
