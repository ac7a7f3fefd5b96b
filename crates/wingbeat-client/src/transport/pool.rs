//! Connections for requests, kept for the next ones.

use super::Dialer;
use super::dial::Stream;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Node closes an idle connection after 5 s: it is not used again when that may be on its way.
const IDLE: Duration = Duration::from_secs(3);

/// Sends requests, each over a connection that is free or else a new one.
#[derive(Clone)]
pub(crate) struct Pool(Client<PatientDialer, Full<Bytes>>);

impl Pool {
    /// Connections that may take so long to be made.
    pub(crate) fn new(dialer: &Dialer, connect_timeout: Duration) -> Pool {
        let dialer = PatientDialer { dialer: dialer.clone(), limit: connect_timeout };
        let mut builder = Client::builder(TokioExecutor::new());
        Pool(builder.pool_idle_timeout(IDLE).pool_timer(TokioTimer::new()).build(dialer))
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        self.0.request(request).await
    }
}

/// A dialer that gives up after some time.
#[derive(Clone)]
struct PatientDialer {
    dialer: Dialer,
    limit: Duration,
}

impl tower_service::Service<Uri> for PatientDialer {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let PatientDialer { dialer, limit } = self.clone();
        Box::pin(async move {
            let dialed = tokio::time::timeout(limit, dialer.dial(&uri)).await;
            dialed
                .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {limit:?}")))?
                .map(TokioIo::new)
        })
    }
}
