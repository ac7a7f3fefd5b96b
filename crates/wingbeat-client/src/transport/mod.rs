//! What carries Engine.IO packets: a WebSocket, or HTTP long-polling that may become one.

mod dial;
mod frames;
mod handshake;
mod keys;
mod outbox;
mod polling;
mod pool;
mod proxy;
mod reason;
mod request;
#[cfg(feature = "tls")]
mod trust;
mod upgrade;
mod websocket;

pub(crate) use dial::Dialer;
pub(crate) use handshake::Handshake;
pub(crate) use outbox::Outbox;
use outbox::Outgoing;
use polling::Polling;
pub(crate) use pool::Pool;
pub(crate) use proxy::Proxies;
pub use reason::Reason;
#[cfg(feature = "tls")]
pub(crate) use trust::Trust;
pub(crate) use upgrade::is_our_own;
use websocket::WebSocket;
// For the fuzzer.
pub(crate) use {frames::Frames, frames::ReadOutcome, polling::Body};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Uri, header};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;

/// What carries the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportKind {
    /// HTTP long-polling.
    Polling,
    /// A WebSocket.
    WebSocket,
}

const USER_AGENT: &str = concat!("wingbeat-client/", env!("CARGO_PKG_VERSION"));

/// Where the server is, and how to talk to it.
pub(crate) struct Address {
    pub(crate) secure: bool,
    pub(crate) authority: String,
    /// That of Socket.IO begins and ends with a slash; behind the base of REST, which may be empty, comes one.
    pub(crate) path: String,
    /// `&name=value` pairs, escaped.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) dialer: Dialer,
    /// Until the client is built.
    #[cfg(feature = "tls")]
    pub(crate) trust: Trust,
    pub(crate) max_payload: usize,
}

impl Address {
    /// Adds what each request has: the program's headers, the proxy's password, and who asks.
    pub(crate) fn add_headers<B>(&self, request: &mut Request<B>) {
        if let Some(password) = self.dialer.password(request.uri()) {
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, password);
        }
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        request.headers_mut().entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
    }

    fn uri(&self, scheme: &str, transport: &str, sid: Option<&str>) -> Result<Uri, Broken> {
        let Address { secure, authority, path, query, .. } = self;
        let secure = if *secure { "s" } else { "" };
        let mut uri = format!("{scheme}{secure}://{authority}{path}?EIO=4&transport={transport}{query}");
        if let Some(sid) = sid {
            // Whatever the server has made of it.
            uri.push_str("&sid=");
            crate::route::escape(sid, &mut uri);
        }
        uri.parse().map_err(Broken::connect)
    }
}

/// A packet as it came: the type character and the content, or bytes.
pub(crate) enum Incoming<'a> {
    Text(&'a str),
    Binary(Bytes),
}

/// Why a transport does not work, or works no longer.
#[derive(Debug)]
pub(crate) struct Broken {
    kind: Kind,
    source: Box<dyn std::error::Error + Send + Sync>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Connect,
    Reason(Reason),
}

type Source = Box<dyn std::error::Error + Send + Sync>;

impl Broken {
    fn connect(source: impl Into<Source>) -> Broken {
        Broken { kind: Kind::Connect, source: source.into() }
    }

    fn lost(source: impl Into<Source>) -> Broken {
        Broken { kind: Kind::Reason(Reason::TransportError), source: source.into() }
    }

    pub(crate) fn closed() -> Broken {
        let source = "the server closed the connection".into();
        Broken { kind: Kind::Reason(Reason::TransportClose), source }
    }

    fn closed_with(code: Option<u16>) -> Broken {
        let Some(code) = code else { return Broken::closed() };
        let source = format!("the server closed the connection with code {code}").into();
        Broken { kind: Kind::Reason(Reason::TransportClose), source }
    }

    pub(crate) fn silent() -> Broken {
        Broken { kind: Kind::Reason(Reason::PingTimeout), source: "the server is silent".into() }
    }

    pub(crate) fn timeout(limit: Duration) -> Broken {
        Broken::connect(format!("no connection within {limit:?}"))
    }

    pub(crate) fn protocol(message: &'static str) -> Broken {
        Broken { kind: Kind::Reason(Reason::ParseError), source: message.into() }
    }

    /// What it means for a connection that was up.
    pub(crate) fn reason(&self) -> Reason {
        match self.kind {
            Kind::Connect => Reason::TransportError,
            Kind::Reason(reason) => reason,
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(deepest_cause(&*self.source), f)
    }
}

/// What is around it says only that there is one ("client error (Connect)").
pub(crate) fn deepest_cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause
}

impl std::error::Error for Broken {}

/// An open Engine.IO session.
pub(crate) enum Transport {
    WebSocket(Box<WebSocket>),
    Polling(Box<Polling>),
}

impl Transport {
    /// Opens a session on the first of the transports that works, within this time.
    pub(crate) async fn open(
        address: Arc<Address>,
        transports: &[TransportKind],
        limit: Duration,
    ) -> Result<(Transport, Handshake), Broken> {
        let polling = transports.iter().position(|kind| *kind == TransportKind::Polling);
        let websocket = transports.iter().position(|kind| *kind == TransportKind::WebSocket);
        if websocket.is_some_and(|at| at < polling.unwrap_or(usize::MAX)) {
            // Something between may refuse WebSockets only, or swallow them: half of the time is for polling, then.
            let limit = if polling.is_some() { limit / 2 } else { limit };
            match timeout(limit, Transport::websocket(&address)).await {
                Ok(Err(_)) | Err(_) if polling.is_some() => {}
                Ok(result) => return result,
                Err(_) => return Err(Broken::timeout(limit)),
            }
        }
        let upgrade = websocket > polling;
        let (polling, handshake) = Polling::open(address, upgrade).await?;
        Ok((Transport::Polling(Box::new(polling)), handshake))
    }

    async fn websocket(address: &Address) -> Result<(Transport, Handshake), Broken> {
        let mut socket = WebSocket::open(address, None).await?;
        let mut nothing = Outbox::default();
        let handshake = socket.receive(&mut nothing, |incoming| match incoming {
            Incoming::Text(text) => Handshake::parse(text),
            Incoming::Binary(_) => None,
        });
        let handshake = handshake.await?.ok_or_else(|| Broken::protocol("invalid handshake from the server"))?;
        Ok((Transport::WebSocket(Box::new(socket)), handshake))
    }

    /// Sends what waits, and hands over some of what has come, until `each` says no.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &mut Outbox,
        each: &mut dyn FnMut(Incoming<'_>, &mut Outbox) -> bool,
    ) -> Poll<Result<(), Broken>> {
        loop {
            match self {
                Transport::WebSocket(socket) => return socket.poll(cx, outbox, each),
                Transport::Polling(polling) => match polling.poll(cx, outbox, each) {
                    Poll::Ready(Ok(polling::Progress::Packets)) => return Poll::Ready(Ok(())),
                    Poll::Ready(Ok(polling::Progress::Upgraded(socket))) => *self = Transport::WebSocket(socket),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    /// Sends what waits and ends the session.
    pub(crate) async fn close(&mut self, mut outbox: Outbox) {
        match self {
            Transport::WebSocket(socket) => socket.close(&mut outbox).await,
            Transport::Polling(polling) => polling.close(&mut outbox).await,
        }
    }

    /// Which transport it is at the moment.
    pub(crate) fn kind(&self) -> TransportKind {
        match self {
            Transport::WebSocket(_) => TransportKind::WebSocket,
            Transport::Polling(_) => TransportKind::Polling,
        }
    }
}
