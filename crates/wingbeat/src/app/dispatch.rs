//! Where calls come in, whoever asks: what all of them have in common stands here once.

use super::guard::{Guarded, begun, guarded, log};
use super::measure::{Held, measured, refused, traced};
use super::outcome::Outcome;
use super::registry::Registry;
use super::run::{By, Completed};
use super::{App, Entry, Mode, WeakApp};
use crate::BoxFuture;
use crate::fair::{self, Origin, Source};
use crate::realtime::Connection;
use crate::service::{Arguments, Caller, Invocation};
use arc_swap::ArcSwap;
use std::fmt;
use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use wingbeat_core::{Error, Payload, Result};

/// Where a transport hands in what its clients ask for. It knows what is mounted, and does not keep the application alive.
///
/// It refuses what a client may not call or ask, and is where panics and calls without end stop: the first are a general
/// error, the second end with Timeout. Errors come as clients may see them; the log has the rest.
///
/// With [`call`](Dispatcher::call) a transport needs nothing else. For clients that stay it makes a [`Connection`], asks
/// [`admit`](Dispatcher::admit) about it, and tells of it by [`connected`](Dispatcher::connected) and
/// [`disconnected`](Dispatcher::disconnected).
// Most calls need no more than what is mounted. An application to upgrade and to give back would be two locked operations
// for each of them.
#[derive(Clone)]
pub struct Dispatcher {
    registry: Arc<ArcSwap<Registry>>,
    mode: Mode,
    app: WeakApp,
    limit: Duration,
}

/// What has become of a call at its first poll.
#[derive(Debug)]
pub enum Dispatch {
    /// It is done, as nearly all are.
    Ready(Result<Outcome>),
    /// It has to be polled again: the time it may take begins then.
    Pending(PendingCall),
}

/// What a call names: the service, which of its methods, and the arguments.
pub(super) struct Resolved<'r> {
    pub(super) entry: &'r Arc<Entry>,
    pub(super) place: usize,
    pub(super) by: By,
    pub(super) arguments: Arguments,
}

impl App {
    /// Where a transport hands in what its clients ask for. Their calls may take as long as `limit`.
    pub fn dispatcher(&self, limit: Duration) -> Dispatcher {
        self.calls_may_take(limit);
        self.dispatcher_of_test(limit)
    }

    /// As [`dispatcher`](App::dispatcher), for a client whose patience says nothing about how long calls may take.
    pub(crate) fn dispatcher_of_test(&self, limit: Duration) -> Dispatcher {
        Dispatcher { registry: self.0.registry.clone(), mode: self.mode(), app: self.downgrade(), limit }
    }

