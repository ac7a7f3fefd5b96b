//! `specials`: odd values as results.

use super::identified;
use serde_json::{Value, json};
use wingbeat::RawJson;
use wingbeat::prelude::*;

pub(crate) struct Specials;

impl RawService for Specials {
    fn methods(&self) -> Vec<Method> {
        vec![Get]
    }

    async fn get(&self, id: IdArg, _params: &Params) -> Result<Payload> {
        let value: Value = match id.id().and_then(Id::as_str).unwrap_or_default() {
            "null" | "undefined" => Value::Null,
            "false" => json!(false),
            "zero" => json!(0),
            "empty" => json!(""),
            "string" => json!("str"),
            "array" => json!([]),
            // What has no JSON form is null, as JSON.stringify has it.
            "nan" => json!({"a": f64::NAN, "b": f64::INFINITY, "d": null, "e": 0}),
            "date" => json!({"at": "1970-01-01T00:00:00.000Z"}),
            // A lone surrogate is JSON, but no text in Rust: it travels as it is written.
            "unicode" => return Ok(RawJson::parse(r#"{"s":"h\u00e9 \u2028 \ud83d\ude00 \u0000 \ud800"}"#)?.into()),
            "bigint" => json!({"n": 1}),
            "num" => json!({"big": 9_007_199_254_740_992_u64, "f": 0.1, "e": 1e21, "small": 1e-7}),
            "tojson" => json!({"via": "toJSON"}),
            "map" => json!({"m": {}, "s": {}}),
            _ => identified(id),
        };
        Ok(value.into())
    }
}
