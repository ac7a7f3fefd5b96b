//! Building an application.

mod registering;
mod sub_app;

use super::background::BackgroundTasks;
use super::events::{CallTimeout, Publishers};
use super::http::{Fallback, HttpBody, Routes, Transport};
use super::lifecycle::{ListenerReturn, Listeners, Nodes, PhaseHook, Phases, Respond, Responders, responder};
use super::mount::{IntoMount, Mount, check_shared};
use super::registry::{Entry, Registry};
use super::{App, Inner, Mode};
use crate::hooks::HookSet;
use crate::realtime::bus::Bus;
use crate::realtime::{Channels, Connection, Delivery};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use wingbeat_core::{Error, Result};
use wingbeat_protocol::LogThrottle;

/// Listeners that failed: clients come and go as often as they like.
static FAILED: LogThrottle = LogThrottle::new();

type MakeFallback = Box<dyn FnOnce(&App) -> Fallback>;

/// Collects what an application is made of; [`App::builder`] begins one.
///
/// The order of calls does not matter, but for hooks of one kind (they run as registered) and services (they are set
/// up as mounted).
#[derive(Default)]
#[must_use = "call `build` in the end"]
pub struct Builder {
    mounts: Vec<(Box<str>, Mount)>,
    hooks: HookSet,
    publishers: Publishers,
    listeners: Listeners,
    transports: Vec<Box<dyn Transport>>,
    fallback: Option<MakeFallback>,
    phases: Phases,
    mode: Mode,
    bus: Option<Box<dyn Bus>>,
    responders: Responders,
    /// The first thing that is wrong.
    wrong: Option<Error>,
}

impl Builder {
    /// Mounts a service under a path, such as `messages` or `users/:userId/messages`. Outer slashes do not matter.
    pub fn mount(mut self, path: impl Into<Box<str>>, mount: impl IntoMount) -> Builder {
        self.mounts.push((path.into(), mount.into_mount()));
        self
    }

    /// Listens to connections: runs for every client that has connected. The place to let it join channels.
    pub fn on_connection<R: ListenerReturn>(
        mut self,
        listener: impl Fn(&App, &Connection) -> R + Send + Sync + 'static,
    ) -> Builder {
        self.listeners.connection.push(Box::new(move |app, connection| {
            listener(app, connection);
        }));
        self
    }

    /// Listens to disconnections: runs for every client that has gone. It has left all channels by then;
    /// [`left_channels`](Connection::left_channels) says which.
    pub fn on_disconnect<R: ListenerReturn>(
        mut self,
        listener: impl Fn(&App, &Connection) -> R + Send + Sync + 'static,
    ) -> Builder {
        self.listeners.disconnect.push(Box::new(move |app, connection| {
            listener(app, connection);
        }));
        self
    }

    /// Listens to clients that lost their connection and could have [come back](crate::transport::Recovery), and do not: their
    /// time is over, they were logged out or removed, they begin anew, or the application ends. [`on_disconnect`](Builder::on_disconnect) was told
    /// of the loss itself.
    pub fn on_lost<R: ListenerReturn>(
        mut self,
        listener: impl Fn(&App, &Connection) -> R + Send + Sync + 'static,
    ) -> Builder {
        self.listeners.lost.push(Box::new(move |app, connection| {
            listener(app, connection);
        }));
        self
    }

    /// As [`on_disconnect`](Builder::on_disconnect), with a listener that waits: it may call services. An error is logged,
    /// and so is that it took longer than 60 seconds, which ends it. When many clients go at once 256 listeners run at a
    /// time, no more than half of them for one address, and the others after them. A shutdown waits for such listeners before the services are torn down.
    ///
    /// ```
    /// use wingbeat::{prelude::*, store::Memory};
    ///
    /// let app = App::builder()
    ///     .mount("presence", Mount::new(Memory::new().multi(true)))
    ///     .on_disconnect_async(|app, connection| async move {
    ///         let gone = Params::query([("connection", connection.id())]);
    ///         app.service("presence").remove(None, gone).await?;
    ///         Ok(())
    ///     });
    /// ```
    pub fn on_disconnect_async<F, Fut>(self, listener: F) -> Builder
    where
        F: Fn(App, Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.on_disconnect(move |app, connection| {
            let running = listener(app.clone(), connection.clone());
            app.0.background.spawn_listener(async move {
                if let Err(error) = running.await
                    && let Some(times) = FAILED.happened_as(&format!("{error:?}"))
                {
                    tracing::error!(?error, times, "a listener failed");
                }
            });
        })
    }

