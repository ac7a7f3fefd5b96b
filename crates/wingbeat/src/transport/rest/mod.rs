//! Services over plain HTTP, as `@feathersjs/rest-client` speaks it: `GET /messages/1` is a call, the response its answer.

mod answer;
mod body;
mod negotiation;
mod target;

use crate::app::{App, BoundTransport, Dispatch, Dispatcher, HttpBody, Outcome, Transport, error_page_or_json};
use crate::realtime::Headers;
use crate::service::Query;
use crate::service::invocation::{Arguments, Caller, Invocation};
use answer::answered;
use body::data;
use http::request::Parts;
use http::{Method as Verb, Request, Response, StatusCode, header};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use target::{Target, method_of};
use wingbeat_core::{Error, Id, IdArg, Result, query_string};
use wingbeat_engine::{Config, Cors};

/// How long a call may take by default.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How large a body may be by default: as large as a message over Socket.IO.
const MAX_BODY: usize = 1_000_000;
/// How long a query string may be.
const MAX_QUERY: usize = 8 * 1024;

/// Services over plain HTTP: for `@feathersjs/rest-client`, curl and other servers. The paths of services are its own; the
/// application's fallback keeps all others.
///
/// ```
/// use wingbeat::engine::Cors;
/// use wingbeat::{Rest, prelude::*, store::Memory};
///
/// # fn main() -> Result<()> {
/// let app = App::builder()
///     .mount("messages", Mount::new(Memory::new()))
///     .configure(SocketIo::new())
///     .configure(Rest::new().max_body(1 << 20).cors(Cors::origins(["https://chat.example"])))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// | request | call |
/// |---|---|
/// | `GET /messages?text=Hello` | `find` with a query |
/// | `GET /messages/1` | `get` |
/// | `POST /messages` | `create` |
/// | `PUT /messages/1`, `PATCH /messages/1`, `DELETE /messages/1` | `update`, `patch`, `remove` |
/// | `PATCH /messages?read=false`, `DELETE /messages?read=true` | the same for several records |
/// | `POST /messages` with `X-Service-Method: archive`, `POST /messages/archive` | a method of the service's own |
///
/// Bodies are JSON or forms, answers and errors JSON. Query strings are read as Express does it
/// ([`query_string`]): all their values are texts, which a table with columns
/// reads by their types. Hooks say status, headers and redirects by [`Context::http`](crate::Context::http).
///
/// Pages of other origins may only read, and that only if [`cors`](Rest::cors) lets them: who answers to whoever asks, in a
/// company's own network say, is safe from forms on the pages of strangers.
#[must_use = "hand it to `configure`"]
#[derive(Debug)]
pub struct Rest {
    /// What CORS, proxies and pages of other origins are held to.
    config: Config,
    max_body: usize,
    call_timeout: Duration,
}

impl Rest {
    /// For pages of the same origin.
    pub fn new() -> Rest {
        Rest { config: Config::default().same_origin(), max_body: MAX_BODY, call_timeout: CALL_TIMEOUT }
    }

    /// Which pages of other origins may call, and read the answers. By default none.
    pub fn cors(mut self, cors: Cors) -> Rest {
        self.config = self.config.cors(cors);
        self
    }

    /// How many bytes a body may have; one million if nothing is said. A longer one is refused with 413.
    pub fn max_body(mut self, bytes: usize) -> Rest {
        self.max_body = bytes;
        self
    }

    /// How long a call may take before it ends with Timeout, and a body before it is there; 60 seconds if nothing is said.
    pub fn call_timeout(mut self, limit: Duration) -> Rest {
        self.call_timeout = limit;
        self
    }

    /// Proxies that are believed when they say where a client is; see
    /// [`Config::trusted_proxies`](wingbeat_engine::Config::trusted_proxies).
    pub fn trusted_proxies(mut self, proxies: impl IntoIterator<Item = std::net::IpAddr>) -> Rest {
        self.config = self.config.trusted_proxies(proxies);
        self
    }

    /// Whether these proxies speak by `Forwarded`; see [`Config::forwarded`](wingbeat_engine::Config::forwarded).
    pub fn forwarded(mut self, standard: bool) -> Rest {
        self.config = self.config.forwarded(standard);
        self
    }
}

impl Default for Rest {
    fn default() -> Rest {
        Rest::new()
    }
}

impl Transport for Rest {
    fn bind(self: Box<Self>, app: &App) -> Result<BoundTransport> {
        let Rest { config, max_body, call_timeout } = *self;
        config.check()?;
        let dispatcher = app.dispatcher(call_timeout);
        let has = dispatcher.clone();
        let transport = BoundTransport::new().client_addresses("rest", config.clone());
        let endpoint = Arc::new(Endpoint { dispatcher, config, max_body });
        Ok(transport.http(
            move |path| Target::of(path, |service| has.is_mounted(service)).is_some(),
            move |request| {
                let endpoint = endpoint.clone();
                async move { endpoint.serve(request).await }
            },
        ))
    }
}

struct Endpoint {
    dispatcher: Dispatcher,
    config: Config,
    max_body: usize,
}

