//! Events that a client may have missed, and whether it has.

use super::Refused;
use super::log::LoggedPart;
use super::position::Position;
use crate::realtime::Connection;
use crate::realtime::audience::Part;
use crate::realtime::members::{Members, Membership};
use crate::realtime::publication::{Message, StoredMessage};
use crate::realtime::selector::Source;
use std::sync::Arc;

/// The time that a connection is or was in a channel: it hears what is published after `since`, and before `until`.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) members: Arc<Members>,
    pub(super) since: u64,
    pub(super) until: u64,
}

/// Whose events are looked for.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    /// The connection that was lost, as it was.
    pub(super) connection: Connection,
    /// Those that it went on from, the first one first.
    pub(super) earlier: Arc<[Earlier]>,
    /// The one that is about to go on from it.
    pub(super) next: Option<Connection>,
}

/// A connection that another one went on from.
#[derive(Clone, Debug)]
pub(super) struct Earlier {
    pub(super) id: u64,
    /// What was published until then was for this one.
    pub(super) until: u64,
    /// As it was, as long as anything of its time is kept.
    pub(super) connection: Option<Connection>,
}

impl Lost {
    pub(super) fn ids(&self) -> impl Iterator<Item = u64> {
        let next = self.next.iter().map(Connection::id);
        self.earlier.iter().map(|earlier| earlier.id).chain([self.connection.id()]).chain(next)
    }

    /// Whom a publication was for. Until its client is back that is the lost one, whatever is known of the next.
    fn at(&self, number: u64) -> &Connection {
        let then = self.earlier.iter().find(|earlier| number <= earlier.until);
        then.and_then(|earlier| earlier.connection.as_ref()).unwrap_or(&self.connection)
    }
}

/// An event that a client may have missed.
pub(super) enum Candidate {
    /// It has.
    Missed(u64, StoredMessage),
    /// If it was meant, which the parts of the audience say.
    Asked(u64, Arc<[LoggedPart]>, Arc<[Stay]>),
}

impl Stay {
    /// The stay of one who is still in.
    pub(super) fn of(membership: &Membership) -> Stay {
        Stay { members: membership.members.clone(), since: membership.since, until: u64::MAX }
    }

    fn has(&self, number: u64) -> bool {
        self.since < number && number < self.until
    }
}

impl Candidate {
    pub(super) fn number(&self) -> u64 {
        match self {
            Candidate::Missed(number, _) | Candidate::Asked(number, ..) => *number,
        }
    }

    /// Whether the application's own code decides.
    pub(super) fn has_filters(&self) -> bool {
        matches!(self, Candidate::Asked(_, parts, _) if parts.iter().any(|part| !part.part.filters.is_empty()))
    }

    /// The message, if it was meant for a connection: what the first part says that has it.
    ///
    /// # Errors
    /// If that cannot be said any more, because the connection has other values now than when it was published.
    pub(super) fn message(&self, lost: &Lost, epoch: u64) -> Result<Option<Message>, Refused> {
        let position = Position { epoch, number: self.number() };
        let then = lost.at(self.number());
        let is_of_then = |is_asked| match then.has_changed_since(self.number(), is_asked) {
            true => Err(Refused::Changed),
            false => Ok(()),
        };
        let (number, parts, stays) = match self {
            Candidate::Missed(_, message) => return is_of_then(false).map(|()| Some(message.message(position))),
            Candidate::Asked(number, parts, stays) => (*number, parts, stays),
        };
        let was_in =
            |fits: &dyn Fn(&Arc<Members>) -> bool| stays.iter().any(|stay| stay.has(number) && fits(&stay.members));
        let excepts = |part: &Part| lost.ids().any(|id| part.selector.except.contains(&id));
        for logged in parts.iter() {
            let is_found = match (&logged.part.selector.of, &logged.channel) {
                (Source::Channel(_), Some(channel)) => was_in(&|members| Arc::ptr_eq(members, channel)),
                (Source::Channel(_), None) => false,
                (Source::Matching(pattern), _) => was_in(&|members| pattern.fits(members.name())),
                (Source::Connection(id), _) => lost.ids().any(|own| own == *id),
            };
            if is_found && !excepts(&logged.part) {
                is_of_then(logged.part.asks())?;
                if logged.part.takes(then) {
                    return Ok(Some(logged.message.message(position)));
                }
            }
        }
        Ok(None)
    }
}
