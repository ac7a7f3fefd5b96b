//! Delivery: one lane through which all events of an application go to their audiences, in order.
//!
//! A small audience is served at once. A large one goes in slices with a pause between them, so that calls beside it are
//! answered; publications that wait behind one another for the same channel are then delivered together, all frames per
//! connection, which keeps the number of writes down (without that, slicing costs 3.5 times as much).

use super::Connection;
use super::audience::Audience;
use super::channel::Channels;
use super::lane::{Lane, Published};
use super::publication::EventName;
use crate::locked;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use wingbeat_core::{RawJson, Result};

/// The lane, and the task that is at work on it.
pub(crate) struct Delivery {
    channels: Arc<Channels>,
    lane: Mutex<Lane>,
    #[cfg(feature = "metrics")]
    deliveries: metrics::Counter,
}

impl Delivery {
    pub(crate) fn new(channels: Arc<Channels>) -> Arc<Delivery> {
        Arc::new(Delivery {
            channels,
            lane: Mutex::default(),
            #[cfg(feature = "metrics")]
            deliveries: metrics::counter!("wingbeat_deliveries_total"),
        })
    }

    /// Sends an event to an audience. Returns when the caller's own frame is queued on its connection, if the caller is
    /// in the audience; all others are served in their turn. False if nobody is.
    ///
    /// Waits while too many publications wait. If this is dropped meanwhile, nobody hears the event, unless somebody
    /// has already.
    pub(crate) async fn send(
        self: &Arc<Delivery>,
        audience: &Audience,
        name: &EventName,
        data: &RawJson,
        caller: Option<&Connection>,
    ) -> Result<bool> {
        let Some(recipients) = self.channels.recipients(audience, name, data)? else { return Ok(false) };
        #[cfg(feature = "metrics")]
        self.deliveries.increment(recipients.len() as u64);
        let (published, is_to_work) = {
            let mut lane = locked(&self.lane);
            (lane.publish(recipients, caller), lane.is_to_work())
        };
        if is_to_work {
            tokio::spawn(Worker { delivery: self.clone(), is_done: false }.run());
        }
        if let Published::Placeless { number, placed, for_caller } = published {
            let mut waiting = Waiting { delivery: self, number, placed };
            // An error means that it is on its way already.
            (&mut waiting.placed).await.ok();
            if let Some(caller) = caller.filter(|_| for_caller) {
                locked(&self.lane).catch_up(caller, number);
            }
        }
        Ok(true)
    }

    /// Whether nothing waits to be delivered.
    pub(crate) fn is_idle(&self) -> bool {
        locked(&self.lane).is_empty()
    }
}

/// A publisher whose publication has no place among those that wait.
struct Waiting<'a> {
    delivery: &'a Delivery,
    number: u64,
    placed: oneshot::Receiver<()>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Without this, calls that are given up would leave more and more behind.
        locked(&self.delivery.lane).withdraw(self.number);
    }
}

/// The task that is at work. It ends when nothing waits; if it ends otherwise, with its runtime, the next publication
/// begins another.
struct Worker {
    delivery: Arc<Delivery>,
    is_done: bool,
}

impl Worker {
    async fn run(mut self) {
        let mut served = Vec::new();
        loop {
            let slice = || locked(&self.delivery.lane).serve_slice(&mut served);
            match catch_unwind(AssertUnwindSafe(slice)) {
                Ok(true) => {}
                Ok(false) => {
                    self.is_done = true;
                    return;
                }
                Err(_) => tracing::error!("the delivery of an event to a connection panicked"),
            }
            served.clear();
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.is_done {
            locked(&self.delivery.lane).busy = false;
        }
    }
}
