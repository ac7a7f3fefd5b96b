//! Positional arguments: `["get","messages",1,{}]`, the path, then id and data as the method has them, then the query.

use crate::realtime::Connection;
use crate::service::{
    Query,
    invocation::{Arguments, Caller, Invocation},
};
use std::borrow::Cow;
use wingbeat_core::{Error, Id, IdArg, Method, Payload, Result, json};
use wingbeat_engine::Event;

/// What a client asks for by an event; nothing if it names no path.
#[inline]
pub(super) fn invocation<'e>(connection: &'e Connection, event: &'e Event<'_>) -> Option<Invocation<'e>> {
    let path = event.arg_str(0).and_then(text)?;
    let (name, caller) = (event.name(), Caller::Connection(connection));
    let mut invocation = Invocation::new(path, name, caller, Ok(Arguments::default()));
    invocation.unreadable = read(name, event, &mut invocation.arguments).err();
    Some(invocation)
}

#[inline]
fn read(name: &str, event: &Event<'_>, arguments: &mut Arguments) -> Result<()> {
    // Of custom methods all have the same arguments, whatever their name.
    let (takes_id, takes_data) = match Method::standard(name) {
        Some(method) => (method.takes_id(), method.takes_data()),
        None => (false, true),
    };
    let data_at = 1 + usize::from(takes_id);
    let query_at = data_at + usize::from(takes_data);
    if event.len() > query_at + 1 {
        return Err(Error::bad_request(format!("Too many arguments for '{name}' method")));
    }
    if takes_id {
        arguments.id = id(event.arg_str(1))?;
    }
    if takes_data {
        arguments.data = event.arg(data_at).map(Payload::from);
    }
    if !event.attachments().is_empty() && event.arg(query_at).is_some_and(|query| !query.attachments().is_empty()) {
        return Err(Error::bad_request("Invalid query: it must not contain bytes"));
    }
    if let Some(query) = query(event.arg_str(query_at))? {
        arguments.params.query = query;
    }
    Ok(())
}

/// A JSON text without its quotes. `None` if the argument is anything else.
fn text(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.as_bytes().contains(&b'\\') {
        return json::read::<String>(text).ok().map(Into::into);
    }
    Some(inner.into())
}

fn id(given: Option<&str>) -> Result<IdArg> {
    let id = match given {
        None => return Ok(IdArg::Absent),
        Some("null") => return Ok(IdArg::Null),
        Some(given) if given.starts_with('"') => text(given).map(|text| Id::Text(text.into())),
        // Most ids are small whole numbers, which need no parser (saves 300 instructions of a get's 6,000).
        Some(given) if given.len() < 19 && given.bytes().all(|byte| byte.is_ascii_digit()) => {
            given.parse().ok().map(|number: u64| Id::Number(number.into()))
        }
        Some(given) => json::read(given).ok(),
    };
    id.map(IdArg::Id).ok_or_else(|| Error::bad_request("Invalid id: it must be text, a number or null"))
}

/// Nothing if it asks for nothing.
fn query(given: Option<&str>) -> Result<Option<Query>> {
    match given {
        None | Some("{}" | "null") => Ok(None),
        // Text that was sent is JSON; what is left to refuse is a number beyond every type.
        Some(given) => {
            let query = json::read(given).map_err(|_| Error::bad_request("Invalid query: number out of range"))?;
            Query::from_value(query).map(Some)
        }
    }
}
