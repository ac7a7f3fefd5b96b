//! What a server answers to a request, or what stands between it and the client.

use crate::connection::received_error;
use crate::error::{Error, Problem, Result};
use crate::transport::deepest_cause;
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use wingbeat_core::{ErrorKind, RawJson};

/// How much of an answer that cannot be read is shown.
const SHOWN: usize = 200;

/// Reads an answer of up to so many bytes.
pub(super) async fn read(response: Response<Incoming>, limit: usize) -> Result<RawJson> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return unreadable(format!("The answer has more than {limit} bytes (Builder::max_payload)"));
        }
        Error::Unanswered(Problem::new(format!("The answer was cut off: {}", deepest_cause(&*error))))
    })?;
    result(head.status, &head.headers, body.to_bytes())
}

fn unreadable(message: String) -> Error {
    Error::Unreadable(Problem::new(message))
}

fn result(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Result<RawJson> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let coding @ ("gzip" | "deflate" | "br" | "zstd" | "compress") = text(header::CONTENT_ENCODING) {
        return Err(unreadable(format!("HTTP {status}: the answer is compressed ({coding}), which was not asked for")));
    }
    if status.is_redirection() {
        let to: String = text(header::LOCATION).chars().take(SHOWN).collect();
        // A token does not go where an answer says, and a create does not become a get.
        return Err(unreadable(format!("HTTP {status}: redirects are not followed; the server names '{to}'")));
    }
    if !status.is_success() {
        return Err(failure(status, body));
    }
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
        return Ok(RawJson::NULL);
    }
    let kind = text(header::CONTENT_TYPE);
    // Koa sends a text as it is.
    if kind.starts_with("text/plain") {
        return RawJson::new(&*String::from_utf8_lossy(&body)).map_err(Error::unreadable);
    }
    json(&body)
        .map_err(|error| unreadable(format!("{} (HTTP {status}, type '{kind}'): {}", error.message(), shown(&body))))
}

/// The value that a body is, as `response.json()` reads it.
fn json(body: &Bytes) -> wingbeat_core::Result<RawJson> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let text = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body).trim_ascii();
    RawJson::parse(body.slice_ref(text))
}

/// The error in an answer that is one.
fn failure(status: StatusCode, body: Bytes) -> Error {
    let read = json(&body).ok().and_then(|json| json.to::<Value>().ok());
    let known = |value: &Value| {
        let name = value.get("name").and_then(Value::as_str).and_then(ErrorKind::from_name);
        let code = value.get("code").and_then(Value::as_u64);
        name.is_some() || code.is_some()
    };
    match read {
        Some(error) if known(&error) => Error::Answered(received_error(text_of(&error))),
        // A gateway's own: it says nothing of what the server behind it has done.
        _ if matches!(status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT) => {
            Error::Unanswered(Problem::new(format!("HTTP {status}, from before the server: {}", shown(&body))))
        }
        // Koa's, of what is no error of Feathers.
        Some(Value::Object(mut error)) if error.get("message").is_some_and(Value::is_string) => {
            error.insert("code".to_owned(), status.as_u16().into());
            Error::Answered(received_error(text_of(&error.into())))
        }
        _ => {
            let kind = ErrorKind::from_code(status.as_u16()).unwrap_or(ErrorKind::GeneralError);
            Error::Answered(wingbeat_core::Error::new(kind, format!("HTTP {status}: {}", shown(&body))))
        }
    }
}

fn text_of(value: &Value) -> Bytes {
    value.to_string().into()
}

fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(4 * SHOWN)]).trim().chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::DeliveryStatus;
    use http::HeaderValue;

    fn of(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Result<String> {
        let headers =
            headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
        let result = result(StatusCode::from_u16(status).unwrap(), &headers.collect(), Bytes::from(body.to_owned()));
        result.map(|json| String::from_utf8_lossy(json.as_bytes()).into_owned())
    }

    const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

    #[test]
    fn what_succeeded_is_its_json() {
        for (status, body, expected) in [
            (200, " [1] ", "[1]"),
            (201, "\u{feff}{}", "{}"),
            (200, "\"cut \\ud83d\"", "\"cut \\ud83d\""),
            (204, "", "null"),
        ] {
            assert_eq!(of(status, &[JSON], body).unwrap(), expected);
        }
        assert_eq!(of(200, &[("content-type", "text/plain; charset=utf-8")], "a \"text\"").unwrap(), r#""a \"text\"""#);
    }

    #[test]
    fn an_error_is_what_the_server_says_or_else_its_status() {
        for (status, body, code, message) in [
            (404, r#"{"name":"NotFound","message":"m","code":404,"className":"not-found"}"#, 404, "m"),
            (500, r#"{"message":"of koa"}"#, 500, "of koa"),
            (403, r#"{"message":"of another"}"#, 403, "of another"),
            (502, r#"{"name":"BadGateway","message":"of a service","code":502}"#, 502, "of a service"),
            (503, "<html>busy</html>", 503, "HTTP 503 Service Unavailable: <html>busy</html>"),
            (418, "[]", 500, "HTTP 418 I'm a teapot: []"),
            (400, "", 400, "HTTP 400 Bad Request: "),
        ] {
            let error = of(status, &[], body).unwrap_err();
            assert_eq!((error.code(), &*error.message()), (Some(code), message));
        }
    }

    #[test]
    fn a_gateway_does_not_say_what_has_become_of_a_call() {
        for body in ["<html>", "", r#"{"message":"Endpoint request timed out"}"#] {
            assert_eq!(of(504, &[], body).unwrap_err().delivery_status(), DeliveryStatus::Unknown);
        }
    }

    #[test]
    fn what_is_no_answer_of_feathers_is_told() {
        for (status, headers, body, why) in [
            (200, ("content-type", "text/html"), "<html>login</html>", "type 'text/html'): <html>login"),
            (200, JSON, "", "Invalid JSON"),
            (200, JSON, "{\"a\":", "Invalid JSON"),
            (200, ("content-encoding", "gzip"), "x", "compressed (gzip)"),
            (301, ("location", "https://a.example/"), "", "names 'https://a.example/'"),
        ] {
            let error = of(status, &[headers], body).unwrap_err();
            assert!(matches!(error, Error::Unreadable(_)) && error.message().contains(why), "{error}");
        }
        assert!(of(200, &[JSON], &"[".repeat(1_000_000)).is_err());
    }
}
