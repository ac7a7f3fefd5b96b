//! Publications on their way through an audience, slice by slice. All of this happens under the queue's lock.

use super::connection::Connection;
use super::marks::Marks;
use super::members::Members;
use super::publication::Batch;
use super::recipients::{GroupedConnections, Recipients};
use crate::fair::Permit;
use std::slice;
use std::sync::Arc;

/// One publication that waits, or is on its way.
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) to: Recipients,
    /// Its place among those that wait or are on their way.
    pub(super) _place: Permit,
}

/// A way through an audience.
pub(super) enum Walk {
    Channel(ChannelWalk),
    /// With one publication to those who were picked.
    GroupedConnections(Job),
}

/// The way through a channel's members, with publications that waited behind one another.
pub(super) struct ChannelWalk {
    members: Arc<Members>,
    jobs: Vec<Job>,
    batch: Batch,
    /// How many members are still to be visited.
    ahead: usize,
}

impl Job {
    pub(super) fn goes_with(&self, other: &Job) -> bool {
        matches!((&self.to, &other.to), (Recipients::Channel(a, _), Recipients::Channel(b, _)) if Arc::ptr_eq(a, b))
    }

    /// Gives it to a connection ahead of its turn.
    pub(super) fn give(&self, connection: &Connection) {
        self.to.give(connection, self.number);
    }
}

impl Walk {
    /// With a publication, and those behind it that [go with](Job::goes_with) it.
    pub(super) fn new(first: Job, others: impl IntoIterator<Item = Job>) -> Walk {
        let Recipients::Channel(members, _) = &first.to else { return Walk::GroupedConnections(first) };
        let members = members.clone();
        let jobs: Vec<Job> = [first].into_iter().chain(others).collect();
        let batch = Batch::new(jobs.iter().filter_map(|job| job.to.message().cloned()).collect());
        Walk::Channel(ChannelWalk { members, jobs, batch, ahead: usize::MAX })
    }

    pub(super) fn jobs(&self) -> &[Job] {
        match self {
            Walk::Channel(walk) => &walk.jobs,
            Walk::GroupedConnections(job) => slice::from_ref(job),
        }
    }

    /// Serves the next slice. Whether this was the last.
    pub(super) fn serve(&mut self, most: usize, marks: &mut Marks, served: &mut Vec<Connection>) -> bool {
        match self {
            Walk::Channel(walk) => walk.serve(most, marks),
            Walk::GroupedConnections(Job { to: Recipients::Picked(picked), number, .. }) => {
                serve_picked(picked, *number, most, marks, served)
            }
            Walk::GroupedConnections(_) => true,
        }
    }
}

impl ChannelWalk {
    fn serve(&mut self, most: usize, marks: &mut Marks) -> bool {
        let ChannelWalk { members, jobs, batch, ahead } = self;
        let [Job { number: first, .. }, ..] = **jobs else { return true };
        let last = jobs.last().map_or(first, |job| job.number);
        members.visit(ahead, most, |member| {
            // Who was visited already, or was caught up.
            let served = marks.advance(member, last);
            if served >= last {
                return;
            }
            if served < first && member.is_in_since(members, first) {
                return member.deliver_all(batch);
            }
            // Has heard some of them, or joined after some of them.
            let from = member.since(members).map_or(last, |since| since.max(served));
            let unheard = jobs.iter().zip(batch.messages()).filter(|(job, _)| job.number > from);
            unheard.for_each(|(_, message)| member.deliver(message));
        });
        *ahead == 0
    }
}

fn serve_picked(
    picked: &mut GroupedConnections,
    number: u64,
    most: usize,
    marks: &mut Marks,
    served: &mut Vec<Connection>,
) -> bool {
    for _ in 0..most {
        let Some((member, group)) = picked.take() else { return true };
        if marks.advance(&member, number) < number {
            group.give(&member, number);
        }
        served.push(member);
    }
    false
}
