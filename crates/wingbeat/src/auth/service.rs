//! The authentication service: `create` logs in, `remove` logs out.

use super::authenticator::{Authenticator, CountedAttempts};
use super::session::{LoginUnderWay, Pending, Session};
use super::strategy::Jwt;
use crate::app::{App, ConnectionGuard, Login, Mount};
use crate::hooks::{Around, Context, Next};
use crate::realtime::{Connection, Headers};
use crate::service::{Params, RawService, Services};
use crate::{BoxFuture, locked};
use serde_json::{Value, json};
use std::sync::Arc;
use wingbeat_core::{Error, IdArg, Method, Payload, RawJson, Result};

pub(super) fn mount(authenticator: Authenticator) -> Mount {
    let authenticator = Arc::new(authenticator);
    // Around all hooks of the user: a login that one of them refuses does not count.
    Mount::new(Authentication(authenticator.clone()))
        .wrap(Method::Create, LoggedIn(authenticator.clone()))
        .wrap(Method::Remove, LoggedOut(authenticator.clone()))
        .guard(authenticator)
}

struct Authentication(Arc<Authenticator>);

impl RawService for Authentication {
    fn methods(&self) -> Vec<Method> {
        vec![Method::Create, Method::Remove]
    }

    async fn create(&self, data: Option<Payload>, params: &Params) -> Result<Payload> {
        let data = data.unwrap_or(Payload::NULL).into_value()?;
        let app = running(&params.services()?)?;
        Ok(self.0.login(&app, &data, params).await?.into())
    }

    async fn remove(&self, id: IdArg, params: &Params) -> Result<Payload> {
        let app = running(&params.services()?)?;
        Ok(self.0.leave(&app, &id, params).await?.into())
    }

    async fn teardown(&self, services: &Services, _path: &str) -> Result<()> {
        self.0.sessions.force_all_out(&running(services)?);
        Ok(())
    }
}

pub(super) fn running(services: &Services) -> Result<App> {
    App::of(services).ok_or_else(|| {
        Error::general(
            "This authentication service is not mounted: `App::builder().mount(\"authentication\", …)` does that",
        )
    })
}

/// The answer that a client is about to receive.
fn shown(context: &Context) -> Result<Value> {
    context.dispatch.as_ref().or(context.result.as_ref()).map_or(Ok(Value::Null), Payload::to_value)
}

struct LoggedIn(Arc<Authenticator>);

impl Around for LoggedIn {
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (login, data) = (self.0.sessions.logins.begin(), context.data.clone());
            context.set_event(None);
            context.params.set_extension(CountedAttempts::default());
            next.run(context).await?;
            if !context.params.is_internal() {
                self.login(context, login, data).await?;
            }
            if let Some(counted) = context.params.extension::<CountedAttempts>() {
                self.0.strategies.forgive(std::mem::take(&mut locked(&counted.0)));
            }
            Ok(())
        })
    }
}

impl LoggedIn {
    async fn login(&self, context: &Context, login: LoginUnderWay, data: Option<Payload>) -> Result<()> {
        let mut shown = shown(context)?;
        let Some(token) = shown.get("accessToken").and_then(Value::as_str).map(str::to_owned) else { return Ok(()) };
        // Hooks may have put another token there, so it is looked at once more.
        let claims = self.0.tokens.verify(&token)?;
        let (app, entity) = (running(context.services())?, self.0.entities.entity());
        let record = entity.and_then(|entity| shown.get_mut(&*entity.name).map(Value::take));
        let strategy = shown["authentication"]["strategy"].as_str().unwrap_or_default().to_owned();
        let asked = Login::new(context.params.connection.clone(), strategy, record.clone());
        app.ask_about(&asked).await?;
        let Some(connection) = &context.params.connection else { return login.check(claims.subject()) };
        let remembered = match data.filter(|_| entity.is_some() && claims.subject().is_none()) {
            Some(data) => Some(data.into_value()?),
            None => None,
        };
        let session = self.0.sessions.by_token(token, claims, remembered);
        // A client that logs in by its handshake is not there yet: see `connected`. Middleware already knows who it is.
        if context.params.extension::<Handshake>().is_some() {
            self.0.sessions.attach(connection, &session, record.clone());
            connection.mark(Pending { session, record, login, joins: asked.joins() });
            return Ok(());
        }
        self.0.begin(&app, connection, &session, record, &login, &asked.joins())
    }
}

