//! HTTP long-polling: what requests and the session's task leave for each other.

/// What requests and the session's task leave for each other.
#[derive(Default)]
pub(crate) struct Polls {}
