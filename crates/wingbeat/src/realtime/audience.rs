//! Audiences: what a publisher answers to "who hears this?".

use super::pattern::Pattern;
use super::selector::{Selector, Source};
use super::{ChannelName, Connection};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{Payload, Result};
use wingbeat_protocol::LogThrottle;

/// Who hears an event: members of channels, single connections, or nobody; perhaps filtered, perhaps with data of
/// their own.
///
/// A connection hears an event once, however many parts of the audience it is in, and gets the data of the first
/// part that has it. Channels are looked up when the event is sent; a name that nobody has joined is simply empty.
///
/// ```
/// use serde_json::json;
/// use wingbeat::realtime::{Audience, channel, nobody};
///
/// let audience = channel("admins").or(channel("everybody").send(json!({"note": "details hidden"})));
/// let staff = channel("everybody").having("user.role", "admin");
/// let local = channel("everybody").filter(|connection| connection.provider() == "socketio");
/// let silent: Audience = nobody();
/// ```
#[derive(Clone, Default)]
pub struct Audience {
    pub(super) parts: Vec<Part>,
}

/// What can be sent and stored, and what stays in this process.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) selector: Selector,
    pub(super) filters: Vec<Filter>,
    /// The connection that the selector names.
    pub(super) connection: Option<Connection>,
}

/// About what a value that connections must have takes.
const HAVING: usize = 100;

pub(super) type Filter = Arc<dyn Fn(&Connection) -> bool + Send + Sync>;

/// The members of a channel: `channel("staff")`, `channel(("rooms", id))`.
pub fn channel(name: impl Into<ChannelName>) -> Audience {
    Audience::of(Source::Channel(name.into().into_text()))
}

/// The members of several channels.
pub fn channels<N: Into<ChannelName>>(names: impl IntoIterator<Item = N>) -> Audience {
    names.into_iter().map(channel).collect()
}

/// The members of all channels whose names fit a pattern: in `rooms/*` the star stands for any text. Looks through the
/// names of all channels for every event.
pub fn channels_matching(pattern: &str) -> Audience {
    Audience::of(Source::Matching(Pattern::new(pattern)))
}

/// Nobody.
pub fn nobody() -> Audience {
    Audience::default()
}

impl Audience {
    fn of(source: Source) -> Audience {
        Audience { parts: vec![Part::new(Selector::new(source), None)] }
    }

    /// The audience of selectors. `find` finds the connections that they name by [number](Connection::id); whoever it does
    /// not find hears nothing, and need not be excepted.
    pub fn from_selectors(
        selectors: impl IntoIterator<Item = Selector>,
        find: impl Fn(u64) -> Option<Connection>,
    ) -> Audience {
        let part = |mut selector: Selector| {
            selector.except = selector.except.iter().filter_map(|id| Some(find(*id)?.id())).collect();
            match selector.of {
                Source::Connection(id) => find(id).map(|connection| Part::new(selector, Some(connection))),
                _ => Some(Part::new(selector, None)),
            }
        };
        Audience { parts: selectors.into_iter().filter_map(part).collect() }
    }

    /// What the audience says as data. Nothing if it has [filters](Audience::filter), which are code: without them others
    /// would hear.
    pub fn selectors(&self) -> Option<impl Iterator<Item = &Selector>> {
        let is_data = self.parts.iter().all(|part| part.filters.is_empty());
        is_data.then(|| self.parts.iter().map(|part| &part.selector))
    }

    /// And also these, as far as they are not in yet.
    pub fn or(mut self, more: impl Into<Audience>) -> Audience {
        self.parts.append(&mut more.into().parts);
        self
    }

    /// Without a connection: `channel("all").except(publication.caller())`.
    pub fn except<'a>(mut self, connection: impl Into<Option<&'a Connection>>) -> Audience {
        if let Some(connection) = connection.into() {
            self.parts.iter_mut().for_each(|part| part.selector.except.push(connection.id()));
        }
        self
    }

    /// Only those with this [named value](Connection::get), or with this inside one: `having("user.role", "admin")`.
    pub fn having(mut self, name: &str, value: impl Into<Value>) -> Audience {
        let value = value.into();
        self.parts.retain_mut(|part| part.selector.have(name, &value));
        self
    }

    /// Only those for whom the predicate holds. What [`except`](Audience::except) and [`having`](Audience::having) can say
    /// is better said by these: it is data, which logs show and other processes understand.
    pub fn filter(mut self, predicate: impl Fn(&Connection) -> bool + Send + Sync + 'static) -> Audience {
        let predicate: Filter = Arc::new(predicate);
        for part in &mut self.parts {
            part.filters.push(predicate.clone());
        }
        self
    }

    /// Sends them this instead of the event's own data.
    pub fn send(mut self, data: impl Into<Payload>) -> Audience {
        let data = data.into();
        for part in &mut self.parts {
            part.selector.data = Some(data.clone());
        }
        self
    }

    /// Whether this names nobody at all. (A channel can be named and still be empty.)
    pub fn is_nobody(&self) -> bool {
        self.parts.is_empty()
    }
}

