//! Services of which clients read and write only parts of the records.

use crate::BoxFuture;
use crate::app::Mount;
use crate::hooks::{All, Context, Hook, protect};
use crate::service::ClientRules;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::future::ready;
use std::marker::PhantomData;
use wingbeat_core::{Error, Method, Payload, Record, Result};

impl Mount {
    /// Says what the records of the service are, and so what clients read and write of them ([`Record`]):
    ///
    /// * Data of `create` is held to `R::Data`, data of `patch` to `R::Patch`: what does not fit, or has a field that
    ///   clients do not write, is a BadRequest that names the field. What clients leave out gets serde's default. Hooks and
    ///   the server's own calls may write `read_only` fields as well.
    /// * What is `write_only` is [hidden](crate::hooks::protect): no client sees it, or can ask for it.
    /// * [`App::describe`](crate::App::describe) knows the types, and data is held to their JSON Schemas first, where the
    ///   record says `#[record(schema)]`.
    /// * `update` is not for clients where records have fields that they do not write, besides the id: it replaces the whole
    ///   record, and these would be lost. (A typed service has its own `update`, which can keep them.)
    ///
    #[cfg_attr(feature = "derive", doc = "```")]
    #[cfg_attr(not(feature = "derive"), doc = "```ignore")]
    /// use serde::{Deserialize, Serialize};
    /// use serde_json::json;
    /// use wingbeat::{Record, hooks::sync, prelude::*, store::Memory, test::Client};
    ///
    /// #[derive(Serialize, Deserialize, Record)]
    /// #[serde(rename_all = "camelCase")]
    /// struct Message {
    ///     #[record(id)]
    ///     id: i64,
    ///     text: String,
    ///     #[serde(default)]
    ///     important: bool,
    ///     #[record(read_only)]
    ///     user_id: i64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// let sign = sync(|context| {
    ///     context.items_mut()?.into_iter().for_each(|item| drop(item.insert("userId".into(), 7.into())));
    ///     Ok(())
    /// });
    /// let messages = Mount::new(Memory::new().start(1)).record::<Message>().before(Create, sign);
    /// let app = App::builder().mount("messages", messages).build()?;
    /// let client = Client::connect(&app).await?;
    /// let messages = client.service("messages");
    ///
    /// let message = messages.create(json!({"text": "Hello"})).await?;
    /// assert_eq!(message, json!({"text": "Hello", "important": false, "userId": 7, "id": 1}));
    /// let error = messages.create(json!({"text": "Hello", "userId": 1})).await.unwrap_err();
    /// assert_eq!(error.message(), "Invalid data: 'userId' is written by the server alone");
    /// # Ok(())
    /// # }
    /// ```
    pub fn record<R: Record + 'static>(self) -> Mount {
        let writing = self.has(&[Method::Create, Method::Update, Method::Patch]);
        let lost = R::READ_ONLY.iter().find(|name| R::ID != Some(**name)).or(R::IMMUTABLE.first());
        let is_typed = self.is_typed();
        let mut mount = self.before(&*writing, Shapes::<R>::new(is_typed)).schemas(R::schemas());
        if !R::WRITE_ONLY.is_empty() {
            mount = mount.after(All, protect(R::WRITE_ONLY.iter().copied()));
        }
        match lost.filter(|_| !is_typed) {
            Some(field) => mount.lost_by_update(field),
            None => mount,
        }
    }
}

/// Holds data to the shapes of a record.
struct Shapes<R> {
    /// Whether the service reads the data itself.
    is_typed: bool,
    #[cfg(feature = "schema")]
    schemas: Schemas,
    record: PhantomData<fn() -> R>,
}

#[cfg(feature = "schema")]
struct Schemas {
    data: Option<super::Validate>,
    patch: Option<super::Validate>,
}

