//! Configuring the authentication service.

use super::authenticator::{Authenticator, Revoked};
use super::entity::{Entity, EntityDirectory};
use super::session::{Expiry, SessionRegistry};
use super::strategy::{Attempts, DynStrategy, Jwt, Strategy, StrategySet};
use super::token::{Key, TokenIssuer};
use super::{service, settings};
use crate::app::Mount;
use serde_json::Value;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::{Error, Result};

/// The authentication service, ready to be [mounted](crate::Builder::mount), by custom as `authentication`.
///
/// Unless told otherwise: records are called `user` and come from the service `users`; the strategy `jwt` and those that
/// are added may log in and read headers; tokens are for one day, by `feathers` for `https://yourdomain.com`; twenty
/// attempts on a name may fail in a minute from one address.
#[must_use = "mount it"]
pub struct Auth {
    pub(super) tokens: TokenIssuer,
    pub(super) entity: Option<Entity>,
    pub(super) strategies: Vec<(Box<str>, Arc<dyn DynStrategy>)>,
    pub(super) allowed: Option<Vec<Box<str>>>,
    pub(super) parsing: Option<Vec<Box<str>>>,
    attempts: Option<(NonZeroU32, Duration)>,
    revoked: Option<Revoked>,
    expiry: Expiry,
    /// The first thing that is wrong.
    wrong: Option<Error>,
}

/// Feathers' default audience, which means nothing.
const PLACEHOLDER: &str = "https://yourdomain.com";
/// How many attempts on a name may fail from one address, in which time.
const ATTEMPTS: (NonZeroU32, Duration) = (NonZeroU32::new(20).expect("it is not 0"), Duration::from_secs(60));

impl Auth {
    /// Tokens signed with a key.
    pub fn new(key: Key) -> Auth {
        let tokens = TokenIssuer {
            keys: vec![key],
            kind: "access".into(),
            audience: vec![PLACEHOLDER.into()],
            issuer: vec!["feathers".into()],
            expires_in: Some(Duration::from_secs(86_400)),
        };
        let entity = Entity { name: "user".into(), service: "users".into(), id: "id".into() };
        Auth {
            tokens,
            entity: Some(entity),
            strategies: Vec::new(),
            allowed: None,
            parsing: None,
            attempts: Some(ATTEMPTS),
            revoked: None,
            expiry: Expiry::default(),
            wrong: None,
        }
        .strategy(Jwt::new())
    }

    /// With the secret that is in a variable of the environment, for HS256.
    ///
    /// # Errors
    /// If the variable is missing, or the secret is too short.
    pub fn from_env(variable: &str) -> Result<Auth> {
        let missing = || Error::general(format!("Missing secret: set the environment variable {variable}"));
        Ok(Auth::new(Key::secret(&std::env::var(variable).map_err(|_| missing())?)?))
    }

    /// With the secret that is in a file, without the white space around it, for HS256.
    ///
    /// # Errors
    /// If the file cannot be read, or the secret is too short.
    pub fn from_file(file: impl AsRef<Path>) -> Result<Auth> {
        let file = file.as_ref();
        let unreadable =
            |error| Error::general(format!("Cannot read the secret from {}", file.display())).with_source(error);
        Ok(Auth::new(Key::secret(std::fs::read_to_string(file).map_err(unreadable)?.trim())?))
    }

    /// As Feathers has it in its configuration, under the key `authentication`: with the same keys and defaults.
    /// Strategies of your own are added with [`strategy`](Auth::strategy). What Feathers knows and is not done here
    /// (`oauth`, `local.hashSize`, some `jwtOptions`, parts for strategies of your own) is named by a warning.
    ///
    /// # Errors
    /// If something is missing or wrong, or unknown to Feathers as well.
    pub fn from_settings(settings: &Value) -> Result<Auth> {
        settings::read(settings)
    }

    /// Adds a strategy. One of the same name is replaced.
    pub fn strategy(mut self, strategy: impl Strategy) -> Auth {
        let name: Box<str> = strategy.name().into();
        if let Err(error) = strategy.check() {
            self.wrong.get_or_insert(error);
        }
        self.strategies.retain(|(other, _)| *other != name);
        self.strategies.push((name, Arc::new(strategy)));
        self
    }

