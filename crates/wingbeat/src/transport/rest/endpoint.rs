//! From a request to its response.

use super::answer::{answered, in_lines};
use super::body::data;
use super::events::Streams;
#[cfg(feature = "uploads")]
use super::files::ContentTarget;
use super::lines;
use super::negotiation::{acceptable, wants_lines};
use super::refused::Refused;
use super::target::{self, Target, decoded_id, method_of};
use crate::BoxFuture;
use crate::app::{Answered, Dispatch, Dispatcher, HttpBody, Outcome};
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
    /// What is at a path, if it is ours.
    pub(super) fn route(&self, path: &str) -> Option<Route> {
        if self.streams.as_ref().is_some_and(|streams| streams.is_at(path)) {
            return Some(Route::Events);
        }
        #[cfg(feature = "uploads")]
        if let Some(target) = ContentTarget::of(path, &self.dispatcher) {
            return Some(Route::Content(target));
        }
        Target::of(path, &self.dispatcher.mounts()).map(Route::Service)
    }

    // A block, not a function: what that is given is moved once more. And what few requests need is boxed apart: all of this is
    // made on the stack, then copied to the heap.
    pub(super) fn serve(self: Arc<Self>, request: Request<HttpBody>, route: Route) -> BoxFuture<'static, Answered> {
        let (head, body) = request.into_parts();
        Box::pin(async move {
            if let Some(response) = self.preflight(&head) {
                return Ok(response);
            }
            let answered = self.answer(&head, body, route).await;
            let mut response = answered.unwrap_or_else(|refused| refused.response(&head));
            if let Some(cors) = self.config.cors_headers() {
                cors.answer(&head.headers, response.headers_mut());
            }
            if head.method == Verb::HEAD {
                *response.body_mut() = HttpBody::empty();
            }
            Ok(response)
        })
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

    async fn answer(
        self: &Arc<Self>,
        head: &Parts,
        body: HttpBody,
        route: Route,
    ) -> Result<Response<HttpBody>, Refused> {
        if let (Route::Events, Some(streams)) = (&route, &self.streams) {
            return Box::pin(streams.open(self, head)).await;
        }
        if !is_read(head) {
            self.check_origin(head)?;
        }
        match route {
            Route::Service(target) => self.call(head, body, target).await,
            #[cfg(feature = "uploads")]
            Route::Content(target) => Box::pin(self.content(head, body, target)).await,
            Route::Events => Err(self.refused(Error::not_found("Page not found"))),
        }
    }

    async fn call(
        self: &Arc<Self>,
        head: &Parts,
        body: HttpBody,
        target: Target,
    ) -> Result<Response<HttpBody>, Refused> {
        let refused = |error| self.refused(error);
        let takes_json = acceptable(&head.headers);
        // Reading calls fail for their own reasons first, as in Express; writing calls do not run at all.
        if !is_read(head) {
            takes_json.as_ref().map_err(|error| refused(error.clone()))?;
        }
        let (service, id) = (target.service(head.uri.path()), target.id(head.uri.path()));
        let mounted = &target.mounted;
        let asked = method_of(&head.method, &head.headers, id, mounted);
        let (name, takes_id) =
            asked.map_err(|error| Refused { allow: Some(target::allowed(mounted, id.is_some())), ..refused(error) })?;
        let id = match id.filter(|_| takes_id).map(decoded_id).transpose().map_err(refused)? {
            Some(id) => IdArg::Id(Id::from(id)),
            None if name.takes_id() => IdArg::Null,
            None => IdArg::Absent,
        };
        let mut arguments = Arguments { id, ..Arguments::default() };
        arguments.params.query = Query::from(self.query_of(head)?);
        #[cfg(feature = "uploads")]
        if let Some(access) = mounted.files().filter(|_| name == Method::Create) {
            let asked = self.asked(head, service);
            let outcome = Box::pin(self.upload(head, body, &access, (&asked, arguments))).await?;
            return answered(head, outcome).map_err(refused);
        }
        if name.takes_data() {
            let data = tokio::time::timeout(self.dispatcher.limit(), data(&head.headers, body, self.max_body));
            let data = Box::pin(data).await;
            let late = || Refused::from(Error::timeout("The body did not arrive in time"));
            arguments.data = Some(data.map_err(|_| late())?.map_err(|refused| refused.told(self))?);
        }
        let asked = self.asked(head, service);
        let lines = (name == Method::Find && wants_lines(&head.headers)).then(|| arguments.params.query.clone());
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
    pub(super) fn run<'a>(
        &'a self,
        asked: &'a Asked<'_>,
        method: &'a str,
        arguments: Arguments,
    ) -> impl Future<Output = Result<Outcome>> + Send + 'a {
        self.run_by(&self.dispatcher, asked, method, arguments)
    }

    /// The same by a dispatcher whose calls may take longer.
    pub(super) fn run_by<'a>(
        &'a self,
        dispatcher: &'a Dispatcher,
        asked: &'a Asked<'_>,
        method: &'a str,
        arguments: Arguments,
    ) -> impl Future<Output = Result<Outcome>> + Send + 'a {
        let caller = Caller::Request { provider: "rest", headers: &asked.headers, address: asked.address };
        let mut invocation = Some(Invocation::new(&*asked.service, method, caller, Ok(arguments)));
        async move {
            let begun = poll_fn(|cx| match invocation.take() {
                Some(invocation) => Poll::Ready(dispatcher.begin(invocation, cx)),
                // It is ready at its first poll.
                None => Poll::Pending,
            });
            match begun.await {
                Dispatch::Ready(outcome) => outcome,
                Dispatch::Pending(call) => Box::pin(dispatcher.detached(call)).await,
            }
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

/// What a path leads to.
pub(super) enum Route {
    /// The stream of events.
    Events,
    Service(Target),
    /// A record's file.
    #[cfg(feature = "uploads")]
    Content(ContentTarget),
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
