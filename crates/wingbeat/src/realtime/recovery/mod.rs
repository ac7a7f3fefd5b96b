//! Clients that were away: what they have missed, and the connections that they come back for.
//!
//! A client hears every event of its channels once and in order, or is told that it did not. All events of an application
//! have numbers in one order. A client knows the number of the last it has heard; so the channels that it was in, and that
//! number, say what it has missed, and nothing need be kept of who is connected.

mod log;
mod parked;
mod position;

pub(super) use log::LoggedPart;
pub(crate) use parked::LostSocket;
pub(crate) use position::Position;

use super::channel::Channels;
use super::clock;
use super::delivery_queue::DeliveryQueue;
use super::members::{Members, Membership};
use super::publication::Message;
use super::recipients::Recipients;
use super::{Batch, Connection};
use crate::locked;
use log::{Candidate, Earlier, Log, Lost, Stay};
use parked::{Parked, ParkedConnections};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How often what was published meanwhile is looked through, because the application's filters decide about it.
const ROUNDS: usize = 16;

/// How often a connection may go on from an earlier one before it has to begin anew: each time something more has to be
/// known of it.
const EARLIER: usize = 64;

/// How much is kept, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// How long a client may be away.
    pub(crate) window: Duration,
    /// How long a connection may be lost before that is noticed.
    pub(crate) unnoticed: Duration,
    /// Of all that was published.
    pub(crate) log_bytes: usize,
    /// For one client.
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    /// How many connections are kept.
    pub(crate) connections: usize,
    /// Whether connections are broken off when events of other nodes may be missing.
    pub(crate) ends_at_gaps: bool,
}

/// Why a client is not given what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nothing is known of it: it was away for too long, has left, was logged out or removed.
    Unknown,
    /// Some of what it has missed is not kept any more.
    Gone,
    /// It has missed more than is sent to one client.
    TooMuch,
    /// A filter of an audience panicked.
    Failed,
}

/// What an application keeps for clients that come back.
#[derive(Debug)]
pub(crate) struct Recovery {
    limits: Limits,
    epoch: u64,
    log: Mutex<Log>,
    parked: Mutex<ParkedConnections>,
    /// Counts the connections that were given their channels back: who has looked up an audience before looks again.
    returns: AtomicU64,
    changed: Notify,
}

/// A lost connection that is now kept.
pub(crate) struct NewlyParked {
    /// The names of the channels that it has left.
    pub(crate) left: Vec<Arc<str>>,
    /// Those that are not kept any longer in its stead.
    pub(crate) ended: Vec<Connection>,
}

/// The connections that one goes on from, kept with it.
struct GoesOn(Arc<[Earlier]>);

/// Those of a connection.
fn earlier(connection: &Connection) -> Arc<[Earlier]> {
    connection.extension::<GoesOn>().map_or_else(Arc::default, |on| on.0.clone())
}

/// A lost connection that its client has asked for, over another one. It stays parked until it is given back; if that does
/// not happen it can be asked for again.
pub(crate) struct Claim {
    recovery: Arc<Recovery>,
    pub(crate) lost: Connection,
    pub(crate) socket: LostSocket,
    /// The last event that the client has heard.
    after: u64,
}

impl Recovery {
    /// Nothing is kept yet. The epoch is to be another one for each start.
    pub(crate) fn new(limits: Limits, epoch: u64) -> Arc<Recovery> {
        let log = Log::new(limits.log_bytes, limits.window + limits.unnoticed);
        Arc::new(Recovery {
            limits,
            epoch,
            log: Mutex::new(log),
            parked: Mutex::default(),
            returns: AtomicU64::new(0),
            changed: Notify::new(),
        })
    }

    /// The place of what was published last.
    pub(crate) fn now(&self) -> Position {
        Position { epoch: self.epoch, number: clock::last() }
    }

    /// How many lost connections are kept.
    #[cfg(feature = "metrics")]
    pub(crate) fn parked(&self) -> usize {
        locked(&self.parked).len()
    }

