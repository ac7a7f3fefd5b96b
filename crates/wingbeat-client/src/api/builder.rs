//! How a client is to be.

use super::Client;
use super::address::parse;
use crate::connection::{MemoryStorage, Options, QueueLimits, Reconnection, Storage};
use crate::error::{Error, Result};
use crate::hooks::Hooks;
use crate::transport::{Address, TransportKind, is_our_own};
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Builds a [`Client`]. What is wrong with an option is said by [`build`](Builder::build).
#[must_use]
pub struct Builder {
    options: Result<Options>,
}

impl Builder {
    pub(crate) fn new(url: &str) -> Builder {
        Builder { options: parse(url).map(defaults) }
    }

    pub(crate) fn into_options(self) -> Result<Options> {
        let mut options = self.options?;
        if let Some(address) = Arc::get_mut(&mut options.address) {
            address.settle()?;
        }
        if options.transports.is_empty() {
            return Err(Error::invalid(
                "Builder::transports: at least one is needed, such as TransportKind::WebSocket",
            ));
        }
        Ok(options)
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Builder {
        if let Ok(options) = &mut self.options {
            change(options);
        }
        self
    }

    pub(crate) fn address(mut self, change: impl FnOnce(&mut Address) -> Result<()>) -> Builder {
        if let Ok(options) = &mut self.options {
            let address = Arc::get_mut(&mut options.address).map_or(Ok(()), change);
            if let Err(error) = address {
                self.options = Err(error);
            }
        }
        self
    }

    /// The path of the Socket.IO server; `/socket.io/` by default.
    pub fn path(self, path: &str) -> Builder {
        self.address(|address| {
            address.path = format!("/{}/", path.trim_matches('/')).replace("//", "/");
            Ok(())
        })
    }

    /// A parameter of the handshake's query, which the server's middleware can read.
    pub fn query(self, name: &str, value: &str) -> Builder {
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

    /// A header of every request. Those of the handshake itself (`connection`, `upgrade`, `sec-websocket-…`) and of
    /// bodies are the client's own.
    pub fn header(self, name: &str, value: &str) -> Builder {
        self.address(|address| {
            let wrong = |why: &str| Error::invalid(format!("Builder::header: {name:?}: {why}"));
            let header = HeaderName::try_from(name).map_err(|_| wrong("invalid header name"))?;
            if is_our_own(&header) {
                return Err(wrong("the client sets this header itself"));
            }
            let value = HeaderValue::try_from(value).map_err(|_| wrong("invalid header value"))?;
            address.headers.append(header, value);
            Ok(())
        })
    }

    /// Which transports to use, in this order. By default a WebSocket, and polling where none can be opened. With polling
    /// first it begins there and upgrades, as socket.io-client does.
    pub fn transports(self, transports: impl IntoIterator<Item = TransportKind>) -> Builder {
        self.with(|options| options.transports = transports.into_iter().collect())
    }

    /// The namespace that services are called in; `/` by default, and Feathers knows no other.
    pub fn namespace(self, namespace: &str) -> Builder {
        self.with(|options| options.namespace = super::io::namespace(namespace))
    }

    /// What is sent with CONNECT, for the server's middleware (Feathers itself does not look at it).
    pub fn auth(mut self, payload: &impl Serialize) -> Builder {
        match (serde_json::to_value(payload), &mut self.options) {
            (Ok(payload @ serde_json::Value::Object(_)), Ok(options)) => options.auth_payload = Some(payload),
            (_, Ok(_)) => self.options = Err(Error::invalid("Builder::auth: the payload of CONNECT must be an object")),
            (_, Err(_)) => {}
        }
        self
    }

    /// Speaks MessagePack instead of JSON, to servers that have `socket.io-msgpack-parser`. Default no: both ends must
    /// be told, and what does not understand the other closes the connection.
    pub fn msgpack(self, msgpack: bool) -> Builder {
        self.with(|options| options.msgpack = msgpack)
    }

    /// When to come back after the connection is lost.
    pub fn reconnection(self, reconnection: Reconnection) -> Builder {
        self.address(|_| reconnection.check()).with(|options| options.reconnection = reconnection)
    }

    /// How long an attempt to connect may take; 20 s by default.
    pub fn connect_timeout(self, timeout: Duration) -> Builder {
        self.with(|options| options.connect_timeout = timeout)
    }

    /// The longest silence of a server: it counts as gone after this time, or after what it announced itself if that is
    /// shorter. A server's announcement is 45 s by default.
    pub fn ping_timeout(self, timeout: Duration) -> Builder {
        self.with(|options| options.ping_timeout = timeout)
    }

    /// How long a call may take, the time it waits for a connection included; 30 s by default.
    pub fn timeout(self, timeout: Duration) -> Builder {
        self.with(|options| options.timeout = timeout)
    }

    /// How many calls and how many bytes may wait to be sent; 16384 and 64 MiB by default. Calls beyond that fail at
    /// once, with [`DeliveryStatus::NotSent`](crate::DeliveryStatus::NotSent).
    pub fn buffer_limits(self, calls: usize, bytes: usize) -> Builder {
        self.with(|options| options.buffer = QueueLimits { items: calls, bytes })
    }

    /// How many calls may be under way at a time; 4096 by default. Calls beyond that wait in the buffer.
    pub fn in_flight_limit(self, calls: usize) -> Builder {
        self.with(|options| options.in_flight = calls.max(1))
    }

    /// How many events and bytes a listener may leave unread; 1024 and 16 MiB by default.
    pub fn listener_limits(self, events: usize, bytes: usize) -> Builder {
        self.with(|options| options.listener = QueueLimits { items: events, bytes })
    }

    /// The largest message that is accepted from the server; 64 MiB by default.
    pub fn max_payload(self, bytes: usize) -> Builder {
        self.address(|address| {
            address.max_payload = bytes;
            Ok(())
        })
    }

    /// Where the access token is kept; in memory by default.
    pub fn storage(self, storage: impl Storage + 'static) -> Builder {
        self.with(|options| options.storage = Arc::new(storage))
    }

    /// The path of the authentication service; `authentication` by default.
    pub fn authentication_path(self, path: &str) -> Builder {
        self.with(|options| options.authentication_path = path.trim_matches('/').to_owned())
    }

    /// The strategy of a re-authentication; `jwt` by default.
    pub fn jwt_strategy(self, name: &str) -> Builder {
        self.with(|options| options.jwt_strategy = name.to_owned())
    }

    /// Hooks around the calls of all services.
    pub fn hooks(self, hooks: Hooks) -> Builder {
        self.with(|options| options.hooks.extend(hooks))
    }

    /// Hooks around the calls of one service, inside those of all services.
    pub fn service_hooks(self, path: &str, hooks: Hooks) -> Builder {
        let path = path.trim_matches('/').to_owned();
        self.with(|options| options.service_hooks.entry(path).or_default().extend(hooks))
    }

    /// A client that connects in the background: calls wait for the connection, each as long as its timeout allows.
    ///
    /// # Errors
    /// If an option is wrong, or there is no Tokio runtime around.
    ///
    /// # Panics
    /// If that runtime has no timers (`enable_all`).
    pub fn build(self) -> Result<Client> {
        let runtime =
            || tokio::runtime::Handle::try_current().map_err(|_| Error::invalid("A client needs a Tokio runtime"));
        let options = self.into_options().and_then(|options| runtime().map(|_| options));
        Ok(Client::start(options?))
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

fn defaults(address: Address) -> Options {
    Options {
        address: Arc::new(address),
        transports: vec![TransportKind::WebSocket, TransportKind::Polling],
        namespace: "/".into(),
        msgpack: false,
        auth_payload: None,
        reconnection: Reconnection::default(),
        connect_timeout: Duration::from_secs(20),
        ping_timeout: Duration::MAX,
        timeout: Duration::from_secs(30),
        buffer: QueueLimits { items: 16_384, bytes: 64 << 20 },
        in_flight: 4096,
        listener: QueueLimits { items: 1024, bytes: 16 << 20 },
        storage: Arc::new(MemoryStorage::default()),
        authentication_path: "authentication".to_owned(),
        jwt_strategy: "jwt".to_owned(),
        hooks: Hooks::default(),
        service_hooks: HashMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_option_that_is_wrong_is_named_and_no_client_is_built() {
        let builder = || Builder::new("http://localhost:3030");
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
