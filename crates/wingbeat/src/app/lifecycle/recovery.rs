//! Clients that lose their connection and come back.

use crate::app::guard::guarded;
use crate::app::{App, Dispatcher};
use crate::realtime::{Claim, Connection, LostSocket, Recovery, Refused};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// How long a client waits for its own earlier session, which it was quicker than, to say that it ends.
const TAKING_OVER: Duration = Duration::from_secs(10);
/// How long it waits for the end of that then.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why a client begins anew.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anew {
    /// What it has missed cannot be given to it.
    Missed(Refused),
    /// Its login does not hold any more, or is somebody else's.
    Login,
    /// What middleware says of it is something else.
    Other,
}

impl Anew {
    /// In a word, for logs and figures.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Anew::Missed(Refused::Unknown) => "unknown",
            Anew::Missed(Refused::Gone) => "gone from the log",
            Anew::Missed(Refused::TooMuch) => "too much missed",
            Anew::Missed(Refused::Failed) => "filter failed",
            Anew::Missed(Refused::Changed) => "changed",
            Anew::Login => "login",
            Anew::Other => "other values",
        }
    }
}

/// Says what became of a client that came back: once of each.
pub(crate) fn note_outcome(connection: &Connection, outcome: &'static str) {
    tracing::debug!(?connection, outcome, "a client has come back");
    #[cfg(feature = "metrics")]
    metrics::counter!("wingbeat_recovery_total", "outcome" => outcome).increment(1);
}

impl Dispatcher {
    /// A client has lost its connection, and may come back by its private id.
    pub(crate) fn lost(&self, connection: &Connection, socket: LostSocket) {
        if let Some(app) = self.app() {
            app.lost(connection, socket);
        }
    }

    /// A client that is about to connect has come back for a lost connection: whether it can go on from that, which is then
    /// kept for it until it is [connected](Dispatcher::connected). `take_over` ends its earlier session, if that seems alive.
    pub(crate) async fn resume(
        &self,
        recovery: &Arc<Recovery>,
        connection: &Connection,
        private_id: &str,
        after: u64,
        take_over: impl Future<Output = bool>,
        is_same: impl Fn(&Connection) -> bool,
    ) -> Result<Arc<Claim>, Anew> {
        let claim = claim(recovery, connection, private_id, after, take_over).await.map_err(Anew::Missed);
        let app = self.app().ok_or(Anew::Missed(Refused::Unknown))?;
        let claim = match claim {
            Ok(claim) => claim,
            // Nothing is kept, or another client is about to go on from it.
            Err(why @ Anew::Missed(Refused::Unknown)) => return Err(why),
            Err(why) => {
                app.end_lost(recovery, private_id);
                return Err(why);
            }
        };
        if !is_same(&claim.lost) {
            app.end_lost(recovery, private_id);
            return Err(Anew::Other);
        }
        let asked = Box::pin(app.ask_to_resume(&claim.lost, connection));
        if let Err(error) = guarded(asked, self.limit()).await {
            tracing::debug!(?error, ?connection, "a client may not go on from its lost connection");
            app.end_lost(recovery, private_id);
            return Err(Anew::Login);
        }
        if let Err(why) = claim.look_up(connection) {
            app.end_lost(recovery, private_id);
            return Err(Anew::Missed(why));
        }
        connection.hold();
        connection.mark(claim);
        connection.extension::<Claim>().ok_or(Anew::Missed(Refused::Unknown))
    }
}

async fn claim(
    recovery: &Arc<Recovery>,
    connection: &Connection,
    private_id: &str,
    after: u64,
    take_over: impl Future<Output = bool>,
) -> Result<Claim, Refused> {
    let first = recovery.claim(private_id, connection, after);
    if !matches!(first, Err(Refused::Unknown)) || !timeout(TAKING_OVER, take_over).await.unwrap_or(false) {
        return first;
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let changed = recovery.changed();
        match recovery.claim(private_id, connection, after) {
            Err(Refused::Unknown) => {}
            claim => return claim,
        }
        timeout_at(deadline, changed).await.map_err(|_| Refused::Unknown)?;
    }
}