    /// Whether somebody has to begin to look at the time.
    pub(crate) fn begin_watching(&self) -> bool {
        let mut parked = locked(&self.parked);
        !parked.is_empty() && !std::mem::replace(&mut parked.is_watched, true)
    }

    /// When whoever does has to look again; nothing if there is no need any more.
    pub(crate) fn watched(&self) -> Option<Instant> {
        let mut parked = locked(&self.parked);
        let next = parked.next_end().map(|(at, _)| at);
        parked.is_watched = next.is_some();
        next
    }

    pub(super) fn returns(&self) -> u64 {
        self.returns.load(Ordering::Acquire)
    }

    /// Gives a publication its number, and keeps it. To be called with the queue locked.
    pub(super) fn publish(&self, to: &mut Recipients) -> u64 {
        locked(&self.log).publish(self.epoch, to)
    }

    /// Events of other nodes may be missing: who was away until now begins anew.
    pub(crate) fn forget_all(&self) {
        locked(&self.log).forget_all();
    }

    /// Whether connections are broken off when events of other nodes may be missing.
    pub(crate) fn ends_at_gaps(&self) -> bool {
        self.limits.ends_at_gaps
    }

    /// A connection has left a channel by itself. To be called with the channel's members locked.
    pub(super) fn left(&self, connection: &Connection, members: &Arc<Members>, since: u64) {
        locked(&self.log).left(connection, members, since);
    }

    /// The lost connections that were in a channel.
    pub(super) fn lost_of(&self, channel: &str) -> Vec<Connection> {
        let parked = locked(&self.parked);
        let is_in = |parked: &&Parked| parked.stays.iter().any(|stay| **stay.members.name() == *channel);
        parked.each().filter(is_in).map(|parked| parked.lost.connection.clone()).collect()
    }

    /// A connection has gone for good.
    pub(super) fn forget(&self, connection: &Connection) {
        let lost = Lost { connection: connection.clone(), earlier: earlier(connection) };
        let mut log = locked(&self.log);
        lost.ids().for_each(|id| log.forget(id));
    }

    /// What the connection that goes on from a lost one has to know of those before it.
    fn goes_on(&self, lost: Lost, until: u64) -> Arc<[Earlier]> {
        let oldest = locked(&self.log).oldest().unwrap_or(u64::MAX);
        let last = Earlier { id: lost.connection.id(), until, connection: Some(lost.connection) };
        let all = lost.earlier.iter().cloned().chain([last]);
        let as_needed = |earlier: Earlier| Earlier {
            connection: earlier.connection.filter(|_| earlier.until >= oldest),
            ..earlier
        };
        all.map(as_needed).collect()
    }

    /// Waits until a connection is parked, from the moment when this is called.
    pub(crate) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }

    /// A client asks for a lost connection, by its private id, and says which event it has heard last: 0 if none.
    pub(crate) fn claim(self: &Arc<Recovery>, private_id: &str, by: &Connection, after: u64) -> Result<Claim, Refused> {
        let (lost, socket) = {
            let mut parked = locked(&self.parked);
            let id = parked.find(private_id).ok_or(Refused::Unknown)?;
            let is_free = |parked: &&mut Parked| parked.claimed_by.is_none() && !parked.lost.connection.is_removed();
            let parked = parked.get_mut(id).filter(is_free).ok_or(Refused::Unknown)?;
            parked.claimed_by = Some(by.id());
            (parked.lost.connection.clone(), parked.socket)
        };
        let claim = Claim { recovery: self.clone(), lost, socket, after };
        // What is sure not to be possible is said now.
        claim.candidates(after)?;
        Ok(claim)
    }
}

impl Claim {
    /// Whether the connection is still kept for this one.
    pub(crate) fn holds(&self, by: &Connection) -> bool {
        if self.lost.is_removed() {
            return false;
        }
        let mut parked = locked(&self.recovery.parked);
        parked.get_mut(self.lost.id()).is_some_and(|parked| parked.claimed_by == Some(by.id()))
    }

