//! What was published lately, for clients that have missed some of it.
//!
//! Entries are numbered as publications are. Each names the one before it of the same channel, so that a client's events are
//! found by looking at these alone, however much others were sent; and the walk back knows where it meets one that is not
//! kept any more.

use super::Refused;
use super::candidate::{Candidate, Lost, Stay};
use super::position::Position;
use crate::realtime::Connection;
use crate::realtime::audience::Part;
use crate::realtime::clock;
use crate::realtime::members::Members;
use crate::realtime::publication::StoredMessage;
use crate::realtime::recipients::Recipients;
use crate::realtime::selector::Source;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::Instant;

/// How many entries are looked at for each that a client may have missed. More would be found in channels that it has left,
/// behind the time when it was there.
const LOOKED_AT: usize = 16;
/// How many entries are asked about, by what they say of their audience, for each event that a client may be sent.
const ASKED: usize = 4;
/// What an entry takes beside its data: itself, with the room for more that its list has, and what data are in.
const ENTRY: usize = 2 * size_of::<Entry>() + 32;

#[derive(Debug)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
    bytes: usize,
    most: usize,
    age: Duration,
    /// Until here something may be missing that was never logged.
    gap: u64,
    /// The last that went to channels by their pattern. Everybody looks at these.
    matching: u64,
    /// The last about each connection itself: sent to it alone, or a channel that it has left.
    own: FxHashMap<u64, u64>,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    at: Instant,
    bytes: usize,
    what: What,
}

#[derive(Debug)]
enum What {
    /// All who were in a channel have been sent it.
    Channel {
        message: StoredMessage,
        before: u64,
    },
    Parts(Arc<[LoggedPart]>),
    /// A connection has left a channel.
    Left {
        stay: Stay,
        before: u64,
    },
}

impl What {
    /// About how much memory it takes beside its place in the list.
    fn bytes(&self) -> usize {
        match self {
            What::Channel { message, .. } => message.size(),
            What::Parts(parts) => {
                // Parts without data of their own share what they are sent.
                let mut seen = FxHashSet::default();
                let data =
                    |part: &LoggedPart| if seen.insert(part.message.data_at()) { part.message.size() } else { 0 };
                let own = parts.iter().map(|part| size_of::<LoggedPart>() + part.part.bytes()).sum::<usize>();
                own + parts.iter().map(data).sum::<usize>()
            }
            What::Left { .. } => 0,
        }
    }
}

/// One part of an audience, and what it was sent.
#[derive(Debug)]
pub(in crate::realtime) struct LoggedPart {
    pub(in crate::realtime) part: Part,
    /// The channel that it names, if it names one.
    pub(in crate::realtime) channel: Option<Arc<Members>>,
    pub(in crate::realtime) message: StoredMessage,
    /// The entry before this one in the same chain.
    pub(in crate::realtime) before: u64,
}

impl Log {
    pub(super) fn new(most: usize, age: Duration) -> Log {
        Log { entries: VecDeque::new(), bytes: 0, most, age, gap: 0, matching: 0, own: FxHashMap::default() }
    }

    /// Gives a publication its number, and keeps it.
    pub(super) fn publish(&mut self, epoch: u64, to: &mut Recipients) -> u64 {
        let number = clock::next();
        let position = Position { epoch, number };
        let what = match to {
            Recipients::Channel(members, message) => {
                message.place(position);
                let before = members.last.swap(number, Relaxed);
                What::Channel { message: message.stored(), before }
            }
            Recipients::Picked(picked) => {
                picked.messages().for_each(|message| message.place(position));
                let mut parts = picked.take_logged();
                for part in &mut parts {
                    part.before = self.link(part, number);
                    // Its number is enough from now on: what is kept here must not keep connections.
                    part.part.connection = None;
                }
                What::Parts(parts.into())
            }
        };
        self.push(number, what);
        number
    }

    /// Makes this entry the last of the chain that a part belongs to; the one before it.
    fn link(&mut self, part: &LoggedPart, number: u64) -> u64 {
        match (&part.part.selector.of, &part.channel) {
            (Source::Channel(_), Some(members)) => members.last.swap(number, Relaxed),
            (Source::Channel(_), None) => 0,
            (Source::Matching(_), _) => std::mem::replace(&mut self.matching, number),
            (Source::Connection(id), _) => {
                // One that has gone and does not come back is not remembered.
                let is_there = part.part.connection.as_ref().is_some_and(Connection::is_connected);
                match self.own.get_mut(id) {
                    Some(last) => std::mem::replace(last, number),
                    None if is_there => self.own.insert(*id, number).unwrap_or(0),
                    None => 0,
                }
            }
        }
    }

    /// Something may be missing that was never logged.
    pub(super) fn forget_all(&mut self) {
        self.gap = clock::next();
        self.entries = VecDeque::new();
        self.bytes = 0;
    }

