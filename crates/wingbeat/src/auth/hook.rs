//! The hook `authenticate`: only those who are logged in.

use super::authenticator::Authenticator;
use super::session::Session;
use super::strategy::Identity;
use crate::BoxFuture;
use crate::app::App;
use crate::hooks::{Around, Context, Hook, HookDescription, HookType, Next};
use crate::realtime::Connection;
use crate::service::{KnownCaller, Params, Services};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use wingbeat_core::{Error, ErrorKind, Id, Payload, Result};

/// Lets only those call who are logged in, by one of these strategies (`"jwt"` stands for every login that has issued a
/// token). A before or around hook.
///
/// Afterwards `context.params` hold `authentication`, `authenticated` and, under the name of the entity, the record as
/// the server sees it; [`Context::user`] reads that. Calls that the server makes itself pass.
///
/// ```
/// use wingbeat::{auth::authenticate, prelude::*, store::Memory};
///
/// let notes = Mount::new(Memory::new()).before(All, authenticate("jwt"));
/// let machines = Mount::new(Memory::new()).around(All, authenticate(["jwt", "apiKey"]));
/// ```
pub fn authenticate(strategies: impl Into<Strategies>) -> Authenticate {
    Authenticate { service: None, strategies: strategies.into().0 }
}

impl Authenticate {
    /// By every strategy of this authentication service that looks at headers.
    #[cfg(feature = "axum")]
    pub(super) fn by_headers(authenticator: &Authenticator) -> Authenticate {
        Authenticate { service: None, strategies: authenticator.strategies.parsing().into() }
    }
}

/// The hook that [`authenticate`] makes.
#[derive(Clone, Debug)]
pub struct Authenticate {
    service: Option<Box<str>>,
    strategies: Box<[Box<str>]>,
}

impl Authenticate {
    /// The path of the authentication service, where there are several; else the first that was mounted.
    #[must_use]
    pub fn service(mut self, path: &str) -> Authenticate {
        self.service = Some(path.into());
        self
    }
}

/// One or several strategies; an empty list does not compile.
#[derive(Clone, Debug)]
pub struct Strategies(Box<[Box<str>]>);

impl From<&str> for Strategies {
    fn from(name: &str) -> Strategies {
        Strategies([name.into()].into())
    }
}

impl<const N: usize> From<[&str; N]> for Strategies {
    fn from(names: [&str; N]) -> Strategies {
        const { assert!(N > 0, "The authenticate hook needs at least one allowed strategy") }
        Strategies(names.into_iter().map(Into::into).collect())
    }
}

impl Hook for Authenticate {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.run(context))
    }
    fn check_mounted(&self, services: &Services, path: &str) -> Result<()> {
        self.find_service(services, path)
    }
    fn description(&self) -> HookDescription {
        self.describe()
    }
}

impl Authenticate {
    fn describe(&self) -> HookDescription {
        let strategies = self.strategies.iter().map(ToString::to_string).collect();
        HookDescription { login: Some(strategies), ..HookDescription::default() }
    }

    /// Whether there is who knows the callers of the service at `path`.
    fn find_service(&self, services: &Services, path: &str) -> Result<()> {
        let wrong = |text: String| Err(Error::general(format!("The hook `authenticate` of '{path}' {text}")));
        let app = super::service::running(services)?;
        let Some(authenticator) = app.guard::<Authenticator>(self.service.as_deref()) else {
            return wrong(match &self.service {
                Some(service) => format!("asks an authentication service at '{service}': mount one there"),
                None => "needs an authentication service: `.mount(\"authentication\", Auth::new(key))`".into(),
            });
        };
        if authenticator.sessions.service.get().is_some_and(|own| **own == *path) {
            return wrong("refuses all logins there: register it for the other services".into());
        }
        // One of several may be missing: the same hook serves programs with and without it.
        if self.strategies.iter().all(|name| authenticator.strategies.get(name).is_none()) {
            let names = self.strategies.join("', '");
            return wrong(format!(
                "lets nobody pass: the authentication service has no strategy '{names}'. Add it by `.strategy(…)`"
            ));
        }
        Ok(())
    }
}

impl Around for Authenticate {
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.run(context).await?;
            next.run(context).await
        })
    }
    fn check_mounted(&self, services: &Services, path: &str) -> Result<()> {
        self.find_service(services, path)
    }
    fn description(&self) -> HookDescription {
        self.describe()
    }
}