    fn with_parked<T>(&self, with: impl FnOnce(&Parked) -> T) -> Result<T, Refused> {
        let mut parked = locked(&self.recovery.parked);
        parked.get_mut(self.lost.id()).map(|parked| with(parked)).ok_or(Refused::Unknown)
    }

    fn candidates(&self, after: u64) -> Result<Vec<Candidate>, Refused> {
        let (lost, stays) = self.with_parked(|parked| (parked.lost.clone(), parked.stays.clone()))?;
        locked(&self.recovery.log).missed(&lost, &stays, after, self.recovery.limits.events)
    }

    /// The messages among these that were meant for the connection. Filters are the application's code, so no lock may be
    /// held.
    fn heard(&self, candidates: &[Candidate]) -> Result<Vec<Arc<Message>>, Refused> {
        let lost = self.with_parked(|parked| parked.lost.clone())?;
        let epoch = self.recovery.epoch;
        let ask = || candidates.iter().filter_map(|candidate| candidate.message(&lost, epoch)).map(Arc::new).collect();
        catch_unwind(AssertUnwindSafe(ask)).map_err(|_| Refused::Failed)
    }

    fn check(&self, messages: &[Arc<Message>]) -> Result<(), Refused> {
        let Limits { events, bytes, .. } = self.recovery.limits;
        let size: usize = messages.iter().map(|message| message.size()).sum();
        if messages.len() > events || size > bytes { Err(Refused::TooMuch) } else { Ok(()) }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(parked) = locked(&self.recovery.parked).get_mut(self.lost.id()) {
            parked.claimed_by = None;
        }
    }
}

impl Channels {
    /// A client has gone, and may come back: it leaves every channel, and is kept with them. Nothing if that is not to be, or
    /// somebody has said so before.
    pub(crate) fn park(&self, recovery: &Recovery, connection: &Connection, socket: LostSocket) -> Option<NewlyParked> {
        let earlier = earlier(connection);
        if connection.is_removed() || earlier.len() >= EARLIER {
            return None;
        }
        locked(&recovery.log).remember(connection.id());
        let mut ended = Vec::new();
        {
            // Who takes it out of a channel meanwhile looks here after that.
            let mut parked = locked(&recovery.parked);
            if !connection.mark_gone() {
                locked(&recovery.log).forget(connection.id());
                return None;
            }
            let stay = |m: &Membership| Stay { members: m.members.clone(), since: m.since, until: u64::MAX };
            let stays: Vec<Stay> = connection.memberships().iter().map(stay).collect();
            // Before it leaves: a publication finds it in a channel or among these.
            stays.iter().for_each(|stay| stay.members.keep());
            let lost = Lost { connection: connection.clone(), earlier };
            parked.insert(lost, socket, stays, Instant::now() + recovery.limits.window);
            while parked.len() > recovery.limits.connections
                && let Some((_, oldest)) = parked.next_end()
            {
                ended.extend(parked.remove(oldest));
            }
        }
        let left = self.leave_all_of(connection, None);
        recovery.changed.notify_waiters();
        let ended = ended.into_iter().map(|parked| self.ended(recovery, parked)).collect();
        Some(NewlyParked { left, ended })
    }

    /// Ends what is kept of a lost connection, by the private id of its client.
    pub(crate) fn end_parked_client(&self, recovery: &Recovery, private_id: &str) -> Option<Connection> {
        let parked = {
            let mut parked = locked(&recovery.parked);
            let id = parked.find(private_id)?;
            parked.remove(id)?
        };
        Some(self.ended(recovery, parked))
    }

    /// Ends what is kept of a lost connection. Whether anything was.
    pub(crate) fn end_parked(&self, recovery: &Recovery, connection: &Connection) -> bool {
        let parked = locked(&recovery.parked).remove(connection.id());
        parked.map(|parked| self.ended(recovery, parked)).is_some()
    }

