//! Resolvers: what becomes of the fields of a record.

use super::field::{Field, Scope};
use super::function::Said;
use super::original::Original;
use super::step::{Action, Step, compute};
use super::text::{Changes, ResultText};
use super::together::{at_once, together};
use crate::BoxFuture;
use crate::service::ClientRules;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::future::ready;
use std::sync::Arc;
use std::task::Poll;
use wingbeat_core::{Error, RawJson, Result, json};
use wingbeat_protocol::LogThrottle;

/// What becomes of the fields of a record: asynchronous functions by field.
///
/// The functions of one record run at the same time and see it as it was before. A field whose function says `None` is
/// dropped. Values that are not objects stay as they are.
///
/// Register it with [`resolve_data`](super::resolve_data), [`resolve_query`](super::resolve_query),
/// [`resolve_result`](super::resolve_result) or [`resolve_external`](super::resolve_external).
///
/// ```
/// use serde_json::json;
/// use wingbeat::{prelude::*, schema::{Resolver, resolve_external, resolve_result}, store::Memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let users = Memory::new().records([json!({"id": 1, "name": "Ann", "password": "…"})]);
/// let messages = Memory::new().records([json!({"id": 1, "text": "Hello", "userId": 1})]);
/// let author = Resolver::new().derived("author", ["userId"], |field| async move {
///     field.service("users").get(field.get_as::<i64>("userId")?, Params::new()).await?.into_value().map(Some)
/// });
/// let public = Resolver::new().hide(["password"]);
///
/// let app = App::builder()
///     .mount("users", Mount::new(users).around(All, resolve_external(public.clone())))
///     .mount(
///         "messages",
///         Mount::new(messages)
///             .around(All, resolve_external(Resolver::new().nested("author", public)))
///             .around(All, resolve_result(author)),
///     )
///     .build()?;
/// // Inside, everything is there; clients do not see the password.
/// let message = app.service("messages").get(1, Params::new()).await?.into_value()?;
/// assert_eq!(message["author"]["password"], "…");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "register it with one of the `resolve_…` hooks"]
pub struct Resolver {
    wholes: Vec<Arc<Whole>>,
    steps: Vec<Step>,
    /// What clients may ask for although a function stands between it and them.
    queryable: Vec<Box<str>>,
}

/// Fields of many records fail alike.
static UNRESOLVED: LogThrottle = LogThrottle::new();

type Whole = dyn Fn(Value, Scope) -> BoxFuture<'static, Result<Value>> + Send + Sync;

impl Resolver {
    /// A resolver that changes nothing.
    pub fn new() -> Resolver {
        Resolver::default()
    }

    /// Sets a field to what the function says; `None` drops it. A second function for a field replaces the first.
    ///
    /// In a result, clients see what the function says and not what is stored: so they cannot ask for that either, unless
    /// it is [`queryable`](Resolver::queryable).
    pub fn field<V, F, Fut>(self, name: &str, function: F) -> Resolver
    where
        V: Serialize,
        F: Fn(Field) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<V>>> + Send + 'static,
    {
        self.step(name, None, compute(function))
    }

    /// Adds a field that is not stored but made from others. Where a client asks for it by `$select`, the service is
    /// asked for these instead.
    pub fn derived<V, F, Fut, const N: usize>(self, name: &str, from: [&str; N], function: F) -> Resolver
    where
        V: Serialize,
        F: Fn(Field) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<V>>> + Send + 'static,
    {
        self.step(name, Some(from.iter().map(|&name| name.into()).collect()), compute(function))
    }

    /// Drops fields. In a result, clients cannot ask for them either: a query that selects such a field, sorts by it or
    /// matches it is a BadRequest.
    pub fn hide<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Resolver {
        names.into_iter().fold(self, |resolver, name| resolver.step(name, None, Action::Hide))
    }

    /// Resolves the record, or the records, in a field with a resolver of their own.
    pub fn nested(self, name: &str, resolver: Resolver) -> Resolver {
        self.step(name, None, Action::Nested(resolver))
    }

    /// Replaces the whole record, before its fields are resolved. What does not fit the type `T` is a BadRequest in data and
    /// queries, and a general error in a result.
    ///
    /// Which fields clients still see of a result is unknown, so they match and sort by the
    /// [`queryable`](Resolver::queryable) ones only.
    pub fn record<T, U, F, Fut>(mut self, function: F) -> Resolver
    where
        T: DeserializeOwned,
        U: Serialize,
        F: Fn(T, Scope) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<U>> + Send + 'static,
    {
        self.wholes.push(Arc::new(move |record, scope| match json::read_value::<T>(&record) {
            Ok(record) => {
                let running = function(record, scope);
                Box::pin(async move { Ok(serde_json::to_value(running.await?)?) })
            }
            Err(error) => Box::pin(ready(Err(scope.unfit("data", &error)))),
        }));
        self
    }

    /// Lets clients match and sort by these fields as they are stored, although a function of
    /// [`field`](Resolver::field) or [`record`](Resolver::record) decides what they see of them.
    pub fn queryable<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Resolver {
        self.queryable.extend(names.into_iter().map(Box::from));
        self
    }

