//! How a client is to be.

#[cfg(doc)]
use super::Client;
use crate::connection::{MemoryStorage, Options, QueueLimits, Reconnection, Storage};
use crate::error::{Error, Result};
use crate::hooks::Hooks;
use crate::transport::{Address, TransportKind, is_our_own};
use http::{HeaderName, HeaderValue};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

/// Calls and events over Socket.IO: what a [`Builder`] of [`Client::builder`] is for.
#[expect(clippy::exhaustive_enums, reason = "there are no values of it")]
pub enum SocketIo {}

/// Calls over REST: what a [`Builder`] of [`Client::rest`] is for.
#[expect(clippy::exhaustive_enums, reason = "there are no values of it")]
pub enum Rest {}

/// Builds a [`Client`] over one of the two. What is wrong with an option is said by `build`.
#[must_use]
pub struct Builder<C = SocketIo> {
    options: Result<Options>,
    channel: PhantomData<C>,
}

impl<C> Builder<C> {
    /// Options with these defaults.
    pub(super) fn new(address: Result<Address>) -> Self {
        Builder { options: address.map(defaults), channel: PhantomData }
    }

    pub(crate) fn into_options(self) -> Result<Options> {
        let mut options = self.options?;
        if let Some(address) = Arc::get_mut(&mut options.address) {
            address.settle()?;
            if !options.recovery {
                address.query.push_str("&recovery=0");
            }
        }
        Ok(options)
    }

    /// The options, where there is a runtime that serves a client.
    pub(super) fn into_running_options(self) -> Result<Options> {
        let options = self.into_options()?;
        tokio::runtime::Handle::try_current().map_err(|_| Error::invalid("A client needs a Tokio runtime"))?;
        Ok(options)
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        if let Ok(options) = &mut self.options {
            change(options);
        }
        self
    }

    pub(crate) fn address(mut self, change: impl FnOnce(&mut Address) -> Result<()>) -> Self {
        if let Ok(options) = &mut self.options {
            let address = Arc::get_mut(&mut options.address).map_or(Ok(()), change);
            if let Err(error) = address {
                self.options = Err(error);
            }
        }
        self
    }

    /// A header of every request. Those of the handshake itself (`connection`, `upgrade`, `sec-websocket-…`) and of
    /// bodies are the client's own.
    pub fn header(self, name: &str, value: &str) -> Self {
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

    /// How long an attempt to connect may take; 20 s by default.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.connect_timeout = timeout)
    }

    /// How long a call may take, the time it waits for a connection included; 30 s by default.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.timeout = timeout)
    }

    /// How many calls may be under way at a time; 4096 by default, and 64 over REST, where each has a connection. Calls
    /// beyond that wait.
    pub fn in_flight_limit(self, calls: usize) -> Self {
        self.with(|options| options.in_flight = calls.max(1))
    }

    /// How many calls and how many bytes may wait to be sent; 16384 and 64 MiB by default. Calls beyond that fail at
    /// once, with [`DeliveryStatus::NotSent`](crate::DeliveryStatus::NotSent).
    pub fn buffer_limits(self, calls: usize, bytes: usize) -> Self {
        self.with(|options| options.buffer = QueueLimits { items: calls, bytes })
    }

    /// The largest message or answer that is accepted from the server; 64 MiB by default.
    pub fn max_payload(self, bytes: usize) -> Self {
        self.address(|address| {
            address.max_payload = bytes;
            Ok(())
        })
    }

    /// Where the access token is kept; in memory by default.
    pub fn storage(self, storage: impl Storage + 'static) -> Self {
        self.with(|options| options.storage = Arc::new(storage))
    }

    /// The path of the authentication service; `authentication` by default.
    pub fn authentication_path(self, path: &str) -> Self {
        self.with(|options| options.authentication_path = path.trim_matches('/').to_owned())
    }

    /// The strategy of a re-authentication; `jwt` by default.
    pub fn jwt_strategy(self, name: &str) -> Self {
        self.with(|options| options.jwt_strategy = name.to_owned())
    }

    /// Hooks around the calls of all services.
    pub fn hooks(self, hooks: Hooks) -> Self {
        self.with(|options| options.hooks.extend(hooks))
    }

    /// Hooks around the calls of one service, inside those of all services.
    pub fn service_hooks(self, path: &str, hooks: Hooks) -> Self {
        let path = path.trim_matches('/').to_owned();
        self.with(|options| options.service_hooks.entry(path).or_default().extend(hooks))
    }
}

fn defaults(address: Address) -> Options {
    Options {
        address: Arc::new(address),
        transports: vec![TransportKind::WebSocket, TransportKind::Polling],
        namespace: "/".into(),
        msgpack: false,
        auth_payload: None,
        recovery: true,
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
