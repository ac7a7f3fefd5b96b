//! Events that wait until those of earlier writes have left.

use super::order::Turn;
use super::publish::{By, Whose};
use super::slots::EventSlot;
use crate::app::{App, Inner, background::limited};
use crate::fair::Permit;
use crate::locked;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use wingbeat_core::RawJson;

/// How long events are held up by a call where no transport has said how long calls may take.
const CALL: Duration = Duration::from_secs(60);

/// How long a call may take: the longest time that one of the transports allows.
///
/// Calls of clients end then, and hold up nothing any more. Those from inside may go on, and are left behind.
#[derive(Default)]
pub(in crate::app) struct Patience(Mutex<Option<Duration>>);

impl Patience {
    fn get(&self) -> Duration {
        self.said().unwrap_or(CALL)
    }

    /// What the transports say, if there is one.
    pub(super) fn said(&self) -> Option<Duration> {
        *locked(&self.0)
    }
}

impl App {
    /// A transport says how long its calls may take.
    pub(crate) fn calls_may_take(&self, limit: Duration) {
        let mut patience = locked(&self.0.patience.0);
        *patience = (*patience).max(Some(limit));
    }
}

/// A call's place among those that have held events, which all of these share.
#[derive(Default)]
pub(super) struct Place(Option<Arc<Permit>>);

impl Inner {
    /// Publishes an event when its turn has come, which the call does not wait for.
    pub(super) async fn hold(
        self: &Arc<Inner>,
        slot: &Arc<EventSlot>,
        data: &RawJson,
        sent: &RawJson,
        whose: Whose<'_>,
        turn: Turn,
        place: &mut Place,
    ) {
        // Without a runtime nothing could be done later.
        let coming = turn.coming().filter(|_| Handle::try_current().is_ok());
        let Some(mut coming) = coming else { return self.publish(slot, data, sent, whose, &mut Some(turn)).await };
        // Memory that clients can fill is limited. The server's own calls wait for no place: it may be their end that
        // others wait for.
        let order = turn.order().clone();
        if place.0.is_none() && whose.by == By::Client {
            match select(pin!(order.place()), &mut coming).await {
                Either::Left((found, _)) => place.0 = found.map(Arc::new),
                Either::Right(_) => return self.publish(slot, data, sent, whose, &mut Some(turn)).await,
            }
        } else if place.0.is_none() {
            place.0 = order.free_place().map(Arc::new);
            if place.0.is_none() {
                turn.leave_others_behind();
            }
        }
        let (app, slot, data, sent) = (self.clone(), slot.clone(), data.clone(), sent.clone());
        let (caller, place) = (whose.caller.cloned(), place.0.clone());
        self.background.spawn_unlimited(async move {
            turn.has_come(coming, app.patience.get()).await;
            limited(app.publish_here(&slot, &data, &sent, caller.as_ref())).await;
            drop((turn, place));
        });
    }
}