    /// What clients cannot ask for because they are not shown it.
    pub(super) fn rules(&self) -> ClientRules {
        let is_queryable = |step: &Step| self.queryable.iter().any(|name| **name == *step.name);
        let of_step = |step: &Step| match &step.action {
            Action::Hide => ClientRules::new().hide([&step.name]),
            Action::Nested(resolver) => resolver.rules().nested(&step.name),
            // A derived field is not stored.
            Action::Compute(_) if step.needs.is_some() || is_queryable(step) => ClientRules::new(),
            Action::Compute(_) => ClientRules::new().alter([&step.name]),
        };
        let rules = self.steps.iter().map(of_step).fold(ClientRules::new(), ClientRules::and);
        match self.wholes.is_empty() {
            true => rules,
            // Which fields of the record are left is unknown.
            false => rules.queryable(&self.queryable).sortable(&self.queryable),
        }
    }

    fn step(mut self, name: &str, needs: Option<Arc<[Box<str>]>>, action: Action) -> Resolver {
        self.steps.retain(|step| *step.name != *name);
        self.steps.push(Step { name: name.into(), needs, action });
        self
    }

    /// The derived fields, each with those it is made from.
    pub(super) fn derivations(&self) -> impl Iterator<Item = (&str, &[Box<str>])> {
        self.steps.iter().filter_map(|step| Some((&*step.name, step.needs.as_deref()?)))
    }

    /// Whether it looks at fields alone, so that records may stay text.
    pub(super) fn takes_text(&self) -> bool {
        self.wholes.is_empty() && !self.steps.iter().any(|step| matches!(step.action, Action::Nested(_)))
    }

    /// Resolves one record. `select` are the fields that the client asks for, if not all.
    pub(super) async fn resolve(&self, mut record: Value, scope: &Scope, select: Option<&[String]>) -> Result<Value> {
        for whole in &self.wholes {
            record = whole(record, scope.clone()).await?;
        }
        let Value::Object(record) = record else { return Ok(record) };
        let record = Original::from(record);
        let running = self.wanted(&record, select).map(|step| step.run(&record, scope)).collect();
        let mut changes = Changes::new();
        changed(self.wanted(&record, select), &mut together(running).await, &mut changes)?;
        let mut resolved = record.into_members();
        for (name, value) in changes {
            match value {
                Some(value) => drop(resolved.insert(name.into(), value)),
                None => drop(resolved.shift_remove(name)),
            }
        }
        Ok(Value::Object(resolved))
    }

    /// Resolves a record, or each of a list.
    pub(super) async fn resolve_all(&self, value: Value, scope: &Scope, select: Option<&[String]>) -> Result<Value> {
        match value {
            Value::Array(items) => {
                let running =
                    items.into_iter().map(|item| Box::pin(self.resolve(item, scope, select)) as BoxFuture<'_, _>);
                let running = running.collect();
                together(running).await.collect()
            }
            value => self.resolve(value, scope, select).await,
        }
    }

    /// The same for records that are text, without the fields `but`.
    pub(super) async fn resolve_text<'s>(
        &'s self,
        result: ResultText,
        scope: &Scope,
        select: Option<&[String]>,
        but: &[String],
    ) -> Result<RawJson> {
        let result = Arc::new(result);
        let of_record = |record| Original::Text(result.clone(), record);
        let mut values = at_once(result.len() * self.steps.len(), |cx, said| {
            let mut steps: Vec<_> = self.steps.iter().map(|step| (step, step.seat())).collect();
            for record in (0..result.len()).map(of_record) {
                for (step, seat) in &mut steps {
                    match seat {
                        _ if !step.is_wanted(&record, select) => {}
                        Some(seat) => match seat.poll(step.field(&record, scope), cx) {
                            Poll::Ready(value) => said.ready(value),
                            Poll::Pending => said.pending(seat.take()),
                        },
                        None => said.ready(Ok(None)),
                    }
                }
            }
        })
        .await;
        let changes_of =
            |record, to: &mut Changes<'s>| changed(self.wanted(&of_record(record), select), &mut values, to);
        result.write(changes_of, but)
    }

    /// What is to be done with a record.
    fn wanted<'s, 'r>(
        &'s self,
        record: &'r Original,
        select: Option<&'r [String]>,
    ) -> impl Iterator<Item = &'s Step> + use<'s, 'r> {
        self.steps.iter().filter(move |step| step.is_wanted(record, select))
    }
}

/// What the functions have said of one record, as changes of it.
fn changed<'s>(
    steps: impl Iterator<Item = &'s Step>,
    values: &mut impl Iterator<Item = Said>,
    changes: &mut Changes<'s>,
) -> Result<()> {
    let mut errors = None;
    // In this order: a value that has no step is the next record's.
    for (step, value) in steps.zip(values) {
        match value {
            Ok(value) => changes.push((&*step.name, value)),
            Err(error) => {
                if error.code() >= 500
                    && let Some(times) = UNRESOLVED.happened_as(&(&step.name, format!("{error:?}")))
                {
                    tracing::error!(?error, field = &*step.name, times, "a field could not be resolved");
                }
                errors.get_or_insert_with(Map::new).insert((*step.name).into(), RawJson::new(&error)?.to()?);
            }
        }
    }
    match errors {
        None => Ok(()),
        Some(errors) => Err(Error::bad_request("Error resolving data").with_data(errors)),
    }
}
