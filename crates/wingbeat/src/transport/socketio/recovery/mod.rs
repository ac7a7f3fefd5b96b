//! Connection state recovery: clients that come back have missed nothing, or are told that they have.

mod options;
mod private_id;

pub use options::Recovery;

use crate::app::{Anew, App, Dispatcher, note_outcome};
use crate::realtime::{self, Claim, Connection, LostSocket, Position, RecoveryLimits, Refused};
use private_id::{PrivateIds, is_private_id};
use serde::Deserialize;
use std::sync::Arc;
use wingbeat_core::{Error, Result};
use wingbeat_engine::{Config, Handshake, Reason, Socket};

type Offer = Box<dyn Fn(&Handshake) -> bool + Send + Sync>;

/// What the transport needs to know of clients that come back.
pub(super) struct Recoveries {
    ids: Arc<PrivateIds>,
    kept: Arc<realtime::Recovery>,
    offer: Option<Offer>,
    keep: Vec<Box<str>>,
    same: Vec<Box<str>>,
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
    /// To go on as the client with that private id, after that event.
    For { private_id: String, after: u64 },
    /// What cannot be, and why.
    Invalid(&'static str),
}

impl Recoveries {
    pub(super) fn new(app: &App, options: Recovery, config: &Config) -> Result<Recoveries> {
        options.check()?;
        let epoch = Position::new_epoch(getrandom::u64)
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
        let kept = realtime::Recovery::new(limits, epoch);
        if !app.keep_for_recovery(kept.clone()) {
            return Err(Error::general(
                "`recovery` is for one transport of an application: leave it out at the other `SocketIo`",
            ));
        }
        Ok(Recoveries {
            ids: PrivateIds::new()?.into(),
            kept,
            offer: options.offer,
            keep: options.keep,
            same: options.same,
        })
    }

    /// Whether a client is told how to come back.
    fn is_offered(&self, handshake: &Handshake) -> bool {
        let refuses = handshake.query_pairs().any(|(name, value)| name == "recovery" && value == "0");
        !refuses && self.offer.as_ref().is_none_or(|offer| offer(handshake))
    }

    fn asked(&self, socket: &Socket) -> Option<Asked> {
        let ComesBack { pid, offset } = socket.auth()?.to().ok()?;
        if !is_private_id(&pid) {
            return Some(Asked::Invalid("foreign pid"));
        }
        let now = self.kept.now();
        let after = match offset {
            // It has heard nothing since it has connected.
            None => Some(0),
            Some(serde_json::Value::String(text)) => Position::parse(&text).map(|position| {
                // The client keeps that of an earlier session until the first event of this one. Before the session there
                // is nothing for it.
                if position.epoch == now.epoch { position.number } else { 0 }
            }),
            Some(_) => None,
        };
        Some(match after.filter(|after| *after <= now.number) {
            Some(after) => Asked::For { private_id: pid, after },
            None => Asked::Invalid("invalid offset"),
        })
    }

    /// Lets a client go on from what it has lost, if it asks for that and may.
    pub(super) async fn resume(&self, dispatcher: &Dispatcher, socket: &Socket, connection: &Connection) {
        let refused = match self.asked(socket) {
            None => return,
            Some(Asked::Invalid(why)) => why,
            Some(Asked::For { .. }) if !self.is_offered(socket.handshake()) => "not offered",
            Some(Asked::For { private_id, after }) => {
                let (ids, asked) = (self.ids.clone(), private_id.clone());
                let take_over = socket.take_over(&private_id, move |socket| ids.is_of(&asked, socket));
                let is_same = |lost: &Connection| self.same.iter().all(|name| lost.get(name) == connection.get(name));
                match dispatcher.resume(&self.kept, connection, &private_id, after, take_over, is_same).await {
                    Ok(claim) => {
                        connection.keep(&claim.lost, &self.keep);
                        socket.resume(claim.socket.id(), &private_id);
                        return;
                    }
                    Err(why) => why.as_str(),
                }
            }
        };
        note_outcome(connection, refused);
    }

    /// What the client comes back with: what it has come back with now, if it goes on.
    pub(super) fn private_id(&self, socket: &Socket, connection: &Connection) -> Option<String> {
        if let Some(claim) = connection.extension::<Claim>() {
            if claim.holds() {
                return self.ids.of(socket.id());
            }
            // What it goes on from has ended since it was asked. It has the ids of that by now, so it has to come again.
            connection.unmark::<Claim>();
            note_outcome(connection, Anew::Missed(Refused::Unknown).as_str());
            socket.break_off();
            return None;
        }
        if !self.is_offered(socket.handshake()) {
            return None;
        }
        self.ids.of(socket.id())
    }

    /// What the client of a socket that is lost comes back with.
    pub(super) fn lost(&self, socket: &Socket) -> Option<LostSocket> {
        LostSocket::new(socket.id(), &self.ids.of(socket.id())?)
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
