//! Who the client is for the server.

use super::Client;
use super::client::Channel;
use crate::connection::Kind;
use crate::error::{Error, Result};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use wingbeat_core::{RawJson, json};

impl Client {
    /// Logs in, for example with `{"strategy": "local", "email": …, "password": …}`; gives what the server says.
    ///
    /// The access token is kept in the [`Storage`](crate::Storage). After a reconnection the client logs in with it by itself, before
    /// any call that waits; over REST it goes with every call, as `Authorization`. Calls made while a login is running wait for it, and fail with it if it fails.
    ///
    /// # Errors
    /// What the server says; a token that it refuses is removed from the storage. Or the storage's own.
    pub async fn authenticate(&self, data: &impl Serialize) -> Result<Arc<Value>> {
        self.log_in(data).await
    }

    /// Logs in with the stored token; if the client is logged in already, gives what was said then.
    ///
    /// # Errors
    /// As [`authenticate`](Client::authenticate); [`NotLoggedIn`](Error::NotLoggedIn) if there is no token.
    pub async fn re_authenticate(&self) -> Result<Arc<Value>> {
        match self.shared().authentication() {
            Some(result) => Ok(result),
            None => self.re_authenticate_now().await,
        }
    }

    /// Logs in with the stored token, also if the client is logged in already.
    ///
    /// # Errors
    /// As [`re_authenticate`](Client::re_authenticate).
    pub async fn re_authenticate_now(&self) -> Result<Arc<Value>> {
        self.log_in(&self.shared().stored_login()?).await
    }

    async fn log_in(&self, data: &impl Serialize) -> Result<Arc<Value>> {
        let connection = match self.channel() {
            Channel::Socket(connection) => connection,
            Channel::Rest(rest) => return rest.authenticate(&RawJson::new(data).map_err(Error::unwritable)?).await,
        };
        let path = &self.shared().options.authentication_path;
        let mut packet = Vec::new();
        json::write(&mut packet, &("create", path, data, json!({}))).map_err(Error::unwritable)?;
        let answer = connection.submit(Kind::Login, packet)?.await?;
        Ok(Arc::new(answer.read()?))
    }

    /// Logs out and forgets the token; gives what the server says, or null if it knew nothing of a login.
    ///
    /// # Errors
    /// What the server says, unless that means that nobody is logged in. Or the storage's own.
    pub async fn logout(&self) -> Result<Value> {
        let connection = match self.channel() {
            Channel::Socket(connection) => connection,
            Channel::Rest(rest) => return rest.logout().await,
        };
        let path = &self.shared().options.authentication_path;
        let json = serde_json::to_vec(&("remove", path, Value::Null, json!({}))).map_err(Error::unwritable)?;
        connection.submit(Kind::Logout, json)?.await?.read()
    }

    /// What the server said at the login, if the client is logged in: token, user and more.
    pub fn authentication(&self) -> Option<Arc<Value>> {
        self.shared().authentication()
    }
}
