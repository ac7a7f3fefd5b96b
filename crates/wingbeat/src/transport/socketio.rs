//! Services over Socket.IO: an event `["get","messages",1,{}]` is a call, its acknowledgement the answer.

use crate::BoxFuture;
use crate::app::{App, Arguments, Called, Door, Entrance, HttpBody, Transport, WeakApp, guarded};
use crate::realtime::{Connection, Headers, Message, Peer, Together};
use futures_util::FutureExt;
use std::future::ready;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;
use wingbeat_core::{Error, RawJson, Result, Seldom};
use wingbeat_engine::io::Io;
use wingbeat_engine::{Answer, Config, Engine, Event, Handled, Handler, Reason, Refusal, Socket, WeakSocket};

/// How long a call may take unless told otherwise.
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
}

impl SocketIo {
    /// The transport with the options of a plain Socket.IO server, and safe limits.
    pub fn new() -> SocketIo {
        SocketIo::with_config(Config::default())
    }

    /// The transport with other options.
    pub fn with_config(config: Config) -> SocketIo {
        SocketIo { config, middleware: Vec::new(), call_timeout: CALL_TIMEOUT, io: None }
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

    /// Raw Socket.IO beside the services: middleware, namespaces, rooms, and events that are no calls. A socket that
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
    fn open(self: Box<Self>, app: &App) -> Result<Door> {
        let SocketIo { config, middleware, call_timeout, io } = *self;
        config.check()?;
        app.calls_may_take(call_timeout);
        let (app, entrance) = (app.downgrade(), app.entrance());
        let services = Services { app, entrance, middleware: middleware.into(), call_timeout };
        let engine = match &io {
            Some(io) => Engine::new(config, io.beside(services)),
            None => Engine::new(config, services),
        };
        let (handles, serve, outbox, close) = (engine.clone(), engine.clone(), engine.clone(), engine);
        Ok(Door {
            io,
            handles: Box::new(move |path| handles.handles(path)),
            serve: Box::new(move |request| {
                Box::pin(serve.answer(request).map(|response| Ok(response.map(HttpBody::new))))
            }),
            outbox_bytes: Box::new(move || outbox.outbox_bytes()),
            close: Box::new(move |patience| {
                let engine = close.clone();
                Box::pin(async move { engine.close(patience).await })
            }),
        })
    }
}

impl Connection {
    /// The connection of a socket of the main namespace, as services see it.
    pub fn of(socket: &Socket) -> Option<Connection> {
        socket.attached::<Connection>().cloned()
    }
}

/// A client, as channels know it. The socket keeps its connection, so the connection must not keep the socket.
struct Client(WeakSocket);

impl Peer for Client {
    fn deliver(&self, message: &Message) {
        let Some(socket) = self.0.upgrade() else { return };
        match sendable(&message.data, socket.max_attachments()) {
            Ok(()) => socket.send_shared(message.frame()),
            Err(error) => {
                static UNSENT: Seldom = Seldom::new();
                if let Some(times) = UNSENT.happened_as(&message.name) {
                    tracing::error!(?error, event = &*message.name, times, "an event could not be sent");
                }
            }
        }
    }

    fn deliver_all(&self, together: &Together) {
        match (together.frame(), self.0.upgrade()) {
            (Some(frame), Some(socket)) => socket.send_shared(frame),
            (None, Some(_)) => together.messages().iter().for_each(|message| self.deliver(message)),
            (_, None) => {}
        }
    }

    fn disconnect(&self, _: &Connection) {
        if let Some(socket) = self.0.upgrade() {
            socket.disconnect(false);
        }
    }

    fn headers(&self) -> Option<&Headers> {
        Some(self.0.handshake().headers())
    }

