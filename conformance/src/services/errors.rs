//! `errors`: fails in every way there is.

use super::identified;
use serde_json::json;
use wingbeat::ErrorKind;
use wingbeat::prelude::*;

pub(crate) struct Errors;

impl RawService for Errors {
    fn methods(&self) -> Vec<Method> {
        vec![Find, Get]
    }

    async fn find(&self, _params: &Params) -> Result<Payload> {
        Err(Error::not_implemented("no listing"))
    }

    async fn get(&self, id: IdArg, _params: &Params) -> Result<Payload> {
        let Some(id) = id.id() else { return Ok(fine(id)) };
        if let Some(kind) = id.as_i64().and_then(|code| ErrorKind::from_code(code.try_into().ok()?)) {
            return Err(Error::new(kind, format!("error {id}")));
        }
        Err(match id.as_str().unwrap_or_default() {
            "plain" => foreign("plain error"),
            "typeerror" => foreign("type error"),
            "withcode" => foreign("has code"),
            "named" => foreign("has name"),
            "string" => foreign("just a string"),
            "number" => foreign("42"),
            "object" => foreign("an object"),
            "hook" => foreign("with hook"),
            "getter" => foreign("custom json"),
            "data" => Error::bad_request("with data").with_data(json!({"field": "text", "n": 1})),
            "errors" => Error::bad_request("with errors")
                .with_data(json!({"note": "kept"}))
                .with_errors(json!({"text": "is required"})),
            "arraydata" => Error::bad_request("with array").with_data(json!([{"a": 1}, {"b": 2}])),
            "objmsg" => {
                Error::bad_request("from object").with_data(json!({"hint": "h"})).with_errors(json!([{"path": "x"}]))
            }
            "nomsg" => Error::not_found("Error"),
            "nulldata" => Error::conflict("null data").with_data(json!({"a": null})),
            "nested" => Error::general("inner").with_data(json!({})),
            "validation" => Error::unprocessable("validation failed")
                .with_data(json!({}))
                .with_errors(json!([{"instancePath": "/text", "keyword": "type", "message": "must be string"}])),
            _ => return Ok(fine(id.clone().into())),
        })
    }
}

fn fine(id: IdArg) -> Payload {
    let mut answer = identified(id);
    answer["ok"] = json!(true);
    answer.into()
}

/// An error that is none of Feathers' own.
fn foreign(text: &'static str) -> Error {
    std::io::Error::other(text).into()
}
