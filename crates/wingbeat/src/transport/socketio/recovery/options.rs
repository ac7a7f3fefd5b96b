//! What is said of recovery.

use super::Offer;
use std::fmt;
use std::time::Duration;
use wingbeat_core::{Error, Result};
use wingbeat_engine::Handshake;

/// Lets clients come back after a loss as if they had not been away:
/// [connection state recovery](https://socket.io/docs/v4/connection-state-recovery) of Socket.IO, for channels.
///
/// **A client hears every event of its channels once and in order, or is told `recovered: false`.** Never a part.
///
/// `socket.io-client` from 4.6 and what is built on it need nothing for that: `socket.recovered` says what happened, and
/// where it is false the program fetches again what it shows. Middleware, the login of the handshake and the token are asked
/// again first. A client that comes back is in the channels that it was in, and
/// [`on_connection`](crate::Builder::on_connection) and [`on_login`](crate::Builder::on_login) run as for every other, with
/// [`Connection::is_recovered`](crate::Connection::is_recovered).
///
/// A client begins anew when it was away for longer than the window or has missed more than is kept, when it was logged
/// out, disconnected by either side or somebody else logs in, and when the server has started anew. Channels that it has
/// left meanwhile stay left: [`leave`](crate::realtime::Channel::leave) and its siblings find lost connections too.
///
/// Events have a place among all events for that, which travels as one more argument behind the record. Clients that cannot
/// stand this (python-socketio calls handlers with all arguments) say `?recovery=0` in the address, or are found by
/// [`offer`](Recovery::offer). Events of [raw Socket.IO](crate::SocketIo::with) are not sent again.
///
/// ```
/// use std::time::Duration;
/// use wingbeat::transport::Recovery;
/// use wingbeat::{prelude::*, store::Memory};
///
/// let app = App::builder()
///     .mount("messages", Mount::new(Memory::new()).publish(|_| channel("everybody")))
///     .on_connection(|app, connection| app.channel("everybody").join(connection))
///     .configure(SocketIo::new().recovery(Recovery::new().window(Duration::from_secs(300))))
///     .build()?;
/// # Ok::<(), wingbeat::Error>(())
/// ```
#[must_use = "hand it to `SocketIo::recovery`"]
pub struct Recovery {
    pub(super) window: Duration,
    pub(super) log_bytes: usize,
    pub(super) events: usize,
    pub(super) connections: usize,
    pub(super) ends_at_gaps: bool,
    pub(super) offer: Option<Offer>,
    pub(super) keep: Vec<Box<str>>,
    pub(super) same: Vec<Box<str>>,
}

impl Recovery {
    /// For clients that are away for two minutes at most.
    pub fn new() -> Recovery {
        Recovery {
            window: Duration::from_secs(120),
            log_bytes: 64 * 1024 * 1024,
            events: 1_000,
            connections: 100_000,
            ends_at_gaps: true,
            offer: None,
            keep: Vec::new(),
            same: Vec::new(),
        }
    }

    /// How long a client may be away, from when its loss is noticed; 2 minutes if nothing is said.
    pub fn window(mut self, window: Duration) -> Recovery {
        self.window = window;
        self
    }

    /// How many bytes of events are kept, for all clients together; 64 MiB if nothing is said. Who has missed older ones
    /// begins anew.
    pub fn log_bytes(mut self, bytes: usize) -> Recovery {
        self.log_bytes = bytes;
        self
    }

    /// How many events one client is sent again at most; 1,000 if nothing is said. They may also have no more bytes than half
    /// of [`Config::outbox_limit`](wingbeat_engine::Config::outbox_limit).
    pub fn events(mut self, most: usize) -> Recovery {
        self.events = most;
        self
    }

    /// How many lost connections are kept; 100,000 if nothing is said. Beyond that the oldest begin anew.
    pub fn connections(mut self, most: usize) -> Recovery {
        self.connections = most;
        self
    }

    /// Whether all connections are broken off, within some ten seconds, when events of other nodes may be missing because the
    /// [bus](crate::Builder::bus) was away: their clients come again by themselves, and are told that they have missed
    /// something. True if nothing is said; otherwise they are not told.
    pub fn ends_at_gaps(mut self, ends: bool) -> Recovery {
        self.ends_at_gaps = ends;
        self
    }

    /// Asks whether a client is told how to come back. By default all are that do not say `?recovery=0`.
    pub fn offer(mut self, offer: impl Fn(&Handshake) -> bool + Send + Sync + 'static) -> Recovery {
        self.offer = Some(Box::new(offer));
        self
    }

    /// The [named values](crate::Connection::set) that a connection takes over from the lost one: those that calls have set.
    /// What middleware and listeners set they set again.
    pub fn keep<N: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Recovery {
        self.keep.extend(names.into_iter().map(Into::into));
        self
    }

    /// The [named values](crate::Connection::set) that middleware has to give the new connection as the lost one has them:
    /// what they say of who the client is. Otherwise it begins anew. The login needs no word here.
    pub fn same<N: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Recovery {
        self.same.extend(names.into_iter().map(Into::into));
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let invalid =
            |option: &str, why: &str| Err(Error::general(format!("Invalid option `{option}` of recovery: {why}")));
        match self {
            Recovery { window, .. } if window.is_zero() => invalid("window", "clients need some time to come back"),
            Recovery { window, .. } if *window > LONGEST => invalid("window", "a week is the most"),
            Recovery { log_bytes: 0, .. } => invalid("log_bytes", "without any event kept nobody could come back"),
            Recovery { events: 0, .. } => invalid("events", "nobody could be sent anything again"),
            Recovery { connections: 0, .. } => invalid("connections", "nobody could come back"),
            _ => Ok(()),
        }
    }
}

const LONGEST: Duration = Duration::from_secs(7 * 86_400);

impl Default for Recovery {
    fn default() -> Recovery {
        Recovery::new()
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Recovery { window, log_bytes, events, connections, ends_at_gaps, keep, same, .. } = self;
        f.debug_struct("Recovery")
            .field("window", window)
            .field("log_bytes", log_bytes)
            .field("events", events)
            .field("connections", connections)
            .field("ends_at_gaps", ends_at_gaps)
            .field("keep", keep)
            .field("same", same)
            .finish_non_exhaustive()
    }
}
