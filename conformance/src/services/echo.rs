//! `echo`: every method says what it was called with.

use serde_json::{Value, json};
use wingbeat::prelude::*;

pub(crate) fn mount() -> Mount {
    Mount::new(Echo).raw_method("shout", async |data: Option<Payload>, params: &Params| {
        echo("shout", vec![argument(data)?], params)
    })
}

pub(crate) struct Echo;

impl RawService for Echo {
    fn methods(&self) -> Vec<Method> {
        Method::STANDARD.to_vec()
    }

    async fn find(&self, params: &Params) -> Result<Payload> {
        echo("find", vec![], params)
    }

    async fn get(&self, id: IdArg, params: &Params) -> Result<Payload> {
        echo("get", vec![identifier(id)], params)
    }

    async fn create(&self, data: Option<Payload>, params: &Params) -> Result<Payload> {
        echo("create", vec![argument(data)?], params)
    }

    async fn update(&self, id: IdArg, data: Option<Payload>, params: &Params) -> Result<Payload> {
        echo("update", vec![identifier(id), argument(data)?], params)
    }

    async fn patch(&self, id: IdArg, data: Option<Payload>, params: &Params) -> Result<Payload> {
        echo("patch", vec![identifier(id), argument(data)?], params)
    }

    async fn remove(&self, id: IdArg, params: &Params) -> Result<Payload> {
        echo("remove", vec![identifier(id)], params)
    }
}

/// An argument; `None` if it was left out.
type Argument = Option<Value>;

fn identifier(id: IdArg) -> Argument {
    (!id.is_absent()).then(|| id.into_id().map_or(Value::Null, Value::from))
}

fn argument(data: Option<Payload>) -> Result<Argument> {
    data.map(Payload::into_value).transpose()
}

fn echo(method: &str, args: Vec<Argument>, params: &Params) -> Result<Payload> {
    let types: Vec<_> = args.iter().map(javascript_type).collect();
    Ok(json!({
        "method": method,
        "args": args,
        "argTypes": types,
        "query": params.query.to_value(),
        "route": params.route.to_value(),
        "provider": params.provider.unwrap_or("none"),
        "connection": params.connection.is_some(),
        "keys": params.keys(),
    })
    .into())
}

fn javascript_type(argument: &Argument) -> &'static str {
    match argument {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}
