//! What the fuzzers share with the tests of the crates.

pub mod query;
