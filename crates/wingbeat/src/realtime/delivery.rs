//! Delivery: one queue through which all events of an application go to their audiences, in order.
//!
//! A small audience is served at once. A large one goes in slices with a pause between them, so that calls beside it are
//! answered; publications that wait behind one another for the same channel are then delivered together, all frames per
//! connection, which keeps the number of writes down (without that, slicing costs 3.5 times as much).

use super::Connection;
use super::audience::Audience;
use super::channel::Channels;
use super::delivery_queue::{DeliveryQueue, Published, is_small};
use super::publication::EventName;
use super::recipients::Recipients;
use super::recovery::{Claim, Recovery, Refused};
use crate::fair::{Gate, current};
use crate::locked;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use wingbeat_core::{RawJson, Result};

/// How many publications may wait for their turn; the publishers of further ones wait, each source behind its own.
const WAITING: usize = 1024;

/// The queue, and the task that is at work on it.
pub(crate) struct Delivery {
    channels: Arc<Channels>,
    queue: Mutex<DeliveryQueue>,
    places: Arc<Gate>,
    #[cfg(feature = "metrics")]
    deliveries: metrics::Counter,
}

impl Delivery {
    pub(crate) fn new(channels: Arc<Channels>) -> Arc<Delivery> {
        Arc::new(Delivery {
            channels,
            queue: Mutex::default(),
            places: Gate::for_stays(WAITING, usize::MAX),
            #[cfg(feature = "metrics")]
            deliveries: metrics::counter!("wingbeat_deliveries_total"),
        })
    }

    /// Sends an event to an audience. Returns when the caller's own frame is queued on its connection, if the caller is
    /// in the audience; all others are served in their turn. False if nobody is.
    ///
    /// Waits while too many publications of this source wait. If this is dropped meanwhile, nobody hears the event.
    pub(crate) async fn send(
        self: &Arc<Delivery>,
        audience: &Audience,
        name: &EventName,
        data: &RawJson,
        caller: Option<&Connection>,
    ) -> Result<bool> {
        let recovery = self.channels.recovery().map(|recovery| &**recovery);
        let returns = || recovery.map_or(0, Recovery::returns);
        // Who was given its channels back while an audience was looked up may be missing in it: then it is looked up again.
        let look_up = || -> Result<(u64, Option<Recipients>)> {
            loop {
                let seen = returns();
                match self.channels.recipients(audience, name, data)? {
                    None if returns() != seen => {}
                    recipients => return Ok((seen, recipients)),
                }
            }
        };
        let (mut seen, Some(mut recipients)) = look_up()? else { return Ok(false) };
        #[cfg(feature = "metrics")]
        self.deliveries.increment(recipients.len() as u64);
        let mut needs_place = !is_small(&recipients);
        loop {
            let place = if needs_place { Some(self.places.enter(current()).await?) } else { None };
            let (published, is_to_work) = {
                let mut queue = locked(&self.queue);
                let published = match returns() == seen {
                    true => queue.publish(recipients, caller, place, recovery),
                    // Who was given its channels back since then is not among these.
                    false => Published::Placeless(recipients),
                };
                (published, queue.is_to_work())
            };
            if is_to_work {
                tokio::spawn(Worker { delivery: self.clone(), is_done: false }.run());
            }
            match published {
                Published::Placeless(to) if returns() == seen => (recipients, needs_place) = (to, true),
                Published::Placeless(_) => {
                    let (now, Some(again)) = look_up()? else { return Ok(false) };
                    (seen, recipients) = (now, again);
                }
                Published::Served { .. } | Published::Queued => return Ok(true),
            }
        }
    }

    /// Gives a connection what its client has missed, and the channels of the lost one. How many events that were.
    ///
    /// # Errors
    /// If not all can be given: then nothing is, and the client must be told that it has missed something.
    pub(crate) fn give_back(&self, claim: &Claim, to: &Connection) -> std::result::Result<usize, Refused> {
        self.channels.give_back(claim, to, |with| with(&mut locked(&self.queue)))
    }

    /// Whether nothing waits to be delivered.
    pub(crate) fn is_idle(&self) -> bool {
        locked(&self.queue).is_empty()
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
            let slice = || locked(&self.delivery.queue).serve_slice(&mut served);
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
            locked(&self.delivery.queue).busy = false;
        }
    }
}
