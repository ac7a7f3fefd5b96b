//! A client of Feathers v5 services over Socket.IO v4: typed, bounded, never hanging.
//!
//! ```no_run
//! use wingbeat_client::{Client, Order, Query, Result};
//!
//! #[derive(serde::Deserialize)]
//! struct Message {
//!     text: String,
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     let client = Client::connect_to("http://localhost:3030").await?;
//!     let messages = client.service::<Message>("messages");
//!     let mut created = messages.on("created");
//!     for message in messages.find().query(Query::new().sort("id", Order::Descending).limit(3)).await? {
//!         println!("{}", message.text);
//!     }
//!     while let Some(message) = created.next().await {
//!         println!("{}", message?.text);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! * Every call has a timeout (30 s unless told otherwise) and ends: with what the server says, or with an [`Error`] that
//!   says whether the server may have executed it ([`Fate`]).
//! * Calls made while there is no connection wait for it, in order, in a bounded buffer.
//! * A lost connection is renewed as socket.io-client does it ([`Reconnection`]), and a login with it, before the calls
//!   that wait ([`Client::authenticate`]).
//! * Events are [streams](Events); a slow listener loses events of its own, and is told so.

mod auth;
mod backoff;
mod builder;
mod call;
mod client;
mod command;
mod connection;
mod desk;
mod error;
mod event;
mod fate;
mod hooks;
mod io;
mod keyset;
mod network;
mod options;
mod page;
mod pages;
mod query;
mod queue;
mod route;
mod service;
mod shared;
mod slot;
mod task;
mod transport;

pub use auth::{FileStorage, MemoryStorage, Storage};
pub use backoff::Reconnection;
pub use builder::{Builder, TransportKind};
pub use call::{Call, Calling};
pub use client::Client;
pub use connection::{ConnectionEvent, ConnectionEvents, Reason};
pub use error::{Error, Problem, Result};
pub use event::{Event, Events, FromEvent};
pub use fate::Fate;
pub use hooks::{All, Context, Hooks, Methods, Next};
pub use io::{Ack, Io};
pub use page::{Found, Page};
pub use pages::Pages;
pub use query::{Order, Query};
pub use service::Service;
#[doc(hidden)]
pub use task::fuzzing;
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
#[doc(hidden)]
pub use wingbeat_core::__private;
/// What a server answers, inside [`Error::Answered`].
pub use wingbeat_core::Error as ServerError;
pub use wingbeat_core::{Binary, Definition, ErrorKind, Escaped, Id, IdArg, Method, Payload, RawJson, Record};

/// Locks a mutex. One that a panic has poisoned is used all the same: nothing is held locked across foreign code.
fn locked<T: ?Sized>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The chapter on the client compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/client.md")]
struct Chapter;
