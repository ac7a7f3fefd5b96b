//! Records that belong to who has made them.

use super::{Context, Hook};
use crate::BoxFuture;
use serde_json::Value;
use std::future::ready;
use wingbeat_core::{Error, Method, Payload, Result};

/// Gives everybody only what is theirs: to be used as a before hook for all methods, behind
/// [`authenticate`](crate::auth::authenticate). `find`, `get`, `update`, `patch` and `remove` see only records whose
/// `field` has the caller's id, whatever the query says; all others do not exist for them. Records that are created are the
/// caller's, and nobody can give one away.
///
/// A client who is not logged in is refused (NotAuthenticated). What the server itself calls passes, unless it does so
/// [for a user](crate::Params::acting_as).
///
/// What clients hear of others' records is the publisher's business. `Memory` replaces a record when one with the same id
/// is created: let clients choose no ids there, by [`only`](super::only).
///
/// ```
/// use wingbeat::hooks::{only, owned_by};
/// use wingbeat::{auth::authenticate, prelude::*, store::Memory};
///
/// let notes = Mount::new(Memory::new())
///     .before(All, authenticate("jwt"))
///     .before([Create, Update, Patch], only(["text"]))
///     .before(All, owned_by("userId"));
/// ```
pub fn owned_by(field: &str) -> OwnedBy {
    OwnedBy { field: field.into(), id: "id".into() }
}

/// The hook that [`owned_by`] makes.
#[derive(Clone, Debug)]
pub struct OwnedBy {
    field: Box<str>,
    id: Box<str>,
}

impl OwnedBy {
    /// The field with the id in the caller's record (`"id"`).
    #[must_use]
    pub fn id(mut self, field: &str) -> OwnedBy {
        self.id = field.into();
        self
    }

    fn own(&self, context: &mut Context) -> Result<()> {
        let Some(owner) = of_caller(context, &self.id)? else { return Ok(()) };
        let is_patch = *context.method() == Method::Patch;
        let is_written = is_patch || matches!(context.method(), Method::Create | Method::Update);
        if *context.method() != Method::Create {
            context.params.query.set(&*self.field, owner.clone());
        }
        if !is_written || context.data.as_ref().is_none_or(Payload::is_null) {
            return Ok(());
        }
        for record in context.items_mut()? {
            if !is_patch || record.contains_key(&*self.field) {
                record.insert(self.field.to_string(), owner.clone());
            }
        }
        Ok(())
    }
}

impl Hook for OwnedBy {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(self.own(context)))
    }
}

struct Stamp {
    field: Box<str>,
    from: Box<str>,
}

/// Writes into a `field` of the data what the caller's record has in the field `from`, whatever a client says of it. To be
/// used as a before hook for `create`, behind [`authenticate`](crate::auth::authenticate); who is not logged in is refused.
/// What the server itself calls passes, unless it does so [for a user](crate::Params::acting_as).
///
/// ```
/// use wingbeat::{auth::authenticate, hooks::stamp, prelude::*, store::Memory};
///
/// let messages = Mount::new(Memory::new())
///     .before(All, authenticate("jwt"))
///     .before(Create, stamp("userId", "id"))
///     .before(Create, stamp("teamId", "teamId"));
/// ```
pub fn stamp(field: &str, from: &str) -> impl Hook {
    Stamp { field: field.into(), from: from.into() }
}

impl Stamp {
    fn stamp(&self, context: &mut Context) -> Result<()> {
        let Some(value) = of_caller(context, &self.from)? else { return Ok(()) };
        if context.data.as_ref().is_none_or(Payload::is_null) {
            return Ok(());
        }
        for record in context.items_mut()? {
            record.insert(self.field.to_string(), value.clone());
        }
        Ok(())
    }
}

impl Hook for Stamp {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(self.stamp(context)))
    }
}

/// A field of the caller's record. `None` if the server itself calls.
fn of_caller(context: &Context, field: &str) -> Result<Option<Value>> {
    match context.params.of_known_caller(field)? {
        Some(value) => match value {
            Some(value) if !value.is_null() => Ok(Some(value)),
            // With null, all callers without the field would own the same records.
            _ => Err(Error::general(format!("Missing '{field}' in the record of the caller"))),
        },
        None if context.params.is_internal() => Ok(None),
        None => Err(Error::not_authenticated("Not authenticated")),
    }
}