impl App {
    /// A client has lost its connection: it leaves all channels, and the listeners run.
    fn lost(&self, connection: &Connection, socket: LostSocket) {
        let Some(recovery) = self.0.channels.recovery() else { return self.disconnected(connection) };
        let Some(parked) = self.0.channels.park(recovery, connection, socket) else {
            return self.disconnected(connection);
        };
        #[cfg(feature = "metrics")]
        measure(recovery);
        self.gone(connection, parked.left, || ());
        parked.ended.iter().for_each(|lost| self.stays_away(lost));
        if recovery.begin_watching() {
            tokio::spawn(watch(self.clone(), recovery.clone()));
        }
    }

    /// A client comes back no more, or begins anew.
    fn stays_away(&self, lost: &Connection) {
        #[cfg(feature = "metrics")]
        self.0.channels.recovery().into_iter().for_each(|recovery| measure(recovery));
        lost.origin().scope(|| {
            self.tell(&self.0.listeners.lost, lost);
            self.let_out(lost);
        });
    }

    /// Ends what is kept of a lost connection, by the private id of its client.
    fn end_lost(&self, recovery: &Recovery, private_id: &str) {
        if let Some(lost) = self.0.channels.end_parked_client(recovery, private_id) {
            self.stays_away(&lost);
        }
    }

    /// Ends what is kept of a lost connection. Whether anything was.
    pub(super) fn end_parked(&self, lost: &Connection) -> bool {
        let Some(recovery) = self.0.channels.recovery() else { return false };
        let was_kept = self.0.channels.end_parked(recovery, lost);
        if was_kept {
            self.stays_away(lost);
        }
        was_kept
    }

    /// The application ends: nobody comes back.
    pub(super) async fn end_all_lost(&self) {
        let Some(recovery) = self.0.channels.recovery() else { return };
        loop {
            let ended = self.0.channels.end_some(recovery, true);
            if ended.is_empty() {
                return;
            }
            ended.iter().for_each(|lost| self.stays_away(lost));
            yield_now().await;
        }
    }

    /// Whether a connection is lost, and its client may come back.
    #[cfg(feature = "auth")]
    pub(crate) fn is_parked(&self, connection: &Connection) -> bool {
        self.0.channels.recovery().is_some_and(|recovery| recovery.is_parked(connection))
    }

    /// Gives a connection the channels of the one that it goes on from, and what was published to it meanwhile. The client
    /// believes that; if it cannot be, it has to come again, and is told then.
    pub(super) fn give_back(&self, connection: &Connection) {
        let Some(claim) = connection.extension::<Claim>() else { return };
        connection.unmark::<Claim>();
        connection.mark_recovered();
        match self.0.delivery.give_back(&claim, connection) {
            Ok(_events) => {
                note_outcome(connection, "recovered");
                #[cfg(feature = "metrics")]
                {
                    metrics::counter!("wingbeat_recovery_events_total").increment(_events as u64);
                    self.0.channels.recovery().into_iter().for_each(|recovery| measure(recovery));
                }
                self.0.channels.came_back(connection);
                self.hand_over(&claim.lost);
            }
            Err(why) => {
                note_outcome(connection, Anew::Missed(why).as_str());
                // It may hear events until then, and must not go on from behind these.
                self.end_parked(&claim.lost);
                connection.break_off();
            }
        }
    }
}

/// Ends lost connections whose time is over, until there are none.
async fn watch(app: App, recovery: Arc<Recovery>) {
    let (app, recovery) = (app.downgrade(), Arc::downgrade(&recovery));
    loop {
        let next = {
            let (Some(app), Some(recovery)) = (app.upgrade(), recovery.upgrade()) else { return };
            let ended = app.0.channels.end_some(&recovery, false);
            ended.iter().for_each(|lost| app.stays_away(lost));
            match recovery.watched() {
                Some(next) => next,
                None => return,
            }
        };
        // Also if that is now: others have their turn.
        yield_now().await;
        sleep_until(next).await;
    }
}

#[cfg(feature = "metrics")]
fn measure(recovery: &Recovery) {
    metrics::gauge!("wingbeat_recovery_lost_connections").set(recovery.parked() as f64);
}