impl<R: Record> Shapes<R> {
    fn new(is_typed: bool) -> Shapes<R> {
        Shapes {
            is_typed,
            #[cfg(feature = "schema")]
            schemas: {
                let schemas = R::schemas();
                let validate = |schema: Option<Value>| schema.map(super::Validate::data);
                Schemas { data: validate(schemas.data), patch: validate(schemas.patch) }
            },
            record: PhantomData,
        }
    }

    fn hold(&self, context: &mut Context) -> Result<()> {
        let is_patch = *context.method() == Method::Patch;
        if context.data.as_ref().is_none_or(Payload::is_null) && is_patch {
            // Nothing to change: clients send null where there is no data.
            return Ok(());
        }
        let data = context.data.as_mut().ok_or_else(|| Error::bad_request("Data is required"))?;
        let read = if is_patch { rewritten::<R::Patch> } else { rewritten::<R::Data> };
        if !self.has_schemas()
            && let Ok(fits) = read(data)
        {
            if !self.is_typed {
                *data = fits;
            }
            return Ok(());
        }
        // What the server has written stands beside the shape. That a client wrote nothing of it was seen before.
        let servers =
            take(data.value_mut()?, |name| R::READ_ONLY.contains(&name) || is_patch && R::IMMUTABLE.contains(&name));
        self.validate(context, is_patch)?;
        let data = context.data.get_or_insert(Payload::NULL);
        let fits = read(data)?;
        if !self.is_typed {
            *data = fits;
        }
        give_back(data, servers)
    }

    #[cfg(feature = "schema")]
    fn has_schemas(&self) -> bool {
        self.schemas.data.is_some()
    }

    #[cfg(feature = "schema")]
    fn validate(&self, context: &mut Context, is_patch: bool) -> Result<()> {
        let schema = if is_patch { &self.schemas.patch } else { &self.schemas.data };
        schema.as_ref().map_or(Ok(()), |schema| schema.validate(context))
    }

    #[cfg(not(feature = "schema"))]
    fn has_schemas(&self) -> bool {
        false
    }

    #[cfg(not(feature = "schema"))]
    fn validate(&self, _: &mut Context, _: bool) -> Result<()> {
        Ok(())
    }
}

impl<R: Record + 'static> Hook for Shapes<R> {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(ready(self.hold(context)))
    }

    #[cfg(feature = "schema")]
    fn check(&self) -> Result<()> {
        [&self.schemas.data, &self.schemas.patch].into_iter().flatten().try_for_each(Hook::check)
    }

    fn rules(&self) -> ClientRules {
        ClientRules::new().read_only(R::READ_ONLY.iter().copied()).immutable(R::IMMUTABLE.iter().copied())
    }
}

/// What a type reads and writes of data, or of each element of a list.
fn rewritten<T: Serialize + DeserializeOwned>(data: &Payload) -> Result<Payload> {
    match data.is_array() {
        true => Payload::new(&data.to::<Vec<T>>()?),
        false => Payload::new(&data.to::<T>()?),
    }
}

/// Takes fields out of a record, or of each in a list.
fn take(data: &mut Value, is_taken: impl Fn(&str) -> bool) -> Vec<Map<String, Value>> {
    let take = |record: &mut Value| match record {
        Value::Object(members) => {
            let (taken, kept) = std::mem::take(members).into_iter().partition(|(name, _)| is_taken(name));
            *members = kept;
            taken
        }
        _ => Map::new(),
    };
    match data {
        Value::Array(items) => items.iter_mut().map(take).collect(),
        data => vec![take(data)],
    }
}

/// Puts back what was taken.
fn give_back(data: &mut Payload, taken: Vec<Map<String, Value>>) -> Result<()> {
    if taken.iter().all(Map::is_empty) {
        return Ok(());
    }
    let records = match data.value_mut()? {
        Value::Array(items) => items.as_mut_slice(),
        data => std::slice::from_mut(data),
    };
    for (record, taken) in records.iter_mut().filter_map(Value::as_object_mut).zip(taken) {
        record.extend(taken);
    }
    Ok(())
}