impl Endpoint {
    async fn serve(&self, request: Request<HttpBody>) -> Response<HttpBody> {
        let (head, body) = request.into_parts();
        if let Some(response) = self.preflight(&head) {
            return response;
        }
        let mut response = match self.call(&head, body).await {
            Ok(outcome) => {
                answered(&head, outcome).unwrap_or_else(|error| error_page_or_json(&head.headers, &self.told(error)))
            }
            Err(Refused { error, status, allow }) => {
                let mut response = error_page_or_json(&head.headers, &error);
                if let Some(status) = status {
                    *response.status_mut() = status;
                }
                if let Some(allow) = allow.and_then(|allow| allow.parse().ok()) {
                    response.headers_mut().insert(header::ALLOW, allow);
                }
                response
            }
        };
        if let Some(cors) = self.config.cors_headers() {
            cors.answer(&head.headers, response.headers_mut());
        }
        if head.method == Verb::HEAD {
            *response.body_mut() = HttpBody::empty();
        }
        response
    }

    /// The answer to a browser that asks whether it may send a request.
    fn preflight(&self, head: &Parts) -> Option<Response<HttpBody>> {
        let is_preflight =
            head.method == Verb::OPTIONS && head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let cors = self.config.cors_headers().filter(|_| is_preflight)?;
        let mut response = Response::new(HttpBody::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        cors.preflight(&head.headers, response.headers_mut());
        Some(response)
    }

    async fn call(&self, head: &Parts, body: HttpBody) -> Result<Outcome, Refused> {
        let refused = |error| Refused::from(self.told(error));
        if !is_read(head) && !self.config.accepts_origin(head) {
            let why = "Requests from pages of this origin are not allowed. Name it in the option 'cors'";
            return Err(refused(Error::forbidden(why)));
        }
        let takes_json = negotiation::acceptable(&head.headers);
        // Reading calls fail for their own reasons first, as in Express; writing calls do not run at all.
        if !is_read(head) {
            takes_json.as_ref().map_err(|error| refused(error.clone()))?;
        }
        let target = Target::of(head.uri.path(), |service| self.dispatcher.is_mounted(service));
        let Target { service, id } = target.ok_or_else(|| refused(Error::not_found("Page not found")))?;
        let exposed = self.dispatcher.exposed(&service).unwrap_or_default();
        let asked = method_of(&head.method, &head.headers, id.as_deref(), &exposed);
        let (name, takes_id) = asked
            .map_err(|error| Refused { allow: Some(target::allowed(&exposed, id.is_some())), ..refused(error) })?;
        let id = match id.filter(|_| takes_id).map(|id| target::decoded_id(&id)).transpose().map_err(refused)? {
            Some(id) => IdArg::Id(Id::from(id)),
            None if name.takes_id() => IdArg::Null,
            None => IdArg::Absent,
        };
        let mut arguments = Arguments { id, ..Arguments::default() };
        if let Some(query) = head.uri.query().filter(|query| !query.is_empty()) {
            if query.len() > MAX_QUERY {
                let why = format!("The query is longer than {MAX_QUERY} characters");
                return Err(Refused { status: Some(StatusCode::URI_TOO_LONG), ..refused(Error::bad_request(why)) });
            }
            arguments.params.query = Query::from(query_string::parse(query).map_err(refused)?);
        }
        if name.takes_data() {
            let data = tokio::time::timeout(self.dispatcher.limit(), data(&head.headers, body, self.max_body)).await;
            let late = || Refused::from(Error::timeout("The body did not arrive in time"));
            arguments.data = Some(data.map_err(|_| late())?.map_err(|refused| refused.told(self))?);
        }
        let headers = Headers::from(&head.headers);
        let address = self.config.client(head).map(|peer| peer.address.ip());
        let caller = Caller::Request { provider: "rest", headers: &headers, address };
        let mut invocation = Some(Invocation::new(service, name.as_str(), caller, Ok(arguments)));
        let begun = poll_fn(|cx| match invocation.take() {
            Some(invocation) => Poll::Ready(self.dispatcher.begin(invocation, cx)),
            // It is ready at its first poll.
            None => Poll::Pending,
        });
        let outcome = match begun.await {
            Dispatch::Ready(outcome) => outcome,
            // What was begun goes on when its client goes, as over sockets.
            Dispatch::Pending(call) => self.dispatcher.detached(call).await,
        }?;
        takes_json.map_err(refused)?;
        Ok(outcome)
    }

    /// Counts and logs an error of the request itself; the error as the client sees it.
    fn told(&self, error: Error) -> Error {
        self.dispatcher.refused("rest", error)
    }
}

/// Whether a request changes nothing.
fn is_read(head: &Parts) -> bool {
    matches!(head.method, Verb::GET | Verb::HEAD)
}

/// Why a request gets no result.
struct Refused {
    error: Error,
    /// Another status than that of the error.
    status: Option<StatusCode>,
    /// What could be asked instead.
    allow: Option<String>,
}

impl Refused {
    fn told(self, endpoint: &Endpoint) -> Refused {
        Refused { error: endpoint.told(self.error), ..self }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Refused {
        Refused { error, status: None, allow: None }
    }
}

#[cfg(test)]
mod tests;
