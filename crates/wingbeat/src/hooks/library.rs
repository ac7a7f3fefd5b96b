//! Hooks that most applications need.

use super::{Context, Hook};
use crate::BoxFuture;
use crate::service::ClientRules;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::future::ready;
use std::time::SystemTime;
use wingbeat_core::{Error, Payload, Result, iso_date};

/// Reads the data as a `T`, or a list of it, and goes on with what `T` writes: unknown members are gone, missing ones
/// have their defaults, and what does not fit is a BadRequest.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wingbeat::{hooks::parse, prelude::*, store::Memory};
///
/// #[derive(Serialize, Deserialize)]
/// struct NewMessage { text: String }
///
/// let messages = Mount::new(Memory::new()).before(Create, parse::<NewMessage>);
/// ```
///
/// # Errors
/// BadRequest if the data is missing or does not fit.
pub async fn parse<T: DeserializeOwned + Serialize + Send>(context: &mut Context) -> Result<()> {
    let data = context.data.as_ref().ok_or_else(|| Error::bad_request("Data is required"))?;
    let data = match data.is_array() {
        true => Payload::new(&data.to::<Vec<T>>()?)?,
        false => Payload::new(&data.to::<T>()?)?,
    };
    context.data = Some(data);
    Ok(())
}

struct Disallow(Box<[Box<str>]>);

impl Hook for Disallow {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        let provider = context.params.provider;
        let refused = self.0.is_empty()
            || self.0.iter().any(|kind| match &**kind {
                "external" => provider.is_some(),
                "server" => provider.is_none(),
                kind => provider == Some(kind),
            });
        let answer = || {
            let (method, by) = (context.method(), provider.unwrap_or("server"));
            Error::method_not_allowed(format!("Provider '{by}' can not call '{method}'"))
        };
        Box::pin(ready(if refused { Err(answer()) } else { Ok(()) }))
    }
}

/// Refuses callers: `"external"` (all transports), `"server"` (internal calls), or one transport by its name;
/// everyone if nothing is named.
pub fn disallow<K: Into<Box<str>>>(kinds: impl IntoIterator<Item = K>) -> impl Hook {
    Disallow(kinds.into_iter().map(Into::into).collect())
}

struct Protect(Box<[Box<str>]>);

impl Hook for Protect {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(self.hide(context)))
    }

    fn rules(&self) -> ClientRules {
        ClientRules::new().hide(&self.0)
    }
}

impl Protect {
    fn hide(&self, context: &mut Context) -> Result<()> {
        let Some(shown) = context.dispatch.as_ref().or(context.result.as_ref()) else { return Ok(()) };
        let mut shown = shown.to_value()?;
        let page = context.method() == &wingbeat_core::Method::Find;
        let records = match shown.get_mut("data") {
            Some(data) if page && data.is_array() => data,
            _ => &mut shown,
        };
        self.0.iter().for_each(|field| strip(records, field));
        context.dispatch = Some(shown.into());
        Ok(())
    }
}

/// Takes a field out of a record, or of each in a list. A name with a dot is one inside another field as well.
fn strip(value: &mut Value, field: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, field)),
        Value::Object(members) => {
            members.shift_remove(field);
            let inner = field.split_once('.');
            if let Some((inside, field)) = inner.and_then(|(name, field)| Some((members.get_mut(name)?, field))) {
                strip(inside, field);
            }
        }
        _ => {}
    }
}

/// Hides fields from clients and channels; hooks and internal calls still see them. To be used as an after hook. A field
/// inside another one is named with a dot, `profile.ssn`.
///
/// Clients cannot ask for what is hidden either: a query that selects such a field, sorts by it or matches it is a
/// BadRequest, in all methods of the service (see [`ClientRules`]). What hooks add to the query is the server's own.
pub fn protect<F: Into<Box<str>>>(fields: impl IntoIterator<Item = F>) -> impl Hook {
    Protect(fields.into_iter().map(Into::into).collect())
}

struct Stamp(Box<str>);

impl Hook for Stamp {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(self.stamp(context)))
    }
}

impl Stamp {
    fn stamp(&self, context: &mut Context) -> Result<()> {
        // A patch that changes nothing, or a method without data.
        if context.data.as_ref().is_none_or(Payload::is_null) {
            return Ok(());
        }
        let millis = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis();
        let now = i64::try_from(millis).ok().and_then(iso_date);
        for record in context.items_mut()? {
            record.insert(self.0.to_string(), now.clone().into());
        }
        Ok(())
    }
}

/// Writes when a record is made into a field, as the text that JavaScript's `toISOString` gives. To be used as a before hook
/// for `create`; what a client says of the field does not count.
///
/// ```
/// use wingbeat::hooks::{created_at, updated_at};
/// use wingbeat::{prelude::*, store::Memory};
///
/// let messages = Mount::new(Memory::new())
///     .before(Create, created_at("createdAt"))
///     .before([Create, Update, Patch], updated_at("updatedAt"));
/// ```
pub fn created_at(field: &str) -> impl Hook {
    Stamp(field.into())
}

/// Writes when a record is changed into a field, as [`created_at`] does. To be used as a before hook for `create`, `update`
/// and `patch`.
pub fn updated_at(field: &str) -> impl Hook {
    Stamp(field.into())
}
