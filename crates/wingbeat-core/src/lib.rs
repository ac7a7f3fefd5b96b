//! What both ends of Wingbeat agree on: errors, ids, methods, JSON payloads, definitions of services.
//!
//! This crate does no I/O and needs no runtime, so that a server, a native client and a browser build can share it.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod async_function;
#[cfg(feature = "axum")]
mod axum;
mod binary;
mod date;
mod definition;
mod error;
mod escaped;
mod found;
mod headers;
mod id;
pub mod json;
mod log_throttle;
mod method;
mod methods;
mod objects;
mod payload;
pub mod placeholder;
mod query;
pub mod query_string;
mod raw_json;
mod record;
mod schemas;

#[doc(hidden)]
pub use async_function::AsyncFunction;
pub use binary::Binary;
pub use date::iso_date;
pub use definition::Definition;
pub use error::{Error, ErrorKind, Result};
pub use escaped::Escaped;
pub use found::{Found, Page};
pub use headers::Headers;
pub use id::{Id, IdArg};
#[doc(hidden)]
pub use log_throttle::LogThrottle;
pub use method::Method;
pub use methods::{All, Methods};
pub use payload::Payload;
pub use query::{Order, Query};
pub use raw_json::RawJson;
pub use record::Record;
pub use schemas::Schemas;
#[cfg(feature = "derive")]
pub use wingbeat_derive::Record;
