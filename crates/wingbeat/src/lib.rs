//! Real-time, service-oriented APIs that speak Feathers v5 over Socket.IO v4.
//!
//! A [`Service`] is an object with `find get create update patch remove` and methods of its own. It is mounted on an
//! [`App`] under a path, with [hooks](Hook) around its methods; what it does is [published](Mount::publish) to
//! [channels](App::channel) of connections. Clients are `@feathersjs/client`, bare `socket.io-client`, or
//! Wingbeat's own.
//!
//! ```no_run
//! use tokio::net::TcpListener;
//! use wingbeat::{prelude::*, store::Memory};
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     let app = App::builder()
//!         .mount("messages", Mount::new(Memory::new()).publish(|_| channel("everybody")))
//!         .on_connection(|app, connection| app.channel("everybody").join(connection))
//!         .configure(SocketIo::new())
//!         .build()?;
//!     wingbeat::serve(TcpListener::bind("0.0.0.0:3030").await?, app).await
//! }
//! ```
//!
//! In a browser:
//!
//! ```html
//! <script src="/socket.io/socket.io.js"></script>
//! <script>
//!   const socket = io()
//!   socket.on('messages created', (message) => console.log(message))
//!   socket.emit('create', 'messages', { text: 'Hello' }, (error, message) => console.log(error ?? message))
//! </script>
//! ```
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `auth` | logging in: [`auth`] |
//! | `axum` | addresses of clients inside an axum server |
//! | `contract` | facts that a store of your own is held against: [`store::contract`] |
//! | `derive` (on by default) | [`Record`], the derive |
//! | `http2` | HTTP/2 beside HTTP/1.1 for polling, with `tls` |
//! | `metrics` | figures for Prometheus: [`Metrics`] |
//! | `postgres` | records in PostgreSQL: [`store::Postgres`] |
//! | `schema` | validation by JSON Schemas that come from Rust types: [`schema`] |
//! | `settings` | settings from file and environment: [`settings`] |
//! | `sqlite` | records in SQLite: [`store::Sqlite`] |
//! | `tls` | encrypted connections: [`engine::Tls`], and to PostgreSQL |

#![cfg_attr(docsrs, feature(doc_cfg))]

// What the derive writes begins with `::wingbeat`, in the tests of this crate too.
#[cfg(test)]
extern crate self as wingbeat;

mod app;
#[cfg(feature = "auth")]
pub mod auth;
#[cfg_attr(
    not(all(feature = "auth", feature = "sqlite", feature = "postgres")),
    allow(dead_code, unused_imports, reason = "hashes and databases are features")
)]
mod fair;
mod hook;
mod javascript;
// The pages show every feature.
#[cfg(all(
    doctest,
    feature = "auth",
    feature = "contract",
    feature = "derive",
    feature = "metrics",
    feature = "postgres",
    feature = "schema",
    feature = "settings",
    feature = "sqlite",
    feature = "tls"
))]
mod pages;
mod realtime;
pub mod schema;
mod service;
#[cfg(feature = "settings")]
pub mod settings;
pub mod store;
pub mod test;
mod transport;

pub use app::{
    App, AppHttp, BoundTransport, Builder, Dispatch, Dispatcher, HttpBody, Mode, Mount, Outcome, PendingCall, Phase,
    PhaseHook, Transport,
};
pub use hook::library as hooks;
pub use hook::{
    All, Around, Context, Hook, HookDescription, HookType, Http, Methods, Next, Original, With, sync, with,
};
pub use realtime::{
    Audience, Batch, Channel, ChannelName, Connection, Headers, Message, Peer, Publication, Selector, channel,
    channels, channels_matching, nobody,
};
pub use service::{
    Arguments, Caller, ClientRules, CustomMethod, CustomMethods, Description, Extends, Found, IntoService, Invocation,
    MethodDescription, MethodFunction, OneOrMany, Page, Params, Query, RawService, Route, Schemas, Service,
    ServiceDescription, ServiceHandle, Services,
};
#[cfg(feature = "metrics")]
pub use transport::Metrics;
pub use transport::{Health, Serve, SocketIo, serve, terminated};
#[doc(hidden)]
pub use wingbeat_core::__private;
pub use wingbeat_core::{
    Binary, Definition, Error, ErrorKind, Escaped, Id, IdArg, Method, Payload, RawJson, Record, Result,
};
pub use wingbeat_engine as engine;

/// What almost every program with Wingbeat needs.
pub mod prelude {
    pub use crate::{
        All, App, Audience, Connection, Context, CustomMethods, Error, Found, Id, IdArg, Method, Mount, Next,
        OneOrMany, Page, Params, Payload, Publication, RawService, Result, Service, SocketIo, channel, channels,
        nobody, sync, with,
    };
    pub use wingbeat_core::Method::{Create, Find, Get, Patch, Remove, Update};
}

/// A future on the heap, as traits that are used as objects return it.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Locks a mutex. One that a panic has poisoned is used all the same: foreign code that runs meanwhile is
/// contained.
fn locked<T: ?Sized>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
