//! From a request to its response.

use super::answer::{answered, in_lines};
use super::body::data;
use super::events::Streams;
use super::lines;
use super::negotiation::{acceptable, wants_lines};
use super::refused::Refused;
use super::target::{self, Target, method_of};
use crate::app::{Dispatch, Dispatcher, HttpBody, Outcome};
use crate::realtime::Headers;
use crate::service::Query;
use crate::service::invocation::{Arguments, Caller, Invocation};
use http::request::Parts;
use http::{Method as Verb, Request, Response, StatusCode, header};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Poll;
use wingbeat_core::{Error, Id, IdArg, Method, Result, query_string};
use wingbeat_engine::Config;

/// How long a query string may be.
const MAX_QUERY: usize = 8 * 1024;

/// What answers the requests of an application.
pub(super) struct Endpoint {
    pub(super) dispatcher: Dispatcher,
    pub(super) config: Config,
    pub(super) max_body: usize,
    pub(super) streams: Option<Streams>,
}

impl Endpoint {
    pub(super) fn handles(&self, path: &str) -> bool {
        self.streams.as_ref().is_some_and(|streams| streams.is_at(path))
            || Target::of(path, |service| self.dispatcher.is_mounted(service)).is_some()
            || self.has_content(path)
    }

    /// Whether a record's file is there.
    fn has_content(&self, path: &str) -> bool {
        #[cfg(feature = "uploads")]
        return super::files::ContentTarget::of(path, &self.dispatcher).is_some();
        #[cfg(not(feature = "uploads"))]
        {
            let _ = path;
            false
        }
    }

    pub(super) async fn serve(self: Arc<Self>, request: Request<HttpBody>) -> Response<HttpBody> {
        let (head, body) = request.into_parts();
        if let Some(response) = self.preflight(&head) {
            return response;
        }
        let answered = match self.streams.as_ref().filter(|streams| streams.is_at(head.uri.path())) {
            Some(streams) => streams.open(&self, &head).await,
            None => self.call(&head, body).await,
        };
        let mut response = answered.unwrap_or_else(|refused| refused.response(&head));
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

    async fn call(self: &Arc<Self>, head: &Parts, body: HttpBody) -> Result<Response<HttpBody>, Refused> {
        let refused = |error| self.refused(error);
        if !is_read(head) {
            self.check_origin(head)?;
        }
        #[cfg(feature = "uploads")]
        if let Some(target) = super::files::ContentTarget::of(head.uri.path(), &self.dispatcher) {
            return self.content(head, body, target).await;
        }
        let takes_json = acceptable(&head.headers);
        let wants_lines = wants_lines(&head.headers);
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
        arguments.params.query = Query::from(self.query_of(head)?);
        #[cfg(feature = "uploads")]
        if let Some(access) = self.dispatcher.files(&service).filter(|_| name == Method::Create) {
            let outcome = self.upload(head, body, &access, (&self.asked(head, service), arguments)).await?;
            return answered(head, outcome).map_err(refused);
        }
        if name.takes_data() {
            let data = tokio::time::timeout(self.dispatcher.limit(), data(&head.headers, body, self.max_body)).await;
            let late = || Refused::from(Error::timeout("The body did not arrive in time"));
            arguments.data = Some(data.map_err(|_| late())?.map_err(|refused| refused.told(self))?);
        }
        let asked = self.asked(head, service);
        let lines = (wants_lines && name == Method::Find).then(|| arguments.params.query.clone());
        let outcome = self.run(&asked, name.as_str(), arguments).await?;
        if let Some(query) = lines {
            let body = |outcome: &Outcome| lines::body(self, asked, query, outcome);
            if let Some(response) = in_lines(&outcome, body).map_err(refused)? {
                return Ok(response);
            }
        } else {
            takes_json.map_err(refused)?;
        }
        answered(head, outcome).map_err(refused)
    }

    /// What a request asks of a service.
    pub(super) fn asked<'p>(&self, head: &Parts, service: Cow<'p, str>) -> Asked<'p> {
        let address = self.config.client(head).map(|peer| peer.address.ip());
        Asked { service, headers: Headers::from(&head.headers), address }
    }

    /// Runs a call, which goes on when its client goes, as over sockets.
    pub(super) async fn run(&self, asked: &Asked<'_>, method: &str, arguments: Arguments) -> Result<Outcome> {
        self.run_by(&self.dispatcher, asked, method, arguments).await
    }

    /// The same by a dispatcher whose calls may take longer.
    pub(super) async fn run_by(
        &self,
        dispatcher: &Dispatcher,
        asked: &Asked<'_>,
        method: &str,
        arguments: Arguments,
    ) -> Result<Outcome> {
        let caller = Caller::Request { provider: "rest", headers: &asked.headers, address: asked.address };
        let mut invocation = Some(Invocation::new(&*asked.service, method, caller, Ok(arguments)));
        let begun = poll_fn(|cx| match invocation.take() {
            Some(invocation) => Poll::Ready(dispatcher.begin(invocation, cx)),
            // It is ready at its first poll.
            None => Poll::Pending,
        });
        match begun.await {
            Dispatch::Ready(outcome) => outcome,
            Dispatch::Pending(call) => dispatcher.detached(call).await,
        }
    }

    /// What the request asks for behind its path.
    pub(super) fn query_of(&self, head: &Parts) -> Result<Map<String, Value>, Refused> {
        let query = head.uri.query().unwrap_or_default();
        if query.len() > MAX_QUERY {
            let error = Error::bad_request(format!("The query is longer than {MAX_QUERY} characters"));
            return Err(Refused { status: Some(StatusCode::URI_TOO_LONG), ..self.refused(error) });
        }
        query_string::parse(query).map_err(|error| self.refused(error))
    }

    /// Refuses what pages of strangers send.
    pub(super) fn check_origin(&self, head: &Parts) -> Result<(), Refused> {
        let why = "Requests from pages of this origin are not allowed. Name it in the option 'cors'";
        match self.config.accepts_origin(head) {
            true => Ok(()),
            false => Err(self.refused(Error::forbidden(why))),
        }
    }

    pub(super) fn refused(&self, error: Error) -> Refused {
        self.told(error).into()
    }

    /// Counts and logs an error of the request itself; the error as the client sees it.
    pub(super) fn told(&self, error: Error) -> Error {
        self.dispatcher.refused("rest", error)
    }
}

/// Of which service something is asked, and who asks.
pub(super) struct Asked<'p> {
    service: Cow<'p, str>,
    headers: Headers,
    address: Option<IpAddr>,
}

impl Asked<'_> {
    pub(super) fn into_owned(self) -> Asked<'static> {
        Asked { service: self.service.into_owned().into(), ..self }
    }
}

/// Whether a request changes nothing.
fn is_read(head: &Parts) -> bool {
    matches!(head.method, Verb::GET | Verb::HEAD)
}
