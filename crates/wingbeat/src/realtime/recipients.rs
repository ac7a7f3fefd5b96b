//! Those whom a publication goes to: an audience, looked up in the channels.

use super::Connection;
use super::audience::{Audience, Part};
use super::channel::Channels;
use super::members::Members;
use super::publication::{EventName, Message};
use super::recovery::LoggedPart;
use super::selector::Source;
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wingbeat_core::{Error, RawJson, Result};

/// Those whom a publication goes to, each of them once.
pub(super) enum Recipients {
    /// All who are in a channel when it is published, and still are when they are served.
    Channel(Arc<Members>, Arc<Message>),
    /// Those that were picked out of channels, or named.
    Picked(GroupedConnections),
}

/// Connections, grouped by where they were found and what they are sent.
#[derive(Default)]
pub(super) struct GroupedConnections {
    groups: Vec<Group>,
    /// In which group a connection is.
    group_of: FxHashMap<u64, u32>,
    /// The first group with members who are not taken out yet.
    next: usize,
    /// The parts of the audience, for clients that come back.
    logged: Vec<LoggedPart>,
}

/// Those who are sent the same message.
pub(super) struct Group {
    members: Vec<Connection>,
    /// The channel they were found in; who is not in it any more hears nothing.
    channel: Option<Arc<Members>>,
    message: Arc<Message>,
}

impl Group {
    /// Gives a member what was published, if it still is one. Whether it is.
    pub(super) fn give(&self, connection: &Connection, publication: u64) -> bool {
        match &self.channel {
            Some(channel) => connection.deliver_in(channel, publication, &self.message),
            None if connection.is_connected() => {
                connection.deliver(&self.message);
                true
            }
            None => false,
        }
    }
}

impl Recipients {
    pub(super) fn len(&self) -> usize {
        match self {
            Recipients::Channel(members, _) => members.len(),
            Recipients::Picked(picked) => picked.group_of.len(),
        }
    }

    /// What a channel's members are sent.
    pub(super) fn message(&self) -> Option<&Arc<Message>> {
        match self {
            Recipients::Channel(_, message) => Some(message),
            Recipients::Picked(_) => None,
        }
    }

    pub(super) fn contains(&self, connection: &Connection) -> bool {
        match self {
            Recipients::Channel(members, _) => connection.since(members).is_some(),
            Recipients::Picked(picked) => picked.group_of.contains_key(&connection.id()),
        }
    }

    /// Gives a connection what was published, if it is among them. Whether it is.
    pub(super) fn give(&self, connection: &Connection, publication: u64) -> bool {
        match self {
            Recipients::Channel(members, message) => connection.deliver_in(members, publication, message),
            Recipients::Picked(picked) => picked.give(connection, publication),
        }
    }
}

impl GroupedConnections {
    fn give(&self, connection: &Connection, publication: u64) -> bool {
        let group = self.group_of.get(&connection.id()).and_then(|at| self.groups.get(*at as usize));
        group.is_some_and(|group| group.give(connection, publication))
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = &Arc<Message>> {
        self.groups.iter().map(|group| &group.message)
    }

    /// The parts of the audience.
    pub(super) fn take_logged(&mut self) -> Vec<LoggedPart> {
        std::mem::take(&mut self.logged)
    }

    /// Those of them that are not taken out yet.
    pub(super) fn each(&self) -> impl Iterator<Item = (&Connection, &Group)> {
        self.groups.iter().flat_map(|group| group.members.iter().map(move |member| (member, group)))
    }

    /// Takes one out, to be served.
    pub(super) fn take(&mut self) -> Option<(Connection, &Group)> {
        let member = loop {
            match self.groups.get_mut(self.next)?.members.pop() {
                Some(member) => break member,
                None => self.next += 1,
            }
        };
        Some((member, &self.groups[self.next]))
    }

    /// Finds those of a part of the audience in one place, as far as they are not in a group yet. They become the next.
    fn find(&mut self, part: &Part, channel: Option<&Arc<Members>>) -> Vec<Connection> {
        let (at, mut members) = (self.groups.len() as u32, Vec::new());
        let mut see = |connection: Connection| {
            if let Entry::Vacant(place) = self.group_of.entry(connection.id())
                && part.takes(&connection)
            {
                place.insert(at);
                members.push(connection);
            }
        };
        match (channel, &part.connection) {
            (Some(channel), _) => channel.each(see),
            (None, Some(connection)) => see(connection.clone()),
            (None, None) => {}
        }
        members
    }
}

impl Channels {
    /// Those who hear an event. Nothing if nobody does.
    pub(super) fn recipients(
        &self,
        audience: &Audience,
        name: &EventName,
        data: &RawJson,
    ) -> Result<Option<Recipients>> {
        let message = |data: RawJson| Arc::new(Message::new(name, data));
        if let [part] = &*audience.parts
            && let Source::Channel(channel) = &part.selector.of
            && part.takes_all()
        {
            let Some(members) = self.members(channel) else { return Ok(None) };
            let data = part.selector.data.as_ref().map_or_else(|| Ok(data.clone()), |own| own.to_raw())?;
            return Ok(Some(Recipients::Channel(members, message(data))));
        }
        // Filters are the application's code.
        let picked = catch_unwind(AssertUnwindSafe(|| self.pick(audience, message, data)));
        let picked = picked.unwrap_or_else(|_| Err(Error::general("A filter of the audience panicked")))?;
        Ok((!picked.groups.is_empty() || !picked.logged.is_empty()).then_some(Recipients::Picked(picked)))
    }

    fn pick(
        &self,
        audience: &Audience,
        message: impl Fn(RawJson) -> Arc<Message>,
        data: &RawJson,
    ) -> Result<GroupedConnections> {
        let mut picked = GroupedConnections::default();
        let mut plain: Option<Arc<Message>> = None;
        // Whether somebody may ask for this who is not there.
        let mut is_kept = false;
        for part in &audience.parts {
            // A connection that is named may have been lost, and its client may be here over another one.
            let part = self.recovery().map_or(Cow::Borrowed(part), |recovery| recovery.as_now(part));
            let places: Vec<_> = match &part.selector.of {
                Source::Connection(_) => vec![None],
                Source::Channel(channel) => self.members(channel).map(Some).into_iter().collect(),
                Source::Matching(pattern) => self.members_matching(pattern).into_iter().map(Some).collect(),
            };
            let mut own: Option<Arc<Message>> = None;
            let mut message = || -> Result<_> {
                Ok(match (&part.selector.data, &own) {
                    (None, _) => plain.get_or_insert_with(|| message(data.clone())).clone(),
                    (Some(_), Some(own)) => own.clone(),
                    (Some(data), None) => own.insert(message(data.to_raw()?)).clone(),
                })
            };
            if self.recovery().is_some() && !places.is_empty() {
                let channel = match &part.selector.of {
                    Source::Channel(_) => places.iter().flatten().next().cloned(),
                    _ => None,
                };
                picked.logged.push(LoggedPart {
                    part: part.to_log(),
                    channel,
                    message: message()?.stored(),
                    before: 0,
                });
            }
            for channel in places {
                let members = picked.find(&part, channel.as_ref());
                // Asked after that: who is lost is kept before it leaves, so it was found or is seen now.
                is_kept |= channel.as_ref().is_none_or(|members| members.is_kept());
                if !members.is_empty() {
                    let message = message()?;
                    picked.groups.push(Group { members, channel, message });
                }
            }
        }
        if picked.groups.is_empty() && !is_kept {
            picked.logged.clear();
        }
        Ok(picked)
    }
}
