//! A connection that speaks HTTP/2.

use super::due::Due;
use super::{AnyError, HttpLimits};
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// Runs the connection until the client ends it or takes nothing of an answer for too long, or until the server ends and
/// the answers that are due are sent.
pub(super) async fn run<I, S, B>(limits: HttpLimits, io: TokioIo<I>, service: S, running: watch::Receiver<()>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<AnyError>,
{
    let heard = Arc::new(AtomicBool::new(false));
    let noted = heard.clone();
    let due = Due::default();
    let answers = due.clone();
    let service = service_fn(move |request| {
        noted.store(true, Ordering::Relaxed);
        let (answer, answers) = (service.call(request), answers.clone());
        async move { Ok::<_, Infallible>(answer.await?.map(|body| answers.body(body))) }
    });
    let served = serve(limits, io, service, heard, running);
    select(pin!(served), pin!(due.stalled(limits.write_timeout))).await;
}

async fn serve<I, S, B>(
    limits: HttpLimits,
    io: TokioIo<I>,
    service: S,
    heard: Arc<AtomicBool>,
    mut running: watch::Receiver<()>,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<AnyError>,
{
    let mut connection = pin!(limits.http2().serve_connection(io, service));
    // Who agrees to HTTP/2 and then asks for nothing only takes a place.
    let first = tokio::time::sleep(limits.header_timeout);
    let mut ending = pin!(running.changed());
    match select(connection.as_mut(), select(ending.as_mut(), pin!(first))).await {
        Either::Left(_) => return,
        Either::Right((Either::Right(_), _)) if !heard.load(Ordering::Relaxed) => return,
        Either::Right((Either::Right(_), _)) => {
            if let Either::Left(_) = select(connection.as_mut(), ending).await {
                return;
            }
        }
        Either::Right((Either::Left(_), _)) => {}
    }
    connection.as_mut().graceful_shutdown();
    // An error means that the client has gone.
    drop(connection.await);
}
