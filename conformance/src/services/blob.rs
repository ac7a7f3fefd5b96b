//! `blob`: bytes in and out.

use super::identified;
use serde_json::{Value, json};
use wingbeat::Binary;
use wingbeat::prelude::*;

pub(crate) struct Blob;

impl RawService for Blob {
    fn methods(&self) -> Vec<Method> {
        vec![Find, Get, Create]
    }

    async fn find(&self, _params: &Params) -> Result<Payload> {
        Payload::new(&Binary::from(vec![9, 8, 7]))
    }

    async fn get(&self, id: IdArg, _params: &Params) -> Result<Payload> {
        let (first, second) = (Binary::from(&b"a"[..]), Binary::from(&b"bc"[..]));
        let mut answer = identified(id);
        answer["parts"] = json!([first, {"x": second}]);
        Ok(answer.into())
    }

    async fn create(&self, data: Option<Payload>, _params: &Params) -> Result<Payload> {
        let mut data = data.unwrap_or(Payload::NULL).into_value()?;
        let buf = data.as_object_mut().and_then(|data| data.shift_remove("buf"));
        let bytes = buf.as_ref().and_then(Binary::from_value);
        let len = match (&bytes, &buf) {
            (Some(bytes), _) => Some(bytes.len()),
            (None, Some(Value::Array(items))) => Some(items.len()),
            (None, Some(Value::String(text))) => Some(text.encode_utf16().count()),
            _ => None,
        };
        let mut answer = json!({"isBuffer": bytes.is_some(), "len": len.map_or(json!(-1), Value::from)});
        if let Some(buf) = buf {
            answer["back"] = buf;
        }
        Ok(answer.into())
    }
}
