//! Events that wait until those of earlier writes have left.

use super::order::Turn;
use super::publish::{CallerKind, EmitterRef};
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

/// How long a call may hold up events, if no transport says how long calls may take.
const CALL: Duration = Duration::from_secs(60);

/// How long a call may take: the longest time that one of the transports allows.
///
/// Calls of clients end then, and hold up nothing any more. Those from inside may go on, and are left behind.
#[derive(Default)]
pub(in crate::app) struct CallTimeout(Mutex<Option<Duration>>);

impl CallTimeout {
    fn get(&self) -> Duration {
        self.configured().unwrap_or(CALL)
    }

    /// The longest time that a transport allows, if there is a transport.
    pub(super) fn configured(&self) -> Option<Duration> {
        *locked(&self.0)
    }
}

impl App {
    /// A transport says how long its calls may take.
    pub(crate) fn calls_may_take(&self, limit: Duration) {
        let mut timeout = locked(&self.0.call_timeout.0);
        *timeout = (*timeout).max(Some(limit));
    }
}

/// A call's permit to hold events, which all its held events share.
#[derive(Default)]
pub(super) struct HeldPermit(Option<Arc<Permit>>);

impl Inner {
    /// Publishes an event when its turn has come, which the call does not wait for.
    pub(super) async fn hold(
        self: &Arc<Inner>,
        slot: &Arc<EventSlot>,
        data: &RawJson,
        sent: &RawJson,
        emitter: EmitterRef<'_>,
        turn: Turn,
        permit: &mut HeldPermit,
    ) {
        // Without a runtime nothing could be done later.
        let coming = turn.coming().filter(|_| Handle::try_current().is_ok());
        let Some(mut coming) = coming else { return self.publish(slot, data, sent, emitter, &mut Some(turn)).await };
        // Memory that clients can fill is limited. The server's own calls wait for no permit: it may be their end that
        // others wait for.
        let order = turn.order().clone();
        if permit.0.is_none() && emitter.by == CallerKind::Client {
            match select(pin!(order.permit()), &mut coming).await {
                Either::Left((found, _)) => permit.0 = found.map(Arc::new),
                Either::Right(_) => return self.publish(slot, data, sent, emitter, &mut Some(turn)).await,
            }
        } else if permit.0.is_none() {
            permit.0 = order.free_permit().map(Arc::new);
            if permit.0.is_none() {
                turn.leave_others_behind();
            }
        }
        let (app, slot, data, sent) = (self.clone(), slot.clone(), data.clone(), sent.clone());
        let (caller, permit) = (emitter.caller.cloned(), permit.0.clone());
        self.background.spawn_unlimited(async move {
            turn.has_come(coming, app.call_timeout.get()).await;
            limited(app.publish_here(&slot, &data, &sent, caller.as_ref())).await;
            drop((turn, permit));
        });
    }
}
