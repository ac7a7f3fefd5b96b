//! Authentication: logging in, and what it means for a connection.
//!
//! [`Auth`] is mounted as a service: `create` logs in, `remove` logs out. A login is a token; the connection that it was
//! issued to carries it, and [`authenticate`] lets only such callers through. `docs/authentication.md` tells the rest.
//!
//! ```no_run
//! use tokio::net::TcpListener;
//! use wingbeat::auth::{Auth, Local, authenticate, hash_password};
//! use wingbeat::{hooks::protect, prelude::*, store::Memory};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<()> {
//! // No methods for clients: whoever can change a user's record can log in as that user.
//! let users = Mount::new(Memory::new())
//!     .internal()
//!     .before([Create, Patch], hash_password("password"))
//!     .after(All, protect(["password"]));
//! let app = App::builder()
//!     .mount("authentication", Auth::from_env("SECRET")?.strategy(Local::new("email", "password")))
//!     .mount("users", users)
//!     .mount("messages", Mount::new(Memory::new()).before(All, authenticate("jwt")))
//!     .on_login(|app, connection| app.channel("authenticated").join(connection))
//!     .configure(SocketIo::new())
//!     .build()?;
//! wingbeat::serve(TcpListener::bind("0.0.0.0:3030").await?, app).await
//! # }
//! ```

mod authenticator;
mod caller;
mod configuration;
mod entity;
#[cfg(feature = "axum")]
pub(crate) mod extractor;
mod forced;
mod hash_password;
mod hasher;
mod hook;
mod one_time_token;
mod passwords;
mod service;
mod session;
mod settings;
mod strategy;
#[cfg(test)]
mod tests;
mod token;

pub use crate::app::{Login, LoginListener};
pub use caller::by_user;
pub use configuration::Auth;
pub use forced::logout_changed;
pub use hash_password::{HashPassword, hash_password};
pub use hook::{Authenticate, Strategies, authenticate};
pub use one_time_token::OneTimeToken;
pub use passwords::Passwords;
pub use session::Expiry;
pub use strategy::{ApiKey, Attempt, Identity, Jwt, Local, Strategy};
pub use token::{Algorithm, Key};
