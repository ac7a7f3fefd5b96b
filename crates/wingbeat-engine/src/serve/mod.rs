//! Server loops.

mod head_timer;
mod http1;
#[cfg(feature = "http2")]
mod http2;
#[cfg(feature = "http2")]
mod http2_idle;
mod limits;
mod listener;
#[cfg(feature = "tls")]
mod tls;
mod upgrade_handoff;
mod write_timeout;

pub use limits::HttpLimits;
pub use listener::Listener;
#[cfg(target_os = "linux")]
pub(crate) use listener::keep_little;
#[cfg(feature = "tls")]
pub use tls::Tls;
pub(crate) use upgrade_handoff::UpgradeHandoff;
pub(crate) use write_timeout::WriteTimeout;

use crate::Engine;
use bytes::Bytes;
use futures_util::future::Either as First;
use http::header::UPGRADE;
use http::{Request, Response, StatusCode};
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::service::service_fn;
#[cfg(feature = "http2")]
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tower_service::Service;
use wingbeat_protocol::{AddressCounts, LogThrottle};

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Accepts connections until `shutdown` is ready. The engine answers requests under its own path, `fallback` all
/// others.
///
/// # Errors
/// None at present: failures to accept (no file descriptors left) are logged, and tried again after a moment.
pub async fn serve<L, S, B>(
    listener: L,
    engine: Engine,
    fallback: S,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<AnyError>,
{
    let service = tower(move |request: Request<Incoming>| {
        let (engine, fallback) = (engine.clone(), fallback.clone());
        async move {
            if engine.handles(request.uri().path()) {
                Ok(engine.answer(request).await.map(Either::Left))
            } else {
                ask(fallback, request).await.map(|response| response.map(Either::Right))
            }
        }
    });
    serve_http_with(listener, HttpLimits::default(), service, shutdown).await
}

/// Accepts connections until `shutdown` is ready, and answers all requests by one service.
///
/// Requests carry a [`Peer`](crate::Peer), and WebSockets get their connection back as it is.
///
/// # Errors
/// As [`serve`].
pub async fn serve_http<L, S, B>(listener: L, service: S, shutdown: impl Future<Output = ()>) -> io::Result<()>
where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<AnyError>,
{
    serve_http_with(listener, HttpLimits::default(), service, shutdown).await
}

/// [`serve_http`] with other limits.
///
/// # Errors
/// As [`serve`].
pub async fn serve_http_with<L, S, B>(
    mut listener: L,
    limits: HttpLimits,
    service: S,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    L: Listener,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<AnyError>,
{
    let mut shutdown = pin!(shutdown);
    let (not_accepted, too_many, too_many_of_one) =
        (LogThrottle::default(), LogThrottle::default(), LogThrottle::default());
    let not_agreed = Arc::new(LogThrottle::default());
    let (places, addresses) = (Arc::new(Semaphore::new(limits.max_connections)), AddressCounts::default());
    // Dropped with this function: connections that do nothing then close.
    let (_running, running) = watch::channel(());
    loop {
        // Tokio lets a task that accepts on and on wait now and then: the end is asked for, but not for every connection.
        let accepted = poll_fn(|cx| match listener.poll_accept(cx) {
            Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
            Poll::Pending => shutdown.as_mut().poll(cx).map(|()| None),
        });
        let (opening, peer) = match accepted.await {
            None => return Ok(()),
            Some(Ok(accepted)) => accepted,
            Some(Err(error)) => {
                if let Some(times) = not_accepted.happened() {
                    tracing::warn!(%error, times, "cannot accept a connection");
                }
                // It may fail on and on: the end is asked for here as well.
                match tokio::time::timeout(Duration::from_millis(50), shutdown.as_mut()).await {
                    Ok(()) => return Ok(()),
                    Err(_) => continue,
                }
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            if let Some(times) = too_many.happened() {
                tracing::warn!(address = %peer.address, times, "a connection is closed: too many are in their HTTP phase");
            }
            continue;
        };
        let Ok(own_place) = limits.place_of(peer.address.ip(), &addresses) else {
            if let Some(times) = too_many_of_one.happened() {
                tracing::warn!(address = %peer.address, times, "a connection is closed: its address has too many");
            }
            continue;
        };
        let (service, running, not_agreed) = (service.clone(), running.clone(), not_agreed.clone());
        // Boxed, because tokio moves what it spawns about: 1.5 KiB, five times.
        tokio::spawn(Box::pin(async move {
            // Whatever ends it, the connection gives its places back.
            let _places = (place, own_place);
            let Ok(Ok(io)) = tokio::time::timeout(limits.header_timeout, opening).await else { return };
            let handoff = UpgradeHandoff::default();
            let noted = handoff.clone();
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                // Few requests want one: the others need not carry it.
                let noted = request.headers().contains_key(UPGRADE).then(|| noted.clone());
                if let Some(noted) = &noted {
                    request.extensions_mut().insert(noted.clone());
                }
                let answer = ask(service.clone(), request);
                async move {
                    let response = answer.await?;
                    match (noted, response.status()) {
                        (Some(noted), StatusCode::SWITCHING_PROTOCOLS) => noted.done(),
                        // Whoever stands between may have changed the answer.
                        (Some(noted), _) => drop(noted.take()),
                        (None, _) => {}
                    }
                    Ok::<_, Infallible>(response)
                }
            });
            #[cfg(feature = "http2")]
            if L::is_http2(&io) {
                let io = TokioIo::new(WriteTimeout::new(io, limits.write_timeout, handoff));
                return http2::run(limits, io, service, running).await;
            }
            http1::run(limits, io, service, handoff, running, &not_agreed).await;
        }));
    }
}

/// Asks a service once it is ready: one with a limit panics otherwise. Nearly all are at once, and then nothing is kept for
/// that: many polls wait for their answer.
fn ask<S>(mut service: S, request: Request<Incoming>) -> impl Future<Output = Result<S::Response, Infallible>>
where
    S: Service<Request<Incoming>, Error = Infallible>,
{
    match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(())) => First::Left(service.call(request)),
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => First::Right(Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(request).await
        })),
    }
}

/// A closure as a service.
fn tower<F, A, R>(answer: F) -> Answering<F>
where
    F: Fn(Request<Incoming>) -> A + Clone,
    A: Future<Output = Result<R, Infallible>>,
{
    Answering(answer)
}

#[derive(Clone)]
struct Answering<F>(F);

impl<F, A, R> Service<Request<Incoming>> for Answering<F>
where
    F: Fn(Request<Incoming>) -> A,
    A: Future<Output = Result<R, Infallible>>,
{
    type Response = R;
    type Error = Infallible;
    type Future = A;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> A {
        (self.0)(request)
    }
}
