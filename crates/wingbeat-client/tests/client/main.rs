//! The client against a Node Feathers server, Wingbeat, recordings, and servers that mean no good.

#![allow(clippy::unwrap_used, reason = "a test may")]

/// Tests that hold with both servers.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod node { $( #[tokio::test] async fn $name() { crate::soon(super::$name(crate::fixture::Target::Node)).await } )* }
        mod wingbeat { $( #[tokio::test] async fn $name() { crate::soon(super::$name(crate::fixture::Target::Wingbeat)).await } )* }
    };
}

mod abandoned;
mod accounting;
#[cfg(feature = "tls")]
mod encrypted;
mod faults;
mod fixture;
mod hooks;
mod hostile;
mod http;
mod javascript;
mod limits;
mod login;
mod logins;
mod namespaces;
mod network;
mod opening;
mod options;
mod pages;
mod proxy;
#[cfg(feature = "tls")]
mod reach;
mod recordings;
mod recovery;
mod rest;
mod rest_faults;
mod returns;
mod scripted;
mod suite;
mod upgrade;
mod waiting;
mod wire;

use std::time::Duration;

/// Waits for a future, but not for ever: what does not come fails.
async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("this should have come long ago")
}