impl Authenticate {
    async fn run(&self, context: &mut Context) -> Result<()> {
        let wrong = |text: &'static str| Err(Error::not_authenticated(text));
        if !matches!(context.hook_type(), HookType::Before | HookType::Around) {
            return wrong("The authenticate hook must be used as a before hook");
        }
        let app = super::service::running(context.services())?;
        let Some(authenticator) = app.guard::<Authenticator>(self.service.as_deref()) else {
            return wrong("Could not find a valid authentication service");
        };
        if authenticator.sessions.service.get().is_some_and(|path| **path == *context.path()) {
            return wrong("The authenticate hook does not need to be used on the authentication service");
        }
        if context.params.get("authenticated") == Some(Value::Bool(true)) {
            context.params.set_extension(KnownCaller(authenticator.entities.name().map(str::to_owned)));
            return Ok(());
        }
        let Some(authentication) = context.params.get("authentication") else {
            return if context.params.is_internal() { Ok(()) } else { wrong("Not authenticated") };
        };
        self.identify(&app, &authenticator, authentication, &mut context.params).await
    }

    /// Completes the params of who calls by what they say of themselves.
    pub(super) async fn identify(
        &self,
        app: &App,
        authenticator: &Authenticator,
        mut authentication: Value,
        params: &mut Params,
    ) -> Result<()> {
        let entity = authenticator.entities.name().map(str::to_owned);
        let (strategy, identity) = self.who(app, authenticator, &authentication, params).await?;
        authentication["strategy"] = strategy.as_ref().into();
        if let Some((token, claims)) = identity.token {
            authentication["accessToken"] = token.into();
            authentication["payload"] = Value::Object(claims.0);
        }
        params.set("authentication", authentication);
        params.set("authenticated", true);
        identity.further.into_iter().for_each(|(name, value)| params.set(name, value));
        if let Some((name, record)) = entity.clone().zip(identity.entity) {
            params.set(name, record);
        }
        params.set_extension(KnownCaller(entity));
        Ok(())
    }

    async fn who(
        &self,
        app: &App,
        authenticator: &Authenticator,
        authentication: &Value,
        params: &Params,
    ) -> Result<(Box<str>, Identity)> {
        let token = authentication.get("accessToken").and_then(Value::as_str);
        let connection = params.connection.as_ref();
        let session = connection.and_then(|connection| authenticator.sessions.get(connection));
        if let Some(session) = session.filter(|session| token == Some(&session.token)) {
            return self.by_session(app, authenticator, &session, connection).await;
        }
        let mut inside = params.clone();
        inside.provider = None;
        authenticator.authenticate(app, authentication, &inside, &self.strategies).await
    }

    /// The token of a session has been verified: only what can have changed since is asked again.
    async fn by_session(
        &self,
        app: &App,
        authenticator: &Authenticator,
        session: &Arc<Session>,
        connection: Option<&Connection>,
    ) -> Result<(Box<str>, Identity)> {
        session.claims.check_time()?;
        let name = session.strategy();
        if authenticator.strategies.get(name).is_none() || !self.strategies.iter().any(|allowed| **allowed == *name) {
            let text = "Invalid authentication information (strategy not allowed in authStrategies)";
            return Err(Error::not_authenticated(text));
        }
        let known_still = async {
            let identity = match &session.remembered {
                Some(remembered) => {
                    authenticator.authenticate(app, remembered, &Params::new(), &self.strategies).await?.1
                }
                None => {
                    Identity { entity: authenticator.entities.of(app, &session.claims).await?, ..Identity::default() }
                }
            };
            authenticator.check_revoked(&session.claims, identity.entity.as_ref())?;
            Ok(identity)
        };
        let identity = known_still.await.inspect_err(|error: &Error| {
            // Whoever is not known any more hears no more either.
            if let Some(connection) = connection.filter(|_| error.kind() == ErrorKind::NotAuthenticated) {
                authenticator.sessions.force_out(app, connection, Some(session));
            }
        })?;
        let token = Some((session.token.clone(), session.claims.clone()));
        Ok((name.into(), Identity { token, ..identity }))
    }
}

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
        let record = authenticator.entities.by_id(app, &id.into().to_string()).await?;
        let mut params = Params::new();
        params.set("authenticated", true);
        params.set(name.clone(), record);
        params.set_extension(KnownCaller(Some(name)));
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
        Payload::from(record).to().map_err(|error| Error::internal(error.message().to_owned()))
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
    let record = context.params.known_caller();
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
