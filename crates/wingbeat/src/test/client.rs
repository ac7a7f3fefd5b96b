//! A client inside the process.

use super::inbox::{Heard, Inbox};
use super::remote::Remote;
use crate::app::{App, Dispatcher};
use crate::realtime::{Connection, Headers, Message, Peer};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::{Error, Result};

/// How long a client waits for an event or an answer by default.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client inside the process: it connects, calls and hears as the client of a socket does, without one.
///
/// It joins nothing by itself: that is what the application's listeners do. It has gone when this is dropped, or when
/// the server disconnects it.
#[must_use = "a client that is dropped has gone"]
pub struct Client {
    app: App,
    dispatcher: Dispatcher,
    connection: Connection,
    inbox: Arc<Inbox>,
    patience: Duration,
}

/// How a [`Client`] connects; [`Client::to`] begins it.
#[must_use = "call `connect` in the end"]
pub struct Connect<'a> {
    app: &'a App,
    provider: &'static str,
    headers: Vec<(String, String)>,
    values: Vec<(String, Value)>,
    patience: Duration,
}

impl Client {
    /// Connects as a client over Socket.IO would.
    ///
    /// # Errors
    /// If the application refuses the connection.
    pub async fn connect(app: &App) -> Result<Client> {
        Client::to(app).connect().await
    }

    /// Connects in another way: `Client::to(&app).provider("rest").connect().await?`.
    pub fn to(app: &App) -> Connect<'_> {
        Connect { app, provider: "socketio", headers: Vec::new(), values: Vec::new(), patience: PATIENCE }
    }

    /// The client's connection, to join channels or to attach values.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// A service, to be called from outside.
    pub fn service<'a>(&'a self, path: &'a str) -> Remote<'a> {
        Remote::new(self, path)
    }

    /// Calls with any arguments: what stands behind the method's name on the wire, beginning with the path.
    ///
    /// # Errors
    /// The error that the client would receive. Its `{:?}`, which a test prints that unwraps it, names method and path as well.
    pub async fn emit(&self, method: &str, arguments: &[Value]) -> Result<Value> {
        let answered = async {
            let invocation = super::remote::invocation(&self.connection, method, arguments)?;
            self.dispatcher.call(invocation).await?.result().to()
        };
        answered.await.map_err(|error| failed(method, arguments, error))
    }

    /// Logs in by the service `authentication`, with the strategy's data: `{"strategy": "local", "email": …}`. Answers
    /// the answer that the client receives, the token included.
    ///
    /// # Errors
    /// If the server does not let the client in.
    #[cfg(feature = "auth")]
    pub async fn authenticate(&self, data: impl Into<Value>) -> Result<Value> {
        self.service("authentication").create(data).await
    }

    /// Waits for an event and takes it out of what was heard; returns its data.
    ///
    /// # Panics
    /// If it does not come in time (five seconds, unless [`patience`](Connect::patience) says otherwise).
    pub async fn hears(&self, event: &str) -> Value {
        match self.inbox.wait(self.patience, |heard| heard.event == event).await {
            Some(heard) => heard.data,
            None => panic!("{event:?} was not heard in {:?}, but: {:?}", self.patience, self.heard()),
        }
    }

    /// Waits for the next event and takes it out of what was heard.
    ///
    /// # Panics
    /// If none comes in time.
    pub async fn next(&self) -> Heard {
        match self.inbox.wait(self.patience, |_| true).await {
            Some(heard) => heard,
            None => panic!("nothing was heard in {:?}", self.patience),
        }
    }

    /// What was heard and not taken out yet, in order. Events of publishers that wait, and
    /// those that wait for an earlier write of their record, may still be on their way.
    pub fn heard(&self) -> Vec<Heard> {
        self.inbox.all()
    }

    /// The client goes, as if its socket had closed.
    pub fn disconnect(self) {}

    pub(super) async fn hears_exactly(&self, event: &str, data: &Value) -> bool {
        let wanted = |heard: &Heard| heard.event == event && heard.data == *data;
        self.inbox.wait(self.patience, wanted).await.is_some()
    }

    /// Waits until everything that was published is delivered.
    pub(super) async fn settled(&self) {
        self.app.delivered().await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.app.disconnected(&self.connection);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.connection.id())
    }
}

impl Connect<'_> {
    /// The transport that the client seems to come through: what hooks see as `params.provider`. `socketio` if nothing
    /// is said.
    pub fn provider(mut self, provider: &'static str) -> Self {
        self.provider = provider;
        self
    }

    /// Adds a header of the handshake.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Attaches a value to the connection before it is let in, as a transport's middleware would.
    pub fn value(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.push((name.to_owned(), value.into()));
        self
    }

    /// How long to wait for events and answers; five seconds if nothing is said.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// If the application refuses the connection.
    pub async fn connect(self) -> Result<Client> {
        let inbox = Arc::new(Inbox::default());
        let headers: Headers = self.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let dispatcher = self.app.dispatcher_of_test(self.patience);
        let peer = InProcessPeer { dispatcher: dispatcher.clone(), inbox: inbox.clone(), headers };
        let connection = Connection::new(self.provider, peer);
        for (name, value) in self.values {
            connection.set(name, value);
        }
        dispatcher.admit(&connection).await?;
        dispatcher.connected(&connection);
        Ok(Client { app: self.app.clone(), dispatcher, connection, inbox, patience: self.patience })
    }
}

impl fmt::Debug for Connect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connect({})", self.provider)
    }
}

struct InProcessPeer {
    dispatcher: Dispatcher,
    inbox: Arc<Inbox>,
    headers: Headers,
}

impl Peer for InProcessPeer {
    fn deliver(&self, message: &Message) {
        match message.data().to() {
            Ok(data) => self.inbox.add(Heard { event: message.name().to_owned(), data }),
            Err(error) => tracing::error!(?error, event = message.name(), "the data of an event is not valid Unicode"),
        }
    }

    fn disconnect(&self, connection: &Connection) {
        self.dispatcher.disconnected(connection);
    }

    fn headers(&self) -> Option<&Headers> {
        Some(&self.headers)
    }
}

/// The same error for a client, with the call for who reads what a test says.
fn failed(method: &str, arguments: &[Value], error: Error) -> Error {
    let path = arguments.first().map(|path| path.as_str().map_or_else(|| path.to_string(), str::to_owned));
    let call = format!("the call of '{method}' on service '{}'", path.unwrap_or_default());
    error.clone().with_source(FailedCall { call, error })
}

#[derive(Debug)]
struct FailedCall {
    call: String,
    error: Error,
}

impl fmt::Display for FailedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.call)
    }
}

impl std::error::Error for FailedCall {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source().map(|source| source as _)
    }
}
