//! What only clients over Socket.IO can be told.

use super::address;
use super::client::Channel;
use super::{Builder, Client, SocketIo};
use crate::connection::{ConnectionHandle, QueueLimits, Reconnection};
use crate::error::{Error, Result};
use crate::transport::TransportKind;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

impl Builder<SocketIo> {
    pub(super) fn over_socket_io(url: &str) -> Self {
        Builder::new(address::of_sockets(url))
    }

    /// The path of the Socket.IO server; `/socket.io/` by default.
    pub fn path(self, path: &str) -> Self {
        self.address(|address| {
            address.path = format!("/{}/", path.trim_matches('/')).replace("//", "/");
            Ok(())
        })
    }

    /// A parameter of the handshake's query, which the server's middleware can read.
    pub fn query(self, name: &str, value: &str) -> Self {
        self.address(|address| {
            for part in ["&", name, "=", value] {
                match part {
                    "&" | "=" => address.query.push_str(part),
                    text => crate::route::escape(text, &mut address.query),
                }
            }
            Ok(())
        })
    }

    /// Which transports to use, in this order. By default a WebSocket, and polling where none can be opened. With polling
    /// first it begins there and upgrades, as socket.io-client does.
    pub fn transports(self, transports: impl IntoIterator<Item = TransportKind>) -> Self {
        self.with(|options| options.transports = transports.into_iter().collect())
    }

    /// The namespace that services are called in; `/` by default, and Feathers knows no other.
    pub fn namespace(self, namespace: &str) -> Self {
        self.with(|options| options.namespace = super::io::namespace(namespace))
    }

    /// What is sent with CONNECT, for the server's middleware (Feathers itself does not look at it).
    pub fn auth(self, payload: &impl Serialize) -> Self {
        let payload = serde_json::to_value(payload).ok().filter(Value::is_object);
        let missing = || Error::invalid("Builder::auth: the payload of CONNECT must be an object");
        self.address(|_| payload.is_some().then_some(()).ok_or_else(missing))
            .with(|options| options.auth_payload = payload)
    }

    /// Speaks MessagePack instead of JSON, to servers that have `socket.io-msgpack-parser`. Default no: both ends must
    /// be told, and what does not understand the other closes the connection.
    pub fn msgpack(self, msgpack: bool) -> Self {
        self.with(|options| options.msgpack = msgpack)
    }

    /// Whether to ask the server to send what was published while the connection was down, where it offers that
    /// ([`Client::recovered`]). Default yes. With `false` a Wingbeat server also leaves out the offsets of events.
    pub fn recovery(self, recovery: bool) -> Self {
        self.with(|options| options.recovery = recovery)
    }

    /// When to come back after the connection is lost.
    pub fn reconnection(self, reconnection: Reconnection) -> Self {
        self.address(|_| reconnection.check()).with(|options| options.reconnection = reconnection)
    }

    /// The longest silence of a server: it counts as gone after this time, or after what it announced itself if that is
    /// shorter. A server's announcement is 45 s by default.
    pub fn ping_timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.ping_timeout = timeout)
    }

    /// How many events and bytes a listener may leave unread; 1024 and 16 MiB by default.
    pub fn listener_limits(self, events: usize, bytes: usize) -> Self {
        self.with(|options| options.listener = QueueLimits { items: events, bytes })
    }

    /// A client that connects in the background: calls wait for the connection, each as long as its timeout allows.
    ///
    /// # Errors
    /// If an option is wrong, or there is no Tokio runtime around.
    ///
    /// # Panics
    /// If that runtime has no timers (`enable_all`).
    pub fn build(self) -> Result<Client> {
        let options = self.into_running_options()?;
        if options.transports.is_empty() {
            let why = "Builder::transports: at least one is needed, such as TransportKind::WebSocket";
            return Err(Error::invalid(why));
        }
        Ok(Client::new(Channel::Socket(ConnectionHandle::start(options))))
    }

    /// A client that is connected.
    ///
    /// # Errors
    /// If an option is wrong, or the first attempt to connect fails.
    pub async fn connect(self) -> Result<Client> {
        let client = self.build()?;
        client.connect().await?;
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_option_that_is_wrong_is_named_and_no_client_is_built() {
        let builder = || Client::builder("http://localhost:3030");
        let odd = |factor| builder().reconnection(Reconnection::default().randomness(factor));
        for (builder, option) in [
            (builder().transports([]), "Builder::transports"),
            (odd(f64::NAN), "Reconnection::randomness"),
            (odd(1.5).auth(&7), "Reconnection::randomness"),
            (builder().auth(&7).transports([]), "Builder::auth"),
            (odd(-0.1), "Reconnection::randomness"),
            (builder().header("a b", "x").header("c d", "x"), "Builder::header: \"a b\""),
            (builder().header("a", "x\ny"), "Builder::header: \"a\""),
            (builder().header("Upgrade", "x"), "Builder::header: \"Upgrade\""),
        ] {
            match builder.build() {
                Err(Error::Invalid(problem)) => assert!(problem.message().starts_with(option), "{option}: {problem}"),
                other => panic!("{option}: {:?}", other.err()),
            }
        }
        assert!(builder().build().is_ok());
    }
}
