//! What a transport is to the application.

use super::Answered;
use super::body::HttpBody;
use crate::BoxFuture;
use crate::app::App;
use crate::locked;
use futures_util::FutureExt;
use http::{Request, Response};
use std::fmt;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use wingbeat_core::Result;
use wingbeat_engine::Config;
use wingbeat_engine::io::Io;

/// A way for clients to reach the application, for [`Builder::configure`](crate::Builder::configure).
///
/// It makes an [`Invocation`](crate::transport::Invocation) of what a client sends, hands it to a
/// [`Dispatcher`](crate::app::Dispatcher), and writes the [`Outcome`](crate::app::Outcome). Clients that are to hear events have a
/// [`Peer`](crate::realtime::Peer). A small one over TCP is in the folder `examples/lines`.
pub trait Transport: 'static {
    /// Ties the transport to an application, whose services are all mounted and not set up yet. What goes on for longer
    /// must not keep the application itself: a [dispatcher](App::dispatcher) does not.
    ///
    /// # Errors
    /// Why the transport cannot work as it is configured; the application is not built then.
    fn bind(self: Box<Self>, app: &App) -> Result<BoundTransport>;
}

/// Takes a request that is the transport's own, and answers it; leaves others.
type Answer = dyn Fn(&mut Option<Request<HttpBody>>) -> Option<BoxFuture<'static, Answered>> + Send + Sync;
type Listen = dyn Fn() -> BoxFuture<'static, Result<Option<SocketAddr>>> + Send + Sync;
type Start = Box<dyn FnOnce() -> BoxFuture<'static, Result<()>> + Send>;

