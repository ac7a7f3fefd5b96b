mod resolving;
#[cfg(feature = "schema")]
mod validation;
