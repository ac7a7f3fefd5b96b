//! Services over plain HTTP, as `@feathersjs/rest-client` speaks it: `GET /messages/1` is a call, the response its answer.

mod answer;
mod body;
mod endpoint;
mod events;
#[cfg(feature = "uploads")]
mod files;
mod lines;
mod negotiation;
mod refused;
mod target;

use crate::app::{App, BoundTransport, Transport};
use bytes::Bytes;
use endpoint::Endpoint;
pub use events::EventStreams;
use events::Streams;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::Result;
use wingbeat_engine::{Config, Cors};

/// How long a call may take by default.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How large a body may be by default: as large as a message over Socket.IO.
const MAX_BODY: usize = 1_000_000;

/// Services over plain HTTP: for `@feathersjs/rest-client`, curl and other servers. The paths of services are its own; the
/// application's fallback keeps all others.
///
/// ```
/// use wingbeat::engine::Cors;
/// use wingbeat::{Rest, prelude::*, store::Memory};
///
/// # fn main() -> Result<()> {
/// let app = App::builder()
///     .mount("messages", Mount::new(Memory::new()))
///     .configure(SocketIo::new())
///     .configure(Rest::new().max_body(1 << 20).cors(Cors::origins(["https://chat.example"])))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// | request | call |
/// |---|---|
/// | `GET /messages?text=Hello` | `find` with a query |
/// | `GET /messages/1` | `get` |
/// | `POST /messages` | `create` |
/// | `PUT /messages/1`, `PATCH /messages/1`, `DELETE /messages/1` | `update`, `patch`, `remove` |
/// | `PATCH /messages?read=false`, `DELETE /messages?read=true` | the same for several records |
/// | `POST /messages` with `X-Service-Method: archive`, `POST /messages/archive` | a method of the service's own |
///
/// Bodies are JSON or forms, answers and errors JSON; with `Accept: application/x-ndjson` the records of a find come a line
/// each, those of all pages behind a `$cursor` included. Clients without sockets hear [events](Rest::events). Query strings
/// are read as Express does it ([`query_string`](wingbeat_core::query_string)): all their values are texts, which a table
/// with columns reads by their types. Hooks say status, headers and redirects by [`Context::http`](crate::Context::http).
///
/// Pages of other origins may only read, and that only if [`cors`](Rest::cors) lets them: who answers to whoever asks, in a
/// company's own network say, is safe from forms on the pages of strangers.
#[must_use = "hand it to `configure`"]
#[derive(Debug)]
pub struct Rest {
    /// What CORS, proxies and pages of other origins are held to.
    config: Config,
    max_body: usize,
    call_timeout: Duration,
    events: Option<EventStreams>,
}

impl Rest {
    /// For pages of the same origin.
    pub fn new() -> Rest {
        let config = Config::default().same_origin();
        Rest { config, max_body: MAX_BODY, call_timeout: CALL_TIMEOUT, events: None }
    }

    /// Which pages of other origins may call, and read the answers. By default none.
    pub fn cors(mut self, cors: Cors) -> Rest {
        self.config = self.config.cors(cors);
        self
    }

    /// How many bytes a body may have; one million if nothing is said. A longer one is refused with 413.
    pub fn max_body(mut self, bytes: usize) -> Rest {
        self.max_body = bytes;
        self
    }

    /// How long a call may take before it ends with Timeout, and a body before it is there; 60 seconds if nothing is said.
    pub fn call_timeout(mut self, limit: Duration) -> Rest {
        self.call_timeout = limit;
        self
    }

    /// Lets clients without sockets hear events, by `GET` of this path: the answer is a stream (`text/event-stream`) of
    /// `{"event": "created", "data": {…}, "path": "messages"}`, as the clients of Feathers 6 read it, and `EventSource` in
    /// browsers. If nothing is said there are no streams.
    ///
    /// A stream is a [`Connection`](crate::Connection) with the provider `rest`, whose value `query` is the query of the
    /// request. Listeners of connections put it into channels as they do with sockets. It is logged in by its headers, by
    /// the strategies of all calls over REST, and ends with that login.
    ///
    /// ```
    /// use serde_json::json;
    /// use wingbeat::{Rest, prelude::*, store::Memory};
    ///
    /// # fn main() -> Result<()> {
    /// let app = App::builder()
    ///     .mount("messages", Mount::new(Memory::new()).publish(|message| Some(channel(("rooms", message.id("room")?)))))
    ///     // `GET /sse?room=7`
    ///     .on_connection(|app, connection| {
    ///         let query = connection.get("query").unwrap_or_default();
    ///         if let Some(room) = query["room"].as_str() {
    ///             app.channel(("rooms", room)).join(connection);
    ///         }
    ///     })
    ///     .configure(Rest::new().events("sse"))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(mut self, streams: impl Into<EventStreams>) -> Rest {
        self.events = Some(streams.into());
        self
    }

    /// Proxies that are believed when they say where a client is; see
    /// [`Config::trusted_proxies`](wingbeat_engine::Config::trusted_proxies).
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = std::net::IpAddr>) -> Rest {
        self.config = self.config.trusted_proxies(proxies);
        self
    }

    /// Whether these proxies speak by `Forwarded`; see [`Config::forwarded`](wingbeat_engine::Config::forwarded).
    pub fn forwarded(mut self, standard: bool) -> Rest {
        self.config = self.config.forwarded(standard);
        self
    }
}

impl Default for Rest {
    fn default() -> Rest {
        Rest::new()
    }
}

impl Transport for Rest {
    fn bind(self: Box<Self>, app: &App) -> Result<BoundTransport> {
        let Rest { config, max_body, call_timeout, events } = *self;
        config.check()?;
        let dispatcher = app.dispatcher(call_timeout);
        if let Some(events) = &events {
            events.check(|path| dispatcher.is_mounted(path))?;
        }
        let streams = events.map(Streams::new);
        let transport = BoundTransport::new().client_addresses("rest", config.clone());
        let endpoint = Arc::new(Endpoint { dispatcher, config, max_body, streams });
        let (queued, close) = (endpoint.clone(), endpoint.clone());
        Ok(transport
            .answering(move |request| {
                let route = endpoint.route(request.as_ref()?.uri().path())?;
                Some(endpoint.clone().serve(request.take()?, route))
            })
            .queued_bytes(move || queued.streams.as_ref().map_or(0, Streams::queued_bytes))
            .on_close(move |patience| {
                let endpoint = close.clone();
                async move {
                    if let Some(streams) = &endpoint.streams {
                        streams.close(patience).await;
                    }
                }
            }))
    }
}

/// JSON without line ends: between its values there may be some. Within texts they are escaped.
fn one_line(json: Bytes) -> Bytes {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    if !json.iter().any(is_end) {
        return json;
    }
    json.iter().map(|byte| if is_end(byte) { b' ' } else { *byte }).collect()
}

#[cfg(test)]
mod tests;
