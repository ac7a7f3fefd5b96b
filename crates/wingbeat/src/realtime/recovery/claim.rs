//! The way back: a client asks for its lost connection, and is given what it has missed.

use super::candidate::{Candidate, Lost, Stay};
use super::parked::Parked;
use super::{Limits, LostSocket, Recovery, Refused};
use crate::locked;
use crate::realtime::channel::Channels;
use crate::realtime::clock;
use crate::realtime::delivery_queue::DeliveryQueue;
use crate::realtime::publication::Message;
use crate::realtime::{Batch, Connection};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// How often what was published meanwhile is looked through, because the application's filters decide about it.
const ROUNDS: usize = 16;

/// A lost connection that its client has asked for, over another one. It stays parked until it is given back; if that does
/// not happen it can be asked for again.
pub(crate) struct Claim {
    recovery: Arc<Recovery>,
    /// The number of the other one.
    by: u64,
    pub(crate) lost: Connection,
    pub(crate) socket: LostSocket,
    found: Mutex<Found>,
}

/// What the client has missed, as far as it is known.
struct Found {
    /// The last event that it has heard, or that is among these.
    after: u64,
    messages: Vec<Arc<Message>>,
}

impl Recovery {
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
        let found = Mutex::new(Found { after, messages: Vec::new() });
        let claim = Claim { recovery: self.clone(), by: by.id(), lost, socket, found };
        // What is sure not to be possible is said now.
        claim.candidates(after, None)?;
        Ok(claim)
    }
}

impl Claim {
    /// Whether the connection is still kept for this one.
    pub(crate) fn holds(&self) -> bool {
        let is_mine = |parked: &Parked| parked.claimed_by == Some(self.by);
        !self.lost.is_removed() && self.with_parked(is_mine) == Ok(true)
    }

    /// Looks up what was missed, as of now: what cannot be given back is to be said before the client is told that it goes
    /// on. Asks filters, so no lock may be held.
    pub(crate) fn look_up(&self, to: &Connection) -> Result<(), Refused> {
        let after = locked(&self.found).after;
        let (lost, candidates) = self.candidates(after, Some(to))?;
        let mut more = self.heard(&lost, &candidates)?;
        let mut found = locked(&self.found);
        found.messages.append(&mut more);
        found.after = candidates.last().map_or(after, Candidate::number);
        self.check(&found.messages)
    }

    fn with_parked<T>(&self, with: impl FnOnce(&Parked) -> T) -> Result<T, Refused> {
        let mut parked = locked(&self.recovery.parked);
        parked.get_mut(self.lost.id()).map(|parked| with(parked)).ok_or(Refused::Unknown)
    }

    /// What may have been missed after a place: by the lost connection, and by the one that goes on from it, which may be
    /// named and in channels already but has been sent nothing.
    fn candidates(&self, after: u64, to: Option<&Connection>) -> Result<(Lost, Vec<Candidate>), Refused> {
        // Locked until the log was read: who leaves a channel meanwhile would be taken for one who stays.
        let mut all = locked(&self.recovery.parked);
        let parked = all.get_mut(self.lost.id()).ok_or(Refused::Unknown)?;
        let (mut lost, mut stays) = (parked.lost.clone(), parked.stays.clone());
        lost.next = to.cloned();
        let memberships = to.map(Connection::memberships);
        stays.extend(memberships.iter().flat_map(|own| own.iter()).map(Stay::of));
        let candidates = locked(&self.recovery.log).missed(&lost, &stays, after, self.recovery.limits.events)?;
        Ok((lost, candidates))
    }

    /// The messages among these that were meant for the connection. Filters are the application's code, so no lock may be
    /// held.
    fn heard(&self, lost: &Lost, candidates: &[Candidate]) -> Result<Vec<Arc<Message>>, Refused> {
        let epoch = self.recovery.epoch;
        let message = |candidate: &Candidate| candidate.message(lost, epoch).transpose();
        let ask = || candidates.iter().filter_map(message).map(|message| message.map(Arc::new)).collect();
        catch_unwind(AssertUnwindSafe(ask)).unwrap_or(Err(Refused::Failed))
    }

    /// Takes the lost connection out of those that are kept, and puts the other one into its channels. Nothing if it is not
    /// there any more, or was told to leave.
    fn take(&self, lost: &Lost, to: &Connection) -> Option<Parked> {
        // Whoever takes it out of a channel finds it here, or what goes on from it in the channel.
        let mut all = locked(&self.recovery.parked);
        self.recovery.succeed(lost, to);
        // Asked after that: whoever removes it sees what goes on from it, or is seen here.
        let is_mine = all.get_mut(self.lost.id())?.claimed_by == Some(self.by) && !self.lost.is_removed();
        let parked = if is_mine { all.remove(self.lost.id())? } else { return None };
        parked.stays.iter().for_each(|stay| stay.members.rejoin(to, stay.since));
        self.recovery.returns.fetch_add(1, Ordering::AcqRel);
        Some(parked)
    }

    fn check(&self, messages: &[Arc<Message>]) -> Result<(), Refused> {
        let Limits { events, bytes, .. } = self.recovery.limits;
        let size: usize = messages.iter().map(|message| message.size()).sum();
        if messages.len() > events || size > bytes { Err(Refused::TooMuch) } else { Ok(()) }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(parked) = locked(&self.recovery.parked).get_mut(self.lost.id())
            && parked.claimed_by == Some(self.by)
        {
            parked.claimed_by = None;
        }
    }
}

impl Channels {
    /// Gives a connection what the lost one was: the channels, and all that was published to it meanwhile.
    ///
    /// `on_queue` runs a function with the queue of deliveries locked.
    pub(in crate::realtime) fn give_back(
        &self,
        claim: &Claim,
        to: &Connection,
        on_queue: impl Fn(&mut dyn FnMut(&mut DeliveryQueue)),
    ) -> Result<usize, Refused> {
        for _ in 0..ROUNDS {
            claim.look_up(to)?;
            let mut outcome = Ok(None);
            on_queue(&mut |queue| outcome = self.finish(claim, to, queue));
            if let Some(count) = outcome? {
                return Ok(count);
            }
        }
        Err(Refused::TooMuch)
    }

    /// The last step, with the queue locked: nothing is published meanwhile. How many events that were; nothing if there are
    /// some that have to be looked at without.
    fn finish(&self, claim: &Claim, to: &Connection, queue: &mut DeliveryQueue) -> Result<Option<usize>, Refused> {
        let mut found = locked(&claim.found);
        let (lost, candidates) = claim.candidates(found.after, Some(to))?;
        if candidates.iter().any(Candidate::has_filters) {
            return Ok(None);
        }
        found.messages.append(&mut claim.heard(&lost, &candidates)?);
        claim.check(&found.messages)?;
        let messages = std::mem::take(&mut found.messages);
        let (recovery, number) = (&claim.recovery, clock::last());
        let Some(parked) = claim.take(&lost, to) else {
            recovery.forget_lost(&lost);
            return Err(Refused::Unknown);
        };
        recovery.go_on(parked.lost, number, to);
        queue.served(to, number);
        to.arrive(number);
        let count = messages.len();
        if count > 0 {
            to.deliver_all(&Batch::new(messages));
        }
        self.release(parked.stays);
        Ok(Some(count))
    }
}
