//! Data without fields that were not asked for.

use super::{Context, External, Hook, external};
use crate::BoxFuture;
use serde_json::{Map, Value};
use std::future::ready;
use wingbeat_core::{Payload, Result};

/// Takes all but these fields out of what clients send, without a word; a field inside another one is named with a dot,
/// `profile.name`. To be used as a before hook for `create`, `update` and `patch`. The server's own calls pass.
///
/// To refuse such data instead, validate it: with the feature `schema` that is `schema::validate_data`.
///
/// ```
/// use wingbeat::{hooks::only, prelude::*, store::Memory};
///
/// let users = Mount::new(Memory::new()).before([Create, Update, Patch], only(["name", "email"]));
/// ```
pub fn only<F: Into<Box<str>>>(fields: impl IntoIterator<Item = F>) -> External<Only> {
    external(Only(fields.into_iter().map(Into::into).collect()))
}

/// What [`only`] does.
#[derive(Clone, Debug)]
pub struct Only(Box<[Box<str>]>);

impl Hook for Only {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(self.keep(context)))
    }
}

impl Only {
    fn keep(&self, context: &mut Context) -> Result<()> {
        if context.data.as_ref().is_none_or(Payload::is_null) {
            return Ok(());
        }
        for record in context.items_mut()? {
            let mut kept = Map::new();
            self.0.iter().for_each(|field| keep(record, field, &mut kept));
            *record = kept;
        }
        Ok(())
    }
}

/// Copies a field, or a path of them. A field whose own name has a dot is one, too.
fn keep(from: &Map<String, Value>, path: &str, kept: &mut Map<String, Value>) {
    if let Some(value) = from.get(path) {
        kept.insert(path.to_owned(), value.clone());
    } else if let Some((field, inner)) = path.split_once('.')
        && let Some(Value::Object(from)) = from.get(field)
    {
        let mut within = match kept.get_mut(field) {
            Some(Value::Object(within)) => std::mem::take(within),
            Some(_) => return,
            None => Map::new(),
        };
        keep(from, inner, &mut within);
        kept.insert(field.to_owned(), Value::Object(within));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_keep_what_they_name_and_nothing_beside_it() {
        let from = json!({"a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": 4, "g.h": 5, "i": [1]});
        let mut kept = Map::new();
        for path in ["a.b.c", "a.e", "g.h", "f.x", "none", "i"] {
            keep(from.as_object().unwrap(), path, &mut kept);
        }
        assert_eq!(Value::from(kept), json!({"a": {"b": {"c": 1}, "e": 3}, "g.h": 5, "i": [1]}));
    }
}
