//! Hooks that most applications need.

use super::{Context, Hook};
use crate::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::future::ready;
use wingbeat_core::{Error, Payload, Result};

/// Reads the data as a `T`, or a list of it, and goes on with what `T` writes: unknown members are gone, missing ones
/// have their defaults, and what does not fit is a BadRequest.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use wingbeat::{Mount, hooks::parse, prelude::*, store::Memory};
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
}

impl Protect {
    fn hide(&self, context: &mut Context) -> Result<()> {
        let Some(shown) = context.dispatch.as_ref().or(context.result.as_ref()) else { return Ok(()) };
        let mut shown = shown.to_value()?;
        let page = context.method() == &wingbeat_core::Method::Find;
        match shown.get_mut("data").filter(|data| page && data.is_array()) {
            Some(data) => self.strip(data),
            None => self.strip(&mut shown),
        }
        context.dispatch = Some(shown.into());
        Ok(())
    }

    fn strip(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.strip(item)),
            Value::Object(item) => item.retain(|key, _| !self.0.iter().any(|field| **field == **key)),
            _ => {}
        }
    }
}

/// Hides fields from clients and channels; hooks and internal calls still see them. To be used as an after hook.
pub fn protect<F: Into<Box<str>>>(fields: impl IntoIterator<Item = F>) -> impl Hook {
    Protect(fields.into_iter().map(Into::into).collect())
}
