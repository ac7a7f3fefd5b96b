//! Connections that are logged in: which they are, logins under way, and when tokens end.

mod expiry;
mod logins;
mod registry;

pub use expiry::Expiry;
pub(super) use logins::{LoginUnderWay, Logins};
pub(super) use registry::{Pending, Session, SessionRegistry};