/// What a publisher returns: all that becomes an [`Audience`], an `Option`, a `Result` or a list of such included.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an audience",
    label = "a publisher returns who hears the event",
    note = "return `channel(\"name\")`, `channels([…])`, a connection or `nobody()`",
    note = "a publisher that waits is registered with `publish_async` or `publish_event_async`"
)]
pub trait IntoAudience {
    /// The audience.
    fn into_audience(self) -> Audience;
}

#[diagnostic::do_not_recommend]
impl<A: Into<Audience>> IntoAudience for A {
    fn into_audience(self) -> Audience {
        self.into()
    }
}

impl From<()> for Audience {
    fn from((): ()) -> Audience {
        nobody()
    }
}

impl From<Connection> for Audience {
    fn from(connection: Connection) -> Audience {
        let selector = Selector::new(Source::Connection(connection.id()));
        Audience { parts: vec![Part::new(selector, Some(connection))] }
    }
}

impl<A: Into<Audience>> From<Option<A>> for Audience {
    fn from(audience: Option<A>) -> Audience {
        audience.map_or_else(nobody, Into::into)
    }
}

impl<A: Into<Audience>> From<Vec<A>> for Audience {
    fn from(audiences: Vec<A>) -> Audience {
        audiences.into_iter().collect()
    }
}

impl<A: Into<Audience>, const N: usize> From<[A; N]> for Audience {
    fn from(audiences: [A; N]) -> Audience {
        audiences.into_iter().collect()
    }
}

/// If a publisher fails, nobody hears the event. The error is logged, and the call succeeds.
impl<A: Into<Audience>> From<Result<A>> for Audience {
    fn from(audience: Result<A>) -> Audience {
        match audience {
            Ok(audience) => audience.into(),
            Err(error) => {
                static FAILED: LogThrottle = LogThrottle::new();
                if let Some(times) = FAILED.happened_as(&format!("{error:?}")) {
                    tracing::warn!(?error, times, "a publisher failed, so nobody hears this event");
                }
                nobody()
            }
        }
    }
}

impl<A: Into<Audience>> FromIterator<A> for Audience {
    fn from_iter<I: IntoIterator<Item = A>>(audiences: I) -> Audience {
        audiences.into_iter().fold(nobody(), |all, audience| all.or(audience))
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.parts).finish()
    }
}

impl Part {
    fn new(selector: Selector, connection: Option<Connection>) -> Part {
        Part { selector, filters: Vec::new(), connection }
    }

    /// Whether all who are found are meant.
    pub(super) fn takes_all(&self) -> bool {
        self.filters.is_empty() && self.selector.takes_all()
    }

    /// What is to be known of it later, but for the data, which the message has.
    pub(super) fn to_log(&self) -> Part {
        let Part { selector: Selector { of, except, having, .. }, filters, connection } = self;
        let selector = Selector { of: of.clone(), except: except.clone(), having: having.clone(), data: None };
        Part { selector, filters: filters.clone(), connection: connection.clone() }
    }

    /// About how much memory it takes beside itself.
    pub(super) fn bytes(&self) -> usize {
        let Selector { of, except, having, .. } = &self.selector;
        let name = match of {
            Source::Channel(name) => name.len(),
            Source::Matching(pattern) => pattern.bytes(),
            Source::Connection(_) => 0,
        };
        // A value has some tens of bytes where it is no tree; a filter is shared by all that were made with it.
        let having: usize = having.keys().map(|name| name.len() + HAVING).sum();
        name + size_of_val(&**except) + having + size_of_val(&*self.filters)
    }

    /// Whether it depends on what connections carry.
    pub(super) fn asks(&self) -> bool {
        !self.filters.is_empty() || !self.selector.having.is_empty()
    }

    /// Whether a connection that was found is meant.
    pub(super) fn takes(&self, connection: &Connection) -> bool {
        self.selector.takes(connection) && self.filters.iter().all(|filter| filter(connection))
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.selector.fmt(f)?;
        f.write_str(if self.filters.is_empty() { "" } else { " filtered" })
    }
}
