//! Access tokens: keys, issuing them, verifying them.

mod issuer;
mod key;
mod time;

pub(super) use issuer::{Claims, TokenIssuer};
pub use key::{Algorithm, Key};
pub(super) use time::{Seconds, iso, now, span};
