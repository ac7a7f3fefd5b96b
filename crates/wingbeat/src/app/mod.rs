//! The application: what is mounted where, and the one way in.

mod background;
mod builder;
mod dispatch;
mod events;
mod guard;
mod http;
mod lifecycle;
mod measure;
mod mode;
mod mount;
mod registry;
#[cfg(test)]
mod tests;

pub use builder::Builder;
pub use dispatch::{Dispatch, Dispatcher, Outcome, PendingCall};
pub(crate) use dispatch::{Mounted, Mounts};
#[cfg(all(feature = "auth", feature = "axum"))]
pub(crate) use guard::catch_panic;
pub(crate) use guard::guarded;
pub(crate) use http::{Answered, error_page_or_json, error_response, json_response};
pub use http::{AppHttp, BoundTransport, HttpBody, Transport};
pub use lifecycle::{Answers, Everywhere, ListenerReturn, Phase, PhaseHook};
#[cfg(feature = "auth")]
pub use lifecycle::{Login, LoginListener};
pub use mode::Mode;
#[cfg(feature = "auth")]
pub(crate) use mount::ConnectionGuard;
pub use mount::{IntoMount, Mount};
pub(crate) use registry::Entry;

use crate::hooks::HookSet;
use crate::realtime::{Channel, ChannelName, Channels, Delivery, Recovery};
use crate::service::{ServiceHandle, Services};
use arc_swap::ArcSwap;
use background::BackgroundTasks;
use events::{CallTimeout, Publishers};
use http::Routes;
pub(crate) use lifecycle::{Anew, note_outcome};
use lifecycle::{Listeners, Nodes, Phases};
use registry::Registry;
use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use wingbeat_core::{Definition, Error, Result};
use wingbeat_protocol::LogThrottle;

/// An application: a cheap handle, equal for all its clones.
///
/// Made by [`App::builder`]; services can be mounted and unmounted while it runs.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// An application that is not kept alive by this.
#[derive(Clone)]
pub(crate) struct WeakApp(Weak<Inner>);

impl WeakApp {
    pub(crate) fn upgrade(&self) -> Option<App> {
        self.0.upgrade().map(App)
    }

    /// An error outside of calls as clients see it.
    fn shown(&self, error: Error) -> Error {
        match self.upgrade() {
            Some(app) => app.shown(error),
            None => error,
        }
    }
}

struct Inner {
    registry: Arc<ArcSwap<Registry>>,
    /// Held while the registry is replaced, so that two changes do not undo each other.
    changing: Mutex<()>,
    hooks: HookSet,
    publishers: Publishers,
    channels: Arc<Channels>,
    delivery: Arc<Delivery>,
    listeners: Listeners,
    background: BackgroundTasks,
    call_timeout: CallTimeout,
    mode: Mode,
    phases: Phases,
    http: Routes,
    nodes: Nodes,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Sockets that outlive the application keep the registry, but not its services.
        self.registry.store(Arc::default());
    }
}

/// Work that failed: it may be begun as often as clients like.
static FAILED: LogThrottle = LogThrottle::new();

impl App {
    /// Begins an application.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The application behind a handle to its services.
    pub(crate) fn of(services: &Services) -> Option<App> {
        let caller: Arc<dyn Any + Send + Sync> = services.0.clone();
        caller.downcast().ok().map(App)
    }

    pub(crate) fn downgrade(&self) -> WeakApp {
        WeakApp(Arc::downgrade(&self.0))
    }

    /// An error outside of calls as clients see it.
    pub(crate) fn shown(&self, error: Error) -> Error {
        self.0.mode.shown(self.0.hooks.error_map.apply(error))
    }

    /// The service at a path, to be called from inside. Outer slashes do not matter.
    pub fn service(&self, path: impl Into<Box<str>>) -> ServiceHandle {
        self.services().service(path)
    }

    /// The service of a definition, to be called from inside: `app.defined::<Messages>()`.
    pub fn defined<D: Definition>(&self) -> ServiceHandle {
        self.service(D::PATH)
    }

    /// The way to all services, without the rest of the application.
    pub fn services(&self) -> Services {
        Services(self.0.clone())
    }

    /// The channel of this name.
    pub fn channel(&self, name: impl Into<ChannelName>) -> Channel {
        Channel::new(self.0.channels.clone(), [name.into().into_text()].into())
    }

    /// Several channels taken together: joining and leaving act on all of them.
    pub fn channels<N: Into<ChannelName>>(&self, names: impl IntoIterator<Item = N>) -> Channel {
        Channel::new(self.0.channels.clone(), names.into_iter().map(|name| name.into().into_text()).collect())
    }

    /// The channels that exist at this moment and whose names fit a pattern, taken together: in `rooms/*` the star stands
    /// for any text. Looks through the names of all channels.
    pub fn channels_matching(&self, pattern: &str) -> Channel {
        Channel::matching(self.0.channels.clone(), pattern)
    }

    /// Keeps what clients that come back will ask for. False if somebody has said so before.
    pub(crate) fn keep_for_recovery(&self, recovery: Arc<Recovery>) -> bool {
        self.0.channels.set_recovery(recovery)
    }

    /// The names of the channels that someone is in, sorted.
    pub fn channel_names(&self) -> Vec<String> {
        self.0.channels.names()
    }

    /// The paths of all services, in the order they were mounted.
    pub fn paths(&self) -> Vec<String> {
        self.0.registry.load().entries().map(|entry| entry.path().to_owned()).collect()
    }

    /// Does work in the background, such as sending a mail: the call that asks for it is answered meanwhile. A shutdown waits
    /// for it, as long as its patience lasts. An error or a panic is logged.
    ///
    /// ```
    /// use wingbeat::{prelude::*, store::Memory};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// let app = App::builder().mount("log", Mount::new(Memory::new())).build()?;
    /// let log = app.service("log");
    /// app.spawn(async move { log.create(serde_json::json!({"text": "begun"}), Params::new()).await.map(drop) });
    /// app.shutdown(std::time::Duration::from_secs(5)).await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn(&self, work: impl Future<Output = Result<()>> + Send + 'static) {
        self.0.background.spawn_unlimited(async move {
            if let Err(error) = guard::contained("Work in the background", || work).await
                && let Some(times) = FAILED.happened_as(&format!("{error:?}"))
            {
                tracing::error!(?error, times, "work in the background failed");
            }
        });
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "App{:?}", self.paths())
    }
}
