//! The client itself: a cheap handle of the connection.

use super::builder::Builder;
use super::builder::{Rest, SocketIo};
use super::io::Io;
use super::service::Service;
use crate::connection::{Command, ConnectionEvents, ConnectionHandle, Shared};
use crate::error::{Error, Result};
use crate::rest::{RestHandle, no_events};
use crate::transport::TransportKind;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::oneshot;
use wingbeat_core::Definition;

/// A client of Feathers services: over Socket.IO ([`connect_to`](Client::connect_to)), or over REST
/// ([`rest`](Client::rest)), which has no events.
///
/// It is a handle: clones are cheap and share one connection, which a task of its own keeps and renews. When the last
/// handle and the last stream of it are dropped, the client says goodbye and the task ends.
#[derive(Clone)]
pub struct Client(Channel);

/// What calls go through.
#[derive(Clone)]
pub(crate) enum Channel {
    Socket(ConnectionHandle),
    Rest(RestHandle),
}

impl Client {
    /// Connects to a server, with the defaults of [`builder`](Client::builder).
    ///
    /// # Errors
    /// If the address is invalid, or the attempt to connect fails.
    pub async fn connect_to(url: &str) -> Result<Client> {
        Client::builder(url).connect().await
    }

    /// Begins to build a client for the server at this address, for example `https://example.com:3030`.
    pub fn builder(url: &str) -> Builder<SocketIo> {
        Builder::over_socket_io(url)
    }

    /// Begins to build a client that calls services over REST, as `@feathersjs/rest-client` does: with one request for
    /// each call, and no events. The address may have a path, behind which the services are.
    ///
    /// ```no_run
    /// # fn example() -> wingbeat_client::Result<()> {
    /// let client = wingbeat_client::Client::rest("https://example.com/api").build()?;
    /// let messages = client.untyped("messages");
    /// # Ok(()) }
    /// ```
    pub fn rest(url: &str) -> Builder<Rest> {
        Builder::over_rest(url)
    }

    pub(crate) fn new(channel: Channel) -> Client {
        Client(channel)
    }

    pub(crate) fn channel(&self) -> &Channel {
        &self.0
    }

    pub(crate) fn into_channel(self) -> Channel {
        self.0
    }

    /// The connection, if it is one that stays.
    ///
    /// # Errors
    /// Over REST.
    pub(crate) fn connection(&self) -> Result<&ConnectionHandle> {
        match &self.0 {
            Channel::Socket(connection) => Ok(connection),
            Channel::Rest(_) => Err(no_events()),
        }
    }

    /// Puts a value in the place of a path's placeholder, so that it arrives as it is.
    ///
    /// # Errors
    /// If there is no such placeholder, or the value would change the path's parts.
    pub(crate) fn fill(&self, path: &str, name: &str, value: &str) -> Result<String> {
        match &self.0 {
            Channel::Socket(_) => crate::route::fill(path, name, value),
            // Paths are sent as they are given, and read with what they have encoded.
            Channel::Rest(_) => crate::route::fill(path, name, &value.replace('%', "%25")),
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        match &self.0 {
            Channel::Socket(connection) => connection.shared(),
            Channel::Rest(rest) => rest.shared(),
        }
    }

    /// The service under a path, whose records are `T`s.
    pub fn service<T>(&self, path: &str) -> Service<T> {
        Service::new(self.clone(), path)
    }

    /// The service under a path, whose records are any JSON.
    pub fn untyped(&self, path: &str) -> Service<Value> {
        self.service(path)
    }

    /// The service that a definition describes, which server and client share.
    pub fn defined<D: Definition>(&self) -> Service<D::Item> {
        self.service(D::PATH)
    }

    /// The Socket.IO connection itself, for events of your own, beside those of services. Over REST there is none: what is
    /// sent through it fails, and its streams say why and end.
    pub fn io(&self) -> Io {
        Io::new(self.clone(), self.shared().options.namespace.clone())
    }

    /// What happens to the connection and the login, from now on; over REST to the login.
    pub fn connection_events(&self) -> ConnectionEvents {
        ConnectionEvents(self.shared().observe())
    }

    /// Whether the client is connected at this moment. Over REST it never is: requests come and go.
    pub fn is_connected(&self) -> bool {
        self.shared().socket().is_some()
    }

    /// The id that the server gave this connection, if there is one.
    pub fn id(&self) -> Option<Arc<str>> {
        self.shared().socket().map(|socket| socket.id)
    }

    /// Whether the present connection goes on with the session before, so that the client hears all that was published
    /// while it was away. If not, as with the first connection, a program fetches anew what it shows.
    /// [`ConnectionEvent::Connected`](crate::ConnectionEvent::Connected) tells it at the right moment.
    pub fn recovered(&self) -> bool {
        self.shared().socket().is_some_and(|socket| socket.recovered)
    }

    /// What carries the packets at this moment: after an upgrade, a WebSocket.
    pub fn transport(&self) -> Option<TransportKind> {
        self.shared().transport()
    }

    /// How many bytes the server accepts in one message, as it has announced last (`maxPayload`). What is larger is not
    /// sent: such a call fails with [`Error::TooLarge`], which has both sizes.
    pub fn announced_max_payload(&self) -> Option<usize> {
        self.shared().announced()
    }

    /// Connects, if the client is not connected; returns once it is.
    ///
    /// # Errors
    /// If the next attempt fails (others may follow, as [`Reconnection`](crate::Reconnection) says), or the client is
    /// closed or one over REST.
    pub async fn connect(&self) -> Result<()> {
        let (answer, connected) = oneshot::channel();
        self.connection()?.send(Command::Connect(answer))?;
        connected.await.map_err(|_| Error::Closed)?
    }

    /// Disconnects. Calls under way fail, and so do new ones until [`connect`](Client::connect).
    ///
    /// # Errors
    /// If the client is closed or one over REST.
    pub async fn disconnect(&self) -> Result<()> {
        self.connection()?.send(Command::Disconnect)
    }

    /// Says goodbye and ends the client: all calls fail, all streams end. Returns when that is done.
    pub async fn close(&self) {
        let connection = match &self.0 {
            Channel::Socket(connection) => connection,
            Channel::Rest(rest) => return rest.close(),
        };
        let (answer, over) = oneshot::channel();
        if connection.send(Command::Close(answer)).is_ok() {
            let _ = over.await;
        }
    }
}
