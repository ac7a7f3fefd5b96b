//! Services over Socket.IO: an event `["get","messages",1,{}]` is a call, its acknowledgement the answer.

mod parse;
mod peer;
mod port;
mod recovery;

pub use recovery::Recovery;

use crate::BoxFuture;
use crate::app::{App, BoundTransport, Dispatch, Dispatcher, HttpBody, Outcome, Transport, guarded};
use crate::realtime::Connection;
use futures_util::{FutureExt, TryFutureExt};
use parse::invocation;
use peer::{Client, sendable};
use port::OwnPort;
use recovery::{Recoveries, may_come_back};
use std::fmt::Display;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;
use wingbeat_core::{Error, RawJson, Result};
use wingbeat_engine::io::Io;
use wingbeat_engine::{Answer, Config, Engine, Event, Handled, Handler, HttpLimits, Listener, Reason, Refusal, Socket};

/// How long a call may take by default.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

type Middleware = Box<dyn Fn(Socket, Connection) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// The Socket.IO transport: Feathers clients and bare Socket.IO clients, over WebSocket and long-polling.
///
/// ```
/// use serde_json::json;
/// use wingbeat::{Error, SocketIo, engine::Config};
///
/// let transport = SocketIo::with_config(Config::default()).middleware(|socket, connection| async move {
///     match socket.handshake().headers().get("x-tenant") {
///         // Every call from this connection sees it as `params.get("tenant")`.
///         Some(tenant) => Ok(connection.set("tenant", tenant)),
///         None => Err(Error::forbidden("Which tenant?").with_data(json!({"header": "x-tenant"}))),
///     }
/// });
/// ```
#[must_use = "hand it to `configure`"]
pub struct SocketIo {
    config: Config,
    middleware: Vec<Middleware>,
    call_timeout: Duration,
    io: Option<Io>,
    port: Option<OwnPort>,
    http_limits: Option<HttpLimits>,
    recovery: Option<Recovery>,
}

impl SocketIo {
    /// The transport with the options of a plain Socket.IO server, and safe limits.
    pub fn new() -> SocketIo {
        SocketIo::with_config(Config::default())
    }

    /// The transport with other options.
    pub fn with_config(config: Config) -> SocketIo {
        SocketIo {
            config,
            middleware: Vec::new(),
            call_timeout: CALL_TIMEOUT,
            io: None,
            port: None,
            http_limits: None,
            recovery: None,
        }
    }

    /// Serves sockets on a port of their own, as `socketio(port)` does in Feathers: the application's port then answers
    /// everything else (REST, health, pages), and sockets no longer.
    ///
    /// ```no_run
    /// use tokio::net::TcpListener;
    /// use wingbeat::{Rest, prelude::*, store::Memory};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<()> {
    /// let app = App::builder()
    ///     .mount("messages", Mount::new(Memory::new()))
    ///     .configure(SocketIo::new().listen("0.0.0.0:3031"))
    ///     .configure(Rest::new())
    ///     .build()?;
    /// wingbeat::serve(TcpListener::bind("0.0.0.0:3030").await?, app).await
    /// # }
    /// ```
    ///
    /// The port is taken at the beginning of the application's [setup](App::setup), so that one that another program has is
    /// an error before anything has begun. Sockets are let in at its end, and [`shutdown`](App::shutdown) ends both ports
    /// alike; [`serve`](crate::serve) does all that. With port 0 the system chooses one, which [`App::addresses`] tells.
    ///
    /// To a browser another port is another origin: pages of the application's port need
    /// [`Config::cors`](wingbeat_engine::Config::cors). For TLS and Unix sockets there is [`listener`](SocketIo::listener);
    /// of both methods the last one counts.
    pub fn listen(mut self, address: impl Display) -> SocketIo {
        self.port = Some(OwnPort::at(&address));
        self
    }

    /// As [`listen`](SocketIo::listen), with a listener that is open already: one of TCP, of Unix sockets, or, with the
    /// feature `tls`, an encrypted one around either.
    ///
    /// ```no_run
    /// use tokio::net::TcpListener;
    /// use wingbeat::SocketIo;
    ///
    /// # async fn example() -> wingbeat::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// println!("sockets at {}", listener.local_addr()?);
    /// let transport = SocketIo::new().listener(listener);
    /// # Ok(())
    /// # }
    /// ```
    pub fn listener(mut self, listener: impl Listener) -> SocketIo {
        self.port = Some(OwnPort::of(listener));
        self
    }

