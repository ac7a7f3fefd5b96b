//! Errors over REST that something before the server may have made.

use std::fmt;

/// The source of an error that is not written as a Feathers server writes them.
#[derive(Debug)]
pub(crate) struct Foreign;

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is not an error of a Feathers server, and may be a proxy's")
    }
}

impl std::error::Error for Foreign {}
