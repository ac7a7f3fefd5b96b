//! `vault`: one field never leaves the server.

use serde_json::{Value, json};
use wingbeat::prelude::*;
use wingbeat::schema::{Resolver, resolve_external};

pub(crate) fn mount() -> Mount {
    Mount::new(Vault).around(All, resolve_external(Resolver::new().hide(["secret"])))
}

struct Vault;

impl RawService for Vault {
    fn methods(&self) -> Vec<Method> {
        vec![Find, Create, Patch]
    }

    async fn find(&self, _params: &Params) -> Result<Payload> {
        let record = json!({"id": 1, "secret": "s", "open": "o"});
        Ok(json!({"total": 1, "limit": 10, "skip": 0, "data": [record]}).into())
    }

    async fn create(&self, data: Option<Payload>, _params: &Params) -> Result<Payload> {
        let data = data.unwrap_or(Payload::NULL).into_value()?;
        let with_id = |(id, record): (usize, Value)| {
            let mut all = json!({ "id": id });
            if let (Some(all), Value::Object(record)) = (all.as_object_mut(), record) {
                all.extend(record);
            }
            all
        };
        Ok(match data {
            Value::Array(records) => (1..).zip(records).map(with_id).collect::<Value>(),
            record => with_id((1, record)),
        }
        .into())
    }

    async fn patch(&self, _id: IdArg, _data: Option<Payload>, _params: &Params) -> Result<Payload> {
        Ok(json!([{"id": 1, "secret": "s", "open": "o"}, {"id": 2, "secret": "t", "open": "p"}]).into())
    }
}
