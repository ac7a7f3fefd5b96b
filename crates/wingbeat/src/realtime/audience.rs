//! Audiences: what a publisher answers to "who hears this?".

use super::Connection;
use super::pattern::Pattern;
use std::fmt;
use std::sync::Arc;
use wingbeat_core::{Payload, Result, Seldom};

/// Who hears an event: members of channels, single connections, or nobody; perhaps filtered, perhaps with data of
/// their own.
///
/// A connection hears an event once, however many parts of the audience it is in, and gets the data of the first
/// part that has it. Channels are looked up when the event is sent; a name that nobody has joined is simply empty.
///
/// ```
/// use serde_json::json;
/// use wingbeat::{Audience, channel, nobody};
///
/// let audience = channel("admins").or(channel("everybody").send(json!({"note": "details hidden"})));
/// let local = channel("everybody").filter(|connection| connection.provider() == "socketio");
/// let silent: Audience = nobody();
/// ```
#[derive(Clone, Default)]
pub struct Audience {
    pub(super) parts: Vec<Part>,
}

#[derive(Clone)]
pub(super) struct Part {
    pub(super) source: Source,
    pub(super) filters: Vec<Filter>,
    pub(super) data: Option<Payload>,
}

#[derive(Clone)]
pub(super) enum Source {
    Channel(Box<str>),
    Matching(Pattern),
    Connection(Connection),
}

pub(super) type Filter = Arc<dyn Fn(&Connection) -> bool + Send + Sync>;

/// The members of a channel.
pub fn channel(name: impl Into<Box<str>>) -> Audience {
    Audience::of(Source::Channel(name.into()))
}

/// The members of several channels.
pub fn channels<N: Into<Box<str>>>(names: impl IntoIterator<Item = N>) -> Audience {
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
        Audience { parts: vec![Part { source, filters: Vec::new(), data: None }] }
    }

    /// And also these, as far as they are not in yet.
    pub fn or(mut self, more: impl Into<Audience>) -> Audience {
        self.parts.append(&mut more.into().parts);
        self
    }

    /// Only those for whom the predicate holds.
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
            part.data = Some(data.clone());
        }
        self
    }

    /// Whether this names nobody at all. (A channel can be named and still be empty.)
    pub fn is_nobody(&self) -> bool {
        self.parts.is_empty()
    }
}

impl From<()> for Audience {
    fn from((): ()) -> Audience {
        nobody()
    }
}

impl From<Connection> for Audience {
    fn from(connection: Connection) -> Audience {
        Audience::of(Source::Connection(connection))
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

/// An audience that could not be found out is nobody; the error is logged, the call succeeds.
impl<A: Into<Audience>> From<Result<A>> for Audience {
    fn from(audience: Result<A>) -> Audience {
        match audience {
            Ok(audience) => audience.into(),
            Err(error) => {
                static FAILED: Seldom = Seldom::new();
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

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Channel(name) => write!(f, "channel {name}")?,
            Source::Matching(pattern) => write!(f, "channels {pattern:?}")?,
            Source::Connection(connection) => connection.fmt(f)?,
        }
        f.write_str(if self.filters.is_empty() { "" } else { " filtered" })?;
        f.write_str(if self.data.is_some() { " with data" } else { "" })
    }
}
