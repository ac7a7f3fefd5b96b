//! Calls over REST: one request each, as `@feathersjs/rest-client` sends them.

mod answer;
mod login;
mod outgoing;
mod waiting;

pub(crate) use outgoing::Outgoing;

use crate::connection::{Options, Shared};
use crate::error::{DeliveryStatus, Error, Problem, Result};
use crate::locked;
use crate::transport::{Pool, deepest_cause};
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use login::Logins;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use waiting::Waiting;
use wingbeat_core::RawJson;

/// A handle of what calls over REST share.
#[derive(Clone)]
pub(crate) struct RestHandle(Arc<Inner>);

struct Inner {
    shared: Shared,
    /// `None` once the client is closed.
    pool: Mutex<Option<Pool>>,
    is_closed: watch::Sender<bool>,
    /// One for each request that may be under way.
    places: Semaphore,
    /// For a place, or for a login.
    waiting: Waiting,
    logins: Logins,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// Why there are none over REST.
pub(crate) fn no_events() -> Error {
    Error::invalid("Over REST there are no events: connect with Client::connect_to")
}

impl RestHandle {
    pub(crate) fn new(options: Options) -> RestHandle {
        let pool = Pool::new(&options.address.dialer, options.connect_timeout);
        let places = Semaphore::new(options.in_flight.min(Semaphore::MAX_PERMITS));
        RestHandle(Arc::new(Inner {
            waiting: Waiting::new(options.buffer),
            shared: Shared::new(options),
            pool: Mutex::new(Some(pool)),
            is_closed: watch::Sender::new(false),
            places,
            logins: Logins::default(),
        }))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0.shared
    }

    /// Fails what is under way and all that is asked for from now on, and closes the connections.
    pub(crate) fn close(&self) {
        drop(locked(&self.0.pool).take());
        self.0.is_closed.send_replace(true);
        self.0.shared.close();
    }

    /// A call of a service, which waits while a login is running, and goes out as the one who is logged in.
    pub(crate) async fn call(&self, outgoing: Outgoing, limit: Duration) -> Result<RawJson> {
        let whose = async {
            self.0.logins.wait().await?;
            self.token()
        };
        self.call_as(whose, outgoing, limit).await
    }

    /// A call that goes out with this token, once it is there.
    async fn call_as(
        &self,
        whose: impl Future<Output = Result<Option<HeaderValue>>>,
        outgoing: Outgoing,
        limit: Duration,
    ) -> Result<RawJson> {
        let bytes = outgoing.target.len() + outgoing.body.as_ref().map_or(0, Bytes::len);
        let mut request = self.request(outgoing)?;
        let captured = capture_connection(&mut request);
        let turn = async {
            let token = whose.await?;
            let place = self.0.places.acquire().await.map_err(|_| Error::Closed)?;
            Ok((token, place))
        };
        let sent = async {
            let (token, _place) = self.0.waiting.until(turn, bytes).await?;
            if let Some(token) = token {
                request.headers_mut().insert(header::AUTHORIZATION, token);
            }
            self.send(request, &captured).await
        };
        self.within(limit, &captured, sent).await
    }

    /// Ends with the time, or with the client.
    async fn within(
        &self,
        limit: Duration,
        captured: &CaptureConnection,
        sent: impl Future<Output = Result<RawJson>>,
    ) -> Result<RawJson> {
        let mut is_closed = self.0.is_closed.subscribe();
        tokio::select! {
            outcome = timeout(limit, sent) => outcome.unwrap_or_else(|_| Err(Error::timed_out(limit, status(captured)))),
            _ = is_closed.wait_for(|is_closed| *is_closed) => Err(match status(captured) {
                DeliveryStatus::Unknown => Error::Unanswered(Problem::new("The client has ended")),
                _ => Error::Closed,
            }),
        }
    }

    async fn send(&self, request: Request<Full<Bytes>>, captured: &CaptureConnection) -> Result<RawJson> {
        let pool = locked(&self.0.pool).clone().ok_or(Error::Closed)?;
        let address = &self.shared().options.address;
        let response = pool.send(request).await.map_err(|error| {
            let cause = deepest_cause(&error);
            if error.is_connect() || status(captured) == DeliveryStatus::NotSent {
                let problem = Problem::new(format!("No connection to {}: {cause}", address.authority));
                return Error::NotSent(problem.with_source(error));
            }
            Error::Unanswered(Problem::new(format!("The answer was lost: {cause}")).with_source(error))
        })?;
        answer::read(response, address.max_payload).await
    }

    fn request(&self, outgoing: Outgoing) -> Result<Request<Full<Bytes>>> {
        let address = &self.shared().options.address;
        let secure = if address.secure { "s" } else { "" };
        let uri = format!("http{secure}://{}{}{}", address.authority, address.path, outgoing.target);
        let mut request = Request::new(Full::new(outgoing.body.unwrap_or_default()));
        *request.uri_mut() = uri.parse().map_err(|error| {
            // Such as one of more than 64 KiB.
            Error::invalid(format!("The call has no valid address: {error}"))
        })?;
        *request.method_mut() = outgoing.method;
        address.add_headers(&mut request);
        let headers = request.headers_mut();
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        if outgoing.takes_data {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(name) = outgoing.custom {
            headers.insert("x-service-method", name);
        }
        Ok(request)
    }
}

/// What becomes of a request that fails at this moment: it goes out once it has a connection.
fn status(captured: &CaptureConnection) -> DeliveryStatus {
    match captured.connection_metadata().is_some() {
        true => DeliveryStatus::Unknown,
        false => DeliveryStatus::NotSent,
    }
}
