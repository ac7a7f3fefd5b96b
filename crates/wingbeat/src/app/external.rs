//! Calls from outside: what every transport checks and does alike.

use super::guard::{Guarded, begun, log};
use super::registry::Registry;
use super::run::{By, Outcome};
use super::{App, Entry, Mode, WeakApp, measure};
use crate::BoxFuture;
use crate::realtime::Connection;
use crate::service::{Params, Query};
use arc_swap::ArcSwap;
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wingbeat_core::{Error, Id, IdArg, Payload, RawJson, Result, json};

/// The arguments of a call as a client sends them, each a JSON text: the path, then id and data as the method has
/// them, then the query.
pub(crate) trait Arguments {
    /// How many there are.
    fn count(&self) -> usize;
    /// One of them, to look at.
    fn text(&self, at: usize) -> Option<&str>;
    /// One of them, to keep.
    fn raw(&self, at: usize) -> Option<RawJson>;
    /// Whether there are bytes in one of them.
    fn has_bytes(&self, at: usize) -> bool;
}

/// What has become of a client's call: what the client is told, or the future of it.
pub(crate) enum Called {
    Ready(Result<RawJson>),
    /// It was polled, is not ready, and has to be polled again: the time it may take begins then.
    Running(Answering),
}

/// What a client's call names: the service, which of its methods, and the arguments.
type Named<'a> = (&'a Arc<Entry>, usize, Given);

/// The arguments of a call, read.
type Given = (IdArg, Option<Payload>, Params);

/// Where clients' calls come in: what is mounted, without keeping the application alive.
// Most calls need no more. An application to upgrade and to give back would be two locked operations for each of them.
pub(crate) struct Entrance {
    registry: Arc<ArcSwap<Registry>>,
    mode: Mode,
    app: WeakApp,
}

impl App {
    /// Where calls of clients come in.
    pub(crate) fn entrance(&self) -> Entrance {
        Entrance { registry: self.0.registry.clone(), mode: self.mode(), app: self.downgrade() }
    }
}

impl Entrance {
    /// Runs a connection's call as far as it goes at once. Refuses what no client may call, and arguments that are none.
    /// A panic is a general error, a call that takes longer than `limit` ends with Timeout.
    pub(crate) fn call(
        &self,
        connection: &Connection,
        name: &str,
        given: &impl Arguments,
        limit: Duration,
        cx: &mut Context<'_>,
    ) -> Called {
        // Nearly all calls are ready at once. Those borrow their service from the registry: a reference that is counted
        // costs 20 cycles, and again when it is given back.
        let registry = self.registry.load();
        let (entry, method, arguments) = match read(&registry, connection, name, given) {
            Ok(named) => named,
            Err(error) => {
                measure::refused(&error);
                log(&error, "", name);
                return Called::Ready(Err(error));
            }
        };
        let (mode, endpoint) = (self.mode, entry.at(method));
        // A call without hooks and hearers is the service's own future and nothing around it, unless someone traces.
        let plain = endpoint.plain().filter(|_| !measure::traced());
        let started = endpoint.meter.start();
        let begin = || {
            let mut call = match plain {
                Some(target) => {
                    let (id, data, params) = arguments;
                    target.call(endpoint.method(), id, data, params)
                }
                None => self.run(entry, method, arguments),
            };
            match call.as_mut().poll(cx) {
                Poll::Ready(outcome) => Ok(outcome),
                Poll::Pending => Err(call),
            }
        };
        let polled = connection.origin().scope(|| begun(begin));
        // The others are measured where they run.
        if plain.is_some() {
            endpoint.meter.polled(started, &polled);
        }
        let outcome = match polled {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(call)) => {
                let call = match plain {
                    Some(_) => measure::measured(call, started, measure::Held::new(entry), method),
                    None => call,
                };
                let call = Guarded::new(call, limit);
                let connection = connection.clone();
                return Called::Running(Answering { call, connection, entry: entry.clone(), method, mode });
            }
            Err(panicked) => Err(panicked),
        };
        Called::Ready(told(outcome, entry, method, mode))
    }

    fn run(&self, entry: &Arc<Entry>, method: usize, given: Given) -> BoxFuture<'static, Result<Payload>> {
        match self.app.upgrade() {
            Some(app) => app.run(entry.clone(), method, given, By::Client, Outcome::for_client),
            None => Box::pin(std::future::ready(Err(Error::unavailable("The application has ended")))),
        }
    }
}

