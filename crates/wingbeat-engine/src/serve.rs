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
/// Never at present: failures to accept (no file descriptors left) are logged, and tried again after a moment.
pub async fn serve<S, B>(listener: TcpListener, engine: Engine, fallback: S, shutdown: impl Future<Output = ()>) -> io::Result<()>
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
        let (engine, fallback) = (engine.clone(), fallback.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer { address, secure: false });
            let (engine, mut fallback) = (engine.clone(), fallback.clone());
            async move {
                if engine.handles(request.uri().path()) {
                    engine.service().call(request).await.map(|response| response.map(Either::Left))
                } else {
                    fallback.call(request).await.map(|response| response.map(Either::Right))
                }
            }
        });
        let connection = http1::Builder::new().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10)).max_buf_size(16 * 1024).serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let _ = connection.with_upgrades().await;
        });
    }
}
