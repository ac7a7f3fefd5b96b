//! Resolvers as hooks.

use super::field::Scope;
use super::resolver::Resolver;
use super::text::ResultText;
use crate::BoxFuture;
use crate::hooks::{Around, Context, Hook, Next};
use crate::javascript;
use crate::service::{ClientRules, Query};
use serde_json::Value;
use wingbeat_core::{Error, Method, Payload, Result};

/// Resolves the data, or each record of it, before the method. To be used as a before hook.
///
/// ```
/// use serde_json::json;
/// use wingbeat::{prelude::*, schema::{Resolver, resolve_data}, store::Memory};
///
/// let sign = Resolver::new()
///     .field("author", |field| async move { Ok(field.params().get("user")) })
///     .hide(["moderated"]);
/// let messages = Mount::new(Memory::new()).before([Create, Update, Patch], resolve_data(sign));
/// ```
pub fn resolve_data(resolver: Resolver) -> impl Hook {
    Data(resolver)
}

/// Resolves the query before the method, for example to limit it to the caller's own records. To be used as a before
/// hook.
pub fn resolve_query(resolver: Resolver) -> impl Hook {
    ForQuery(resolver)
}

/// Resolves the records of the result: one, a list, or those of a page. To be used as an around hook.
///
/// Under a `$select` only the fields that it names are resolved.
pub fn resolve_result(resolver: Resolver) -> impl Around {
    ForResult(resolver)
}

/// Resolves the records for clients and channels only; hooks and internal calls still see them as they are. To be used as
/// an around hook, outside of [`resolve_result`].
pub fn resolve_external(resolver: Resolver) -> impl Around {
    External(resolver)
}

struct Data(Resolver);

impl Hook for Data {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Some(data) = context.data.take() else { return Ok(()) };
            let resolved = self.0.resolve_all(data.into_value()?, &Scope::of(context), None).await?;
            context.data = Some(resolved.into());
            Ok(())
        })
    }
}

struct ForQuery(Resolver);

impl Hook for ForQuery {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let query = context.params.query.to_value();
            let resolved = self.0.resolve(query, &Scope::of(context), None).await?;
            context.params.query = Query::from_value(resolved)?;
            Ok(())
        })
    }
}

struct ForResult(Resolver);

impl Around for ForResult {
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let select = selected(context)?;
            // What is asked for only because a derived field is made from it.
            let mut extra: Vec<String> = Vec::new();
            if let Some(select) = &select {
                let has = |name: &str| select.iter().any(|selected| selected == name);
                let derived: Vec<_> = self.0.derivations().filter(|(name, _)| has(name)).collect();
                extra.extend(derived.iter().flat_map(|(_, needs)| needs.iter()).map(|name| (**name).to_owned()));
                extra.retain(|name| !has(name));
                let stored = select.iter().filter(|name| !derived.iter().any(|(derived, _)| **derived == **name));
                let asked: Vec<Value> = stored.chain(&extra).map(|name| name.as_str().into()).collect();
                context.params.query.set("$select", asked);
            }
            let outcome = next.run(context).await;
            if let Some(select) = &select {
                context.params.query.set("$select", select.clone());
            }
            outcome?;
            let Some(result) = context.result.take() else { return Ok(()) };
            context.result = Some(records(&self.0, result, context, select.as_deref(), &extra).await?);
            Ok(())
        })
    }

    fn rules(&self) -> ClientRules {
        self.0.rules()
    }
}

struct External(Resolver);

impl Around for External {
    fn call<'a>(&'a self, context: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            next.run(context).await?;
            let Some(shown) = context.dispatch.as_ref().or(context.result.as_ref()) else { return Ok(()) };
            let (shown, select) = (shown.clone(), selected(context)?);
            context.dispatch = Some(records(&self.0, shown, context, select.as_deref(), &[]).await?);
            Ok(())
        })
    }

    fn rules(&self) -> ClientRules {
        self.0.rules()
    }
}

/// Resolves the records of a result, without the fields `but`. What a store has written as text stays text, with other
/// members where the resolver has some.
async fn records(
    resolver: &Resolver,
    payload: Payload,
    context: &Context,
    select: Option<&[String]>,
    but: &[String],
) -> Result<Payload> {
    let (scope, is_find) = (Scope::of_result(context), context.method() == &Method::Find);
    let text = payload.as_raw().filter(|_| resolver.takes_text());
    if let Some(text) = text.and_then(|raw| ResultText::read(raw, is_find)) {
        return resolver.resolve_text(text, &scope, select, but).await.map(Payload::from);
    }
    let mut value = payload.into_value()?;
    match value.get_mut("data") {
        Some(data) if is_find && data.is_array() => {
            let page = data.take();
            value["data"] = resolver.resolve_all(page, &scope, select).await?;
        }
        _ => value = resolver.resolve_all(value, &scope, select).await?,
    }
    if !but.is_empty() {
        each(&mut value, is_find, &|record| {
            if let Value::Object(record) = record {
                record.retain(|name, _| !but.contains(name));
            }
        });
    }
    Ok(value.into())
}

fn each(value: &mut Value, is_find: bool, change: &dyn Fn(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(change),
        Value::Object(page) if is_find && page.get("data").is_some_and(Value::is_array) => {
            each(&mut page["data"], false, change);
        }
        record => change(record),
    }
}

/// The names that the client asks for, if not all.
fn selected(context: &Context) -> Result<Option<Vec<String>>> {
    match context.params.query.get("$select") {
        Some(Value::Array(names)) => Ok(Some(names.iter().map(javascript::text).collect())),
        Some(select) if !javascript::is_falsy(select) => {
            Err(Error::bad_request("Invalid $select: it must be a list of names"))
        }
        _ => Ok(None),
    }
}
