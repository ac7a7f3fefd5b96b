//! Who may come in: the part of authentication that service, hooks and connections share.

use super::entity::{EntityDirectory, no_id};
use super::session::{LoginUnderWay, Session, SessionRegistry};
use super::strategy::{Attempt, CountedAttempt, Identity, StrategySet};
use super::token::{Claims, TokenIssuer};
use crate::app::App;
use crate::locked;
use crate::realtime::Connection;
use crate::service::Params;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex};
use wingbeat_core::{Error, ErrorKind, Id, IdArg, Result};

pub(super) type Revoked = Box<dyn Fn(&Value, Option<&Value>) -> bool + Send + Sync>;

/// One authentication service.
pub(super) struct Authenticator {
    pub(super) tokens: TokenIssuer,
    pub(super) entities: EntityDirectory,
    pub(super) strategies: StrategySet,
    pub(super) sessions: Arc<SessionRegistry>,
    pub(super) revoked: Option<Revoked>,
}

/// What the strategies of a login have counted. It is forgiven when the whole of the login has succeeded: hooks around it
/// may ask for more than the password.
#[derive(Default)]
pub(super) struct CountedAttempts(pub(super) Mutex<Vec<CountedAttempt>>);

impl Authenticator {
    /// Runs the strategy that `authentication` names, if it is among those that are allowed.
    pub(super) async fn authenticate(
        &self,
        app: &App,
        authentication: &Value,
        params: &Params,
        allowed: &[Box<str>],
    ) -> Result<(Box<str>, Identity)> {
        let wrong = |why: &str| Error::not_authenticated(format!("Invalid authentication information ({why})"));
        let is_unset = |name: &&Value| match name {
            Value::Null | Value::Bool(false) => true,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(name) => name.is_empty(),
            _ => false,
        };
        let data = authentication.as_object();
        let named = data.and_then(|data| Some((data, data.get("strategy").filter(|name| !is_unset(name))?)));
        let (data, name) = named.ok_or_else(|| wrong("no `strategy` set"))?;
        let name = name.as_str().filter(|name| allowed.iter().any(|allowed| **allowed == **name));
        let strategy = name.and_then(|name| Some((name, self.strategies.get(name)?)));
        let (name, strategy) = strategy.ok_or_else(|| wrong("strategy not allowed in authStrategies"))?;
        let attempts = self.strategies.attempts.as_ref();
        let attempt = Attempt::new(&self.tokens, &self.entities, attempts, app, params);
        let identity = strategy.authenticate(data, &attempt).await?;
        match params.extension::<CountedAttempts>() {
            Some(counted) => locked(&counted.0).extend(attempt.counted()),
            None => self.strategies.forgive(attempt.counted()),
        }
        if let Some((_, claims)) = &identity.token {
            self.check_revoked(claims, identity.entity.as_ref())?;
        }
        Ok((name.into(), identity))
    }

    pub(super) fn check_revoked(&self, claims: &Claims, entity: Option<&Value>) -> Result<()> {
        match &self.revoked {
            Some(revoked) if revoked(&Value::Object(claims.0.clone()), entity) => {
                Err(Error::not_authenticated("The access token has been revoked"))
            }
            _ => Ok(()),
        }
    }

    /// Logs in: the result of the service's `create`.
    pub(super) async fn login(&self, app: &App, data: &Value, params: &Params) -> Result<Value> {
        if self.strategies.allowed.is_empty() {
            let text = "No authentication strategies allowed for creating a JWT (`authStrategies`)";
            return Err(Error::not_authenticated(text));
        }
        let (strategy, identity) = self.authenticate(app, data, params, &self.strategies.allowed).await?;
        self.result(app, &strategy, identity, params).await
    }

    /// Says who is about to log out: the result of the service's `remove`.
    pub(super) async fn leave(&self, app: &App, id: &IdArg, params: &Params) -> Result<Value> {
        let authentication = params.get("authentication");
        let token = authentication.as_ref().and_then(|authentication| authentication.get("accessToken")?.as_str());
        if *id != IdArg::Null {
            let text = if authentication.is_none() { "Not authenticated" } else { "Invalid access token" };
            if token.is_none() || token != id.id().and_then(Id::as_str) {
                return Err(Error::not_authenticated(text));
            }
        }
        let (connection, session) = (params.connection.as_ref(), self.sessions.of_call(params));
        let remembered = session.as_ref().and_then(|session| session.remembered.as_ref());
        let asked = remembered.or(authentication.as_ref()).unwrap_or(&Value::Null);
        match self.authenticate(app, asked, params, &self.strategies.allowed).await {
            Ok((strategy, mut identity)) => {
                let known = session.map(|session| (session.token.clone(), session.claims.clone()));
                identity.token = identity.token.or(known);
                self.result(app, &strategy, identity, params).await
            }
            Err(error) => {
                // Expired, revoked, without a user: an error for the client, and no reason to stay logged in.
                let ended = connection.zip(session).filter(|_| error.kind() == ErrorKind::NotAuthenticated);
                if let Some((connection, session)) = ended {
                    self.sessions.force_out(app, connection, Some(&session));
                }
                Err(error)
            }
        }
    }

    /// Makes this the session of the connection, as [`SessionRegistry::begin`]. Who is known to another service is somebody
    /// else, who is logged out first.
    pub(super) fn begin(
        &self,
        app: &App,
        connection: &Connection,
        session: &Arc<Session>,
        record: Option<Value>,
        login: &LoginUnderWay,
        joins: &[Box<str>],
    ) -> Result<()> {
        for other in app.guards_of::<Authenticator>().iter().filter(|other| other.sessions.id != self.sessions.id) {
            other.sessions.force_out(app, connection, None);
        }
        self.sessions.begin(app, connection, session, record, login, joins)
    }

    async fn result(&self, app: &App, strategy: &str, identity: Identity, params: &Params) -> Result<Value> {
        let mut authentication = Map::new();
        authentication.insert("strategy".into(), strategy.into());
        let (token, claims) = match identity.token {
            Some((token, claims)) => {
                authentication.insert("accessToken".into(), token.clone().into());
                (token, claims)
            }
            None => self.issue(identity.entity.as_ref(), params)?,
        };
        authentication.insert("payload".into(), Value::Object(claims.0));
        let mut result = Map::new();
        result.insert("accessToken".into(), token.into());
        result.insert("authentication".into(), Value::Object(authentication));
        result.extend(identity.further);
        if let Some((entity, record)) = self.entities.entity().zip(identity.entity) {
            let record = if params.is_internal() { record } else { self.entities.shown(app, &record, params).await? };
            result.insert((*entity.name).to_owned(), record);
        }
        Ok(Value::Object(result))
    }

    fn issue(&self, record: Option<&Value>, params: &Params) -> Result<(String, Claims)> {
        let subject = match self.entities.entity().zip(record) {
            Some((entity, record)) => Some(entity.id(record).ok_or_else(|| no_id(entity))?.to_string()),
            None => None,
        };
        let further = match params.get("payload") {
            Some(Value::Object(further)) => further,
            _ => Map::new(),
        };
        self.tokens.issue(further, subject)
    }
}
