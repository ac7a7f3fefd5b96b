//! Events for clients without sockets: `GET /sse` is answered with a stream of them.

mod encoding;
mod options;
mod outbox;
mod places;

pub use options::EventStreams;

use super::endpoint::Endpoint;
use super::refused::Refused;
use crate::app::{Dispatcher, HttpBody};
use crate::realtime::{Batch, Connection, Headers, Message, Peer};
use encoding::{connected, event};
use futures_util::future::select;
use http::request::Parts;
use http::{HeaderValue, Method as Verb, Response, header};
use outbox::{Ledger, Outbox};
use places::{Place, Places};
use serde_json::Value;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use wingbeat_core::{Error, Result};

/// How long a client may take for what waits for it when its stream ends.
const LAST: Duration = Duration::from_secs(2);

/// All streams of an application.
pub(super) struct Streams {
    options: EventStreams,
    places: Places,
    ledger: Arc<Ledger>,
    /// True at the end. Every stream has a receiver, until it has gone.
    closing: watch::Sender<bool>,
}

impl Streams {
    pub(super) fn new(options: EventStreams) -> Streams {
        let ledger = Arc::new(Ledger::new(&options));
        Streams { places: Places::new(&options), ledger, options, closing: watch::Sender::new(false) }
    }

    /// Whether streams are asked for at a path.
    pub(super) fn is_at(&self, path: &str) -> bool {
        path.trim_matches('/') == &*self.options.path
    }

    /// How many bytes wait for all clients, each counted once.
    pub(super) fn queued_bytes(&self) -> usize {
        self.ledger.bytes()
    }

    /// Opens no further streams, and ends those that there are.
    pub(super) async fn close(&self, patience: Duration) {
        self.closing.send_replace(true);
        timeout(patience, self.closing.closed()).await.unwrap_or_default();
    }

    /// Lets a client in, as one over a socket.
    pub(super) async fn open(&self, endpoint: &Endpoint, head: &Parts) -> Result<Response<HttpBody>, Refused> {
        if head.method != Verb::GET {
            let error =
                Error::method_not_allowed(format!("Method {} not allowed: events are read by GET", head.method));
            return Err(Refused { allow: Some("GET".into()), ..endpoint.refused(error) });
        }
        // A stream stays, and listeners hear of it: strangers' pages had better not open it, though they could not read it.
        endpoint.check_origin(head)?;
        let query = Value::Object(endpoint.query_of(head)?);
        let address = endpoint.config.client(head).map(|peer| peer.address.ip());
        let place = self.places.take(address).map_err(|error| endpoint.refused(error))?;
        let mut closing = self.closing.subscribe();
        let (outbox, body) = Outbox::new(self.ledger.clone(), self.options.outbox_limit);
        let reader = Reader { outbox: outbox.clone(), headers: Headers::from(&head.headers), address };
        let connection = Connection::new("rest", reader);
        outbox.push(connected(&self.options.path, &query));
        connection.set("query", query);
        endpoint.dispatcher.admit(&connection).await?;
        if *closing.borrow_and_update() {
            return Err(endpoint.refused(Error::unavailable("The server is shutting down")));
        }
        endpoint.dispatcher.connected(&connection);
        let stream = Stream { connection, outbox, closing, dispatcher: endpoint.dispatcher.clone(), _place: place };
        tokio::spawn(stream.run(self.options.heartbeat));
        Ok(response(HttpBody::new(body)))
    }
}

fn response(body: HttpBody) -> Response<HttpBody> {
    let mut response = Response::new(body);
    let headers = [
        // Without parameters: clients of Feathers 6 compare it as a whole.
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    response.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// A client that reads events.
struct Reader {
    outbox: Arc<Outbox>,
    headers: Headers,
    address: Option<IpAddr>,
}

impl Reader {
    fn encoded(&self, message: &Message) -> bytes::Bytes {
        message.streamed(|message| self.outbox.ledger().counted(event(message))).clone()
    }
}

impl Peer for Reader {
    fn deliver(&self, message: &Message) {
        self.outbox.push(self.encoded(message));
    }

    fn deliver_all(&self, batch: &Batch) {
        self.outbox.push_all(batch.messages().iter().map(|message| self.encoded(message)));
    }

    fn disconnect(&self, _: &Connection) {
        self.outbox.end();
    }

    fn can_log_in(&self) -> bool {
        false
    }

    fn headers(&self) -> Option<&Headers> {
        Some(&self.headers)
    }

    fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

/// What goes on beside a response: heartbeats, and the end.
struct Stream {
    connection: Connection,
    outbox: Arc<Outbox>,
    closing: watch::Receiver<bool>,
    dispatcher: Dispatcher,
    _place: Place,
}

impl Stream {
    async fn run(mut self, heartbeat: Duration) {
        while timeout(heartbeat, select(pin!(self.outbox.ended()), pin!(self.closing.changed()))).await.is_err() {
            self.outbox.ping();
        }
        self.outbox.end();
        self.dispatcher.disconnected(&self.connection);
        timeout(LAST, self.outbox.gone()).await.unwrap_or_default();
        self.outbox.forget();
    }
}

#[cfg(test)]
mod tests;