/// What a transport adds to the application: how it starts, the HTTP requests it answers, and how it ends.
///
/// ```
/// use std::time::Duration;
/// use wingbeat::{prelude::*, transport::{BoundTransport, Transport}};
///
/// /// Says when the application is ready, and that it ends.
/// struct Log;
///
/// impl Transport for Log {
///     fn bind(self: Box<Self>, app: &App) -> Result<BoundTransport> {
///         let dispatcher = app.dispatcher(Duration::from_secs(60));
///         Ok(BoundTransport::new()
///             .on_start(move || async move {
///                 tracing::info!(services = ?dispatcher.app().map(|app| app.paths()), "ready");
///                 Ok(())
///             })
///             .on_close(|_patience| async { tracing::info!("the end") }))
///     }
/// }
/// ```
#[must_use = "answer it from `bind`"]
pub struct BoundTransport {
    pub(super) io: Option<Io>,
    pub(super) answer: Box<Answer>,
    pub(super) queued_bytes: Box<dyn Fn() -> usize + Send + Sync>,
    pub(super) foreign_requests: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Whose requests it knows the addresses of, and what it believes of proxies.
    pub(super) client_addresses: Option<(&'static str, Config)>,
    listen: Box<Listen>,
    /// Where it listens, once it does.
    listening: OnceLock<Option<SocketAddr>>,
    start: Mutex<Option<Start>>,
    close: Box<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl BoundTransport {
    /// One that does nothing when the application starts or ends, and answers no HTTP request.
    pub fn new() -> BoundTransport {
        BoundTransport {
            io: None,
            answer: Box::new(|_| None),
            queued_bytes: Box::new(|| 0),
            foreign_requests: Box::new(|| 0),
            client_addresses: None,
            listen: Box::new(|| Box::pin(ready(Ok(None)))),
            listening: OnceLock::new(),
            start: Mutex::default(),
            close: Box::new(|_| Box::pin(ready(()))),
        }
    }

    /// Answers the HTTP requests for whose paths the predicate holds. Those of the transport that was configured first
    /// are its own, where several want them.
    pub fn http<Fut>(
        self,
        handles: impl Fn(&str) -> bool + Send + Sync + 'static,
        serve: impl Fn(Request<HttpBody>) -> Fut + Send + Sync + 'static,
    ) -> BoundTransport
    where
        Fut: Future<Output = Response<HttpBody>> + Send + 'static,
    {
        self.answering(move |request| {
            let own = request.take_if(|request| handles(request.uri().path()))?;
            Some(Box::pin(serve(own).map(Ok)))
        })
    }

    /// As [`http`](BoundTransport::http), for a transport that has to find out anyway whose a request is.
    pub(crate) fn answering(
        mut self,
        answer: impl Fn(&mut Option<Request<HttpBody>>) -> Option<BoxFuture<'static, Answered>> + Send + Sync + 'static,
    ) -> BoundTransport {
        self.answer = Box::new(answer);
        self
    }

    /// Runs at the beginning of the application's [setup](App::setup), before any service is set up: the time to take a port
    /// of its own, so that one that is taken is an error before anything has begun. Answers its address, which
    /// [`App::addresses`] tells. If it fails, it runs again when the setup is tried again.
    pub fn on_listen<Fut>(mut self, listen: impl Fn() -> Fut + Send + Sync + 'static) -> BoundTransport
    where
        Fut: Future<Output = Result<Option<SocketAddr>>> + Send + 'static,
    {
        self.listen = Box::new(move || Box::pin(listen()));
        self
    }

    /// Runs once, at the end of the application's [setup](App::setup): the time to let clients in. A transport that
    /// only answers HTTP requests needs none, as nobody sends these before.
    pub fn on_start<Fut>(mut self, start: impl FnOnce() -> Fut + Send + 'static) -> BoundTransport
    where
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.start = Mutex::new(Some(Box::new(move || Box::pin(start()))));
        self
    }

    /// Runs when the application [ends](App::shutdown), with the time that is left: lets no client in any more, finishes
    /// calls that are running, and closes all connections, with force when the time is over.
    pub fn on_close<Fut>(mut self, close: impl Fn(Duration) -> Fut + Send + Sync + 'static) -> BoundTransport
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.close = Box::new(move |patience| Box::pin(close(patience)));
        self
    }

    /// How many bytes wait to be sent to clients, which the transport `Metrics` shows.
    pub fn queued_bytes(mut self, queued: impl Fn() -> usize + Send + Sync + 'static) -> BoundTransport {
        self.queued_bytes = Box::new(queued);
        self
    }

    /// How many requests came for sessions that are on other nodes.
    pub fn foreign_requests(mut self, requests: impl Fn() -> u64 + Send + Sync + 'static) -> BoundTransport {
        self.foreign_requests = Box::new(requests);
        self
    }

    /// Has raw Socket.IO, which [`App::io`] finds.
    pub(crate) fn io(mut self, io: Option<Io>) -> BoundTransport {
        self.io = io;
        self
    }

    /// Knows where requests come from, as [`App::params_from`] asks.
    pub(crate) fn client_addresses(mut self, provider: &'static str, config: Config) -> BoundTransport {
        self.client_addresses = Some((provider, config));
        self
    }

    /// Where it listens by itself, if it does.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        *self.listening.get()?
    }

    /// Takes its port, unless it has it.
    pub(in crate::app) async fn listen(&self) -> Result<()> {
        if self.listening.get().is_none() {
            let address = (self.listen)().await?;
            self.listening.get_or_init(|| address);
        }
        Ok(())
    }

    /// Ends it. One that has not started does not start any more, and lets go of what it would have started with.
    pub(in crate::app) async fn close(&self, patience: Duration) {
        drop(locked(&self.start).take());
        (self.close)(patience).await;
    }

    /// Starts it, once.
    pub(in crate::app) async fn start(&self) -> Result<()> {
        let start = locked(&self.start).take();
        match start {
            Some(start) => start().await,
            None => Ok(()),
        }
    }
}

impl Default for BoundTransport {
    fn default() -> BoundTransport {
        BoundTransport::new()
    }
}

impl fmt::Debug for BoundTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoundTransport")
    }
}
