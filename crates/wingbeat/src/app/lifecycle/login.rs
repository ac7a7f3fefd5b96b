//! Listeners that may refuse logins.

use crate::BoxFuture;
use crate::app::{App, guard::contained};
use crate::hooks::With;
use crate::locked;
use crate::realtime::Connection;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::sync::Mutex;
use wingbeat_core::{AsyncFunction, Error, Payload, Result};

/// A login that is about to succeed, as listeners of [`on_login_async`](crate::Builder::on_login_async) see it.
pub struct Login {
    connection: Option<Connection>,
    strategy: String,
    user: Option<Value>,
    joins: Mutex<Vec<Box<str>>>,
}

impl Login {
    pub(crate) fn new(connection: Option<Connection>, strategy: String, user: Option<Value>) -> Login {
        Login { connection, strategy, user, joins: Mutex::default() }
    }

    /// The record of the one who logs in, as clients see it.
    ///
    /// # Errors
    /// NotAuthenticated if the login has no record, a general error if it does not fit.
    pub fn user<T: DeserializeOwned>(&self) -> Result<T> {
        let user = self.user.clone().ok_or_else(|| Error::not_authenticated("This login has no user"))?;
        Payload::from(user).to().map_err(|error| Error::internal(error.message().to_owned()))
    }

    /// The strategy that it is by, for example `local`.
    pub fn strategy(&self) -> &str {
        &self.strategy
    }

    /// The connection that logs in; absent for a request that has none. It is not logged in yet, and stays as it is if the
    /// login is refused.
    pub fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// Lets the connection join a channel, once it is logged in.
    pub fn join(&self, channel: impl Into<Box<str>>) {
        locked(&self.joins).push(channel.into());
    }

    /// The channels to join.
    pub(crate) fn joins(&self) -> Vec<Box<str>> {
        std::mem::take(&mut *locked(&self.joins))
    }
}

/// Which it is, and nothing of the user.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Login { connection, strategy, .. } = self;
        f.debug_struct("Login").field("connection", connection).field("strategy", strategy).finish_non_exhaustive()
    }
}

/// What can listen to logins: every `async fn(&App, &Login) -> Result<()>`, closures as for [`Hook`](crate::hooks::Hook), and
/// functions [`with`](crate::hooks::with) state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a listener of logins",
    label = "expected `async fn(&App, &Login) -> Result<()>`",
    note = "write a closure as `async |app: &App, login: &Login| {{ …; Ok(()) }}`",
    note = "write one that uses variables of its surroundings as `with(db, async |db: Db, app: &App, login: &Login| …)`"
)]
pub trait LoginListener: Send + Sync + 'static {
    /// Runs for a login, and may refuse it.
    fn call<'a>(&'a self, app: &'a App, login: &'a Login) -> BoxFuture<'a, Result<()>>;
}

impl<F> LoginListener for F
where
    F: for<'a> AsyncFunction<'a, (&'a App, &'a Login), Result<()>, Future: Send> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, app: &'a App, login: &'a Login) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.run((app, login)))
    }
}

impl<S, F> LoginListener for With<S, F>
where
    S: Clone + Send + Sync + 'static,
    F: for<'a> AsyncFunction<'a, (S, &'a App, &'a Login), Result<()>, Future: Send> + Send + Sync + 'static,
{
    fn call<'a>(&'a self, app: &'a App, login: &'a Login) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.hook.run((self.state.clone(), app, login)))
    }
}

impl App {
    /// Asks all listeners that may refuse a login.
    ///
    /// # Errors
    /// Why it is refused.
    pub(crate) async fn ask_about(&self, login: &Login) -> Result<()> {
        for listener in &self.0.listeners.login_async {
            contained("A listener of logins", || listener.call(self, login)).await?;
        }
        Ok(())
    }
}