    /// Listens to logins: runs for every connection that has logged in; it carries `authentication` and the user by then. After a login
    /// by the headers of the handshake `connection` comes first.
    #[cfg(feature = "auth")]
    pub fn on_login<R: ListenerReturn>(
        mut self,
        listener: impl Fn(&App, &Connection) -> R + Send + Sync + 'static,
    ) -> Builder {
        self.listeners.login.push(Box::new(move |app, connection| {
            listener(app, connection);
        }));
        self
    }

    /// Decides about every login that strategy and hooks have accepted: an error refuses it, and the client receives that
    /// error instead of the token. It may wait, for a database say, and let the connection join channels.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use wingbeat::{auth::Login, prelude::*};
    ///
    /// #[derive(Deserialize)]
    /// struct User { id: u64, banned: bool }
    ///
    /// let app = App::builder().on_login_async(async |app: &App, login: &Login| {
    ///     let user: User = login.user()?;
    ///     if user.banned {
    ///         return Err(Error::forbidden("You are banned"));
    ///     }
    ///     let teams = app.service("members").find(Params::query([("userId", user.id)])).await?;
    ///     for team in teams.to::<Vec<serde_json::Value>>()? {
    ///         login.join(format!("teams/{}", team["teamId"]));
    ///     }
    ///     Ok(())
    /// });
    /// ```
    ///
    /// The listeners run one after the other, within the time of the call. They are asked about requests without a connection
    /// as well, and not about logins that the server makes itself.
    #[cfg(feature = "auth")]
    pub fn on_login_async(mut self, listener: impl super::LoginListener) -> Builder {
        self.listeners.login_async.push(Box::new(listener));
        self
    }

    /// Listens to logouts: runs for every connection that is no longer logged in: by its own wish, by force, or because its token has
    /// expired and connections are to stay ([`Expiry::Anonymous`](crate::auth::Expiry)). It has left all channels by
    /// then, also those from before the login; [`left_channels`](Connection::left_channels) says which.
    #[cfg(feature = "auth")]
    pub fn on_logout<R: ListenerReturn>(
        mut self,
        listener: impl Fn(&App, &Connection) -> R + Send + Sync + 'static,
    ) -> Builder {
        self.listeners.logout.push(Box::new(move |app, connection| {
            listener(app, connection);
        }));
        self
    }

    /// Runs a hook around the setup of all services; the first that is added is the outermost.
    ///
    /// ```
    /// # use wingbeat::{App, Phase, Result};
    /// async fn connect_to_the_bank() -> Result<()> {
    ///     Ok(())
    /// }
    ///
    /// let app = App::builder().around_setup(async |app: &App, services: Phase<'_>| {
    ///     connect_to_the_bank().await?;
    ///     services.run().await?;
    ///     tracing::info!(services = ?app.paths(), "ready");
    ///     Ok(())
    /// });
    /// ```
    pub fn around_setup(mut self, hook: impl PhaseHook) -> Builder {
        self.phases.setup.push(Arc::new(hook));
        self
    }

    /// Runs a hook around the teardown of all services, which are torn down even if others fail. An error is logged.
    pub fn around_teardown(mut self, hook: impl PhaseHook) -> Builder {
        self.phases.teardown.push(Arc::new(hook));
        self
    }

    /// Adds a transport, such as [`SocketIo`](crate::SocketIo).
    pub fn configure(mut self, transport: impl Transport) -> Builder {
        self.transports.push(Box::new(transport));
        self
    }

    /// Makes the application one node of several, which hear each other over this bus: an event reaches the members of its
    /// channels on all of them.
    ///
    /// The connection is made at the beginning of the [setup](App::setup), which fails if the bus cannot be reached. What is
    /// published before stays on this node.
    ///
    /// ```
    /// use wingbeat::{bus, prelude::*, store::Memory};
    ///
    /// // Two nodes in one process, as in a test; programs on several machines use `bus::Redis` or `bus::Nats`.
    /// let bus = bus::Memory::new();
    /// let node = || {
    ///     App::builder()
    ///         .mount("messages", Mount::new(Memory::new()).publish(|_| channel("everybody")))
    ///         .on_connection(|app, connection| app.channel("everybody").join(connection))
    ///         .configure(SocketIo::new())
    ///         .bus(bus.clone())
    ///         .build()
    /// };
    /// let nodes = [node()?, node()?];
    /// # Ok::<(), wingbeat::Error>(())
    /// ```
    pub fn bus(mut self, bus: impl Bus) -> Builder {
        self.bus = Some(Box::new(bus));
        self
    }

