//! What waits to be delivered, and whose turn it is. All of this happens under the queue's lock.

use super::clock;
use super::connection::Connection;
use super::marks::Marks;
use super::recipients::Recipients;
use super::recovery::Recovery;
use super::walk::{Job, Walk};
use crate::fair::Permit;
use std::collections::VecDeque;

/// Audiences up to this size are served at once.
const SMALL: usize = 64;
/// Larger ones are served in slices of this size. Each member's session is a task that is woken; tokio looks for what
/// comes from outside after 61 tasks at the latest. With slices of more, tasks pile up while a delivery lasts, and a
/// message beside one to 100,000 takes 13 ms, not 0.2 ms. Half of that costs 2% more instructions.
const SLICE: usize = 32;
/// How many frames a connection is given in one pass at most.
const TOGETHER: usize = 64;
/// A small audience waits as well if its members had to be looked for in more publications than these before it, one
/// after the other: some 100 µs, for which nobody else could publish.
const CAUGHT_UP: usize = 4096;

/// Publications on their way, in order. Each connection hears those for which it is meant in that order, though not
/// all at the same time.
#[derive(Default)]
pub(super) struct DeliveryQueue {
    /// What is being delivered.
    walk: Option<Walk>,
    jobs: VecDeque<Job>,
    marks: Marks,
    /// Whether a task is at work.
    pub(super) busy: bool,
}

/// What became of a publication.
pub(super) enum Published {
    /// All have it. What it was is to be dropped without the lock: what connections carry is foreign.
    Served { _recipients: Recipients, _place: Option<Permit> },
    /// It waits, and the caller has it.
    Queued,
    /// It would have to wait, and has no place to.
    Placeless(Recipients),
}

/// Whether an audience may be served at once, if not much waits.
pub(super) fn is_small(to: &Recipients) -> bool {
    to.len() <= SMALL
}

impl DeliveryQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.walk.is_none() && self.jobs.is_empty()
    }

    /// Whether a task has to be begun, which is then at work.
    pub(super) fn is_to_work(&mut self) -> bool {
        !self.is_empty() && !std::mem::replace(&mut self.busy, true)
    }

    /// Publishes. A small audience is served at once: whatever waits for its members they are given before, which they
    /// hear in order then. So is the caller, who has to hear the event before its call is answered. All others have
    /// their turn, for which the publication needs a place among those that wait.
    pub(super) fn publish(
        &mut self,
        mut to: Recipients,
        caller: Option<&Connection>,
        place: Option<Permit>,
        recovery: Option<&Recovery>,
    ) -> Published {
        let number = |to: &mut Recipients| recovery.map_or_else(clock::next, |recovery| recovery.publish(to));
        let waiting = self.jobs.len() + self.walk.as_ref().map_or(0, |walk| walk.jobs().len());
        if is_small(&to) && to.len() * waiting <= CAUGHT_UP {
            let number = number(&mut to);
            self.serve(&to, number);
            return Published::Served { _recipients: to, _place: place };
        }
        let Some(place) = place else { return Published::Placeless(to) };
        let number = number(&mut to);
        let caller = caller.filter(|caller| to.contains(caller));
        self.jobs.push_back(Job { number, to, _place: place });
        if let Some(caller) = caller {
            self.catch_up(caller, number);
        }
        Published::Queued
    }

    /// Gives all members what was published, each of them after what waits for it.
    fn serve(&mut self, to: &Recipients, number: u64) {
        let is_first = self.is_empty();
        let mut catch_up = |member: &Connection| {
            if !is_first {
                self.catch_up(member, number);
            }
        };
        match to {
            Recipients::Channel(members, message) => members.visit(&mut { usize::MAX }, usize::MAX, |member| {
                catch_up(member);
                if member.is_in_since(members, number) {
                    member.deliver(message);
                }
            }),
            Recipients::Picked(picked) => picked.each().for_each(|(member, group)| {
                catch_up(member);
                group.give(member, number);
            }),
        }
    }

    /// Gives a connection all that waits for it, up to this publication.
    pub(super) fn catch_up(&mut self, connection: &Connection, number: u64) {
        let served = self.marks.advance(connection, 0);
        let behind = |number: u64| self.jobs.partition_point(|job| job.number <= number);
        let (from, to) = (behind(served), behind(number));
        let walked = self.walk.iter().flat_map(Walk::jobs);
        let waiting = walked.chain(self.jobs.range(from.min(to)..to));
        for job in waiting.filter(|job| served < job.number && job.number <= number) {
            job.give(connection);
        }
        self.marks.advance(connection, number);
    }

    /// A connection has got all up to this publication otherwise.
    pub(super) fn served(&mut self, connection: &Connection, number: u64) {
        self.marks.advance(connection, number);
    }

    /// Serves the next slice. False if nothing was left to do. Who was picked and is served is added to `served`, to be
    /// dropped without the lock.
    pub(super) fn serve_slice(&mut self, served: &mut Vec<Connection>) -> bool {
        if self.walk.is_none() {
            self.walk = self.next();
        }
        let Some(walk) = &mut self.walk else {
            self.busy = false;
            self.marks.rest();
            return false;
        };
        if walk.serve(SLICE, &mut self.marks, served) {
            self.walk = None;
        }
        true
    }

    /// The next publication, with those behind it that go to the same members.
    fn next(&mut self) -> Option<Walk> {
        let (first, mut others) = (self.jobs.pop_front()?, Vec::new());
        while others.len() + 1 < TOGETHER && self.jobs.front().is_some_and(|job| job.goes_with(&first)) {
            others.extend(self.jobs.pop_front());
        }
        Some(Walk::new(first, others))
    }
}
