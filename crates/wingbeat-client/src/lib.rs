//! A client of Feathers v5 services over Socket.IO v4 and REST: typed, bounded, never hanging.
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
//! * Every call has a timeout (30 s by default) and ends: with what the server says, or with an [`Error`] that
//!   says whether the server may have executed it ([`DeliveryStatus`]).
//! * Calls made while there is no connection wait for it, in order, in a bounded buffer.
//! * A lost connection is renewed as socket.io-client does it ([`Reconnection`]), and a login with it, before the calls
//!   that wait ([`Client::authenticate`]).
//! * What was published while the connection was down comes after it, where the server offers that, or
//!   [`Client::recovered`] is false.
//! * [`Client::rest`] calls the same services over plain HTTP, without events.
//! * Events are [streams](Events); a slow listener loses events of its own, and receives an error that says so.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod connection;
mod error;
mod hooks;
mod rest;
mod route;
mod transport;

pub use api::{Ack, Builder, Call, Calling, Client, Io, Pages, Rest, Service, SocketIo};
#[doc(hidden)]
pub use connection::fuzzing;
pub use connection::{
    ConnectionEvent, ConnectionEvents, Event, Events, FileStorage, FromEvent, MemoryStorage, Reconnection, Storage,
};
#[doc(hidden)]
#[deprecated = "it is called DeliveryStatus"]
pub use error::DeliveryStatus as Fate;
pub use error::{DeliveryStatus, Error, Problem, Result};
pub use hooks::{All, Around, BoxFuture, Context, Hook, Hooks, Methods, Next, With, with};
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
pub use transport::{Reason, TransportKind};
#[doc(hidden)]
pub use wingbeat_core::__private;
/// What a server answers, inside [`Error::Answered`].
pub use wingbeat_core::Error as ServerError;
pub use wingbeat_core::{
    Binary, Definition, ErrorKind, Escaped, Found, Id, IdArg, Method, Order, Page, Payload, Query, RawJson, Record,
};

/// Locks a mutex. One that a panic has poisoned is used all the same: nothing is held locked across foreign code.
fn locked<T: ?Sized>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The chapter on the client compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/client.md")]
struct Chapter;