    /// A call from inside: no deadline, and a panic is the caller's.
    pub(super) fn call(
        self,
        invocation: Invocation<'_>,
        told: fn(Completed) -> Result<Payload>,
    ) -> BoxFuture<'static, Result<Payload>> {
        let registry = self.0.registry.load();
        match registry.resolve(invocation) {
            Ok(Resolved { entry, place, by, arguments }) => {
                let entry = entry.clone();
                drop(registry);
                self.run(entry, place, arguments, by, told)
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    /// Runs a method without any hook or event, as `_patch` and the like do in Feathers.
    #[cfg(feature = "auth")]
    pub(crate) async fn bare(&self, invocation: Invocation<'_>) -> Result<Payload> {
        let called = {
            let registry = self.0.registry.load();
            let Resolved { entry, place, arguments, .. } = registry.resolve(invocation)?;
            let (endpoint, Arguments { id, data, params }) = (entry.at(place), arguments);
            endpoint.chain.target().call(endpoint.method(), id, data, params)
        };
        called.await
    }
}

impl Registry {
    /// Finds what a call names. Refuses what the caller may not call, and may not ask of it.
    pub(super) fn resolve(&self, invocation: Invocation<'_>) -> Result<Resolved<'_>> {
        let Invocation { path, method, caller, arguments } = invocation;
        let (entry, route) = self.find(&path)?;
        let by = if caller.is_internal() { By::Server } else { By::Client };
        let place = match by {
            By::Client => entry.external(method),
            By::Server => entry.place(method),
        };
        let place = place.ok_or_else(|| not_allowed(method, &path))?;
        let mut arguments = arguments?;
        let params = &mut arguments.params;
        caller.introduce(params);
        params.route = route;
        params.scope = Some(entry.scope().clone());
        entry.at(place).check(&arguments)?;
        Ok(Resolved { entry, place, by, arguments })
    }
}

impl Dispatcher {
    /// Runs a call.
    ///
    /// # Errors
    /// What the caller is told: why it was refused, or what the service or its hooks failed with.
    pub async fn call(&self, invocation: Invocation<'_>) -> Result<Outcome> {
        let mut invocation = Some(invocation);
        let begun = poll_fn(|cx| match invocation.take() {
            Some(invocation) => Poll::Ready(self.begin(invocation, cx)),
            // It is ready at its first poll.
            None => Poll::Pending,
        });
        match begun.await {
            Dispatch::Ready(outcome) => outcome,
            Dispatch::Pending(call) => call.await,
        }
    }

    /// Runs a call as far as it goes at once. For transports that poll by themselves: a call that is ready, as nearly all
    /// are, is never put on their heap.
    pub fn begin(&self, invocation: Invocation<'_>, cx: &mut Context<'_>) -> Dispatch {
        // Nearly all calls are ready at once. Those borrow their service from the registry: a reference that is counted
        // costs 20 cycles, and again when it is given back.
        let (registry, name, caller) = (self.registry.load(), invocation.method, invocation.caller);
        let Resolved { entry, place, by, arguments } = match registry.resolve(invocation) {
            Ok(resolved) => resolved,
            Err(error) => return Dispatch::Ready(Err(self.refused(name, error))),
        };
        let own;
        let origin = match caller {
            Caller::Connection(connection) => connection.origin(),
            other => {
                own = origin_of(other);
                &own
            }
        };
        let endpoint = entry.at(place);
        // A call without hooks and hearers is the service's own future and nothing around it, unless someone traces.
        let Some(target) = endpoint.plain().filter(|_| !traced()) else {
            let polled = polled(origin, || self.run(entry, place, arguments, by), cx);
            return self.told(polled, caller, entry, place, Running::Whole);
        };
        let started = endpoint.meter.start();
        let Arguments { id, data, params } = arguments;
        let polled = polled(origin, || target.call(endpoint.method(), id, data, params), cx);
        // The others are measured where they run.
        endpoint.meter.polled(started, &polled);
        let polled = match polled {
            Ok(Err(call)) => Ok(Err(measured(call, started, Held::new(entry), place))),
            polled => polled,
        };
        self.told(polled, caller, entry, place, Running::Plain)
    }

    /// Counts and logs what a client has sent that is no call, for example because it names no path. The error as the client
    /// is told it.
    pub fn refused(&self, method: &str, error: Error) -> Error {
        refused(&error);
        log(&error, "", method);
        self.mode.shown(error)
    }

    fn run(
        &self,
        entry: &Arc<Entry>,
        place: usize,
        arguments: Arguments,
        by: By,
    ) -> BoxFuture<'static, Result<Outcome>> {
        match self.app() {
            Some(app) => app.run(entry.clone(), place, arguments, by, Completed::for_client),
            None => Box::pin(ready(Err(ended()))),
        }
    }

    fn told<T: Told>(
        &self,
        polled: Polled<T>,
        caller: Caller<'_>,
        entry: &Arc<Entry>,
        place: usize,
        running: fn(Guarded<Call<T>>) -> Running,
    ) -> Dispatch {
        let outcome = match polled {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(call)) => {
                let call = running(Guarded::new(call, self.limit));
                let (asker, mode) = (Asker::from(caller), self.mode);
                return Dispatch::Pending(PendingCall { call, asker, entry: entry.clone(), place, mode });
            }
            Err(panicked) => Err(panicked),
        };
        Dispatch::Ready(told(outcome, entry, place, self.mode))
    }

    /// Asks whether a client may come in: authentication reads the headers of its [`Peer`](crate::Peer). The transport
    /// asks before it [tells](Dispatcher::connected) of the connection.
    ///
    /// # Errors
    /// Why the client may not come in, as it is told. What takes longer than a call ends with Timeout.
    pub fn admit(&self, connection: &Connection) -> impl Future<Output = Result<()>> + Send + use<> {
        let asked = self.app().map(|app| app.admit(connection));
        let (limit, mode) = (self.limit, self.mode);
        async move {
            match asked {
                Some(Some(asked)) => guarded(asked, limit).await.map_err(|error| mode.shown(error)),
                Some(None) => Ok(()),
                None => Err(ended()),
            }
        }
    }

    /// A client has come in: the listeners are told, and events can reach it.
    pub fn connected(&self, connection: &Connection) {
        if let Some(app) = self.app() {
            app.connected(connection);
        }
    }

    /// A client has gone: it leaves all channels, then the listeners are told. To say so again changes nothing.
    pub fn disconnected(&self, connection: &Connection) {
        if let Some(app) = self.app() {
            app.disconnected(connection);
        }
    }

    /// The application, unless it has ended.
    pub fn app(&self) -> Option<App> {
        self.app.upgrade()
    }

    /// How long calls may take.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// An error as clients may see it: [`Builder::mode`](crate::Builder::mode) says how much that is.
    pub fn shown(&self, error: Error) -> Error {
        self.mode.shown(error)
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("limit", &self.limit).finish_non_exhaustive()
    }
}

type Call<T> = BoxFuture<'static, Result<T>>;

/// A call that has been polled once: it is done, or it is not, or it has panicked.
type Polled<T> = Result<Result<Result<T>, Call<T>>>;

/// Begins a call on somebody's behalf.
fn polled<T>(origin: &Origin, begin: impl FnOnce() -> Call<T>, cx: &mut Context<'_>) -> Polled<T> {
    let begin = || {
        let mut call = begin();
        match call.as_mut().poll(cx) {
            Poll::Ready(outcome) => Ok(outcome),
            Poll::Pending => Err(call),
        }
    };
    origin.scope(|| begun(begin))
}

/// For whom a call without connection works.
fn origin_of(caller: Caller<'_>) -> Origin {
    Origin::new(match caller {
        Caller::Request { address, .. } => Source::client(address, None),
        _ => fair::current(),
    })
}

/// For whom a call under way works.
enum Asker {
    Connection(Connection),
    Other(Origin),
}

impl From<Caller<'_>> for Asker {
    fn from(caller: Caller<'_>) -> Asker {
        match caller {
            Caller::Connection(connection) => Asker::Connection(connection.clone()),
            other => Asker::Other(origin_of(other)),
        }
    }
}

