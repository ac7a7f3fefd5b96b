//! For routes of an axum application: who is logged in, by [`Login`].
//!
//! With the feature `axum` an [`Error`](crate::Error) is an answer as well, and so is a [`Payload`](crate::Payload): routes
//! answer `Result<Payload>`. [`App::params_from`](crate::App::params_from) gives the params for calls as the one who asks.

pub use crate::auth::extractor::Login;