    /// What connections to the port of [`listen`](SocketIo::listen) may use up while they speak HTTP, as
    /// [`Serve::limits`](crate::transport::Serve::limits) says for the application's port.
    pub fn http_limits(mut self, limits: HttpLimits) -> SocketIo {
        self.http_limits = Some(limits);
        self
    }

    /// Asks a function about every client that wants to connect. It may attach values to the connection, which all
    /// later calls see among their params, or refuse: the client gets `connect_error` with the error's message and
    /// data. Several are asked in the order they were added.
    pub fn middleware<F, Fut>(mut self, middleware: F) -> SocketIo
    where
        F: Fn(Socket, Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.middleware.push(Box::new(move |socket, connection| Box::pin(middleware(socket, connection))));
        self
    }

    /// Raw Socket.IO beside the services: middleware, namespaces, rooms, and events that are not calls. A socket that
    /// [listens](wingbeat_engine::io::IoSocket::on) for an event gets it instead of the services. Later
    /// [`App::io`] is the way to it.
    ///
    /// ```
    /// use wingbeat::engine::Answer;
    /// use wingbeat::{Connection, RawJson, SocketIo};
    ///
    /// let transport = SocketIo::new().with(|io| {
    ///     io.of("/news");
    ///     io.on_connection(|socket| {
    ///         socket.on("whoami", |socket, _| async move {
    ///             let tenant = Connection::of(&socket).and_then(|connection| connection.get("tenant"));
    ///             RawJson::new(&tenant).ok().map(|tenant| Answer::args(&[tenant]))
    ///         });
    ///     });
    /// });
    /// ```
    pub fn with(mut self, raw: impl FnOnce(&Io)) -> SocketIo {
        raw(self.io.get_or_insert_default());
        self
    }

    /// Lets clients come back after a loss as if they had not been away. By default they begin anew.
    pub fn recovery(mut self, recovery: Recovery) -> SocketIo {
        self.recovery = Some(recovery);
        self
    }

    /// How long a call may take before it is ended with Timeout; 60 seconds if nothing is said. No event waits longer for
    /// that of an earlier write, either.
    pub fn call_timeout(mut self, limit: Duration) -> SocketIo {
        self.call_timeout = limit;
        self
    }
}

impl Default for SocketIo {
    fn default() -> SocketIo {
        SocketIo::new()
    }
}

impl Transport for SocketIo {
    fn bind(self: Box<Self>, app: &App) -> Result<BoundTransport> {
        let SocketIo { config, middleware, call_timeout, io, port, http_limits, recovery } = *self;
        match &port {
            Some(port) => port.check()?,
            None if http_limits.is_some() => return Err(no_port()),
            None => {}
        }
        let proxies = config.clone();
        let recovery = recovery.map(|recovery| Recoveries::new(app, recovery, &config)).transpose()?.map(Arc::new);
        let services = Services { dispatcher: app.dispatcher(call_timeout), middleware: middleware.into(), recovery };
        let engine = match &io {
            Some(io) => Engine::new(config, io.beside(services)),
            None => Engine::new(config, services),
        }?;
        let (outbox, requests) = (engine.clone(), engine.clone());
        let transport = BoundTransport::new().io(io).client_addresses("socketio", proxies);
        let transport = transport.queued_bytes(move || outbox.outbox_bytes());
        let transport = transport.foreign_requests(move || requests.foreign_requests());
        Ok(match port {
            None => on_port_of_application(transport, engine),
            Some(port) => on_own_port(transport, engine, port, http_limits.unwrap_or_default()),
        })
    }
}

fn on_port_of_application(transport: BoundTransport, engine: Engine) -> BoundTransport {
    let (handles, serve) = (engine.clone(), engine.clone());
    transport
        .http(
            move |path| handles.handles(path),
            move |request| serve.answer(request).map(|response| response.map(HttpBody::new)),
        )
        .on_close(move |patience| {
            let engine = engine.clone();
            async move { engine.close(patience).await }
        })
}

fn on_own_port(transport: BoundTransport, engine: Engine, port: OwnPort, limits: HttpLimits) -> BoundTransport {
    let port = Arc::new(port);
    let (open, serve, ready) = (port.clone(), port.clone(), engine.clone());
    transport
        .on_listen(move || {
            let port = open.clone();
            async move { port.open().await }
        })
        .on_start(move || async move { serve.serve(ready, limits) })
        .on_close(move |patience| {
            let (port, engine) = (port.clone(), engine.clone());
            async move {
                port.close().await;
                engine.close(patience).await;
            }
        })
}