    fn address(&self) -> Option<IpAddr> {
        Some(self.0.handshake().address().ip()).filter(|address| !address.is_unspecified())
    }
}

/// What runs behind the sockets.
struct Services {
    app: WeakApp,
    entrance: Entrance,
    middleware: Arc<[Middleware]>,
    call_timeout: Duration,
}

impl Handler for Services {
    fn connect(&self, socket: &Socket, _auth: Option<RawJson>) -> BoxFuture<'static, Result<(), Refusal>> {
        let connection = Connection::new("socketio", Client(socket.downgrade()));
        socket.attach(connection.clone());
        let app = self.app.upgrade();
        let mode = app.as_ref().map(App::mode).unwrap_or_default();
        let admitted = app.and_then(|app| app.admit(&connection));
        if self.middleware.is_empty() && admitted.is_none() {
            return Box::pin(ready(Ok(())));
        }
        let (middleware, socket, limit) = (self.middleware.clone(), socket.clone(), self.call_timeout);
        Box::pin(async move {
            let asked = async {
                if let Some(admitted) = admitted {
                    guarded(admitted, limit).await?;
                }
                for ask in middleware.iter() {
                    let asked = connection.origin().polling(ask(socket.clone(), connection.clone()));
                    guarded(asked, limit).await?;
                }
                Ok(())
            };
            Ok(asked.await.map_err(|error| mode.shown(error))?)
        })
    }

    fn connected(&self, socket: &Socket) {
        if let Some((app, connection)) = self.app.upgrade().zip(socket.attached::<Connection>()) {
            app.connected(connection);
        }
    }

    fn event(&self, socket: &Socket, event: Event<'_>, cx: &mut Context<'_>) -> Handled {
        let Some(connection) = socket.attached::<Connection>() else { return Handled::now(None) };
        let (wants_answer, limit) = (event.wants_ack(), self.call_timeout);
        let attachments = socket.max_attachments();
        let answer = move |outcome: Result<RawJson>| {
            let outcome = outcome.and_then(|result| sendable(&result, attachments).map(|()| result));
            let answer = outcome.map_or_else(|error| refused(&error), |result| Some(Answer::result(result)));
            answer.filter(|_| wants_answer)
        };
        match self.entrance.call(connection, event.name(), &event, limit, cx) {
            Called::Ready(outcome) => Handled::now(answer(outcome)),
            Called::Running(call) => Handled::begun(call.map(answer)),
        }
    }

    fn disconnect(&self, socket: &Socket, reason: Reason) {
        if let Some((app, connection)) = self.app.upgrade().zip(socket.attached::<Connection>()) {
            tracing::debug!(?connection, %reason, "a client has gone");
            #[cfg(feature = "metrics")]
            metrics::counter!("wingbeat_disconnects_total", "reason" => reason.as_str()).increment(1);
            app.disconnected(connection);
        }
    }
}

fn refused(error: &Error) -> Option<Answer> {
    RawJson::new(error).ok().map(Answer::error)
}

/// More attachments than clients accept would end their connections.
fn sendable(value: &RawJson, most: usize) -> Result<()> {
    match value.attachments().len() {
        count if count > most => {
            Err(Error::general(format!("{count} pieces of bytes are more than the {most} that one packet may have")))
        }
        _ => Ok(()),
    }
}

impl Arguments for Event<'_> {
    fn count(&self) -> usize {
        self.len()
    }

    fn text(&self, at: usize) -> Option<&str> {
        self.arg_str(at)
    }

    fn raw(&self, at: usize) -> Option<RawJson> {
        self.arg(at)
    }

    fn has_bytes(&self, at: usize) -> bool {
        !self.attachments().is_empty() && self.arg(at).is_some_and(|arg| !arg.attachments().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wingbeat_engine::Cors;

    #[test]
    fn an_option_that_cannot_be_is_told_when_the_application_is_built() {
        let config = Config::default().cors(Cors::origins(["*"]));
        let error = App::builder().configure(SocketIo::with_config(config)).build().unwrap_err();
        assert!(error.message().starts_with("Impossible option 'cors'"), "{error:?}");
    }
}
