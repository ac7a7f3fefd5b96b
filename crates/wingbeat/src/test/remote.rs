//! A service as clients see it.

use super::Client;
use crate::realtime::Connection;
use crate::service::{
    Params,
    invocation::{Arguments, Caller, Invocation},
};
use serde_json::{Value, json};
use wingbeat_core::{Error, Id, IdArg, Method, Payload, Result};

/// A service as a client sees it; [`Client::service`] makes one. Every call fails with the error that the client would receive.
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

/// What a client asks for by positional arguments, as sockets send them: the path, then id and data as the method has
/// them, then the query.
pub(super) fn invocation<'a>(
    connection: &'a Connection,
    method: &'a str,
    positional: &'a [Value],
) -> Result<Invocation<'a>> {
    let path = positional.first().and_then(Value::as_str).ok_or_else(|| Error::not_found("Invalid service path"))?;
    let arguments = arguments(Method::named(method), &positional[1..]);
    Ok(Invocation::new(path, method, Caller::Connection(connection), arguments))
}

fn arguments(method: Method, positional: &[Value]) -> Result<Arguments> {
    if positional.len() > method.query_position() + 1 {
        return Err(Error::bad_request(format!("Too many arguments for '{method}' method")));
    }
    let mut rest = positional.iter();
    let id = match method.takes_id().then(|| rest.next()).flatten() {
        None => IdArg::Absent,
        Some(Value::Null) => IdArg::Null,
        Some(id) => match Id::from_value(id) {
            Some(id) => IdArg::Id(id),
            None => return Err(Error::bad_request("Invalid id: it must be text, a number or null")),
        },
    };
    // As text, which is what a client sends.
    let data = method.takes_data().then(|| rest.next()).flatten().map(Payload::new).transpose()?;
    let params = Params::new().with_query(rest.next().cloned().unwrap_or_default())?;
    Ok(Arguments { id, data, params })
}
