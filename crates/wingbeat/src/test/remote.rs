//! A service as clients see it.

use super::Client;
use crate::app::{App, Arguments, Called};
use crate::realtime::Connection;
use serde_json::{Value, json};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;
use wingbeat_core::{RawJson, Result};

/// A service as a client sees it; [`Client::service`] makes one. Every call fails with what the client would be told.
#[derive(Clone, Debug)]
pub struct Remote<'a> {
    client: &'a Client,
    path: &'a str,
    query: Value,
}

impl<'a> Remote<'a> {
    pub(super) fn new(client: &'a Client, path: &'a str) -> Remote<'a> {
        Remote { client, path, query: json!({}) }
    }

    /// The same service, called with a query: `client.service("messages").query(json!({"$limit": 1})).find().await?`.
    #[must_use]
    pub fn query(mut self, query: Value) -> Remote<'a> {
        self.query = query;
        self
    }

    /// All records that the query selects.
    pub async fn find(&self) -> Result<Value> {
        self.emit("find", []).await
    }

    /// One record.
    pub async fn get(&self, id: impl Into<Value>) -> Result<Value> {
        self.emit("get", [id.into()]).await
    }

    /// A new record, or several.
    pub async fn create(&self, data: impl Into<Value>) -> Result<Value> {
        self.emit("create", [data.into()]).await
    }

    /// Replaces a record.
    pub async fn update(&self, id: impl Into<Value>, data: impl Into<Value>) -> Result<Value> {
        self.emit("update", [id.into(), data.into()]).await
    }

    /// Merges into a record; with null as id, into all that the query selects.
    pub async fn patch(&self, id: impl Into<Value>, data: impl Into<Value>) -> Result<Value> {
        self.emit("patch", [id.into(), data.into()]).await
    }

    /// Removes a record; with null as id, all that the query selects.
    pub async fn remove(&self, id: impl Into<Value>) -> Result<Value> {
        self.emit("remove", [id.into()]).await
    }

    /// Calls a custom method.
    pub async fn call(&self, method: &str, data: impl Into<Value>) -> Result<Value> {
        self.emit(method, [data.into()]).await
    }

    async fn emit<const N: usize>(&self, method: &str, own: [Value; N]) -> Result<Value> {
        let mut arguments = vec![Value::from(self.path)];
        arguments.extend(own);
        arguments.push(self.query.clone());
        self.client.emit(method, &arguments).await
    }
}

pub(super) async fn emit(
    app: &App,
    connection: &Connection,
    patience: Duration,
    method: &str,
    arguments: &[Value],
) -> Result<Value> {
    let texts = arguments.iter().map(RawJson::new).collect::<Result<Vec<_>>>()?;
    let texts = Texts(texts);
    let called = poll_fn(|cx| Poll::Ready(app.entrance().call(connection, method, &texts, patience, cx)));
    match called.await {
        Called::Ready(outcome) => outcome?.to(),
        Called::Running(call) => call.await?.to(),
    }
}

struct Texts(Vec<RawJson>);

impl Arguments for Texts {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn text(&self, at: usize) -> Option<&str> {
        std::str::from_utf8(self.0.get(at)?.as_bytes()).ok()
    }

    fn raw(&self, at: usize) -> Option<RawJson> {
        self.0.get(at).cloned()
    }

    fn has_bytes(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|text| !text.attachments().is_empty())
    }
}