struct LoggedOut(Arc<Authenticator>);

impl Around for LoggedOut {
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            context.set_event(None);
            // A login that was faster than this logout begins a session of its own, which stays.
            let session = self.0.sessions.of_call(&context.params).filter(|_| !context.params.is_internal());
            next.run(context).await?;
            if let Some((connection, session)) = context.params.connection.clone().zip(session) {
                self.0.sessions.force_out(&running(context.services())?, &connection, Some(&session));
            }
            Ok(())
        })
    }
}

impl Authenticator {
    /// Logs a connection in that is not there yet: it is from [`connected`](ConnectionGuard::connected) on.
    async fn handshake(&self, app: &App, connection: &Connection, authentication: Value) -> Result<()> {
        let Some(path) = self.sessions.service.get().cloned() else { return Ok(()) };
        let mut params = Params::new();
        params.provider = Some(connection.provider());
        params.connection = Some(connection.clone());
        params.set_extension(Handshake);
        app.service(&*path).create(authentication, params).await.map(drop)
    }

    /// The session that such a login has prepared here.
    fn pending(&self, connection: &Connection) -> Option<Arc<Session>> {
        let pending = connection.extension::<Pending>()?;
        self.sessions.is_of(&pending.session).then(|| pending.session.clone())
    }
}

/// Marks the login that a handshake asks for.
struct Handshake;

impl ConnectionGuard for Authenticator {
    fn check(&self, app: &App, path: &Arc<str>) -> Result<()> {
        if let Some(entity) = self.entities.entity().filter(|entity| !app.services().has(&entity.service)) {
            return Err(Error::general(format!("Can not find service '{}'", entity.service)));
        }
        if self.sessions.service.set(path.clone()).is_err() {
            return Err(Error::general(
                "This authentication service is mounted already: make another one with `Auth::new` for a second path",
            ));
        }
        Ok(())
    }

    fn connect(self: Arc<Authenticator>, app: App, connection: Connection) -> BoxFuture<'static, Result<()>> {
        let authentication = connection.headers().and_then(|headers| self.strategies.parse(headers));
        let Some(authentication) = authentication else { return Box::pin(std::future::ready(Ok(()))) };
        Box::pin(async move { self.handshake(&app, &connection, authentication).await })
    }

    fn authentication(&self, headers: &Headers) -> Option<Value> {
        self.strategies.parse(headers)
    }

    fn connected(self: Arc<Authenticator>, app: &App, connection: &Connection) {
        if let Some(pending) = connection.extension::<Pending>() {
            connection.unmark::<Pending>();
            let Pending { session, record, login, joins } = &*pending;
            if let Err(error) = self.begin(app, connection, session, record.clone(), login, joins) {
                tracing::debug!(
                    ?error,
                    ?connection,
                    "a login by the handshake was refused once the client was connected"
                );
                match connection.is_recovered() {
                    // It has the channels of who was logged in.
                    true => connection.disconnect(),
                    false => connection.end_with_login(),
                }
            }
        }
    }

    fn resume(
        self: Arc<Authenticator>,
        app: App,
        lost: Connection,
        connection: Connection,
    ) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let before = self.sessions.get(&lost);
            // The handshake may have logged it in, here or at another service: that is who it is then.
            let again = before.as_ref().filter(|_| connection.extension::<Pending>().is_none());
            if let Some(before) = again {
                let authentication = match &before.remembered {
                    Some(remembered) => remembered.clone(),
                    None => json!({"strategy": Jwt::NAME, "accessToken": before.token}),
                };
                self.handshake(&app, &connection, authentication).await?;
            }
            let now = self.pending(&connection);
            if before.as_deref().map(Session::whose) == now.as_deref().map(Session::whose) {
                return Ok(());
            }
            // What was not asked for by the client itself is taken back.
            if again.is_some() {
                connection.unmark::<Pending>();
                self.sessions.detach(&connection);
            }
            Err(Error::not_authenticated("The connection that was lost was somebody else's"))
        })
    }

    fn handed_over(&self, lost: &Connection) {
        self.sessions.hand_over(lost);
    }

    fn disconnected(&self, connection: &Connection) {
        self.sessions.end(connection, None);
    }

    fn order(&self, app: &App, name: &str, data: &RawJson) -> bool {
        super::forced::obey(app, name, data)
    }

    fn connections(&self) -> Vec<Connection> {
        self.sessions.connections()
    }
}
