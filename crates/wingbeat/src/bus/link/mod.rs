//! What connections to brokers have in common: a bounded queue, what is asked for, and coming back after a loss.
//!
//! An adapter knows how one [`Session`] with its broker works, as long as that lasts. This asks each new session for all that
//! is wanted, sends what is queued, looks whether the broker still answers, and says when something may be missing.

mod arrivals;
mod life;
mod shared;
#[cfg(test)]
mod tests;

pub(super) use arrivals::Arrivals;
pub(super) use life::connect;

use super::Topic;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::Result;

/// How sessions begin.
pub(super) trait Broker: Send + Sync + 'static {
    type Session: Session;
    /// What it is called in logs.
    const NAME: &'static str;
    /// How long the broker may be silent until it counts as lost.
    fn silence(&self) -> Duration;
    /// Begins a session, whose messages go to `arrivals`.
    fn open(&self, arrivals: Arc<Arrivals>) -> impl Future<Output = Result<Self::Session>> + Send;
}

/// A connection to the broker, until it is lost for the first time. Each error ends it.
pub(super) trait Session: Send + Sync + 'static {
    /// How many bytes a message may have.
    fn largest(&self) -> usize;
    /// Ready when they are in force.
    fn subscribe(&self, topics: &[Topic]) -> impl Future<Output = Result<()>> + Send;
    /// Ready when they are no longer in force.
    fn unsubscribe(&self, topics: &[Topic]) -> impl Future<Output = Result<()>> + Send;
    /// Ready when more can be sent.
    fn publish(&self, messages: Vec<(Topic, Bytes)>) -> impl Future<Output = Result<()>> + Send;
    /// Ready when the broker has answered, and so has read all that was sent before.
    fn ping(&self) -> impl Future<Output = Result<()>> + Send;
    /// Ready when it has ended by itself, with the reason.
    fn ended(&self) -> impl Future<Output = wingbeat_core::Error> + Send;
}
