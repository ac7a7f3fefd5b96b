//! `tools`: custom methods and a custom event. `own`: a service that sends its `created` itself.

use super::{identified, spread};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wingbeat::prelude::*;

pub(crate) fn mount() -> Mount {
    Mount::new(Tools)
        .events(["progress"])
        .method("reverse", reverse)
        .method("batch", async |batch: Batch, _: &Params| Ok(batch.items))
        .method("fail", async |_: Value, _: &Params| {
            Err::<(), _>(Error::bad_request("Tool failed").with_data(json!({"tool": "hammer"})))
        })
}

struct Tools;

impl RawService for Tools {
    fn methods(&self) -> Vec<Method> {
        vec![Find, Get, Create]
    }

    async fn find(&self, _params: &Params) -> Result<Payload> {
        Ok(json!(["hammer", "saw"]).into())
    }

    async fn get(&self, id: IdArg, _params: &Params) -> Result<Payload> {
        Ok(identified(id).into())
    }

    async fn create(&self, data: Option<Payload>, _params: &Params) -> Result<Payload> {
        let made = data.map(Payload::into_value).transpose()?;
        Ok(made.map_or_else(|| json!({}), |data| json!({ "made": data })).into())
    }
}

#[derive(Deserialize, Serialize)]
struct Text {
    text: String,
}

#[derive(Deserialize)]
struct Batch {
    items: Value,
}

async fn reverse(data: Text, params: &Params) -> Result<Text> {
    for step in 1..=2 {
        params.emit("progress", &json!({"step": step, "of": 2})).await?;
    }
    Ok(Text { text: data.text.chars().rev().collect() })
}

pub(crate) fn own() -> Mount {
    Mount::new(Own).events(["created"])
}

struct Own;

impl RawService for Own {
    fn methods(&self) -> Vec<Method> {
        vec![Create]
    }

    async fn create(&self, data: Option<Payload>, params: &Params) -> Result<Payload> {
        let data = data.unwrap_or(Payload::NULL).into_value()?;
        params.emit("created", &with("own", &data)).await?;
        Ok(with("returned", &data).into())
    }
}

/// `{[flag]: true, ...data}`
fn with(flag: &str, data: &Value) -> Value {
    let mut all = json!({ flag: true });
    spread(&mut all, data);
    all
}
