//! Schemas and resolvers: what may come in, and what records become on their way in and out.
//!
//! Validation (feature `schema`) holds data and queries against JSON Schemas, which come from Rust types. Resolvers are
//! asynchronous functions for single fields or whole records.

#[cfg(feature = "schema")]
mod coercion;
#[cfg(feature = "schema")]
mod definition;
#[cfg(feature = "schema")]
mod describe;
#[cfg(feature = "schema")]
mod explain;
mod field;
mod function;
#[cfg(feature = "schema")]
mod order;
mod original;
mod reader;
mod record;
mod resolve;
mod resolver;
mod step;
#[cfg(test)]
mod tests;
mod text;
mod together;
#[cfg(feature = "schema")]
mod validate;
#[cfg(feature = "schema")]
mod validator;

#[cfg(feature = "schema")]
pub use definition::{json_schema, partial, query_syntax};
#[cfg(feature = "schema")]
pub use describe::schemas;
pub use field::{Field, Scope};
pub use resolve::{resolve_data, resolve_external, resolve_query, resolve_result};
pub use resolver::Resolver;
/// Derives schemas from types; see <https://docs.rs/schemars>.
///
/// A crate that does not depend on `schemars` itself says so to the derive: `use wingbeat::schema::{JsonSchema, schemars};`
/// and `#[schemars(crate = "schemars")]` on the type.
#[cfg(feature = "schema")]
pub use schemars::{self, JsonSchema};
#[cfg(feature = "schema")]
pub use validate::{Validate, validate_data, validate_patch, validate_query};
