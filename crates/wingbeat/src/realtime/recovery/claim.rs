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
use std::sync::Arc;
use std::sync::atomic::Ordering;

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
    /// The last event that the client has heard.
    after: u64,
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
        let claim = Claim { recovery: self.clone(), by: by.id(), lost, socket, after };
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

    fn with_parked<T>(&self, with: impl FnOnce(&Parked) -> T) -> Result<T, Refused> {
        let mut parked = locked(&self.recovery.parked);
        parked.get_mut(self.lost.id()).map(|parked| with(parked)).ok_or(Refused::Unknown)
    }

    /// What may have been missed after a place: by the lost connection, and by the one that goes on from it, which may be
    /// named and in channels already but has been sent nothing.
    fn candidates(&self, after: u64, to: Option<&Connection>) -> Result<(Lost, Vec<Candidate>), Refused> {
        let (mut lost, mut stays) = self.with_parked(|parked| (parked.lost.clone(), parked.stays.clone()))?;
        if let Some(to) = to {
            stays.extend(to.memberships().iter().map(Stay::of));
            lost.next = Some(to.clone());
        }
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
        let mut candidates = claim.candidates(claim.after, Some(to))?;
        let (mut after, mut messages) = (claim.after, Vec::new());
        for _ in 0..ROUNDS {
            after = candidates.1.last().map_or(after, Candidate::number);
            messages.append(&mut claim.heard(&candidates.0, &candidates.1)?);
            claim.check(&messages)?;
            let mut outcome = Ok(None);
            on_queue(&mut |queue| outcome = self.finish(claim, to, after, &mut messages, queue));
            match outcome? {
                Some(more) => candidates = more,
                None => return Ok(messages.len()),
            }
        }
        Err(Refused::TooMuch)
    }

    /// The last step, with the queue locked: nothing is published meanwhile. What has to be looked at without, if there is
    /// anything.
    fn finish(
        &self,
        claim: &Claim,
        to: &Connection,
        after: u64,
        messages: &mut Vec<Arc<Message>>,
        queue: &mut DeliveryQueue,
    ) -> Result<Option<(Lost, Vec<Candidate>)>, Refused> {
        let (lost, candidates) = claim.candidates(after, Some(to))?;
        if candidates.iter().any(Candidate::has_filters) {
            return Ok(Some((lost, candidates)));
        }
        messages.append(&mut claim.heard(&lost, &candidates)?);
        claim.check(messages)?;
        let (recovery, number) = (&claim.recovery, clock::last());
        let Some(parked) = claim.take(&lost, to) else {
            recovery.forget_lost(&lost);
            return Err(Refused::Unknown);
        };
        recovery.go_on(parked.lost, number, to);
        queue.served(to, number);
        to.arrive(number);
        if !messages.is_empty() {
            to.deliver_all(&Batch::new(messages.clone()));
        }
        self.release(parked.stays);
        Ok(None)
    }
}