    /// Ends those whose time is over.
    pub(crate) fn end_expired(&self, recovery: &Recovery) -> Vec<Connection> {
        let now = Instant::now();
        let expired: Vec<Parked> = {
            let mut parked = locked(&recovery.parked);
            let mut expired = Vec::new();
            while let Some((_, id)) = parked.next_end().filter(|(at, _)| *at <= now) {
                expired.extend(parked.remove(id));
            }
            expired
        };
        expired.into_iter().map(|parked| self.ended(recovery, parked)).collect()
    }

    fn ended(&self, recovery: &Recovery, parked: Parked) -> Connection {
        {
            let mut log = locked(&recovery.log);
            parked.lost.ids().for_each(|id| log.forget(id));
        }
        self.release(parked.stays);
        parked.lost.connection
    }

    fn release(&self, stays: Vec<Stay>) {
        for stay in stays {
            stay.members.release();
            self.forget_if_unused(&stay.members);
        }
    }

    /// A lost connection leaves a channel: what is published from now on it does not hear, should it come back.
    pub(super) fn leave_lost(&self, recovery: &Recovery, name: &str, lost: &Connection) {
        let left: Vec<Stay> = {
            let mut parked = locked(&recovery.parked);
            let Some(parked) = parked.get_mut(lost.id()) else { return };
            parked.stays.extract_if(.., |stay| **stay.members.name() == *name).collect()
        };
        for stay in &left {
            locked(&recovery.log).left(lost, &stay.members, stay.since);
        }
        self.release(left);
    }

    /// Gives a connection what the lost one was: the channels, and all that was published to it meanwhile.
    ///
    /// `on_queue` runs a function with the queue of deliveries locked.
    pub(super) fn give_back(
        &self,
        claim: &Claim,
        to: &Connection,
        on_queue: impl Fn(&mut dyn FnMut(&mut DeliveryQueue)),
    ) -> Result<usize, Refused> {
        let mut candidates = claim.candidates(claim.after)?;
        let (mut after, mut messages) = (claim.after, Vec::new());
        for _ in 0..ROUNDS {
            after = candidates.last().map_or(after, Candidate::number);
            messages.append(&mut claim.heard(&candidates)?);
            claim.check(&messages)?;
            let mut outcome = Ok(false);
            on_queue(&mut |queue| outcome = self.finish(claim, to, after, &mut messages, &mut candidates, queue));
            if outcome? {
                return Ok(messages.len());
            }
        }
        Err(Refused::TooMuch)
    }

    /// The last step, with the queue locked: nothing is published meanwhile. False if there are candidates that have to be
    /// looked at without.
    fn finish(
        &self,
        claim: &Claim,
        to: &Connection,
        after: u64,
        messages: &mut Vec<Arc<Message>>,
        candidates: &mut Vec<Candidate>,
        queue: &mut DeliveryQueue,
    ) -> Result<bool, Refused> {
        *candidates = claim.candidates(after)?;
        if candidates.iter().any(Candidate::has_filters) {
            return Ok(false);
        }
        messages.append(&mut claim.heard(candidates)?);
        claim.check(messages)?;
        if claim.lost.is_removed() {
            return Err(Refused::Unknown);
        }
        let recovery = &claim.recovery;
        let Some(parked) = locked(&recovery.parked).remove(claim.lost.id()) else { return Err(Refused::Unknown) };
        let number = clock::last();
        to.set_extension(GoesOn(recovery.goes_on(parked.lost, number)));
        queue.served(to, number);
        if !messages.is_empty() {
            to.deliver_all(&Batch::new(messages.clone()));
        }
        for stay in &parked.stays {
            stay.members.rejoin(to, stay.since);
        }
        to.mark_joined(number);
        recovery.returns.fetch_add(1, Ordering::AcqRel);
        self.release(parked.stays);
        Ok(true)
    }
}