    /// A connection that can come back has left a channel. One that has gone, and does not, is not remembered.
    pub(super) fn left(&mut self, connection: &Connection, members: &Arc<Members>, since: u64) {
        if !connection.is_connected() && !self.own.contains_key(&connection.id()) {
            return;
        }
        let number = clock::next();
        let before = self.own.insert(connection.id(), number).unwrap_or(0);
        let stay = Stay { members: members.clone(), since, until: number };
        self.push(number, What::Left { stay, before });
    }

    /// Remembers what is about a connection, though it has gone.
    pub(super) fn remember(&mut self, connection: u64) {
        self.own.entry(connection).or_default();
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[cfg(test)]
    pub(super) fn knows_nobody(&self) -> bool {
        self.own.is_empty()
    }

    /// Nobody will ask for what was about this connection.
    pub(super) fn forget(&mut self, connection: u64) {
        self.own.remove(&connection);
    }

    fn push(&mut self, number: u64, what: What) {
        let (bytes, at) = (ENTRY + what.bytes(), Instant::now());
        self.bytes += bytes;
        self.entries.push_back(Entry { number, at, bytes, what });
        while let Some(oldest) = self.entries.front()
            && (self.bytes > self.most || at - oldest.at > self.age)
        {
            self.bytes -= oldest.bytes;
            self.entries.pop_front();
        }
    }

    /// The number of the oldest that is kept, if any is.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.number)
    }

    fn get(&self, number: u64) -> Option<&What> {
        let at = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        self.entries.get(at).map(|entry| &entry.what)
    }

    /// What a connection may have missed after a place, oldest first. Nothing from before it was in a channel, nor what was
    /// sent to others: so a place from before the connection, as clients keep it, is as good as that of the connection.
    pub(super) fn missed(
        &self,
        lost: &Lost,
        stays: &[Stay],
        after: u64,
        most: usize,
    ) -> Result<Vec<Candidate>, Refused> {
        if after < self.gap {
            return Err(Refused::Gone);
        }
        let mut walk = Steps { log: self, left: most.saturating_mul(LOOKED_AT).saturating_add(1) };
        let (mut numbers, mut stays) = (Vec::new(), stays.to_vec());
        for id in lost.ids() {
            let mut at = self.own.get(&id).copied().unwrap_or(0);
            while at > after {
                at = match walk.entry(at)? {
                    What::Left { stay, before } => {
                        stays.push(stay.clone());
                        *before
                    }
                    What::Parts(parts) => {
                        numbers.push(at);
                        before(parts, at, |part| matches!(part.part.selector.of, Source::Connection(own) if own == id))
                    }
                    What::Channel { .. } => 0,
                };
            }
        }
        for stay in &stays {
            let (mut at, after) = (stay.members.last.load(Relaxed), after.max(stay.since));
            while at > after {
                let what = walk.entry(at)?;
                if at < stay.until {
                    numbers.push(at);
                }
                at = match what {
                    What::Channel { before, .. } => *before,
                    What::Parts(parts) => {
                        let is_of = |channel: &Arc<Members>| Arc::ptr_eq(channel, &stay.members);
                        before(parts, at, |part| part.channel.as_ref().is_some_and(is_of))
                    }
                    What::Left { .. } => 0,
                };
            }
        }
        // What went to channels by their pattern it can have heard in a channel alone.
        let first = stays.iter().map(|stay| stay.since).min().unwrap_or(u64::MAX);
        let mut at = self.matching;
        while at > after.max(first) {
            at = match walk.entry(at)? {
                What::Parts(parts) => {
                    numbers.push(at);
                    before(parts, at, |part| matches!(part.part.selector.of, Source::Matching(_)))
                }
                _ => 0,
            };
        }
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() > most.saturating_mul(ASKED) {
            return Err(Refused::TooMuch);
        }
        let stays: Arc<[Stay]> = stays.into();
        let candidate = |number: u64| match self.get(number)? {
            What::Channel { message, .. } => Some(Candidate::Missed(number, message.clone())),
            What::Parts(parts) => Some(Candidate::Asked(number, parts.clone(), stays.clone())),
            What::Left { .. } => None,
        };
        let candidates: Vec<Candidate> = numbers.into_iter().filter_map(candidate).collect();
        // Of the others most may be for other members of the same channels.
        let sure = candidates.iter().filter(|candidate| matches!(candidate, Candidate::Missed(..))).count();
        if sure > most { Err(Refused::TooMuch) } else { Ok(candidates) }
    }
}

/// The entry before this one in a chain. A part may stand several times in one audience: the first knows what was before.
fn before(parts: &[LoggedPart], number: u64, is_of: impl Fn(&LoggedPart) -> bool) -> u64 {
    parts.iter().filter(|part| is_of(part)).map(|part| part.before).find(|before| *before < number).unwrap_or(0)
}

/// A walk through chains, which ends where it meets what is not kept, or takes too long.
struct Steps<'a> {
    log: &'a Log,
    left: usize,
}

impl<'a> Steps<'a> {
    fn entry(&mut self, number: u64) -> Result<&'a What, Refused> {
        self.left = self.left.checked_sub(1).ok_or(Refused::TooMuch)?;
        self.log.get(number).ok_or(Refused::Gone)
    }
}