impl Asker {
    fn origin(&self) -> &Origin {
        match self {
            Asker::Connection(connection) => connection.origin(),
            Asker::Other(origin) => origin,
        }
    }
}

/// What becomes an outcome.
trait Told {
    fn outcome(self, entry: &Entry, place: usize) -> Result<Outcome>;
}

impl Told for Outcome {
    fn outcome(self, _: &Entry, _: usize) -> Result<Outcome> {
        Ok(self)
    }
}

/// Of a call without hooks.
impl Told for Payload {
    fn outcome(self, entry: &Entry, place: usize) -> Result<Outcome> {
        Outcome::plain(self, entry.at(place))
    }
}

/// What a client is told of an outcome. The log is told of errors.
fn told<T: Told>(outcome: Result<T>, entry: &Entry, place: usize, mode: Mode) -> Result<Outcome> {
    outcome.and_then(|outcome| outcome.outcome(entry, place)).map_err(|error| {
        log(&error, entry.path(), entry.at(place).method().as_str());
        mode.shown(error)
    })
}

/// A call under way, which answers what the caller may see. One that is dropped is given up.
#[must_use = "a call goes on when it is polled"]
pub struct PendingCall {
    call: Running,
    asker: Asker,
    entry: Arc<Entry>,
    place: usize,
    mode: Mode,
}

enum Running {
    /// The service's own future.
    Plain(Guarded<Call<Payload>>),
    /// With hooks, or with events.
    Whole(Guarded<Call<Outcome>>),
}

impl Future for PendingCall {
    type Output = Result<Outcome>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Outcome>> {
        let PendingCall { call, asker, entry, place, mode } = &mut *self;
        asker.origin().scope(|| match call {
            Running::Plain(call) => Pin::new(call).poll(cx).map(|outcome| told(outcome, entry, *place, *mode)),
            Running::Whole(call) => Pin::new(call).poll(cx).map(|outcome| told(outcome, entry, *place, *mode)),
        })
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PendingCall({} {})", self.entry.path(), self.entry.at(self.place).method())
    }
}

/// What a caller is told who asks for a method that the service does not have, or not for him.
pub(super) fn not_allowed(method: &str, path: &str) -> Error {
    Error::method_not_allowed(format!("Method '{method}' not allowed on service '{path}'"))
}

fn ended() -> Error {
    Error::unavailable("The application has ended")
}