    /// Which strategies may log in, if not all that were added: `authStrategies` in Feathers. With an empty list nobody can log in.
    pub fn auth_strategies<S: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = S>) -> Auth {
        self.allowed = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Which strategies look at the headers of handshakes and requests, in this order; without this those that may log
    /// in. `parseStrategies` in Feathers.
    pub fn parse_strategies<S: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = S>) -> Auth {
        self.parsing = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// What the record of whoever logs in is called in results and params, if not `user`.
    pub fn entity(self, name: &str) -> Auth {
        self.of_entity(|entity| entity.name = name.into())
    }

    /// The path of the service with the records, if not `users`.
    pub fn service(self, path: &str) -> Auth {
        self.of_entity(|entity| entity.service = path.into())
    }

    /// The field with the id of the records, if not `id`.
    pub fn entity_id(self, field: &str) -> Auth {
        self.of_entity(|entity| entity.id = field.into())
    }

    /// There are no records: whoever has a token is in. Feathers' `entity: null`.
    pub fn no_entity(mut self) -> Auth {
        self.entity = None;
        self
    }

    /// A further key that tokens may be signed with: the one before, while its tokens are still about, or the public key
    /// of another issuer. New tokens are signed with the first.
    pub fn accept(mut self, key: Key) -> Auth {
        self.tokens.keys.push(key);
        self
    }

    /// For whom the tokens are; one of several will do.
    pub fn audience<S: Into<String>>(mut self, audience: impl IntoIterator<Item = S>) -> Auth {
        self.tokens.audience = audience.into_iter().map(Into::into).collect();
        self
    }

    /// Who issues the tokens.
    pub fn issuer(mut self, issuer: &str) -> Auth {
        self.tokens.issuer = vec![issuer.into()];
        self
    }

    /// How long a token is valid, if not one day.
    pub fn expires_in(mut self, span: Duration) -> Auth {
        self.tokens.expires_in = Some(span);
        self
    }

    /// What happens to a connection when its token expires, if it is not to be disconnected.
    pub fn on_expiry(mut self, expiry: Expiry) -> Auth {
        self.expiry = expiry;
        self
    }

    /// How many attempts on a name may fail from one address in a span, if not twenty in a minute. One that is under way
    /// counts until it has succeeded, so there are never more at once either.
    pub fn attempts(mut self, count: NonZeroU32, span: Duration) -> Auth {
        self.attempts = Some((count, span));
        self
    }

    /// Attempts are not limited: something before the server does it.
    pub fn unlimited_attempts(mut self) -> Auth {
        self.attempts = None;
        self
    }

    /// Refuses tokens that are valid in themselves: asked with the payload of the token and the record, at logins and
    /// for every call. Must not block.
    ///
    /// ```
    /// use wingbeat::auth::{Auth, Key};
    ///
    /// # let secret = "s".repeat(32);
    /// // Tokens from before the last change of the password.
    /// let auth = Auth::new(Key::secret(&secret)?).revoked(|payload, user| {
    ///     let changed = user.and_then(|user| user["passwordChangedAt"].as_u64());
    ///     payload["iat"].as_u64() < changed
    /// });
    /// # Ok::<(), wingbeat::Error>(())
    /// ```
    pub fn revoked(mut self, is_revoked: impl Fn(&Value, Option<&Value>) -> bool + Send + Sync + 'static) -> Auth {
        self.revoked = Some(Box::new(is_revoked));
        self
    }

    fn of_entity(mut self, set: impl FnOnce(&mut Entity)) -> Auth {
        match &mut self.entity {
            Some(entity) => set(entity),
            None => {
                let wrong = "`no_entity` excludes `entity`, `service` and `entity_id`: without records there is nothing to name";
                self.wrong.get_or_insert(Error::general(wrong));
            }
        }
        self
    }

    fn finished(self) -> Result<Authenticator> {
        if let Some(error) = self.wrong {
            return Err(error);
        }
        if self.tokens.keys.first().is_none_or(|key| key.signing.is_none()) {
            return Err(Error::general(
                "The first key is a public key and cannot sign tokens: put a secret or a private key first",
            ));
        }
        let all = || self.strategies.iter().map(|(name, _)| name.clone()).collect();
        let allowed: Vec<Box<str>> = self.allowed.unwrap_or_else(all);
        let parsing = self.parsing.unwrap_or_else(|| allowed.clone());
        let is_known = |name: &str| self.strategies.iter().any(|(known, _)| **known == *name);
        if let Some(name) = allowed.iter().chain(&parsing).find(|name| !is_known(name)) {
            return Err(Error::general(format!("Unknown authentication strategy '{name}'")));
        }
        if self.tokens.audience.iter().any(|audience| audience == PLACEHOLDER) {
            tracing::warn!("the audience of tokens is the placeholder {PLACEHOLDER}: `Auth::audience` sets it");
        }
        let attempts = self.attempts.map(|(count, span)| Attempts::new(count, span)).transpose()?;
        let entities = EntityDirectory(self.entity);
        Ok(Authenticator {
            tokens: self.tokens,
            sessions: SessionRegistry::new(entities.name().cloned(), self.expiry),
            entities,
            strategies: StrategySet::new(self.strategies, allowed, parsing, attempts),
            revoked: self.revoked,
        })
    }
}

impl From<Auth> for Mount {
    /// What is wrong with the configuration comes to light when the application is built.
    fn from(auth: Auth) -> Mount {
        auth.finished().map_or_else(Mount::broken, service::mount)
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.strategies.iter().map(|(name, _)| name).collect();
        f.debug_struct("Auth").field("entity", &self.entity).field("strategies", &names).finish_non_exhaustive()
    }
}
