//! A connection that speaks HTTP/2.

use super::http2_idle::Http2IdleTracker;
use super::{AnyError, HttpLimits};
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use wingbeat_core::Escaped;
use wingbeat_protocol::LogThrottle;

/// How long a client has to take leave of a connection that the server ends.
const LEAVE: Duration = Duration::from_secs(1);

/// Runs the connection until the client ends it or takes nothing of an answer for too long, or until the server ends or
/// nothing was asked for long, and the answers that are due are sent.
pub(super) async fn run<I, S, B>(limits: HttpLimits, io: TokioIo<I>, service: S, running: watch::Receiver<()>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<AnyError>,
{
    let tracker = Http2IdleTracker::new();
    let requests = tracker.clone();
    let service = service_fn(move |request| {
        let (under_way, answer) = (requests.begin(), service.call(request));
        async move { Ok::<_, Infallible>(answer.await?.map(|body| under_way.body(body))) }
    });
    let served = serve(limits, io, service, &tracker, running);
    select(pin!(served), pin!(tracker.stalled(limits.write_timeout))).await;
}

async fn serve<I, S, B>(
    limits: HttpLimits,
    io: TokioIo<I>,
    service: S,
    tracker: &Http2IdleTracker,
    mut running: watch::Receiver<()>,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<AnyError>,
{
    let mut connection = pin!(limits.http2().serve_connection(io, service));
    // Who asks for nothing only takes a place.
    let (ending, idle) =
        (pin!(running.changed()), pin!(tracker.idle(limits.header_timeout, limits.keep_alive_timeout)));
    if let Either::Left((ended, _)) = select(connection.as_mut(), select(ending, idle)).await {
        ended.unwrap_or_else(|error| broken(&error));
        return;
    }
    connection.as_mut().graceful_shutdown();
    while timeout(LEAVE, connection.as_mut()).await.is_err() && !tracker.is_idle() {}
}

/// A client that breaks the protocol, or resets more streams than is sane, ends its connection. The `h2` crate warns of each
/// one, which a filter such as `h2=error` leaves out of the log.
fn broken(error: &hyper::Error) {
    static BROKEN: LogThrottle = LogThrottle::new();
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    if let Some(times) = BROKEN.happened_as(&cause) {
        tracing::debug!(%error, cause = %Escaped(cause), times, "a connection of HTTP/2 has broken");
    }
}
