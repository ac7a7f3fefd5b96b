//! A call as it is written.

use super::io::emittable;
use crate::connection::Unsent;
use crate::error::{Error, Result};
use serde_json::{Map, Value};
use wingbeat_core::{Id, IdArg, Method, RawJson, json};
use wingbeat_protocol::packet::write_text;

/// The packet of a call: `["method","path",id?,data?,query]`
pub(super) fn encode(
    method: &Method,
    path: &str,
    id: &IdArg,
    data: Option<&RawJson>,
    query: Option<&Map<String, Value>>,
) -> Result<Unsent> {
    let mut packet = Vec::with_capacity(path.len() + data.map_or(0, |data| data.as_bytes().len()) + 48);
    let mut attachments = None;
    packet.push(b'[');
    match method {
        Method::Custom(name) => {
            emittable(name)?;
            write_text(&mut packet, name);
        }
        method => {
            packet.push(b'"');
            packet.extend_from_slice(method.as_str().as_bytes());
            packet.push(b'"');
        }
    }
    packet.push(b',');
    write_text(&mut packet, path);
    if method.takes_id() {
        packet.push(b',');
        match id {
            IdArg::Id(Id::Text(text)) if text.is_empty() => return Err(missing_id(method)),
            IdArg::Id(Id::Text(text)) => write_text(&mut packet, text),
            IdArg::Id(id) => json::write(&mut packet, id).map_err(Error::unwritable)?,
            IdArg::Null => packet.extend_from_slice(b"null"),
            IdArg::Absent => return Err(missing_id(method)),
        }
    }
    if method.takes_data() {
        packet.push(b',');
        packet.extend_from_slice(data.map_or(b"null", RawJson::as_bytes));
        attachments = data.filter(|data| !data.attachments().is_empty()).and_then(|data| data.clone().into_parts().1);
    }
    packet.push(b',');
    match query {
        Some(query) => json::write(&mut packet, query).map_err(Error::unwritable)?,
        None => packet.extend_from_slice(b"{}"),
    }
    packet.push(b']');
    Ok(Unsent { json: packet, attachments })
}

fn missing_id(method: &Method) -> Error {
    Error::invalid(format!("id for .{method} is required"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::DeliveryStatus;

    fn text(packet: Unsent) -> String {
        String::from_utf8(packet.json).unwrap()
    }

    #[test]
    fn every_method_has_its_arguments() {
        let id = IdArg::from(1);
        let data = RawJson::new(&serde_json::json!({})).unwrap();
        let of = |name| text(encode(&Method::named(name), "a\"b", &id, Some(&data), None).unwrap());
        assert_eq!(of("find"), r#"["find","a\"b",{}]"#);
        assert_eq!(of("get"), r#"["get","a\"b",1,{}]"#);
        assert_eq!(of("create"), r#"["create","a\"b",{},{}]"#);
        assert_eq!(of("update"), r#"["update","a\"b",1,{},{}]"#);
        assert_eq!(of("remove"), r#"["remove","a\"b",1,{}]"#);
        assert_eq!(of("shout"), r#"["shout","a\"b",{},{}]"#);
    }

    #[test]
    fn an_id_is_null_or_there() {
        let get = |id| encode(&Method::Get, "a", &id, None, None).map(text);
        assert_eq!(get(IdArg::Null).unwrap(), r#"["get","a",null,{}]"#);
        assert_eq!(get(IdArg::from(0)).unwrap(), r#"["get","a",0,{}]"#);
        for missing in [IdArg::Absent, IdArg::from("")] {
            let error = get(missing).unwrap_err();
            assert_eq!(
                (&*error.message(), error.delivery_status()),
                ("id for .get is required", DeliveryStatus::NotSent)
            );
        }
    }
}
