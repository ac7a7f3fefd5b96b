//! A Socket.IO v4 server: Engine.IO protocol 4 and Socket.IO protocol 5 over WebSocket and HTTP long-polling.
//!
//! ```
//! use std::future::pending;
//! use std::task::Context;
//! use tokio::net::TcpListener;
//! use wingbeat_engine::{Answer, Config, Engine, Event, Handled, Handler, Socket};
//!
//! /// Sends back what it gets.
//! struct Echo;
//!
//! impl Handler for Echo {
//!     fn event(&self, _: &Socket, event: Event<'_>, _: &mut Context<'_>) -> Handled {
//!         Handled::now(Some(Answer::args(&event.args().collect::<Vec<_>>())))
//!     }
//! }
//!
//! # #[derive(Clone)]
//! # struct Pages;
//! # impl tower_service::Service<http::Request<hyper::body::Incoming>> for Pages {
//! #     type Response = http::Response<String>;
//! #     type Error = std::convert::Infallible;
//! #     type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
//! #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
//! #         std::task::Poll::Ready(Ok(()))
//! #     }
//! #     fn call(&mut self, _: http::Request<hyper::body::Incoming>) -> Self::Future {
//! #         std::future::ready(Ok(http::Response::new(String::new())))
//! #     }
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # async fn run() -> wingbeat_core::Result<()> {
//! let engine = Engine::new(Config::default(), Echo)?;
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! // `Pages` is a tower service for everything that is not under `/socket.io/`.
//! wingbeat_engine::serve(listener, engine, Pages, pending()).await?;
//! # Ok(())
//! # }
//! # let _ = tokio::time::timeout(std::time::Duration::from_millis(10), run()).await;
//! # });
//! ```
//!
//! * [`Handler`] is what runs behind the sockets; [`io::Io`] is one, with namespaces, rooms and listeners as the
//!   reference server has them.
//! * [`Config`] has the options. Every limit is one of them.
//! * [`Engine::service`] is a tower service, to be mounted in an axum or tower application; [`serve`] is a server loop
//!   for those who have none. [`Engine::close`] ends all sessions in order: other servers' shutdown does not know
//!   upgraded connections.
//!
//! After a storm of connections, glibc keeps the pages of what was freed (some 16 KiB for each connection of the
//! storm). Servers that expect storms do well to use another allocator, such as jemalloc with its background thread.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod bundles;
mod config;
mod engine;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod gzip;
mod http;
pub mod io;
mod outbox;
mod peer;
mod serve;
mod session;
mod ws;

pub use config::{Config, Cookie, Cors, Origins, SameSite};
pub use engine::{
    Answer, Engine, Event, Handled, Handler, IntoAnswer, Reason, Refusal, Reply, Socket, Unanswered, WeakSocket,
};
pub use futures_util::future::BoxFuture;
pub use http::{Body, EngineService};
pub use outbox::SharedFrame;
pub use peer::{Handshake, Peer};
#[cfg(feature = "tls")]
pub use serve::Tls;
pub use serve::{HttpLimits, Listener, serve, serve_http, serve_http_with};
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
pub use wingbeat_protocol::packet::Frame;
