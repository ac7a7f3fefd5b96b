//! The strategy `local`: name and password.

use super::{Attempt, Identity, Strategy};
use crate::auth::hasher::{LONGEST, Verdict};
use crate::auth::passwords::Passwords;
use serde_json::{Map, Value, json};
use wingbeat_core::{Error, Result};
use wingbeat_protocol::LogThrottle;

/// The strategy `local`: by name and password, which a record of the entity service holds.
///
/// Both must be text. Passwords are hashed with argon2id; hashes by bcrypt, as Feathers makes them, are accepted and
/// replaced at the next login, unless [`Passwords::keep_bcrypt`] is asked for. A name that does not exist takes as long as a wrong password.
#[derive(Clone, Debug)]
pub struct Local {
    name: Box<str>,
    username: Box<str>,
    password: Box<str>,
    entity_username: Box<str>,
    entity_password: Box<str>,
    message: String,
    passwords: Passwords,
}

impl Local {
    /// The strategy, with the fields for name and password, for example `email` and `password`: in what clients send
    /// as in the records. Dots lead into nested objects.
    pub fn new(username: &str, password: &str) -> Local {
        Local {
            name: "local".into(),
            username: username.into(),
            password: password.into(),
            entity_username: username.into(),
            entity_password: password.into(),
            message: "Invalid login".into(),
            passwords: Passwords::new(),
        }
    }

    /// Another name than `local`.
    #[must_use]
    pub fn named(mut self, name: &str) -> Local {
        self.name = name.into();
        self
    }

    /// The fields in the records, if they have other names there.
    #[must_use]
    pub fn entity_fields(mut self, username: &str, password: &str) -> Local {
        (self.entity_username, self.entity_password) = (username.into(), password.into());
        self
    }

    /// The error of every login that fails.
    #[must_use]
    pub fn error_message(mut self, message: &str) -> Local {
        self.message = message.into();
        self
    }

    /// Other costs for hashing ([`Passwords::with_cost`]), or bcrypt ([`Passwords::keep_bcrypt`]).
    #[must_use]
    pub fn passwords(mut self, passwords: Passwords) -> Local {
        self.passwords = passwords;
        self
    }

    fn refused(&self) -> Error {
        Error::not_authenticated(self.message.clone())
    }
}

impl Strategy for Local {
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self) -> Result<()> {
        for (field, setting) in [(&self.username, "usernameField"), (&self.password, "passwordField")] {
            if field.is_empty() {
                let name = &self.name;
                return Err(Error::general(format!("'{name}' authentication strategy requires a '{setting}' setting")));
            }
        }
        Ok(())
    }

    async fn authenticate(&self, data: &Map<String, Value>, attempt: &Attempt<'_>) -> Result<Identity> {
        let field = |path: &str| text(data, path).filter(|text| !text.is_empty() && text.len() <= LONGEST);
        let (username, password) = field(&self.username).zip(field(&self.password)).ok_or_else(|| self.refused())?;
        attempt.limit(username)?;
        let entity = attempt.find_entity(&self.entity_username, username).await?;
        let stored = entity.as_ref().and_then(Value::as_object).and_then(|entity| text(entity, &self.entity_password));
        if entity.is_some() && stored.is_none() {
            static MISSING: LogThrottle = LogThrottle::new();
            if let Some(times) = MISSING.happened() {
                tracing::warn!(
                    field = &*self.entity_password,
                    times,
                    "a user's record has no password: check that no hook hides the field from the server's own calls"
                );
            }
        }
        // What is not compared was not a guess, and nothing is remembered of it.
        let permit = self.passwords.enter().await.inspect_err(|_| attempt.take_back())?;
        let verdict = self.passwords.compare(permit, password.to_owned(), stored.map(Into::into)).await?;
        let entity = entity.filter(|_| verdict != Verdict::Wrong).ok_or_else(|| self.refused())?;
        if verdict == Verdict::Outdated {
            self.upgrade(&entity, password, attempt).await;
        }
        Ok(Identity::of(entity))
    }

    fn passwords(&self) -> Option<&Passwords> {
        Some(&self.passwords)
    }
}

impl Local {
    /// Replaces an old hash by a new one, without hooks and events. The login succeeds even if this fails.
    async fn upgrade(&self, entity: &Value, password: &str, attempt: &Attempt<'_>) {
        let upgraded = async {
            let hash = self.passwords.hash(password.to_owned()).await?;
            let old = entity.as_object().and_then(|entity| text(entity, &self.entity_password));
            let mut change = Map::new();
            let (top, rest) = self.entity_password.split_once('.').unwrap_or((&self.entity_password, ""));
            let mut member = entity.get(top).cloned().unwrap_or_default();
            let place = rest.split('.').filter(|key| !key.is_empty()).try_fold(&mut member, |at, key| at.get_mut(key));
            *place.ok_or_else(|| Error::general("Missing field of the password in the record"))? = hash.into();
            change.insert(top.into(), member);
            // Only in place of the one that was compared: meanwhile the password may have been changed.
            let unchanged = json!({&*self.entity_password: old});
            attempt.entities.patch_quietly(attempt.app, entity, change, unchanged).await
        };
        static FAILED: LogThrottle = LogThrottle::new();
        if let Err(error) = upgraded.await
            && let Some(times) = FAILED.happened_as(&format!("{error:?}"))
        {
            tracing::warn!(?error, times, "an old password hash could not be replaced");
        }
    }
}

/// The text at a dotted path.
pub(in crate::auth) fn text<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a str> {
    let mut keys = path.split('.');
    let first = object.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.as_object()?.get(key))?.as_str()
}
