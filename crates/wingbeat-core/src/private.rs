//! What the code that `#[derive(Record)]` writes needs. No part of the public interface.

pub use serde;
use serde::{Deserialize, Deserializer};

/// Reads the field of a patch that is there: null is a value of a field that can be null, and an error elsewhere. (Serde
/// by itself would take null for an absent field.)
///
/// # Errors
/// If it does not fit.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
