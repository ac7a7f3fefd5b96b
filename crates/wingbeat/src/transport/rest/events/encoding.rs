//! Events as lines of a stream.

use super::super::one_line;
use crate::realtime::Message;
use serde_json::Value;
use wingbeat_core::RawJson;

/// What a comment looks like that says that the stream is alive.
pub(super) const PING: &[u8] = b": ping\n\n";

/// The first message of a stream. As in Feathers 6 its data is the query of the request.
pub(super) fn connected(path: &str, query: &Value) -> Vec<u8> {
    encoded("connected", query.to_string().as_bytes(), path)
}

pub(super) fn event(message: &Message) -> Vec<u8> {
    encoded(message.event(), &one_line(message.data().with_buffers()), message.path())
}

fn encoded(event: &str, data: &[u8], path: &str) -> Vec<u8> {
    let quoted = |text| RawJson::new(text).unwrap_or(RawJson::NULL);
    let (event, path) = (quoted(event), quoted(path));
    let parts: [&[u8]; 7] =
        [b"data: {\"event\":", event.as_bytes(), b",\"data\":", data, b",\"path\":", path.as_bytes(), b"}\n\n"];
    parts.concat()
}
