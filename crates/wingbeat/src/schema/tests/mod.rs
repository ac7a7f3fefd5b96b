#[cfg(all(feature = "derive", feature = "schema"))]
mod record;
mod resolving;
#[cfg(feature = "schema")]
mod validation;
