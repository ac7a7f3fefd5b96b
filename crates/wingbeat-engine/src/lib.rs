//! A Socket.IO v4 server engine.

mod ack;
mod config;
mod engine;
mod event;
mod handler;
mod handshake;
mod http;
pub mod io;
mod link;
mod out;
mod outbox;
mod polling;
mod reason;
mod serve;
mod session;
mod session_id;
mod socket;
mod wheel;
mod ws;

pub use ack::{Reply, Unanswered};
pub use config::{Config, Cookie, Cors, Origins, SameSite};
pub use engine::Engine;
pub use event::{Answer, Event};
pub use futures_util::future::BoxFuture;
pub use handler::{Handler, Refusal};
pub use handshake::{Handshake, Peer};
pub use http::{Body, EngineService};
pub use reason::Reason;
pub use serve::{HttpLimits, Listener, serve, serve_http, serve_http_with};
pub use socket::Socket;
pub use wingbeat_core::packet::Frame;
