//! What a server answers to a request, or what stands between it and the client.

use crate::connection::received_error;
use crate::error::{Error, Foreign, Problem, Result};
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
        return redirected(status, headers, &body);
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

/// A token does not go where an answer says, and a create does not become a get: redirects are not followed.
fn redirected(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Result<RawJson> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let to: String = text(header::LOCATION).chars().take(SHOWN).collect();
    match status {
        // Where a hook has set a location, services answer so, and the result is in the body.
        StatusCode::SEE_OTHER if text(header::CONTENT_TYPE).starts_with("application/json") => json(body)
            .map_err(|error| unreadable(format!("{} (HTTP {status}, to '{to}'): {}", error.message(), shown(body)))),
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => {
            let message = format!("HTTP {status}: the server redirects to '{to}': use that URL");
            Err(Error::Answered(foreign(wingbeat_core::Error::general(message))))
        }
        _ => Err(unreadable(format!("HTTP {status}: redirects are not followed; the server names '{to}'"))),
    }
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
    // Subclasses have names of their own. A code proves nothing: proxies write it as well.
    let is_of_feathers = |value: &Value| {
        let name = value.get("name").and_then(Value::as_str).and_then(ErrorKind::from_name);
        name.is_some() || value.get("className").is_some_and(Value::is_string)
    };
    match read {
        Some(error) if is_of_feathers(&error) => Error::Answered(received_error(text_of(&error))),
        // It says nothing of what the server behind it has done. From 520 on they are Cloudflare's.
        _ if matches!(status.as_u16(), 502..=504 | 520..=530) => {
            Error::Unanswered(Problem::new(format!("HTTP {status}, from before the server: {}", shown(&body))))
        }
        // Koa's, of what is no error of Feathers, or a proxy's.
        Some(Value::Object(mut error)) if error.get("message").is_some_and(Value::is_string) => {
            error.insert("code".to_owned(), status.as_u16().into());
            Error::Answered(foreign(received_error(text_of(&error.into()))))
        }
        _ => {
            let kind = ErrorKind::from_code(status.as_u16()).unwrap_or(ErrorKind::GeneralError);
            Error::Answered(foreign(wingbeat_core::Error::new(kind, format!("HTTP {status}: {}", shown(&body)))))
        }
    }
}

/// An error that is perhaps not the server's.
fn foreign(error: wingbeat_core::Error) -> wingbeat_core::Error {
    error.with_source(Foreign)
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
            (502, r#"{"name":"Own","message":"of a subclass","code":502,"className":"own"}"#, 502, "of a subclass"),
            (401, r#"{"code":4001,"message":"of an ingress"}"#, 401, "of an ingress"),
            (500, "<html>broken</html>", 500, "HTTP 500 Internal Server Error: <html>broken</html>"),
            (418, "[]", 500, "HTTP 418 I'm a teapot: []"),
            (400, "", 400, "HTTP 400 Bad Request: "),
        ] {
            let error = of(status, &[], body).unwrap_err();
            assert_eq!((error.code(), &*error.message()), (Some(code), message));
        }
    }

    #[test]
    fn a_gateway_does_not_say_what_has_become_of_a_call() {
        let own = r#"{"code":504,"name":"upstream timeout","message":"upstream request timeout"}"#;
        for status in [502, 503, 504, 520, 524, 530] {
            for body in ["<html>", "", r#"{"message":"Endpoint request timed out"}"#, own] {
                let error = of(status, &[], body).unwrap_err();
                assert_eq!(error.delivery_status(), DeliveryStatus::Unknown, "{status} {body}: {error}");
            }
        }
    }

    #[test]
    fn a_redirect_is_an_error_that_says_where_the_services_are() {
        for status in [301, 302, 307, 308] {
            let error = of(status, &[("location", "https://a.example/")], "<html>").unwrap_err();
            assert!(matches!(error, Error::Answered(_)) && error.code() == Some(500), "{error:?}");
            assert!(error.message().contains("redirects to 'https://a.example/': use that URL"), "{error}");
        }
    }

    #[test]
    fn a_result_beside_a_location_is_read() {
        let location = ("location", "/messages/7");
        assert_eq!(of(303, &[JSON, location], r#"{"id":7}"#).unwrap(), r#"{"id":7}"#);
        for (kind, body) in [("text/html", "<html>"), ("application/json", ""), ("text/plain", "See Other")] {
            let error = of(303, &[("content-type", kind), location], body).unwrap_err();
            assert!(matches!(error, Error::Unreadable(_)) && error.message().contains("'/messages/7'"), "{error}");
        }
    }

    #[test]
    fn what_is_no_answer_of_feathers_is_told() {
        for (status, headers, body, why) in [
            (200, ("content-type", "text/html"), "<html>login</html>", "type 'text/html'): <html>login"),
            (200, JSON, "", "Invalid JSON"),
            (200, JSON, "{\"a\":", "Invalid JSON"),
            (200, ("content-encoding", "gzip"), "x", "compressed (gzip)"),
            (304, ("location", ""), "", "HTTP 304"),
        ] {
            let error = of(status, &[headers], body).unwrap_err();
            assert!(matches!(error, Error::Unreadable(_)) && error.message().contains(why), "{error}");
        }
        assert!(of(200, &[JSON], &"[".repeat(1_000_000)).is_err());
    }
}
