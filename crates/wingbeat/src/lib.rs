//! Real-time, service-oriented APIs that speak Feathers v5 over Socket.IO v4.
//!
//! A [`Service`] is an object with `find get create update patch remove` and methods of its own. It is mounted on an
//! [`App`] under a path, with [hooks] around its methods; what it does is [published](Mount::publish) to
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
//! # Modules
//!
//! What nearly every program names stands at the root and in the [`prelude`]; everything else in the module of its role:
//!
//! | module | for |
//! |---|---|
//! | [`service`] | writing services and calling them |
//! | [`hooks`] | what runs around their methods |
//! | [`realtime`] | connections, channels, and who hears what |
//! | [`auth`] | logging in |
//! | [`axum`](mod@axum) | who is logged in, for routes of axum |
//! | [`store`] | services over tables: memory, SQLite, PostgreSQL, or a store of your own |
//! | [`bus`] | several nodes of one application, over Redis, NATS, or a bus of your own |
//! | [`schema`] | validation and resolvers |
//! | [`transport`] | Socket.IO, health, and transports of your own |
//! | [`settings`] | settings from file and environment |
//! | [`test`](mod@test) | a client inside the process, for tests |
//! | [`engine`] | the Socket.IO engine below: its settings, TLS, raw events |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `auth` | logging in: [`auth`] |
//! | `axum` | inside an axum server: addresses of clients, errors as answers, and with `auth` who is logged in ([`axum`](mod@axum)) |
//! | `contract` | facts that a store or a bus of your own is held against: [`store::contract`], [`bus::contract`] |
//! | `derive` (on by default) | [`Record`], the derive, and `store::migrations!` |
//! | `http2` | HTTP/2 beside HTTP/1.1 for polling, with `tls` |
//! | `mariadb` | records in MariaDB: [`store::MariaDb`] |
//! | `metrics` | figures for Prometheus: [`Metrics`] |
//! | `nats` | several nodes over NATS: [`bus::Nats`] |
//! | `postgres` | records in PostgreSQL: [`store::Postgres`] |
//! | `redis` | several nodes over Redis: [`bus::Redis`] |
//! | `schema` | validation by JSON Schemas that come from Rust types: [`schema`] |
//! | `settings` | settings from file and environment: [`settings`] |
//! | `sqlite` | records in SQLite: [`store::Sqlite`] |
//! | `tls` | encrypted connections: [`engine::Tls`], and to databases and Redis |

#![cfg_attr(docsrs, feature(doc_cfg))]

// What the derive writes begins with `::wingbeat`, in the tests of this crate too.
#[cfg(test)]
extern crate self as wingbeat;

mod app;
#[cfg(feature = "auth")]
pub mod auth;
#[cfg(all(feature = "auth", feature = "axum"))]
pub mod axum;
pub mod bus;
#[cfg_attr(
    not(all(feature = "auth", feature = "sqlite", feature = "postgres", feature = "mariadb")),
    allow(dead_code, unused_imports, reason = "hashes and databases are features")
)]
mod fair;
pub mod hooks;
mod javascript;
// The pages show every feature.
#[cfg(all(
    doctest,
    feature = "auth",
    feature = "axum",
    feature = "contract",
    feature = "derive",
    feature = "mariadb",
    feature = "metrics",
    feature = "nats",
    feature = "postgres",
    feature = "redis",
    feature = "schema",
    feature = "settings",
    feature = "sqlite",
    feature = "tls"
))]
mod pages;
mod presence;
pub mod realtime;
pub mod schema;
pub mod service;
#[cfg(feature = "settings")]
pub mod settings;
pub mod store;
pub mod test;
pub mod transport;
#[cfg(any(feature = "nats", all(feature = "tls", any(feature = "mariadb", feature = "postgres", feature = "redis"))))]
mod trusted;

#[doc(inline)]
pub use app::{Answers, App, AppHttp, Builder, Everywhere, IntoMount, ListenerReturn, Mode, Mount, Phase, PhaseHook};
pub use hooks::Context;
pub use presence::Presence;
pub use realtime::Connection;
pub use service::{Params, Service};
#[cfg(feature = "metrics")]
pub use transport::Metrics;
pub use transport::{Health, Recovery, Rest, SocketIo, serve, terminated};
#[doc(hidden)]
pub use wingbeat_core::__private;
pub use wingbeat_core::{
    Binary, Definition, Error, ErrorKind, Escaped, Id, IdArg, Method, Payload, RawJson, Record, Result,
};
pub use wingbeat_engine as engine;

/// What almost every program with Wingbeat needs.
pub mod prelude {
    pub use crate::app::{App, Mount};
    pub use crate::hooks::{All, Context, Next};
    pub use crate::realtime::{Audience, Connection, Publication, channel, channels, nobody};
    pub use crate::service::{CustomMethods, Found, OneOrMany, Page, Params, RawService, Service};
    pub use crate::transport::SocketIo;
    pub use wingbeat_core::Method::{Create, Find, Get, Patch, Remove, Update};
    pub use wingbeat_core::{Error, Id, IdArg, Method, Payload, Result};
}

/// A future on the heap, as traits that are used as objects return it.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Locks a mutex. One that a panic has poisoned is used all the same: foreign code that runs meanwhile is
/// contained.
fn locked<T: ?Sized>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
