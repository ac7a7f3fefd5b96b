//! Ways to say who one is, and how often somebody may try.

mod api_key;
mod attempt;
mod attempts;
mod jwt;
mod local;
mod set;

pub use api_key::ApiKey;
pub(super) use attempt::DynStrategy;
pub use attempt::{Attempt, Identity, Strategy};
pub(super) use attempts::{Attempts, CountedAttempt};
pub use jwt::Jwt;
pub use local::Local;
pub(super) use set::StrategySet;
