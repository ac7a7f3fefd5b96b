//! Connection state recovery: clients that come back have missed nothing, or are told that they have.

mod options;
mod private_id;

pub use options::Recovery;

use crate::app::{App, Dispatcher};
use crate::realtime::{self, Claim, Connection, Position, RecoveryLimits};
use private_id::{PrivateId, PrivateIds};
use serde::Deserialize;
use std::sync::Arc;
use wingbeat_core::{Error, Result};
use wingbeat_engine::{Config, Handshake, Reason, Socket};

type Offer = Box<dyn Fn(&Handshake) -> bool + Send + Sync>;

/// What the transport needs to know of clients that come back.
pub(super) struct Recoveries {
    ids: PrivateIds,
    kept: Arc<realtime::Recovery>,
    offer: Option<Offer>,
    keep: Vec<Box<str>>,
}

/// What socket.io-client sends with its CONNECT when it comes back.
#[derive(Deserialize)]
struct ComesBack {
    pid: String,
    /// The last argument of the last event, if that was a text.
    offset: Option<serde_json::Value>,
}

/// What it asks for.
enum Asked {
    /// To go on from that socket, after that event.
    For { socket: String, after: u64 },
    /// What cannot be, and why.
    Invalid(&'static str),
}

impl Recoveries {
    pub(super) fn new(app: &App, options: Recovery, config: &Config) -> Result<Recoveries> {
        options.check()?;
        let mut epoch = [0; 8];
        getrandom::fill(&mut epoch)
            .map_err(|error| Error::general("The system has no random numbers").with_source(error))?;
        let limits = RecoveryLimits {
            window: options.window,
            unnoticed: config.loss_unnoticed(),
            log_bytes: options.log_bytes,
            events: options.events,
            bytes: config.most_waiting() / 2,
            connections: options.connections,
            ends_at_gaps: options.ends_at_gaps,
        };
        let kept = realtime::Recovery::new(limits, u64::from_be_bytes(epoch));
        if !app.keep_for_recovery(kept.clone()) {
            return Err(Error::general(
                "`recovery` is for one transport of an application: leave it out at the other `SocketIo`",
            ));
        }
        Ok(Recoveries { ids: PrivateIds::new()?, kept, offer: options.offer, keep: options.keep })
    }

    /// Whether a client is told how to come back.
    fn is_offered(&self, handshake: &Handshake) -> bool {
        let refuses = handshake.query_pairs().any(|(name, value)| name == "recovery" && value == "0");
        !refuses && self.offer.as_ref().is_none_or(|offer| offer(handshake))
    }

    fn asked(&self, socket: &Socket) -> Option<Asked> {
        let ComesBack { pid, offset } = socket.auth()?.to().ok()?;
        let Some(PrivateId { socket, number }) = self.ids.read(&pid) else {
            return Some(Asked::Invalid("foreign pid"));
        };
        let now = self.kept.now();
        let after = match offset {
            // It has heard nothing since it has connected.
            None => Some(number),
            Some(serde_json::Value::String(text)) => Position::parse(&text).map(|position| {
                // The client keeps that of an earlier session until the first event of this one.
                match position.epoch == now.epoch {
                    true => position.number.max(number),
                    false => number,
                }
            }),
            Some(_) => None,
        };
        Some(match after.filter(|after| *after <= now.number) {
            Some(after) => Asked::For { socket, after },
            None => Asked::Invalid("invalid offset"),
        })
    }

    /// Lets a client go on from what it has lost, if it asks for that and may.
    pub(super) async fn resume(&self, dispatcher: &Dispatcher, socket: &Socket, connection: &Connection) {
        let outcome = match self.asked(socket) {
            None => return,
            Some(Asked::Invalid(why)) => why,
            Some(Asked::For { .. }) if !self.is_offered(socket.handshake()) => "not offered",
            Some(Asked::For { socket: lost, after }) => {
                let take_over = socket.take_over(&lost);
                match dispatcher.resume(&self.kept, connection, &lost, after, take_over).await {
                    Ok(()) => {
                        socket.resume(&lost);
                        "recovered"
                    }
                    Err(why) => why.as_str(),
                }
            }
        };
        if let Some(claim) = connection.extension::<Claim>() {
            connection.keep(&claim.lost, &self.keep);
        }
        tracing::debug!(?connection, outcome, "a client has come back");
        #[cfg(feature = "metrics")]
        metrics::counter!("wingbeat_recovery_total", "outcome" => outcome).increment(1);
    }

    /// What the client comes back with: what it has come back with now, if it goes on.
    pub(super) fn private_id(&self, socket: &Socket, connection: &Connection) -> Option<String> {
        if let Some(claim) = connection.extension::<Claim>() {
            if claim.holds(connection) {
                return socket.auth()?.to::<ComesBack>().ok().map(|again| again.pid);
            }
            connection.unset_extension::<Claim>();
        }
        if !self.is_offered(socket.handshake()) {
            return None;
        }
        self.ids.make(socket.id(), self.kept.now().number)
    }
}

/// Whether a client that is gone for this reason may come back. Not if it, or the server, has said that it goes.
pub(super) fn may_come_back(reason: Reason) -> bool {
    !matches!(
        reason,
        Reason::ClientNamespaceDisconnect
            | Reason::ServerNamespaceDisconnect
            | Reason::ServerShuttingDown
            | Reason::OutboxFull
    )
}
