//! What the fuzzers share with the tests of the crates.

#[cfg(feature = "query")]
pub mod query;
pub mod query_string;