fn read<'a>(registry: &'a Registry, connection: &Connection, name: &str, given: &impl Arguments) -> Result<Named<'a>> {
    let path = given.text(0).and_then(text).ok_or_else(|| Error::not_found("Invalid service path"))?;
    let (entry, route) = registry.find(&path)?;
    let Some(place) = entry.external(name) else { return Err(not_allowed(name, &path)) };
    let method = entry.at(place).method();
    let query_at = 1 + method.query_position();
    if given.count() > query_at + 1 {
        return Err(Error::bad_request(format!("Too many arguments for '{method}' method")));
    }
    let id = if method.takes_id() { id(given.text(1))? } else { IdArg::Absent };
    let data_at = method.takes_data().then(|| 1 + usize::from(method.takes_id()));
    let data = data_at.and_then(|at| given.raw(at)).map(Payload::from);
    if given.has_bytes(query_at) {
        return Err(Error::bad_request("Invalid query: it must not contain bytes"));
    }
    let mut params = Params::new();
    params.query = query(given.text(query_at))?;
    params.route = route;
    params.provider = Some(connection.provider());
    params.connection = Some(connection.clone());
    params.surroundings = Some(entry.surroundings().clone());
    entry.at(place).check(&params, data.as_ref())?;
    Ok((entry, place, (id, data, params)))
}

/// What a client is told of an outcome. The log is told of errors.
fn told(outcome: Result<Payload>, entry: &Entry, method: usize, mode: Mode) -> Result<RawJson> {
    outcome.and_then(Payload::into_raw).map_err(|error| {
        log(&error, entry.path(), entry.at(method).method().as_str());
        mode.shown(error)
    })
}

/// A client's call under way.
pub(crate) struct Answering {
    call: Guarded<BoxFuture<'static, Result<Payload>>>,
    connection: Connection,
    entry: Arc<Entry>,
    method: usize,
    mode: Mode,
}

impl Future for Answering {
    type Output = Result<RawJson>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<RawJson>> {
        let Answering { call, connection, .. } = &mut *self;
        let outcome = ready!(connection.origin().scope(|| Pin::new(call).poll(cx)));
        Poll::Ready(told(outcome, &self.entry, self.method, self.mode))
    }
}

/// What a caller is told who asks for a method that the service does not have, or not for him.
pub(super) fn not_allowed(method: &str, path: &str) -> Error {
    Error::method_not_allowed(format!("Method '{method}' not allowed on service '{path}'"))
}

/// A JSON text without its quotes. `None` if the argument is anything else.
fn text(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.as_bytes().contains(&b'\\') {
        return json::read::<String>(text).ok().map(Into::into);
    }
    Some(inner.into())
}

fn id(given: Option<&str>) -> Result<IdArg> {
    let id = match given {
        None => return Ok(IdArg::Absent),
        Some("null") => return Ok(IdArg::Null),
        Some(given) if given.starts_with('"') => text(given).map(|text| Id::Text(text.into())),
        // Most ids are small whole numbers, which need no parser (saves 300 instructions of a get's 6,000).
        Some(given) if given.len() < 19 && given.bytes().all(|byte| byte.is_ascii_digit()) => {
            given.parse().ok().map(|number: u64| Id::Number(number.into()))
        }
        Some(given) => json::read(given).ok(),
    };
    id.map(IdArg::Id).ok_or_else(|| Error::bad_request("Invalid id: it must be text, a number or null"))
}

fn query(given: Option<&str>) -> Result<Query> {
    match given {
        None | Some("{}" | "null") => Ok(Query::default()),
        // Text that was sent is JSON; what is left to refuse is a number beyond every type.
        Some(given) => {
            Query::from_value(json::read(given).map_err(|_| Error::bad_request("Invalid query: number out of range"))?)
        }
    }
}
