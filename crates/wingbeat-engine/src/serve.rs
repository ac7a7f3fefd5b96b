//! A server loop.

use crate::{Engine, Peer};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::net::TcpListener;
use tower_service::Service;

/// Accepts connections until `shutdown` is ready. The engine answers requests under its own path, `fallback` all others.
///
/// # Errors
/// As [`serve_http`].
pub async fn serve<S, B>(listener: TcpListener, engine: Engine, fallback: S, shutdown: impl Future<Output = ()>) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    serve_http(listener, Behind { engine, fallback }, shutdown).await
}

/// A service behind an engine.
#[derive(Clone)]
struct Behind<S> {
    engine: Engine,
    fallback: S,
}

impl<S, B> Service<Request<Incoming>> for Behind<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Either<crate::Body, B>>;
    type Error = Infallible;
    type Future = futures_util::future::BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        self.fallback.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        if self.engine.handles(request.uri().path()) {
            let answer = self.engine.service().call(request);
            Box::pin(async move { answer.await.map(|response| response.map(Either::Left)) })
        } else {
            let answer = self.fallback.call(request);
            Box::pin(async move { answer.await.map(|response| response.map(Either::Right)) })
        }
    }
}

/// Accepts connections until `shutdown` is ready, for a service that hands the engine its requests.
///
/// # Errors
/// Never at present: failures to accept (no file descriptors left) are logged, and tried again after a moment.
pub async fn serve_http<S, B>(listener: TcpListener, service: S, shutdown: impl Future<Output = ()>) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = poll_fn(|cx| match shutdown.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => listener.poll_accept(cx).map(Some),
        });
        let Some(accepted) = accepted.await else { return Ok(()) };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let service = service.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer { address, secure: false });
            service.clone().call(request)
        });
        let connection = http1::Builder::new().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10)).max_buf_size(16 * 1024).serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let _ = connection.with_upgrades().await;
        });
    }
}
