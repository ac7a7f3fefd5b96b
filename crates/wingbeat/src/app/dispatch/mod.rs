//! Where calls come in, whoever asks: what all of them have in common stands here once.

mod measured;
mod mounted;
mod outcome;
mod pending;
mod resolve;
mod run;

pub(crate) use mounted::{Mounted, Mounts};
pub use outcome::Outcome;
pub use pending::PendingCall;

use super::events::CallerKind;
use super::guard::{Guarded, guarded, log};
use super::measure::{refused, traced};
use super::registry::{Entry, Registry};
use super::{App, Mode, WeakApp};
use crate::BoxFuture;
use crate::realtime::Connection;
use crate::service::invocation::{Arguments, Caller, Invocation};
use arc_swap::ArcSwap;
use measured::{MeasuredEntry, measured};
use pending::{CallFuture, origin_of, outcome_of, polled};
use resolve::Resolved;
use run::Completed;
use std::fmt;
use std::future::{Future, poll_fn, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;
use wingbeat_core::{Error, Method, Result};

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
#[expect(clippy::exhaustive_enums, reason = "as Poll, it is ready or pending")]
pub enum Dispatch {
    /// It is done, as nearly all are.
    Ready(Result<Outcome>),
    /// It has to be polled again: the time it may take begins then.
    Pending(PendingCall),
}

impl App {
    /// Where a transport hands in what its clients ask for. Their calls may take as long as `limit`.
    pub fn dispatcher(&self, limit: Duration) -> Dispatcher {
        self.calls_may_take(limit);
        self.dispatcher_of_test(limit)
    }

    /// As [`dispatcher`](App::dispatcher), for a client whose patience says nothing about how long calls may take.
    pub(crate) fn dispatcher_of_test(&self, limit: Duration) -> Dispatcher {
        Dispatcher { registry: self.0.registry.clone(), mode: self.0.mode, app: self.downgrade(), limit }
    }
}

impl Dispatcher {
    /// Runs a call.
    ///
    /// # Errors
    /// The error that the caller receives: why it was refused, or what the service or its hooks failed with.
    pub async fn call(&self, invocation: Invocation<'_>) -> Result<Outcome> {
        let mut invocation = Some(invocation);
        let first_poll = poll_fn(|cx| match invocation.take() {
            Some(invocation) => Poll::Ready(self.begin(invocation, cx)),
            // It is ready at its first poll.
            None => Poll::Pending,
        });
        match first_poll.await {
            Dispatch::Ready(outcome) => outcome,
            Dispatch::Pending(call) => call.await,
        }
    }

    /// Waits for a call that goes on if whoever waits for it goes: what it has written is published. A shutdown waits for it
    /// as well. For transports whose waiting ends with their client.
    ///
    /// # Errors
    /// Those of the call; Unavailable if the application has ended.
    pub async fn detached(&self, call: PendingCall) -> Result<Outcome> {
        let app = self.app().ok_or_else(ended)?;
        let (done, outcome) = oneshot::channel();
        app.0.background.spawn_unlimited(async move {
            // Nobody may wait for it any more.
            done.send(call.await).ok();
        });
        drop(app);
        outcome.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Runs a call as far as it goes at once. For transports that poll by themselves: a call that is ready, as nearly all
    /// are, is never put on their heap.
    #[inline]
    pub fn begin(&self, mut invocation: Invocation<'_>, cx: &mut Context<'_>) -> Dispatch {
        // Nearly all calls are ready at once. Those borrow their service from the registry: a reference that is counted
        // costs 20 cycles, and again when it is given back.
        let (registry, name, caller) = (self.registry.load(), invocation.method, invocation.caller);
        let Resolved { entry, index, by } = match registry.resolve(&mut invocation) {
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
        let endpoint = entry.at(index);
        // A call without hooks and hearers is the service's own future and nothing around it, unless someone traces.
        let Some(target) = endpoint.plain().filter(|_| !traced()) else {
            let outcome = match polled(origin, || self.run(entry, index, invocation.arguments, by), |_| (), cx) {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(call)) => {
                    return self.pending(CallFuture::WithHooks(Guarded::new(call, self.limit)), caller, entry, index);
                }
                Err(panicked) => Err(panicked),
            };
            return Dispatch::Ready(outcome_of(outcome, entry, index, self.mode));
        };
        let started = endpoint.meter.start();
        let Arguments { id, data, params } = invocation.arguments;
        let begin = || target.call(endpoint.method(), id, data, params);
        let polled = polled(origin, begin, |outcome| entry.map_error(outcome), cx);
        // The others are measured where they run.
        endpoint.meter.polled(started, &polled);
        let outcome = match polled {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(call)) => {
                let call = measured(call, started, MeasuredEntry::new(entry), index);
                return self.pending(CallFuture::Plain(Guarded::new(call, self.limit)), caller, entry, index);
            }
            Err(panicked) => Err(panicked),
        };
        Dispatch::Ready(outcome_of(outcome, entry, index, self.mode))
    }

    /// Whether a service is mounted at a path, for transports whose paths are not theirs alone.
    pub fn is_mounted(&self, path: &str) -> bool {
        self.registry.load().mounted(path).is_some()
    }

    /// The methods that clients may call of the service at a path, if one is mounted there.
    pub fn exposed(&self, path: &str) -> Option<Vec<Method>> {
        Some(self.mounts().find(path)?.exposed().cloned().collect())
    }

    /// What is mounted at the moment.
    pub(crate) fn mounts(&self) -> Mounts {
        Mounts(self.registry.load())
    }

    /// The same for calls that may take longer, or not as long.
    #[cfg(feature = "uploads")]
    pub(crate) fn with_limit(&self, limit: Duration) -> Dispatcher {
        Dispatcher { limit, ..self.clone() }
    }

    /// Counts and logs what a client has sent that is not a call, for example because it names no path. The error as the client
    /// is told it.
    pub fn refused(&self, method: &str, error: Error) -> Error {
        refused(&error);
        log(&error, "", method);
        self.shown(error)
    }

    fn run(
        &self,
        entry: &Arc<Entry>,
        index: usize,
        arguments: Arguments,
        by: CallerKind,
    ) -> BoxFuture<'static, Result<Outcome>> {
        match self.app() {
            Some(app) => app.run(entry.clone(), index, arguments, by, Completed::for_client),
            None => Box::pin(ready(Err(ended()))),
        }
    }

    #[cold]
    fn pending(&self, call: CallFuture, caller: Caller<'_>, entry: &Arc<Entry>, index: usize) -> Dispatch {
        Dispatch::Pending(PendingCall { call, caller: caller.into(), entry: entry.clone(), index, mode: self.mode })
    }

    /// Asks whether a client may come in: authentication reads the headers of its [`Peer`](crate::realtime::Peer). The transport
    /// asks before it [tells](Dispatcher::connected) of the connection.
    ///
    /// # Errors
    /// Why the client may not come in, as the client sees it. What takes longer than a call ends with Timeout.
    pub fn admit(&self, connection: &Connection) -> impl Future<Output = Result<()>> + Send + use<> {
        let asked = self.app().map(|app| app.admit(connection));
        let (limit, app) = (self.limit, self.app.clone());
        async move {
            match asked {
                Some(Some(asked)) => guarded(asked, limit).await.map_err(|error| not_admitted(&app, error)),
                Some(None) => Ok(()),
                None => Err(ended()),
            }
        }
    }

    /// An error of other checks that a transport makes before a client may come in, as the client sees it.
    pub(crate) fn not_admitted(&self, error: Error) -> Error {
        not_admitted(&self.app, error)
    }

    /// A client has come in: the listeners run, and events can reach it.
    pub fn connected(&self, connection: &Connection) {
        if let Some(app) = self.app() {
            app.connected(connection);
        }
    }

    /// A client has gone: it leaves all channels, then the listeners run. A second call changes nothing.
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

    /// An error as clients may see it: as the application [words](crate::Builder::map_error) it, and as much of it as its
    /// [mode](crate::Builder::mode) says.
    pub fn shown(&self, error: Error) -> Error {
        self.app.shown(error)
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("limit", &self.limit).finish_non_exhaustive()
    }
}

fn not_admitted(app: &WeakApp, error: Error) -> Error {
    log(&error, "", "connect");
    app.shown(error)
}

fn ended() -> Error {
    Error::unavailable("The application has ended")
}
