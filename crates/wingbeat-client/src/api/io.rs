//! Raw Socket.IO: events that do not belong to services.

use super::Client;
use crate::connection::{Answer, Command, Event, Events, FromEvent, Kind, PendingCall, Unsent};
use crate::error::{Error, Result};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::RawJson;
use wingbeat_protocol::packet::Arguments;

/// The Socket.IO connection in one namespace.
///
/// ```no_run
/// # async fn example(client: wingbeat_client::Client) -> wingbeat_client::Result<()> {
/// let io = client.io();
/// io.emit("typing", ("room-1", true)).await?;
/// let answer = io.emit_with_ack("sum", (1, 2)).await?;
/// println!("{}", answer.argument_as::<i64>(0)?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Io {
    client: Client,
    namespace: Arc<str>,
    timeout: Option<Duration>,
}

/// The name of a namespace begins with a slash.
pub(crate) fn namespace(name: &str) -> Arc<str> {
    // A comma would end the name on the wire.
    let name = name.trim_start_matches('/').replace(',', "%2C");
    format!("/{name}").into()
}

impl Io {
    pub(crate) fn new(client: Client, namespace: Arc<str>) -> Io {
        Io { client, namespace, timeout: None }
    }

    /// Another namespace on the same connection. It is joined at once if it is not yet, and again after every
    /// reconnection; whether the server lets the client in, what is sent there tells. One that has refused is asked
    /// again.
    ///
    /// # Errors
    /// If the client is closed or one over REST.
    pub async fn of(&self, name: &str) -> Result<Io> {
        let namespace = namespace(name);
        self.client.connection()?.send(Command::Join(namespace.clone()))?;
        Ok(Io { namespace, ..self.clone() })
    }

    /// The same connection with another limit for what is sent through it.
    pub fn timeout(&self, timeout: Duration) -> Io {
        Io { timeout: Some(timeout), ..self.clone() }
    }

    /// Sends an event; returns once it is handed to the transport. A tuple or a list holds the arguments, `()` stands for no arguments,
    /// and anything else is the only one.
    ///
    /// # Errors
    /// If the name is a reserved one (`connect`, `disconnect` and the like), the arguments have no JSON form, or the
    /// event could not be sent in time.
    pub async fn emit(&self, event: &str, arguments: impl Serialize) -> Result<()> {
        self.send(Kind::Event, event, arguments).await.map(drop)
    }

    /// Sends an event and waits for its answer.
    ///
    /// # Errors
    /// As [`emit`](Io::emit); and if there is no answer in time or the connection is lost before it
    /// ([`DeliveryStatus`](crate::DeliveryStatus) tells which).
    pub async fn emit_with_ack(&self, event: &str, arguments: impl Serialize) -> Result<Ack> {
        let answer = self.send(Kind::Direct, event, arguments).await?;
        let said = if let Answer::Decoded(said) = answer { Some(*said) } else { None };
        let (arguments, attachments) = said.map(|said| (said.arguments, said.attachments)).unzip();
        Ok(Ack::new(arguments, attachments.unwrap_or_default()))
    }

    /// The events of this name, as a stream of [`Event`]s or of what their first argument is. (What socket.io-client
    /// calls `connect` and `disconnect` are not events of the server: see
    /// [`Client::connection_events`](crate::Client::connection_events).)
    pub fn on<T: FromEvent>(&self, event: &str) -> Events<T> {
        self.listen(Some(event))
    }

    /// All events.
    pub fn on_any(&self) -> Events<Event> {
        self.listen(None)
    }

    fn listen<T>(&self, event: Option<&str>) -> Events<T> {
        match self.client.connection() {
            Ok(connection) => Events::new(connection, &self.namespace, event),
            Err(error) => Events::refused(error),
        }
    }

    async fn send(&self, kind: Kind, event: &str, arguments: impl Serialize) -> Result<crate::connection::Answer> {
        let connection = self.client.connection()?.clone();
        emittable(event)?;
        let mut list = vec![Value::from(event)];
        match serde_json::to_value(arguments).map_err(Error::unwritable)? {
            Value::Null => {}
            Value::Array(arguments) => list.extend(arguments),
            argument => list.push(argument),
        }
        let raw = RawJson::new(&list).map_err(Error::unwritable)?;
        let options = &self.client.shared().options;
        let timeout = self.timeout.unwrap_or(options.timeout);
        let packet = Unsent::from(raw);
        let mut pending = PendingCall::new(kind, &packet, timeout);
        pending.namespace = (self.namespace != options.namespace).then(|| self.namespace.clone());
        pending.submit(packet, connection)?.await
    }
}

/// Names that servers take for a mistake: they would close the connection.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Refuses what is not the name of an event, as socket.io-client does.
pub(crate) fn emittable(event: &str) -> Result<()> {
    if RESERVED.contains(&event) {
        return Err(Error::invalid(format!("\"{event}\" is a reserved event name")));
    }
    Ok(())
}

/// The answer to an event. Printed by `{:?}` it tells how much there is, and nothing of it: to a login it is a token.
#[derive(Clone)]
pub struct Ack {
    arguments: Option<Arguments<'static>>,
    attachments: Vec<Bytes>,
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Ack {
    pub(crate) fn new(arguments: Option<Arguments<'static>>, attachments: Vec<Bytes>) -> Ack {
        Ack { arguments, attachments }
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.arguments.as_ref().map_or(0, Arguments::len)
    }

    /// Whether there is no argument.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An argument, read as a `T`. One that is not there is null.
    ///
    /// # Errors
    /// [`Unreadable`](Error::Unreadable) if it does not fit.
    pub fn argument_as<T: DeserializeOwned>(&self, index: usize) -> Result<T> {
        RawJson::with_attachments(self.raw(index).bytes(), &self.attachments).to().map_err(Error::unreadable)
    }

    /// The JSON text of an argument. One that is not there is null.
    pub fn raw(&self, index: usize) -> RawJson {
        let bytes = self.arguments.as_ref().and_then(|arguments| arguments.bytes(index));
        bytes.map_or(RawJson::NULL, RawJson::from_valid)
    }

    /// The binary attachments.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }
}
