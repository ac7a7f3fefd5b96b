//! Transports: from bytes to calls and back.
//!
//! [`SocketIo`] is one. Another is a parser that makes an [`Invocation`] of what clients send, a way to write the
//! [`Outcome`] that a [`Dispatcher`] gives for it, a [`BoundTransport`] that starts and ends it, and a
//! [`Peer`](crate::realtime::Peer) if it can be sent events; the example `lines` is one of 100 lines.

mod health;
#[cfg(feature = "metrics")]
mod metrics;
mod rest;
mod serve;
mod socketio;

pub use crate::app::{BoundTransport, Dispatch, Dispatcher, HttpBody, Outcome, PendingCall, Transport};
pub use crate::service::invocation::{Arguments, Caller, Invocation};
pub use health::Health;
#[cfg(feature = "metrics")]
pub use metrics::Metrics;
pub use rest::{EventStreams, Rest};
pub use serve::{Serve, serve, terminated};
pub use socketio::{Recovery, SocketIo};

/// The path as requests have it, with a slash in front.
fn absolute(path: Box<str>) -> Box<str> {
    if path.starts_with('/') { path } else { format!("/{path}").into() }
}
