//! Ways to say who one is.

use super::attempts::{AttemptOrigin, Attempts, CountedAttempt};
use crate::app::App;
use crate::auth::entity::EntityDirectory;
use crate::auth::passwords::Passwords;
use crate::auth::token::{Claims, TokenIssuer};
use crate::service::{Params, Services};
use crate::{BoxFuture, locked};
use serde_json::{Map, Value};
use std::sync::{Mutex, PoisonError};
use wingbeat_core::{Headers, Result};

/// A way to say who one is: [`Local`](crate::auth::Local) by name and password, [`ApiKey`](crate::auth::ApiKey), or your own.
///
/// ```
/// use serde_json::{Map, Value};
/// use wingbeat::auth::{Attempt, Identity, Strategy};
/// use wingbeat::{Error, Result};
///
/// /// Logs in with a code that was sent by mail.
/// struct Code;
///
/// impl Strategy for Code {
///     fn name(&self) -> &str {
///         "code"
///     }
///     async fn authenticate(&self, data: &Map<String, Value>, attempt: &Attempt<'_>) -> Result<Identity> {
///         let wrong = || Error::not_authenticated("Invalid code");
///         let mail = data.get("email").and_then(Value::as_str).ok_or_else(wrong)?;
///         let code = data.get("code").and_then(Value::as_str).ok_or_else(wrong)?;
///         attempt.limit(mail)?;
///         let user = attempt.find_entity("email", mail).await?.ok_or_else(wrong)?;
///         if user["code"].as_str() == Some(code) { Ok(Identity::of(user)) } else { Err(wrong()) }
///     }
/// }
/// ```
pub trait Strategy: Send + Sync + 'static {
    /// The name by which clients and hooks ask for it.
    fn name(&self) -> &str;

    /// Whether it is configured well; asked when the application is built.
    ///
    /// # Errors
    /// What is wrong.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Who somebody is, by what a client has sent (`strategy` included), or by what [`parse`](Strategy::parse) has found.
    ///
    /// Check the types of everything in `data`: it comes from outside.
    fn authenticate(
        &self,
        data: &Map<String, Value>,
        attempt: &Attempt<'_>,
    ) -> impl Future<Output = Result<Identity>> + Send;

    /// What the headers of a request say for this strategy, as `authenticate` takes it.
    fn parse(&self, headers: &Headers) -> Option<Map<String, Value>> {
        let _ = headers;
        None
    }

    /// What hashes passwords for this strategy, if there are any: [`hash_password`](crate::auth::hash_password) uses it.
    fn passwords(&self) -> Option<&Passwords> {
        None
    }
}

/// Who somebody is.
#[derive(Clone, Default)]
pub struct Identity {
    pub(in crate::auth) entity: Option<Value>,
    /// The token by which somebody is known already, and its claims.
    pub(in crate::auth) token: Option<(String, Claims)>,
    pub(in crate::auth) further: Map<String, Value>,
}

impl Identity {
    /// The one of this record, as the entity service has it.
    pub fn of(entity: Value) -> Identity {
        Identity { entity: Some(entity), ..Identity::default() }
    }

    /// One who may come in but has no record.
    pub fn nobody() -> Identity {
        Identity::default()
    }

    /// Adds a member to the result of the login, which the client sees.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Identity {
        self.further.insert(name.into(), value.into());
        self
    }
}

/// Shows neither record nor token: the one has a password, the other is one.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.entity.is_some() { "Identity(a record)" } else { "Identity(nobody)" })
    }
}

/// What a strategy can use.
pub struct Attempt<'a> {
    pub(in crate::auth) tokens: &'a TokenIssuer,
    pub(in crate::auth) entities: &'a EntityDirectory,
    pub(in crate::auth) app: &'a App,
    params: &'a Params,
    attempts: Option<&'a Attempts>,
    /// What has been counted so far, to be forgiven if it succeeds.
    counted: Mutex<Vec<CountedAttempt>>,
}

impl<'a> Attempt<'a> {
    pub(in crate::auth) fn new(
        tokens: &'a TokenIssuer,
        entities: &'a EntityDirectory,
        attempts: Option<&'a Attempts>,
        app: &'a App,
        params: &'a Params,
    ) -> Attempt<'a> {
        Attempt { tokens, entities, app, params, attempts, counted: Mutex::default() }
    }

    pub(in crate::auth) fn counted(self) -> Vec<CountedAttempt> {
        self.counted.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The params of the call; their provider is absent when a hook asks who a caller is.
    pub fn params(&self) -> &Params {
        self.params
    }

    /// The way to all services.
    pub fn services(&self) -> Services {
        self.app.services()
    }

    /// Counts an attempt on a name, if it comes from outside. Only for what can be guessed. It counts while it is under
    /// way and when it has failed, not when the login has succeeded.
    ///
    /// # Errors
    /// TooManyRequests if this name has been tried too often from the same address.
    pub fn limit(&self, name: &str) -> Result<()> {
        if let Some((attempts, place)) = self.attempts.zip(AttemptOrigin::of(self.params)) {
            locked(&self.counted).push(attempts.count(name, place)?);
        }
        Ok(())
    }

    /// What has been counted so far does not count: nothing was tried.
    pub(in crate::auth) fn take_back(&self) {
        let counted = std::mem::take(&mut *locked(&self.counted));
        if let Some(attempts) = self.attempts {
            attempts.forgive(counted);
        }
    }

    /// The record with a text in a field, as the server sees it. The first one, if there are several.
    ///
    /// # Errors
    /// What the entity service fails with.
    pub async fn find_entity(&self, field: &str, text: &str) -> Result<Option<Value>> {
        self.entities.find(self.app, field, text).await
    }

    /// The record with an id, as the server sees it.
    ///
    /// # Errors
    /// NotAuthenticated if there is none, or what the entity service fails with.
    pub async fn entity(&self, id: &str) -> Result<Value> {
        self.entities.by_id(self.app, id).await?.into_value()
    }
}

impl std::fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attempt")
    }
}

/// A strategy as an object.
pub(in crate::auth) trait DynStrategy: Send + Sync {
    fn authenticate<'a>(
        &'a self,
        data: &'a Map<String, Value>,
        attempt: &'a Attempt<'a>,
    ) -> BoxFuture<'a, Result<Identity>>;
    fn parse(&self, headers: &Headers) -> Option<Map<String, Value>>;
    fn passwords(&self) -> Option<&Passwords>;
}

impl<S: Strategy> DynStrategy for S {
    fn authenticate<'a>(
        &'a self,
        data: &'a Map<String, Value>,
        attempt: &'a Attempt<'a>,
    ) -> BoxFuture<'a, Result<Identity>> {
        Box::pin(Strategy::authenticate(self, data, attempt))
    }

    fn parse(&self, headers: &Headers) -> Option<Map<String, Value>> {
        Strategy::parse(self, headers)
    }

    fn passwords(&self) -> Option<&Passwords> {
        Strategy::passwords(self)
    }
}
