//! Outcomes as HTTP responses.

use super::negotiation::LINES;
use crate::app::{HttpBody, Outcome};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method as Verb, Response, StatusCode};
use std::hash::{DefaultHasher, Hasher};
use wingbeat_core::{Error, Result};

/// The largest answer that has an `ETag`: to make one costs time that a larger one had better spend on its way.
const MAX_TAGGED: usize = 1 << 20;

/// Status and headers, as hooks have them.
fn start(outcome: &Outcome) -> Result<(StatusCode, HeaderMap)> {
    let status = StatusCode::from_u16(outcome.status());
    let status = status.map_err(|_| Error::internal(format!("A hook has set the status {}", outcome.status())))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    for (name, value) in outcome.headers().chain(outcome.location().map(|location| ("location", location))) {
        let invalid = || Error::internal(format!("A hook has set the header '{name}' to an invalid value"));
        let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        let name = HeaderName::try_from(name).map_err(|_| invalid())?;
        headers.insert(name, value);
    }
    Ok((status, headers))
}

/// The response of a find that has succeeded, as lines; nothing where it has no body.
pub(super) fn in_lines(
    outcome: &Outcome,
    body: impl FnOnce(&Outcome) -> HttpBody,
) -> Result<Option<Response<HttpBody>>> {
    let (status, mut headers) = start(outcome)?;
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok(None);
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(LINES));
    let mut response = Response::new(body(outcome));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(Some(response))
}

/// The response of a call that has succeeded.
pub(super) fn answered(head: &Parts, outcome: Outcome) -> Result<Response<HttpBody>> {
    let (status, mut headers) = start(&outcome)?;
    let body = match status {
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Bytes::new(),
        _ => outcome.into_result().with_buffers(),
    };
    if body.is_empty() {
        return Ok(response(status, headers, body));
    }
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    headers.entry(header::CONTENT_TYPE).or_insert(json);
    if body.len() <= MAX_TAGGED && !headers.contains_key(header::ETAG) {
        headers.insert(header::ETAG, tag(&body));
    }
    if is_known(head, status, &headers) {
        headers.remove(header::CONTENT_TYPE);
        return Ok(response(StatusCode::NOT_MODIFIED, headers, Bytes::new()));
    }
    // The others' is said by who writes the body.
    if head.method == Verb::HEAD {
        headers.insert(header::CONTENT_LENGTH, body.len().into());
    }
    Ok(response(status, headers, body))
}

fn response(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::whole(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A weak tag, of length and hash as in Express. Nobody trusts it: who could make two answers with one hash could as well
/// send the second one.
fn tag(body: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    let mut tag = Vec::with_capacity(32);
    tag.extend_from_slice(b"W/\"");
    let length = body.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    push_hexadecimal(&mut tag, &length[zeros..]);
    tag.push(b'-');
    push_hexadecimal(&mut tag, &hasher.finish().to_be_bytes());
    tag.push(b'"');
    HeaderValue::from_bytes(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// Two digits for each byte. `format!` takes 350 instructions for those of a tag.
fn push_hexadecimal(text: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |half: u8| b"0123456789abcdef"[usize::from(half)];
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

/// Whether the client has this answer already (RFC 9110, section 13.1.2).
fn is_known(head: &Parts, status: StatusCode, headers: &HeaderMap) -> bool {
    let asks = head.headers.contains_key(header::IF_NONE_MATCH);
    let asks = asks && matches!(head.method, Verb::GET | Verb::HEAD) && status == StatusCode::OK;
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).filter(|_| asks) else { return false };
    let known = head.headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    known.flat_map(|list| list.split(',')).any(|one| one.trim() == "*" || strong(one) == strong(tag))
}
