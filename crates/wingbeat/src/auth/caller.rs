//! Who calls, to services and hooks.

use super::authenticator::Authenticator;
use crate::app::App;
use crate::hooks::Context;
use crate::service::Params;
use serde::de::DeserializeOwned;
use wingbeat_core::{Error, Id, Result};

impl Params {
    /// Params of a call that the server makes for a user: the record is loaded as a login loads it, [`Params::user`] and
    /// `params.user` are this user's, and the hook [`authenticate`](crate::auth::authenticate) lets it pass. The call stays
    /// internal. Where there are several authentication services, the first one knows the users.
    ///
    /// ```no_run
    /// use wingbeat::prelude::*;
    ///
    /// # async fn example(app: App) -> Result<()> {
    /// let digest = serde_json::json!({"text": "What happened this week"});
    /// app.service("messages").create(digest, Params::acting_as(&app, 7).await?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// NotAuthenticated if there is no such user, a general error if no authentication service has users.
    pub async fn acting_as(app: &App, id: impl Into<Id>) -> Result<Params> {
        let missing = || Error::general("Missing authentication service: mount one to act for its users");
        let authenticator = app.guard::<Authenticator>(None).ok_or_else(missing)?;
        let name = authenticator.entities.required()?.name.clone();
        let record = authenticator.entities.by_id(app, &id.into().to_string()).await?.into_value()?;
        let mut params = Params::new();
        params.set("authenticated", true);
        params.set(&*name, record);
        params.set_known_caller(Some(name));
        Ok(params)
    }

    /// The record of the one who calls, behind the hook [`authenticate`](crate::auth::authenticate): `params.user` in
    /// Feathers.
    ///
    /// # Errors
    /// NotAuthenticated if that hook has not run or has found nobody, a general error if the record does not fit: clients
    /// must not read in an error what is in it.
    pub fn user<T: DeserializeOwned>(&self) -> Result<T> {
        let unknown = || Error::not_authenticated("Not authenticated");
        let record = self.known_caller().ok_or_else(unknown)?;
        record.to().map_err(|error| Error::internal(error.message().to_owned()))
    }
}

/// The user behind the hook [`authenticate`](crate::auth::authenticate), for [`hooks::limit`](crate::hooks::limit); who is
/// not logged in counts by address.
///
/// ```
/// use wingbeat::{auth::{authenticate, by_user}, hooks::limit, prelude::*, store::Memory};
///
/// let messages = Mount::new(Memory::new()).before(Create, authenticate("jwt")).before(Create, limit(60, by_user));
/// ```
pub fn by_user(context: &Context) -> Option<String> {
    let record = context.params.known_caller().and_then(|record| record.into_value().ok());
    let app = App::of(context.services());
    let authenticator = app.and_then(|app| app.guard::<Authenticator>(None));
    let id = authenticator.and_then(|authenticator| authenticator.entities.entity()?.id(record.as_ref()?));
    id.map(|id| format!("user {id}")).or_else(|| crate::hooks::by_address(context))
}

impl Context {
    /// The record of the one who calls; see [`Params::user`].
    ///
    /// # Errors
    /// As there.
    pub fn user<T: DeserializeOwned>(&self) -> Result<T> {
        self.params.user()
    }
}
