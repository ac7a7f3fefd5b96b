//! The records of those who log in.

use super::token::Claims;
use crate::app::App;
use crate::service::{
    Params,
    invocation::{Arguments, Caller, Invocation},
};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use wingbeat_core::{Error, ErrorKind, Id, IdArg, Payload, Result};

/// Where the records are.
#[derive(Clone, Debug)]
pub(super) struct Entity {
    /// What the record is called in results and params.
    pub(super) name: Arc<str>,
    /// The path of their service.
    pub(super) service: String,
    /// The field with their id.
    pub(super) id: String,
}

impl Entity {
    pub(super) fn id(&self, record: &Value) -> Option<Id> {
        record.get(&self.id).and_then(Id::from_value)
    }
}

/// Finds the records of users. Without an entity users have no records.
#[derive(Debug)]
pub(super) struct EntityDirectory(pub(super) Option<Entity>);

impl EntityDirectory {
    pub(super) fn entity(&self) -> Option<&Entity> {
        self.0.as_ref()
    }

    /// What the record is called in results and params.
    pub(super) fn name(&self) -> Option<&Arc<str>> {
        self.0.as_ref().map(|entity| &entity.name)
    }

    /// # Errors
    /// If there are no records.
    pub(super) fn required(&self) -> Result<&Entity> {
        self.entity().ok_or_else(|| Error::general("Missing entity: `no_entity` leaves no records to log in with"))
    }

    /// The record that a token is about; nothing if there are no records.
    pub(super) async fn of(&self, app: &App, claims: &Claims) -> Result<Option<Payload>> {
        if self.0.is_none() {
            return Ok(None);
        }
        match claims.subject() {
            Some(subject) => self.by_id(app, subject).await.map(Some),
            None => Err(Error::not_authenticated(format!("No record found for id '{}'", IdArg::Absent))),
        }
    }

    pub(super) async fn by_id(&self, app: &App, id: &str) -> Result<Payload> {
        let service = app.service(self.required()?.service.as_str());
        let found = service.get(id, Params::new()).await;
        found.map_err(|error| vanished(error, id))
    }

    pub(super) async fn find(&self, app: &App, field: &str, text: &str) -> Result<Option<Value>> {
        let params = Params::new().with_query(json!({field: text, "$limit": 1}))?;
        let found = app.service(self.required()?.service.as_str()).find(params).await?.into_value()?;
        let first = match found {
            Value::Array(list) => list.into_iter().next(),
            Value::Object(mut page) => match page.get_mut("data").map(Value::take) {
                Some(Value::Array(list)) => list.into_iter().next(),
                _ => None,
            },
            _ => None,
        };
        Ok(first)
    }

    /// The record as its own service shows it to the one who logs in. The query of the login has no say in it.
    pub(super) async fn shown(&self, app: &App, record: &Value, caller: &Params) -> Result<Value> {
        let entity = self.required()?;
        let id = entity.id(record).ok_or_else(|| no_id(entity))?;
        let mut params = Params::new();
        params.provider = caller.provider;
        params.connection = caller.connection.clone();
        if let Some(headers) = caller.headers().filter(|_| caller.connection.is_none()) {
            params = params.with_headers(headers.clone());
        }
        params.set("authenticated", true);
        params.set(&*entity.name, record.clone());
        let (service, text) = (app.service(entity.service.as_str()).dispatched(), id.to_string());
        service.get(id, params).await.map_err(|error| vanished(error, &text))?.into_value()
    }

    /// Changes a record without hooks and events, if it still is as a query says.
    pub(super) async fn patch_quietly(
        &self,
        app: &App,
        record: &Value,
        change: Map<String, Value>,
        unchanged: Value,
    ) -> Result<()> {
        let entity = self.required()?;
        let id = entity.id(record).ok_or_else(|| no_id(entity))?;
        let (data, params) = (Payload::from(Value::Object(change)), Params::new().with_query(unchanged)?);
        let arguments = Arguments { id: id.into(), data: Some(data), params };
        let call = Invocation::new(entity.service.as_str(), "patch", Caller::Internal, Ok(arguments));
        app.bare(call).await.map(drop)
    }
}

/// Whoever has no record any more is not authenticated; Feathers says NotFound.
fn vanished(error: Error, id: &str) -> Error {
    match error.kind() {
        ErrorKind::NotFound => Error::not_authenticated(format!("No record found for id '{id}'")),
        _ => error,
    }
}

pub(super) fn no_id(entity: &Entity) -> Error {
    Error::general(format!("The '{}' service has a record without '{}'", entity.service, entity.id))
}