    /// Answers a question that any node may [ask all of them](App::everywhere): data in, any JSON out. It has five seconds.
    pub fn on_question<D, R, F, Fut>(mut self, question: &str, answer: F) -> Builder
    where
        D: DeserializeOwned,
        R: Serialize,
        F: Fn(App, D) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        self.add_responder(question.into(), responder(answer));
        self
    }

    fn add_responder(&mut self, question: Box<str>, respond: Respond) {
        let why = match &self.responders {
            _ if question.contains(':') => "has a colon, as those of Wingbeat itself",
            known if known.contains_key(&question) => "is answered twice",
            _ => {
                self.responders.insert(question, respond);
                return;
            }
        };
        self.wrong.get_or_insert_with(|| Error::general(format!("The question '{question}' {why}")));
    }

    /// How much clients learn of errors that the program did not write for them: as little as in production, unless this says
    /// otherwise.
    ///
    /// ```
    /// use wingbeat::{App, Mode};
    ///
    /// let app = App::builder().mode(if cfg!(debug_assertions) { Mode::Development } else { Mode::Production });
    /// ```
    pub fn mode(mut self, mode: Mode) -> Builder {
        self.mode = mode;
        self
    }

    /// Answers the HTTP requests that no transport wants: an axum router, `ServeDir`, any tower service. Without one
    /// they get 404 in JSON.
    pub fn fallback<S, B>(self, service: S) -> Builder
    where
        S: tower_service::Service<http::Request<HttpBody>, Response = http::Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.fallback_with(|_| service)
    }

    /// As [`fallback`](Builder::fallback), with a service that needs the application: its routes call services.
    ///
    /// It is dropped when the application is [shut down](App::shutdown), which [`serve`](crate::serve) does.
    ///
    /// ```
    /// use axum::{Router, extract::State, routing::get};
    /// use wingbeat::{prelude::*, store::Memory};
    ///
    /// async fn count(State(app): State<App>) -> String {
    ///     let found = app.service("notes").find(Params::new()).await;
    ///     format!("{:?}", found.and_then(|notes| notes.to::<serde_json::Value>()))
    /// }
    ///
    /// let app = App::builder()
    ///     .mount("notes", Mount::new(Memory::new()))
    ///     .fallback_with(|app| Router::new().route("/count", get(count)).with_state(app.clone()))
    ///     .build()?;
    /// # Ok::<(), wingbeat::Error>(())
    /// ```
    pub fn fallback_with<S, B>(mut self, service: impl FnOnce(&App) -> S + 'static) -> Builder
    where
        S: tower_service::Service<http::Request<HttpBody>, Response = http::Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.fallback = Some(Box::new(|app| Fallback::new(service(app))));
        self
    }

    /// Puts it all together.
    ///
    /// # Errors
    /// If two services have the same path, a path is invalid, a service has neither methods nor events, a method or an event
    /// that is named does not exist, a hook cannot work or misses a service that it needs, or the program aborts on panics (one handler that panics would then end all connections).
    pub fn build(self) -> Result<App> {
        if cfg!(panic = "abort") {
            return Err(Error::general("Wingbeat needs `panic = \"unwind\"` in the Cargo profile"));
        }
        if let Some(error) = self.wrong {
            return Err(error);
        }
        check_shared(&self.hooks, &self.publishers)?;
        let channels = Arc::new(Channels::default());
        let app = App(Arc::new(Inner {
            registry: Arc::default(),
            changing: Mutex::default(),
            background: BackgroundTasks::default(),
            call_timeout: CallTimeout::default(),
            mode: self.mode,
            hooks: self.hooks,
            publishers: self.publishers,
            delivery: Delivery::new(channels.clone()),
            channels,
            listeners: self.listeners,
            phases: self.phases,
            http: Routes::default(),
            nodes: Nodes::new(self.bus, self.responders),
        }));
        let mut registry = Registry::default();
        for (path, mount) in self.mounts {
            registry.add(Arc::new(Entry::new(&app, &path, mount)?))?;
        }
        let guards: Vec<_> = registry.guards().map(|(path, guard)| (path.clone(), guard.clone())).collect();
        app.0.registry.store(Arc::new(registry));
        for (path, guard) in guards {
            guard.guard().check(&app, &path)?;
        }
        // Behind the guards, who know their paths only now.
        app.0.registry.load().entries().try_for_each(|entry| entry.check_mounted(&app.services()))?;
        let transports = self.transports.into_iter().map(|transport| transport.bind(&app));
        let transports = transports.collect::<Result<Vec<_>>>()?;
        let fallback = self.fallback.map(|fallback| fallback(&app));
        app.0.http.set(transports, fallback);
        Ok(app)
    }
}
