//! The hook `hash_password`.

use super::authenticator::Authenticator;
use super::passwords::Passwords;
use crate::BoxFuture;
use crate::hooks::{Context, Hook};
use serde_json::{Map, Value};
use wingbeat_core::{Error, Result};

/// Replaces a password in the data by its hash: a before hook for create, update and patch. Dots in the field lead into
/// nested objects; where there is no password, nothing happens.
///
/// ```
/// use wingbeat::{auth::hash_password, hooks::protect, prelude::*, store::Memory};
///
/// let users = Mount::new(Memory::new())
///     .before(Create, hash_password("password"))
///     .before(Patch, hash_password("password"))
///     .after(All, protect(["password"]));
/// ```
pub fn hash_password(field: &str) -> HashPassword {
    HashPassword { field: field.into(), strategy: "local".into(), service: None }
}

/// The hook that [`hash_password`] makes.
#[derive(Clone, Debug)]
pub struct HashPassword {
    field: Box<str>,
    strategy: Box<str>,
    service: Option<Box<str>>,
}

impl HashPassword {
    /// The strategy that hashes, if not `local`.
    #[must_use]
    pub fn strategy(mut self, name: &str) -> HashPassword {
        self.strategy = name.into();
        self
    }

    /// The path of the authentication service, where there are several; else the first that was mounted.
    #[must_use]
    pub fn service(mut self, path: &str) -> HashPassword {
        self.service = Some(path.into());
        self
    }

    async fn run(&self, context: &mut Context) -> Result<()> {
        if context.data.is_none() {
            return Ok(());
        }
        let app = super::service::running(context.services())?;
        let found = app.guard::<Authenticator>(self.service.as_deref()).and_then(|authenticator| {
            authenticator.strategies.get(&self.strategy).and_then(|strategy| strategy.passwords().cloned())
        });
        let passwords = found.ok_or_else(|| {
            Error::bad_request(format!("Could not find '{}' strategy to hash password", self.strategy))
        })?;
        for item in context.items_mut()? {
            self.hash(item, &passwords).await?;
        }
        Ok(())
    }

    async fn hash(&self, item: &mut Map<String, Value>, passwords: &Passwords) -> Result<()> {
        let mut keys = self.field.split('.');
        let first = keys.next().and_then(|key| item.get_mut(key));
        let found = keys.fold(first, |at, key| at.and_then(|at| at.get_mut(key)));
        match found {
            None => Ok(()),
            Some(Value::String(password)) => {
                *password = passwords.hash(std::mem::take(password)).await?;
                Ok(())
            }
            Some(_) => Err(Error::bad_request(format!("'{}' must be text", self.field))),
        }
    }
}

impl Hook for HashPassword {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.run(context))
    }
}