fn no_port() -> Error {
    Error::general(
        "`SocketIo::http_limits` is for a port of the sockets' own, which `listen` opens. For the application's port write \
         `serve(listener, app).limits(limits)`",
    )
}

impl Connection {
    /// The connection of a socket of the main namespace, as services see it.
    pub fn of(socket: &Socket) -> Option<Connection> {
        socket.attached::<Connection>().cloned()
    }
}

/// What runs behind the sockets.
struct Services {
    dispatcher: Dispatcher,
    middleware: Arc<[Middleware]>,
    recovery: Option<Arc<Recoveries>>,
}

impl Handler for Services {
    fn connect(&self, socket: &Socket, _auth: Option<RawJson>) -> BoxFuture<'static, Result<(), Refusal>> {
        let connection = Connection::new("socketio", Client(socket.downgrade()));
        socket.attach(connection.clone());
        let admitted = self.dispatcher.admit(&connection);
        let recovery = self.recovery.clone().filter(|_| socket.auth().is_some());
        if self.middleware.is_empty() && recovery.is_none() {
            return Box::pin(admitted.map_err(Refusal::from));
        }
        let dispatcher = self.dispatcher.clone();
        let (middleware, socket) = (self.middleware.clone(), socket.clone());
        Box::pin(async move {
            admitted.await?;
            for ask in middleware.iter() {
                let asked = connection.origin().polling(ask(socket.clone(), connection.clone()));
                guarded(asked, dispatcher.limit()).await.map_err(|error| dispatcher.not_admitted(error))?;
            }
            if let Some(recovery) = recovery {
                recovery.resume(&dispatcher, &socket, &connection).await;
            }
            Ok(())
        })
    }

    fn private_id(&self, socket: &Socket) -> Option<String> {
        self.recovery.as_ref()?.private_id(socket, socket.attached::<Connection>()?)
    }

    fn connected(&self, socket: &Socket) {
        if let Some(connection) = socket.attached::<Connection>() {
            self.dispatcher.connected(connection);
        }
    }

    fn event(&self, socket: &Socket, event: Event<'_>, cx: &mut Context<'_>) -> Handled {
        let Some(connection) = socket.attached::<Connection>() else { return Handled::now(None) };
        let (wants_answer, attachments) = (event.wants_ack(), socket.max_attachments());
        let answer = move |outcome: Result<Outcome>| {
            let outcome = outcome.map(Outcome::into_result);
            let outcome = outcome.and_then(|result| sendable(&result, attachments).map(|()| result));
            let answer = outcome.map_or_else(|error| refused(&error), |result| Some(Answer::result(result)));
            answer.filter(|_| wants_answer)
        };
        let Some(invocation) = invocation(connection, &event) else {
            let error = Error::not_found("Invalid service path");
            return Handled::now(answer(Err(self.dispatcher.refused(event.name(), error))));
        };
        match self.dispatcher.begin(invocation, cx) {
            Dispatch::Ready(outcome) => Handled::now(answer(outcome)),
            Dispatch::Pending(call) => Handled::pending(call.map(answer)),
        }
    }

    fn disconnect(&self, socket: &Socket, reason: Reason) {
        if let Some(connection) = socket.attached::<Connection>() {
            tracing::debug!(?connection, %reason, "a client has gone");
            #[cfg(feature = "metrics")]
            metrics::counter!("wingbeat_disconnects_total", "reason" => reason.as_str()).increment(1);
            let recovery = self.recovery.as_ref().filter(|_| socket.is_recoverable() && may_come_back(reason));
            match recovery.and_then(|recovery| recovery.lost(socket)) {
                Some(lost) => self.dispatcher.lost(connection, lost),
                None => self.dispatcher.disconnected(connection),
            }
        }
    }
}

fn refused(error: &Error) -> Option<Answer> {
    RawJson::new(error).ok().map(Answer::error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wingbeat_engine::Cors;

    #[test]
    fn an_option_that_cannot_be_is_told_when_the_application_is_built() {
        let config = Config::default().cors(Cors::origins(["*"]));
        let error = App::builder().configure(SocketIo::with_config(config)).build().unwrap_err();
        assert!(error.message().starts_with("Invalid option 'cors'"), "{error:?}");
    }
}
