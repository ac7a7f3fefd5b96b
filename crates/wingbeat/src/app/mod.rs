//! The application: what is mounted where, and the one way in.

mod background;
mod builder;
mod connection_guard;
mod describe;
mod dispatch;
mod events;
mod exposed;
mod guard;
mod held;
mod http;
mod life;
mod lifecycle;
mod listener;
#[cfg(feature = "auth")]
mod login;
mod measure;
mod mode;
mod mount;
mod mounting;
mod order;
mod outcome;
mod phase;
mod publish;
mod registering;
mod registry;
mod router;
mod run;
mod sub_app;
#[cfg(test)]
mod tests;
mod transport;
mod writing;

pub use builder::Builder;
#[cfg(feature = "auth")]
pub(crate) use connection_guard::ConnectionGuard;
pub use dispatch::{Dispatch, Dispatcher, PendingCall};
pub(crate) use guard::guarded;
pub use http::{AppHttp, HttpBody};
pub(crate) use http::{error_response, json_response};
pub use listener::ListenerReturn;
#[cfg(feature = "auth")]
pub use login::{Login, LoginListener};
pub use mode::Mode;
pub use mount::{IntoMount, Mount};
pub use outcome::Outcome;
pub use phase::{Phase, PhaseHook};
pub(crate) use registry::Entry;
pub use transport::{BoundTransport, Transport};

use crate::hooks::HookSet;
use crate::realtime::{Channel, ChannelName, Channels, Connection, Delivery};
use crate::service::{ServiceHandle, Services};
use arc_swap::ArcSwap;
use events::Publishers;
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
            Some(App(app)) => app.mode.shown(app.hooks.words.apply(error)),
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
    background: background::BackgroundTasks,
    patience: held::Patience,
    mode: Mode,
    phases: phase::Phases,
    http: http::Routes,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Sockets that outlive the application keep the registry, but not its services.
        self.registry.store(Arc::default());
    }
}

/// Work that failed: it may be begun as often as clients like.
static FAILED: LogThrottle = LogThrottle::new();

type OnConnection = Box<dyn Fn(&App, &Connection) + Send + Sync>;

/// Who wants to know of connections that come and go, log in and out.
#[derive(Default)]
struct Listeners {
    connection: Vec<OnConnection>,
    disconnect: Vec<OnConnection>,
    #[cfg(feature = "auth")]
    login: Vec<OnConnection>,
    #[cfg(feature = "auth")]
    login_async: Vec<Box<dyn login::LoginListener>>,
    #[cfg(feature = "auth")]
    logout: Vec<OnConnection>,
}

impl Listeners {
    fn append(&mut self, mut more: Listeners) {
        self.connection.append(&mut more.connection);
        self.disconnect.append(&mut more.disconnect);
        #[cfg(feature = "auth")]
        self.login.append(&mut more.login);
        #[cfg(feature = "auth")]
        self.login_async.append(&mut more.login_async);
        #[cfg(feature = "auth")]
        self.logout.append(&mut more.logout);
    }
}

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
        Channel::new(self.0.channels.clone(), self.0.channels.names_matching(pattern))
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

    fn change<T>(&self, change: impl FnOnce(&App, &mut Registry) -> Result<T>) -> Result<T> {
        let _one_at_a_time = crate::locked(&self.0.changing);
        let mut registry = Registry::clone(&self.0.registry.load());
        let changed = change(self, &mut registry)?;
        self.0.registry.store(Arc::new(registry));
        Ok(changed)
    }

    fn entry(&self, path: &str, mount: Mount) -> Result<Arc<Entry>> {
        Entry::new(self, router::checked(path)?, mount).map(Arc::new)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "App{:?}", self.paths())
    }
}
