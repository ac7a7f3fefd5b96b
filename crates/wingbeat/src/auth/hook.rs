//! The hook `authenticate`: only those who are logged in.

use super::authenticator::Authenticator;
use super::session::Session;
use super::strategy::Identity;
use crate::BoxFuture;
use crate::app::App;
use crate::hooks::{Around, Context, Hook, HookDescription, HookType, Next};
use crate::realtime::Connection;
use crate::service::{NamedValue, Params, Services};
use serde_json::{Map, Value};
use std::sync::Arc;
use wingbeat_core::{Error, ErrorKind, Payload, Result};

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
            context.params.set_known_caller(authenticator.entities.name().cloned());
            return Ok(());
        }
        if let Some(session) = authenticator.sessions.of_caller(&context.params) {
            return self.recognise(&app, &authenticator, session, &mut context.params).await;
        }
        let Some(authentication) = context.params.get("authentication") else {
            return if context.params.is_internal() { Ok(()) } else { wrong("Not authenticated") };
        };
        self.identify(&app, &authenticator, authentication, &mut context.params).await
    }

    /// Completes the params of who calls over a connection that is logged in, without building what few look at.
    async fn recognise(
        &self,
        app: &App,
        authenticator: &Authenticator,
        session: Arc<Session>,
        params: &mut Params,
    ) -> Result<()> {
        let Known { record, further } =
            self.by_session(app, authenticator, &session, params.connection.as_ref()).await?;
        params.set_named("authentication", NamedValue::Kept(session));
        params.set("authenticated", true);
        further.into_iter().for_each(|(name, value)| params.set(name, value));
        let entity = authenticator.entities.name();
        if let Some((name, record)) = entity.zip(record) {
            let record = match record.as_raw() {
                Some(text) => NamedValue::Text(text.clone()),
                None => record.into_value()?.into(),
            };
            params.set_named(name, record);
        }
        params.set_known_caller(entity.cloned());
        Ok(())
    }

    /// Completes the params of who calls by what they say of themselves.
    pub(super) async fn identify(
        &self,
        app: &App,
        authenticator: &Authenticator,
        mut authentication: Value,
        params: &mut Params,
    ) -> Result<()> {
        let entity = authenticator.entities.name();
        let (strategy, identity) = self.who(app, authenticator, &authentication, params).await?;
        authentication["strategy"] = strategy.as_ref().into();
        if let Some((token, claims)) = identity.token {
            authentication["accessToken"] = token.into();
            authentication["payload"] = Value::Object(claims.0);
        }
        params.set("authentication", authentication);
        params.set("authenticated", true);
        identity.further.into_iter().for_each(|(name, value)| params.set(name, value));
        if let Some((name, record)) = entity.zip(identity.entity) {
            params.set(&**name, record);
        }
        params.set_known_caller(entity.cloned());
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
            let Known { record, further } = self.by_session(app, authenticator, &session, connection).await?;
            let (entity, token) =
                (record.map(Payload::into_value).transpose()?, (session.token.clone(), session.claims.clone()));
            return Ok((session.strategy().into(), Identity { entity, token: Some(token), further }));
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
    ) -> Result<Known> {
        session.claims.check_time()?;
        let name = session.strategy();
        if authenticator.strategies.get(name).is_none() || !self.strategies.iter().any(|allowed| **allowed == *name) {
            let text = "Invalid authentication information (strategy not allowed in authStrategies)";
            return Err(Error::not_authenticated(text));
        }
        let known_still = async {
            let mut known = match &session.remembered {
                Some(remembered) => {
                    let params = Params::new();
                    let asked = authenticator.authenticate(app, remembered, &params, &self.strategies);
                    let Identity { entity, further, .. } = asked.await?.1;
                    Known { record: entity.map(Payload::from), further }
                }
                None => Known { record: authenticator.entities.of(app, &session.claims).await?, further: Map::new() },
            };
            if authenticator.revoked.is_some() {
                let record = known.record.as_mut().map(Payload::value).transpose()?;
                authenticator.check_revoked(&session.claims, record)?;
            }
            Ok(known)
        };
        known_still.await.inspect_err(|error: &Error| {
            // Whoever is not known any more hears no more either.
            if let Some(connection) = connection.filter(|_| error.kind() == ErrorKind::NotAuthenticated) {
                authenticator.sessions.force_out(app, connection, Some(session));
            }
        })
    }
}

/// What is known of who calls over a connection that is logged in.
struct Known {
    record: Option<Payload>,
    /// What else the strategy says.
    further: Map<String, Value>,
}
