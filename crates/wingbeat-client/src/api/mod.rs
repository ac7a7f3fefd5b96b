//! What programs write with: the client, its builder, services, calls and pages.

mod address;
mod auth;
mod builder;
mod call;
mod client;
mod io;
mod keyset;
mod network;
mod packet;
mod pages;
mod rest;
mod service;
mod socket_io;

pub use builder::{Builder, Rest, SocketIo};
pub use call::{Call, Calling};
pub use client::Client;
pub use io::{Ack, Io};
pub use pages::Pages;
pub use service::Service;
