//! The application as an HTTP service: transports first, then the fallback, then 404.

mod body;
mod error_page;
mod request;
mod transport;

pub use body::HttpBody;
pub(crate) use body::{error_response, json_response};
pub(crate) use error_page::error_page_or_json;
pub use transport::{BoundTransport, Transport};

use super::App;
use crate::BoxFuture;
use arc_swap::ArcSwapOption;
use body::BoxError;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;
use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use wingbeat_core::Error;
use wingbeat_engine::io::Io;

pub(crate) type Answered = Result<Response<HttpBody>, Infallible>;
type Serve = dyn Fn(Request<HttpBody>) -> BoxFuture<'static, Answered> + Send + Sync;

/// Answers what no transport wants.
pub(super) struct Fallback(Box<Serve>);

impl Fallback {
    pub(super) fn new<S, B>(service: S) -> Fallback
    where
        S: tower_service::Service<Request<HttpBody>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Fallback(Box::new(move |request| {
            let mut service = service.clone();
            Box::pin(async move {
                // Infallible, both of them.
                let Ok(()) = std::future::poll_fn(|cx| service.poll_ready(cx)).await;
                let Ok(response) = service.call(request).await;
                Ok(response.map(HttpBody::new))
            })
        }))
    }
}

/// Who answers which request. Transports and fallback come last while an application is built: they are bound to it.
#[derive(Default)]
pub(super) struct Routes {
    transports: OnceLock<Box<[BoundTransport]>>,
    // Taken away at the end: it may hold the application that holds it.
    fallback: ArcSwapOption<Fallback>,
}

impl Routes {
    pub(super) fn set(&self, transports: Vec<BoundTransport>, fallback: Option<Fallback>) {
        self.transports.get_or_init(|| transports.into());
        self.fallback.store(fallback.map(Arc::new));
    }

    /// The application has ended.
    pub(super) fn close(&self) {
        self.fallback.store(None);
    }

    pub(super) fn transports(&self) -> &[BoundTransport] {
        self.transports.get().map_or(&[], |transports| transports)
    }

    /// Raw Socket.IO of the transports that have it.
    pub(super) fn ios(&self) -> impl Iterator<Item = &Io> {
        self.transports().iter().filter_map(|transport| transport.io.as_ref())
    }
}

/// The application as a tower service, to be served by itself or inside an axum application:
/// `Router::new().fallback_service(app.http())`.
///
/// Where a client comes from says the [`Peer`](wingbeat_engine::Peer) among the extensions of its request, which
/// [`serve`](crate::serve) puts there. With the feature `axum` that is also the `ConnectInfo<SocketAddr>` of axum's
/// `into_make_service_with_connect_info`. Without either, clients have no address.
#[derive(Clone, Debug)]
pub struct AppHttp(App);

impl App {
    /// The application as a tower service; see [`AppHttp`]. Call [`setup`](App::setup) first and
    /// [`shutdown`](App::shutdown) in the end: [`serve`](crate::serve) does both.
    pub fn http(&self) -> AppHttp {
        AppHttp(self.clone())
    }

    /// How many bytes wait to be sent to clients, over all transports.
    #[cfg(feature = "metrics")]
    pub(crate) fn outbox_bytes(&self) -> usize {
        self.0.http.transports().iter().map(|transport| (transport.queued_bytes)()).sum()
    }

    /// How many requests came for sessions of other nodes, over all transports.
    #[cfg(feature = "metrics")]
    pub(crate) fn foreign_requests(&self) -> u64 {
        self.0.http.transports().iter().map(|transport| (transport.foreign_requests)()).sum()
    }

    /// Where transports listen that have a port of their own, as [`SocketIo::listen`](crate::SocketIo::listen) gives them one,
    /// in the order they were configured. They take it at the beginning of [`setup`](App::setup); the listener that
    /// [`serve`](crate::serve) is given is none of them.
    ///
    /// ```
    /// use wingbeat::prelude::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// let app = App::builder().configure(SocketIo::new().listen("127.0.0.1:0")).build()?;
    /// app.setup().await?;
    /// println!("sockets at {}", app.addresses()[0]);
    /// # app.shutdown(std::time::Duration::from_secs(1)).await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.http.transports().iter().filter_map(BoundTransport::address).collect()
    }

    /// Raw Socket.IO, if it was set up with [`SocketIo::with`](crate::SocketIo::with): for sending to namespaces and
    /// rooms, and whatever else is not a service's.
    pub fn io(&self) -> Option<&Io> {
        self.0.http.ios().next()
    }
}

impl<B> tower_service::Service<Request<B>> for AppHttp
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<HttpBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Answered>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut request = Some(request.map(HttpBody::new));
        #[cfg(feature = "axum")]
        request.iter_mut().for_each(request::with_peer);
        let routes = &self.0.0.http;
        let answer = routes.transports().iter().find_map(|transport| (transport.answer)(&mut request));
        match (answer, request) {
            (Some(answer), _) => answer,
            (None, Some(request)) => match &*routes.fallback.load() {
                Some(fallback) => (fallback.0)(request),
                None => Box::pin(ready(Ok(not_found(&request)))),
            },
            (None, None) => Box::pin(ready(Ok(error_response(&unanswered())))),
        }
    }
}

fn unanswered() -> Error {
    Error::general("A transport has taken a request and does not answer it")
}

/// The answer to a path that nothing serves, as in Feathers.
fn not_found(request: &Request<HttpBody>) -> Response<HttpBody> {
    let url = request.uri().path_and_query().map_or("/", |url| url.as_str());
    let error = Error::not_found("Page not found").with_data(json!({ "url": url }));
    error_page_or_json(request.headers(), &error)
}
