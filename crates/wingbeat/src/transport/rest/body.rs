//! The data of a request.

use super::refused::Refused;
use crate::app::HttpBody;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;
use wingbeat_core::{Error, Payload, RawJson, query_string};

/// Reads the body of a request. As in Express a request without one has the data `{}`, and so has one that is plain text.
pub(super) async fn data(headers: &HeaderMap, body: HttpBody, limit: usize) -> Result<Payload, Refused> {
    let nothing = || Payload::from(Value::Object(serde_json::Map::new()));
    let kind = Kind::of(headers)?;
    let body = collected(body, limit).await?;
    Ok(match kind {
        _ if body.is_empty() => nothing(),
        Kind::Json => json(body)?,
        Kind::Form => Value::Object(query_string::parse(text(&body)?)?).into(),
        Kind::Text => nothing(),
        Kind::Other => {
            let error = Error::bad_request("Unsupported body: send `Content-Type: application/json`, or a form");
            return Err(Refused { status: Some(StatusCode::UNSUPPORTED_MEDIA_TYPE), ..error.into() });
        }
    })
}

enum Kind {
    Json,
    Form,
    Text,
    Other,
}

impl Kind {
    fn of(headers: &HeaderMap) -> Result<Kind, Refused> {
        let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let unsupported = |error: Error| Refused { status: Some(StatusCode::UNSUPPORTED_MEDIA_TYPE), ..error.into() };
        if !matches!(value(header::CONTENT_ENCODING), "" | "identity") {
            return Err(unsupported(Error::bad_request("Unsupported body: it must not be compressed")));
        }
        let mut parts = value(header::CONTENT_TYPE).split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset =
            parts.find_map(|part| part.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("charset")));
        let is_utf8 =
            |charset: &str| ["utf-8", "utf8", "us-ascii"].iter().any(|name| name.eq_ignore_ascii_case(charset));
        if let Some((_, charset)) = charset.filter(|(_, charset)| !is_utf8(charset.trim_matches('"'))) {
            return Err(unsupported(Error::bad_request(format!("Unsupported charset '{charset}': send UTF-8"))));
        }
        Ok(match &*media {
            "application/json" => Kind::Json,
            media if media.starts_with("application/") && media.ends_with("+json") => Kind::Json,
            "application/x-www-form-urlencoded" => Kind::Form,
            "" | "text/plain" => Kind::Text,
            _ => Kind::Other,
        })
    }
}

async fn collected(body: HttpBody, limit: usize) -> Result<Bytes, Refused> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let error = Error::bad_request(format!("The body is larger than {limit} bytes"));
            Err(Refused { status: Some(StatusCode::PAYLOAD_TOO_LARGE), ..error.into() })
        }
        Err(error) => Err(Error::bad_request("Incomplete body").with_source(error).into()),
    }
}

/// A record or a list: Express takes nothing else either.
fn json(body: Bytes) -> Result<Payload, Refused> {
    let data = RawJson::parse(body)?;
    match data.as_bytes().trim_ascii_start().first() {
        Some(b'{' | b'[') => Ok(data.into()),
        _ => Err(Error::bad_request("Invalid body: it must be a JSON object or list").into()),
    }
}

fn text(body: &[u8]) -> Result<&str, Refused> {
    std::str::from_utf8(body).map_err(|_| Error::bad_request("Invalid body: it is not UTF-8").into())
}
