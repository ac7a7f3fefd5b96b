//! A connection that speaks HTTP/1.1.

use super::head_timer::HeadTimer;
use super::{AnyError, HttpLimits, UpgradeHandoff, WriteTimeout};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Either as First, ready, select};
use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::pin::pin;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use wingbeat_protocol::LogThrottle;

/// Runs the connection until the client ends it, or until the server ends and the answer that is due is sent.
pub(super) async fn run<I, S, B>(
    limits: HttpLimits,
    io: I,
    service: S,
    handoff: UpgradeHandoff,
    mut running: watch::Receiver<()>,
    not_agreed: &LogThrottle,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<AnyError>,
{
    let timer = HeadTimer::new(&limits, handoff.clone());
    let io = TokioIo::new(WriteTimeout::new(io, limits.write_timeout, handoff.clone()).only_http1());
    let service = service_fn(move |request| match names_its_host(&request) {
        true => First::Left(service.call(request).map(|answer| answer.map(|answer| answer.map(Either::Left)))),
        false => First::Right(ready(Ok(refused().map(Either::Right)))),
    });
    let mut connection = pin!(limits.http1(timer).serve_connection(io, service).with_upgrades());
    if let First::Right((_, mut connection)) = select(connection.as_mut(), pin!(running.changed())).await {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
    if handoff.spoke_http2()
        && let Some(times) = not_agreed.happened()
    {
        tracing::warn!(
            times,
            "a client speaks HTTP/2 without having agreed on it: it is spoken over TLS, by ALPN (feature `http2`), and \
             proxies have to speak HTTP/1.1 to a server without TLS"
        );
    }
}

/// Whether a request says once for which host it is, as HTTP/1.1 wants it (RFC 9112, 3.2).
fn names_its_host<B>(request: &Request<B>) -> bool {
    request.version() != Version::HTTP_11 || request.headers().get_all(HOST).iter().count() == 1
}

fn refused() -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
